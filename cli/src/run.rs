//! `wasmaot run`: runs a program, or calls one function of a module.
//!
//! **Invariants.** Options end at FILE: nothing behind it changes what the program is granted, or anything
//! else but its arguments. Native code runs only if it is proven to obey the sandbox, or with
//! `--allow-native`; what the command has compiled itself it trusts.

mod calls;
mod component;
#[cfg(test)]
mod tests;

use crate::codegen::CodegenOpts;
use crate::error::CliError;
use crate::grants::GrantOpts;
use crate::limits::{self, LimitOpts};
use crate::network::NetworkOpts;
use crate::opening::Opening;
use crate::output;
use crate::resources::{Recorder, ReportOpts};
use calls::{Call, Request};
use clap::Args;
use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmaot_program::end::End;
use wasmaot_program::entry;
use wasmaot_program::report;
use wasmaot_program::sys;
use wasmaot_program::threads::{self, Record, StartError, Terms};
use wasmaot_program::used::Used;
use wasmaot_runtime::{CallError, Instance, InstantiateError, Module, Store};
use wasmaot_wasi::WasiCtx;

/// Run a program, compiling it first if need be
#[derive(Debug, PartialEq, clap::Args)]
#[command(override_usage = "wasmaot run [OPTIONS] FILE [ARGS]...", after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Artifact or module (binary or text; `-` for standard input). Everything after it is an argument of the
    /// program
    #[arg(value_name = "FILE", required = true, trailing_var_arg = true)]
    command_line: Vec<OsString>,

    #[command(flatten)]
    grants: GrantOpts,

    #[command(flatten)]
    network: NetworkOpts,

    /// Call this export, with ARGS parsed by its type, and print the results, one per line
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,

    /// Run an artifact without proving that its native code obeys the sandbox: it can do anything that you
    /// can
    #[arg(long)]
    allow_native: bool,

    /// Require the artifact to be signed with this public key, in PEM (see `wasmaot sign`); if repeated, with
    /// any of the keys
    #[arg(long = "public-key", value_name = "KEY")]
    public_keys: Vec<PathBuf>,

    #[command(flatten)]
    limits: LimitOpts,

    #[command(flatten)]
    report: ReportOpts,

    #[command(flatten)]
    codegen: CodegenOpts,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot run app.so                                  an artifact of `wasmaot compile`
  wasmaot run app.wasm --verbose in.txt               what stands behind the file belongs to the program
  wasmaot run --dir data::/data --env LANG=C app.so   ./data is /data to the program
  wasmaot run --dir /etc:ro app.so                    the program may read /etc and change nothing there
  wasmaot run --listen 127.0.0.1:8080 app.so          the program accepts connections, as descriptor 3 here
  wasmaot run --invoke add lib.wat 2 40               call one function
  wasmaot run --invoke 'add(2, 40)' lib.so            call one function of a component
  wasmaot run --tcp --allow-dns app.so                a component may connect to hosts by their names
  wasmaot run --timeout 10s --max-memory 64M app.wasm end it after 10 seconds, and let no memory grow beyond 64 MiB
  wasmaot run --fuel 1000000000 app.wasm              end it after this many instructions
  wasmaot run --meter --report json app.wasm          what it used, on standard error

A component is started by its export `run` of `wasi:cli/run` (WASI 0.2); it takes no --listen, as only descriptors of modules can be
passed on. A module is started by its export `_start`, or the default export `` (the empty name); of a reactor, `_initialize` is called. A first `--`
behind FILE is dropped. A module is compiled into a cache (see `wasmaot cache`), to which -O, --target-cpu, --relaxed-simd, --meter,
--disable and --jobs apply. An artifact has its code already: but for --jobs, these are refused for it.
It is proven first (see `wasmaot verify`), once for each content; --allow-native is for those that you trust without. A program may have 4096
threads at a time besides the first; further ones are refused to it. --timeout is one for all threads, --fuel and --cpu-time are for each.

The report has operators (instructions; null if the code does not count them: compile it with --meter), fuel (its limit), fuel_used
(instructions, and for bulk work one for each 64 bytes or table element), wall_ns, cpu_ns (of all threads of this process), memory_bytes (the peak of all memories), host_calls, bytes_read and bytes_written (by calls of WASI), end
(exit, trap or exception), status, and trap (its name, or null). It covers the run, not compiling and loading, and all threads of the
program: those that still run when one of them ends it are stopped first, and their instructions may be up to 180 short.

Exit status: the program's own; 134 if it traps or throws what nothing catches; 1 for an error of wasmaot; 2 for wrong usage. A program
may exit with 134 by itself: `end` of --report json tells the two apart.";

impl Opts {
    /// Parses a command line with no options but the most frequent ones: `wasmaot run [--dir DIR] [--env K=V]
    /// FILE ARGS...`. Returns `None` for any other, and if a value is wrong.
    ///
    /// This is how a program in a pipeline is started, and setting up the general parser would take a fifth
    /// of the time that a small program takes in all. The result is that of the general parser.
    pub(crate) fn of_frequent_options(line: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let is_option = |word: &OsString| word != "-" && word.as_bytes().starts_with(b"-");
        let mut line = line.into_iter().skip(1);
        if line.next()? != "run" {
            return None;
        }
        let mut grants = GrantOpts::default();
        let mut word = line.next()?;
        while is_option(&word) {
            let value = line.next().filter(|value| !is_option(value))?;
            grants.add(&word, value)?;
            word = line.next()?;
        }
        let command_line: Vec<_> = std::iter::once(word).chain(line).collect();
        Some(Self {
            command_line,
            grants,
            network: NetworkOpts::default(),
            invoke: None,
            allow_native: false,
            public_keys: Vec::new(),
            limits: LimitOpts::default(),
            report: ReportOpts::DEFAULT,
            codegen: CodegenOpts::DEFAULT,
        })
    }

