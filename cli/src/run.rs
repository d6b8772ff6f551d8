//! `wasmaot run`: runs a program, or calls one function of a module.

use crate::codegen::CodegenOpts;
use crate::error::CliError;
use crate::input::{self, Input};
use crate::progress::Bar;
use crate::text::Name;
use crate::{cache, invoke, items, output, trap};
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use wasmaot_abi::descriptor::{Descriptor, ExportKind};
use wasmaot_abi::types::FuncType;
use wasmaot_compiler::{Emit, Options};
use wasmaot_runtime::{CallError, InstantiateError, Linker, Module, Store, Val};
use wasmaot_wasi::{Version, WasiCtx, WasiCtxBuilder};

/// Run a program, compiling it first if need be
#[derive(Debug, PartialEq, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Artifact, or module (binary or text), told apart by content
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Directory that the program may use, and its name there [default: the same name]; with `:ro` to read only
    #[arg(long = "dir", value_name = "HOST[::GUEST][:ro]", value_parser = OsStringValueParser::new().try_map(Directory::parse))]
    directories: Vec<Directory>,

    /// Environment variable of the program, which has no others
    #[arg(long = "env", value_name = "K=V", value_parser = OsStringValueParser::new().try_map(Variable::parse))]
    environment: Vec<Variable>,

    /// Give the program all variables of this environment; `--env` adds to them
    #[arg(long)]
    inherit_env: bool,

    /// Give the program a socket that listens at this TCP address, as a descriptor after its directories
    #[arg(long = "listen", value_name = "ADDR")]
    listeners: Vec<String>,

    /// Call this export with ARGS by its type and print the results, one per line
    #[arg(long, value_name = "NAME")]
    invoke: Option<String>,

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

-O, --target-cpu and --jobs apply to modules, which are compiled into a cache under
$XDG_CACHE_HOME/wasmaot (or ~/.cache/wasmaot). It can be deleted at any time.

Exit status: the program's own; 134 if it traps; 1 for an error of wasmaot; 2 for wrong usage.";

/// A value of `--dir`.
#[derive(Debug, Clone, PartialEq)]
struct Directory {
    host: PathBuf,
    guest: String,
    read_only: bool,
}

impl Directory {
    /// The last `::` separates: a name inside is less likely to hold one. A directory whose own name ends in `:ro` takes
    /// a slash behind it.
    fn parse(text: OsString) -> Result<Self, &'static str> {
        let bytes = text.as_bytes();
        let (bytes, read_only) = match bytes.strip_suffix(b":ro") {
            Some(rest) if !rest.ends_with(b":") => (rest, true),
            _ => (bytes, false),
        };
        let (host, guest) = match bytes.windows(2).rposition(|pair| pair == b"::") {
            Some(at) => (&bytes[..at], &bytes[at + 2..]),
            None => (bytes, bytes),
        };
        let guest = std::str::from_utf8(guest).map_err(|_| "the name inside is not UTF-8")?;
        match (host, guest) {
            (b"", "") => Err("no directory in it"),
            (b"", _) => Err("no directory in front of the `::`"),
            (_, "") => Err("no name behind the `::`"),
            _ => Ok(Self { host: OsStr::from_bytes(host).into(), guest: guest.into(), read_only }),
        }
    }
}

/// A value of `--env`.
#[derive(Debug, Clone, PartialEq)]
struct Variable {
    key: OsString,
    value: OsString,
}

impl Variable {
    fn parse(text: OsString) -> Result<Self, &'static str> {
        let bytes = text.as_bytes();
        match bytes.iter().position(|&byte| byte == b'=') {
            None => Err("no `=` in it; write NAME=VALUE"),
            Some(0) => Err("no name in front of the `=`"),
            Some(at) => Ok(Self {
                key: OsStr::from_bytes(&bytes[..at]).into(),
                value: OsStr::from_bytes(&bytes[at + 1..]).into(),
            }),
        }
    }
}

