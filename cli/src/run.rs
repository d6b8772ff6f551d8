//! `wasmaot run`: runs a program, or calls one function of a module.

use crate::codegen::CodegenOpts;
use crate::error::CliError;
use crate::grants::GrantOpts;
use crate::input::{self, Input};
use crate::progress::Bar;
use crate::usage::{Recorder, ReportOpts};
use crate::{cache, invoke, items, output};
use std::ffi::OsString;
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use wasmaot_abi::descriptor::{Descriptor, ExportKind};
use wasmaot_abi::types::FuncType;
use wasmaot_compiler::{Emit, Options};
use wasmaot_program::attached::Attached;
use wasmaot_program::end::End;
use wasmaot_program::entry::{self, Entry, START};
use wasmaot_program::threads::{self, Record, StartError, Terms};
use wasmaot_program::used::Used;
use wasmaot_runtime::{CallError, Instance, InstantiateError, Module, OpenError, ResourceLimits, Store, Val};
use wasmaot_wasi::WasiCtx;

/// Run a program, compiling it first if need be
#[derive(Debug, PartialEq, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Artifact, or module (binary or text), told apart by content
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    grants: GrantOpts,

    /// Call this export with ARGS by its type and print the results, one per line
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,

    /// Let the program execute so many operators (each of its threads) and end it with a trap if it goes on; a module is compiled as with --meter
    #[arg(long, value_name = "N")]
    fuel: Option<u64>,

    #[command(flatten)]
    report: ReportOpts,

    #[command(flatten)]
    codegen: CodegenOpts,

    /// Arguments of the program
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_negative_numbers = true)]
    arguments: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot run app.so                                  an artifact of `wasmaot compile`
  wasmaot run app.wasm -- --verbose in.txt            options of the program stand behind `--`
  wasmaot run app.so --dir data::/data --env LANG=C   ./data is /data to the program
  wasmaot run app.so --dir /etc:ro                    the program may read /etc and change nothing there
  wasmaot run app.so --listen 127.0.0.1:8080          the program accepts connections, as descriptor 3 here
  wasmaot run lib.wat --invoke add 2 40               call one function
  wasmaot run app.wasm --fuel 1000000000              end it when it has executed so many operators
  wasmaot run app.wasm --meter --report json          what it used, on standard error

The report has operators (null if the code does not count them: compile it with --meter), fuel, wall_ns, cpu_ns (of all threads of this
process), memory_bytes (the peak of all memories), host_calls, bytes_read and bytes_written (by calls of WASI), end (exit, trap or
exception), status, and trap (its name, or null). It covers the run, not compiling and loading, and all threads of the program: those that
still run when one of them ends it are stopped first, and their operators may be up to 180 short.

-O, --target-cpu, --meter and --jobs apply to modules, which are compiled into a cache under
$XDG_CACHE_HOME/wasmaot (or ~/.cache/wasmaot). It can be deleted at any time.

Exit status: the program's own; 134 if it traps or throws what nothing catches; 1 for an error of wasmaot; 2 for wrong usage.";

/// What a library exports for being called once before anything else.
const INITIALIZE: &str = "_initialize";

/// An export to call, with its arguments.
type Call = (String, Vec<Val>);

impl Opts {
    /// The options of a command line without any: `wasmaot run FILE ARGS...`, or `wasmaot run FILE -- ARGS...`.
    ///
    /// This is what starts a program in a pipeline, and setting up the general parser would take an eighth of the time that
    /// a small program takes in all. It gives the same options.
    pub(crate) fn without_options(line: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut line = line.into_iter().skip(1);
        let command = line.next()?;
        let file = line.next()?;
        let mut arguments: Vec<_> = line.collect();
        let option = |argument: &OsString| argument.as_bytes().starts_with(b"-");
        if command != "run" || file.is_empty() || option(&file) {
            return None;
        }
        match arguments.first() {
            Some(first) if first == "--" => drop(arguments.remove(0)),
            _ if arguments.iter().any(option) => return None,
            _ => {}
        }
        Some(Self {
            file: file.into(),
            grants: GrantOpts::default(),
            invoke: None,
            fuel: None,
            report: ReportOpts::DEFAULT,
            codegen: CodegenOpts::DEFAULT,
            arguments,
        })
    }