    fn file(&self) -> &Path {
        Path::new(&self.command_line[0])
    }

    /// The program's arguments. A first `--` may separate them.
    fn arguments(&self) -> &[OsString] {
        match &self.command_line[1..] {
            [first, rest @ ..] if first == "--" => rest,
            arguments => arguments,
        }
    }

    /// Runs the program and returns the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        sys::end_on_signals_as_init();
        let module = self.module()?;
        if module.descriptor().component.is_some() {
            return self.run_component(module);
        }
        if let Some(option) = self.network.given() {
            return Err(CliError::ForComponents { path: self.file().into(), option });
        }
        if entry::is_wide(module.descriptor()) {
            return Err(CliError::WideWasi { path: self.file().into() });
        }
        let request = Request {
            file: self.file(),
            invoke: self.invoke.as_deref(),
            arguments: self.arguments(),
            command: || Self::augment_args(clap::Command::new("run")),
        };
        let calls = request.calls(module.descriptor())?;
        let context = self.wasi()?;
        let recorder = self.report.recorder(self.file(), self.limits.fuel())?;
        if threads::is_threaded(&module.descriptor().imports) {
            return self.run_threads(&module, context, calls, recorder.map(Arc::new));
        }
        let mut linker = entry::linker(&module.descriptor().imports).map_err(CliError::Wasi)?;
        linker.set_module_limits(self.limits.module());
        // The end of the process takes its instances with it.
        let mut store = ManuallyDrop::new(Store::new(context));
        let limited = store.set_limits(self.limits.limits());
        limited.map_err(|error| self.not_instantiated(InstantiateError::Run(error.into())))?;
        let instance = linker.instantiate(&mut store, &module);
        let end = self.call(&mut store, instance, calls)?;
        let used = || Used { transferred: store.data().transferred(), ..Used::of(&store) };
        finish(&end, recorder.as_ref(), used)
    }

    fn run_threads(
        &self,
        module: &Module,
        context: WasiCtx,
        calls: Vec<Call>,
        recorder: Option<Arc<Recorder>>,
    ) -> Result<i32, CliError> {
        let record = recorder.clone().map(|recorder| -> Record {
            Box::new(move |end, used| recorder.finish(end, used).unwrap_or_else(|error| error.fails()))
        });
        let first = threads::first(
            module,
            context,
            Terms { limits: self.limits.limits(), module: self.limits.module(), record },
        );
        let mut store = first.map_err(|error| match error {
            StartError::Link(error) => CliError::Wasi(error),
            StartError::Instantiate(error) => self.not_instantiated(error),
            error => CliError::Start { path: self.file().into(), source: Box::new(error) },
        })?;
        let instance = threads::instantiate(&mut store);
        let end = self.call(&mut store, instance, calls)?;
        let used = threads::close(&store);
        finish(&end, recorder.as_deref(), || used)
    }

    /// Calls exports, and prints the results if one was asked for by name.
    fn call<T>(
        &self,
        store: &mut Store<T>,
        instance: Result<Instance, InstantiateError>,
        calls: Vec<Call>,
    ) -> Result<End, CliError> {
        let instance = match instance {
            Ok(instance) => instance,
            Err(InstantiateError::Run(error)) => return ended("the start function", error),
            Err(error) => return Err(self.not_instantiated(error)),
        };
        for (name, arguments) in calls {
            match instance.call(store, &name, &arguments) {
                Ok(results) if self.invoke.is_some() => {
                    let lines: String = results.iter().map(|value| format!("{value}\n")).collect();
                    output::print(lines.as_bytes())?;
                }
                Ok(_) => {}
                Err(error) => return ended(&name, error),
            }
        }
        Ok(End::Exit(0))
    }

    fn not_instantiated(&self, error: InstantiateError) -> CliError {
        CliError::Instantiate { path: self.file().into(), source: Box::new(error) }
    }

    /// Returns the module in the file, compiled if need be.
    fn module(&self) -> Result<Module, CliError> {
        let opening = Opening {
            file: self.file(),
            public_keys: &self.public_keys,
            allow_native: self.allow_native,
            codegen: &self.codegen,
            meter: self.limits.fuel().is_some(),
        };
        opening.module()
    }

    /// Returns the program's WASI context.
    fn wasi(&self) -> Result<WasiCtx, CliError> {
        let name = self.file().file_name().unwrap_or(self.file().as_os_str());
        let arguments = if self.invoke.is_none() { self.arguments() } else { &[] };
        self.grants.grants().context(name, arguments, self.limits.wasi()).map_err(CliError::Grants)
    }
}

/// Reports how a program ended and, if that is recorded, what it used. Returns the exit status.
fn finish(end: &End, recorder: Option<&Recorder>, used: impl FnOnce() -> Used) -> Result<i32, CliError> {
    match recorder {
        Some(recorder) => recorder.finish(end, &used()),
        None => {
            end.print();
            if let End::Trap(trap) = end
                && let Some(hint) = limits::hint(trap.code)
            {
                report::note(&format!("  hint: {hint}"));
            }
            Ok(end.status())
        }
    }
}

/// Returns the end of a program whose call did not return.
fn ended(name: &str, error: CallError) -> Result<End, CliError> {
    End::of(error).map_err(|error| CliError::Call { name: name.into(), source: Box::new(error) })
}