/// What a program exports for being run.
const START: &str = "_start";

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
            directories: Vec::new(),
            environment: Vec::new(),
            inherit_env: false,
            listeners: Vec::new(),
            invoke: None,
            codegen: CodegenOpts::DEFAULT,
            arguments,
        })
    }

    /// Runs, and gives the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let module = self.module()?;
        let calls = self.calls(module.descriptor())?;
        let mut store = Store::new(self.wasi()?);
        let mut linker = Linker::new();
        let imports = &module.descriptor().imports;
        for version in Version::ALL {
            if imports.iter().any(|import| import.module == version.module()) {
                wasmaot_wasi::add_version_to_linker(&mut linker, version, |ctx| ctx)
                    .map_err(CliError::Wasi)?;
            }
        }
        let instance = match linker.instantiate(&mut store, &module) {
            Ok(instance) => instance,
            Err(InstantiateError::Run(error)) => return ended("the start function", error),
            Err(error) => {
                return Err(CliError::Instantiate { path: self.file.clone(), source: Box::new(error) });
            }
        };
        for (name, arguments) in calls {
            match instance.call(&mut store, &name, &arguments) {
                Ok(results) => {
                    let lines: String = results.iter().map(|value| format!("{value}\n")).collect();
                    output::print(lines.as_bytes())?;
                }
                Err(error) => return ended(&name, error),
            }
        }
        Ok(0)
    }

    /// The module in the file, compiled if that is needed.
    fn module(&self) -> Result<Module, CliError> {
        let opened = match input::read(&self.file)? {
            Input::Artifact => Module::open(&self.file),
            Input::Source(source) => {
                let options = self.codegen.options(Emit::SharedObject);
                cache::module(&source, &options, || self.compile(&source, &options))?
            }
        };
        opened.map_err(|source| CliError::Open { path: self.file.clone(), source })
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
        let takes_nothing = |name| function(descriptor, name).is_some_and(|ty| ty.params.is_empty());
        let path = || self.file.clone();
        let Some(name) = &self.invoke else {
            return match takes_nothing(START) {
                true => Ok(vec![(START.into(), Vec::new())]),
                // To instantiate it is to run it.
                false if descriptor.start.is_some() => Ok(Vec::new()),
                false => Err(CliError::NoStart { path: path(), functions: functions(descriptor) }),
            };
        };
        let Some(ty) = function(descriptor, name) else {
            return Err(CliError::NoFunction {
                path: path(),
                name: name.clone(),
                functions: functions(descriptor),
            });
        };
        let arguments = invoke::arguments(name, &ty.params, &self.arguments)?;
        let mut calls = Vec::new();
        if takes_nothing(INITIALIZE) && name != INITIALIZE {
            calls.push((INITIALIZE.into(), Vec::new()));
        }
        calls.push((name.clone(), arguments));
        Ok(calls)
    }

    /// What the program is given.
    fn wasi(&self) -> Result<WasiCtx, CliError> {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        let mut builder = WasiCtxBuilder::new();
        builder.inherit_stdio().args([name]);
        if self.invoke.is_none() {
            builder.args(&self.arguments);
        }
        if self.inherit_env {
            // A program finds the first of two variables of one name.
            let given = |name: &OsStr| self.environment.iter().any(|variable| variable.key == name);
            for (name, value) in std::env::vars_os().filter(|(name, _)| !given(name)) {
                builder.env(name, value);
            }
        }
        for Variable { key, value } in &self.environment {
            builder.env(key, value);
        }
        for Directory { host, guest, read_only } in &self.directories {
            let opened = match read_only {
                true => builder.preopen_dir_read_only(host, guest),
                false => builder.preopen_dir(host, guest),
            };
            opened.map_err(CliError::Directory)?;
        }
        for address in &self.listeners {
            builder.listen(address).map_err(CliError::Socket)?;
        }
        Ok(builder.build())
    }
}

/// The exit status of a call that did not return.
fn ended(name: &str, error: CallError) -> Result<i32, CliError> {
    match error {
        CallError::Exit(status) => Ok(status),
        CallError::Trap(trap) => {
            output::note(&trap::report(&trap));
            Ok(trap::STATUS)
        }
        CallError::Exception(exception) => {
            output::note(&trap::report_exception(&exception));
            Ok(trap::STATUS)
        }
        error => Err(CliError::Call { name: name.into(), source: Box::new(error) }),
    }
}

/// The type of an exported function.
fn function<'a>(descriptor: &'a Descriptor, name: &str) -> Option<&'a FuncType> {
    let export = descriptor.exports.iter().find(|export| export.name == name)?;
    match export.kind {
        ExportKind::Func { index } => items::function(descriptor, index),
        _ => None,
    }
}

/// Names of the exported functions.
fn functions(descriptor: &Descriptor) -> Vec<String> {
    let functions = descriptor.exports.iter().filter(|export| matches!(export.kind, ExportKind::Func { .. }));
    functions.map(|export| Name(&export.name).to_string()).collect()
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

    #[test]
    fn directories_and_variables_are_split() {
        let directory = |text: &str| {
            Directory::parse(text.into()).map(|d| (d.host.into_os_string(), d.guest, d.read_only))
        };
        assert_eq!(directory("a"), Ok(("a".into(), "a".into(), false)));
        assert_eq!(directory("a:b::/c"), Ok(("a:b".into(), "/c".into(), false)));
        assert_eq!(directory("a::b::/c"), Ok(("a::b".into(), "/c".into(), false)));
        assert_eq!(directory("a:ro"), Ok(("a".into(), "a".into(), true)));
        assert_eq!(directory("a::/b:ro"), Ok(("a".into(), "/b".into(), true)));
        assert_eq!(directory("a:ro/"), Ok(("a:ro/".into(), "a:ro/".into(), false)));
        assert_eq!(directory("a::ro"), Ok(("a".into(), "ro".into(), false)));
        for none in ["a::", "::b", "", ":ro", "::b:ro"] {
            assert!(directory(none).is_err(), "{none}");
        }
        let variable = |text: &str| Variable::parse(text.into()).map(|v| (v.key, v.value));
        assert_eq!(variable("K=V=W"), Ok(("K".into(), "V=W".into())));
        assert_eq!(variable("K="), Ok(("K".into(), "".into())));
        assert!(variable("K").is_err() && variable("=V").is_err() && variable("").is_err());
    }
}