    /// Runs, and gives the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let module = self.module()?;
        if entry::is_wide(module.descriptor()) {
            return Err(CliError::WideWasi { path: self.file.clone() });
        }
        let calls = self.calls(module.descriptor())?;
        let context = self.wasi()?;
        let recorder = self.report.recorder(self.fuel)?;
        if threads::is_threaded(&module) {
            return self.run_threads(&module, context, calls, recorder.map(Arc::new));
        }
        let linker = entry::linker(module.imports()).map_err(CliError::Wasi)?;
        // The end of the process takes its instances with it.
        let mut store = ManuallyDrop::new(Store::new(context));
        if self.fuel.is_some() {
            store
                .set_limits(ResourceLimits { fuel: self.fuel, ..ResourceLimits::default() })
                .expect("limits without a deadline need no thread");
        }
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
        let first = threads::first(module, context, Terms { fuel: self.fuel, record });
        let mut store = first.map_err(|error| match error {
            StartError::Link(error) => CliError::Wasi(error),
            StartError::Memory(error) => self.not_instantiated(error),
        })?;
        let instance = threads::instantiate(&mut store);
        let end = self.call(&mut store, instance, calls)?;
        finish(&end, recorder.as_deref(), || threads::close(&store))
    }

    /// Calls exports and prints their results.
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
                Ok(results) => {
                    let lines: String = results.iter().map(|value| format!("{value}\n")).collect();
                    output::print(lines.as_bytes())?;
                }
                Err(error) => return ended(&name, error),
            }
        }
        Ok(End::Exit(0))
    }

    fn not_instantiated(&self, error: InstantiateError) -> CliError {
        CliError::Instantiate { path: self.file.clone(), source: Box::new(error) }
    }

    /// The module in the file, compiled if that is needed.
    fn module(&self) -> Result<Module, CliError> {
        let opened = match input::read(&self.file)? {
            Input::Artifact => Module::open(&self.file),
            Input::Source(source) => {
                let mut options = self.codegen.options(Emit::SharedObject);
                options.meter |= self.fuel.is_some();
                cache::module(&source, &options, || self.compile(&source, &options))?
            }
        };
        opened.map_err(|source| self.not_loaded(source))
    }

    fn not_loaded(&self, source: OpenError) -> CliError {
        let path = self.file.clone();
        match File::open(&path).is_ok_and(|file| Attached::read(&file).is_ok()) {
            true => CliError::Executable { path },
            false => CliError::Open { path, source },
        }
    }

    fn compile(&self, source: &[u8], options: &Options) -> Result<Vec<u8>, CliError> {
        let wasm = input::to_wasm(&self.file, source)?;
        let bar = Bar::new(format!("compiling {}", self.file.display()), true);
        let compiled = wasmaot_compiler::compile(&wasm, options, &|progress| bar.report(progress));
        compiled
            .map(|output| output.bytes)
            .map_err(|source| CliError::Compile { path: self.file.clone(), source })
    }

    /// What to call, in order. Settled before anything of the module runs.
    fn calls(&self, descriptor: &Descriptor) -> Result<Vec<Call>, CliError> {
        let path = || self.file.clone();
        let Some(name) = &self.invoke else {
            return match entry::entry(descriptor) {
                Some(Entry::Start) => Ok(vec![(START.into(), Vec::new())]),
                Some(Entry::Instantiation) => Ok(Vec::new()),
                None => Err(CliError::NoStart { path: path(), functions: items::functions(descriptor) }),
            };
        };
        let Some(ty) = function(descriptor, name) else {
            return Err(CliError::NoFunction {
                path: path(),
                name: name.clone(),
                functions: items::functions(descriptor),
            });
        };
        let arguments = invoke::arguments(name, &ty.params, &self.arguments)?;
        let initialize = function(descriptor, INITIALIZE).is_some_and(|ty| ty.params.is_empty());
        let mut calls = Vec::new();
        if initialize && name != INITIALIZE {
            calls.push((INITIALIZE.into(), Vec::new()));
        }
        calls.push((name.clone(), arguments));
        Ok(calls)
    }

    /// What the program is given.
    fn wasi(&self) -> Result<WasiCtx, CliError> {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        let arguments = if self.invoke.is_none() { &self.arguments[..] } else { &[] };
        self.grants.grants().context(name, arguments).map_err(CliError::Grants)
    }
}

/// Reports how a program ended and, if that is recorded, what it used. Gives the exit status.
fn finish(end: &End, recorder: Option<&Recorder>, used: impl FnOnce() -> Used) -> Result<i32, CliError> {
    match recorder {
        Some(recorder) => recorder.finish(end, &used()),
        None => {
            end.print();
            Ok(end.status())
        }
    }
}

/// How a program ended whose call did not return.
fn ended(name: &str, error: CallError) -> Result<End, CliError> {
    End::of(error).map_err(|error| CliError::Call { name: name.into(), source: Box::new(error) })
}

/// The type of an exported function.
fn function<'a>(descriptor: &'a Descriptor, name: &str) -> Option<&'a FuncType> {
    let export = descriptor.exports.iter().find(|export| export.name == name)?;
    match export.kind {
        ExportKind::Func { index } => items::function(descriptor, index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, PartialEq, Parser)]
    enum Command {
        Run(Opts),
    }

    #[test]
    fn without_options_is_what_the_parser_gives() {
        let lines: [&[&str]; 12] = [
            &["run", "a.so"],
            &["run", "a.so", "one", "two"],
            &["run", "a.so", ""],
            &["run", ""],
            &["run", "a.so", "--"],
            &["run", "a.so", "--", "one", "--dir", "-x", "--"],
            &["run", "a.so", "--", "--", "one"],
            &["run", "a.so", "one", "--", "two"],
            &["run", "a.so", "one", "-2", "--three"],
            &["run", "a.so", "-O0", "one"],
            &["run", "--", "a.so", "one"],
            &["run"],
        ];
        let mut taken = 0;
        for line in lines {
            let line = || std::iter::once("wasmaot").chain(line.iter().copied()).map(OsString::from);
            if let Some(opts) = Opts::without_options(line()) {
                taken += 1;
                let parsed = Command::try_parse_from(line()).expect("a correct line");
                assert_eq!(Command::Run(opts), parsed);
            }
        }
        assert_eq!(taken, 6);
    }
}
