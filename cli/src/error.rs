//! Errors of the command, and what to do about them.
//!
//! A report is the failure, what caused it, and a hint:
//!
//! ```text
//! error: cannot compile `app.wasm`
//!   cause: invalid WebAssembly at offset 0x2f: type mismatch
//!   hint: ...
//! ```

mod hint;

use crate::artifact::NotAnArtifact;
use crate::source::{Failure, SyntaxError};
use crate::text::{Bytes, Count};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmaot_compiler::{CompileError, RebuildError};
use wasmaot_image::ImageError;
use wasmaot_program::report::{self, Name};
use wasmaot_program::threads::StartError;
use wasmaot_runtime::{CallError, InstantiateError, LinkError, OpenError};
use wasmaot_signature::KeyError;
use wasmaot_snapshot::PreinitError;
use wasmaot_wasi::WasiError;

/// A path as messages show it: control characters are written as escapes.
fn shown(path: &Path) -> String {
    Name(&path.to_string_lossy()).to_string()
}

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("cannot read `{}`", shown(path))]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`", shown(path))]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot delete `{}`", shown(path))]
    Delete { path: PathBuf, source: io::Error },
    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),
    #[error("cannot write to standard error")]
    Stderr(#[source] io::Error),
    #[error("`{}` is empty", shown(path))]
    Empty { path: PathBuf },
    #[error("`{}` is larger than {}", shown(path), Bytes(*limit))]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("`{}` is neither an artifact nor a WebAssembly module", shown(path))]
    UnknownKind { path: PathBuf },
    #[error("`{}` is text in UTF-16, and modules in the text format are in UTF-8", shown(path))]
    Utf16 { path: PathBuf },
    #[error("`{}` is not a WebAssembly module in the text format", shown(path))]
    Text { path: PathBuf, source: Box<SyntaxError> },
    #[error("`{}` is an artifact already", shown(path))]
    AlreadyCompiled { path: PathBuf },
    #[error("`{}` is an ELF file, not a WebAssembly module", shown(path))]
    Elf { path: PathBuf },
    #[error("the output would overwrite the input `{}`", shown(path))]
    Overwrite { path: PathBuf, named: bool },
    #[error("the report would overwrite the program `{}`", shown(path))]
    ReportOverProgram { path: PathBuf },
    #[error("`{}` and `{}` would both become `{}`", shown(first), shown(second), shown(output))]
    SameOutput { first: PathBuf, second: PathBuf, output: PathBuf },
    #[error("the module on standard input has no name that the output could be named after")]
    NoName { folder: Option<PathBuf> },
    #[error("several modules cannot become one output, `{}`", shown(output))]
    ManyToOne { output: PathBuf },
    #[error("`--json` and the output cannot both go to standard output")]
    JsonAndOutput,
    #[error("cannot limit the memory of this process")]
    MemoryLimit(#[source] io::Error),
    #[error("cannot compile `{}`", shown(path))]
    Compile { path: PathBuf, source: Box<Failure> },
    #[error("{} of {} failed", failed, Count(*all, "module"))]
    Failed { failed: usize, all: usize },
    #[error("{failed} of {} not proven", Count(*all, "file"))]
    NotProven { failed: usize, all: usize },
    #[error("`{}` is not a key", shown(path))]
    Key { path: PathBuf, source: KeyError },
    #[error("the system has no random numbers")]
    Random { source: io::Error },
    #[error("`{}` is not signed by {}", shown(path), if *keys == 1 { "the key" } else { "any of the keys" })]
    NotSigned { path: PathBuf, keys: usize },
    #[error("`{}` cannot be made again", shown(path))]
    Rebuild { path: PathBuf, source: RebuildError },
    #[error(
        "`{}` is not what `{}` compiles to: they differ from byte {offset:#x} on",
        shown(path),
        shown(module)
    )]
    Differs { path: PathBuf, module: PathBuf, offset: usize },
    #[error("`--provenance` is for one output, and this compiles {all}")]
    ProvenanceOfSeveral { all: usize },
    #[error("`{}` has {most} signatures, and no artifact has more", shown(path))]
    Signatures { path: PathBuf, most: usize },
    #[error("`{}` is a standalone executable", shown(path))]
    Executable { path: PathBuf },
    #[error("`{}` is a component, which cannot be an executable", shown(path))]
    Component { path: PathBuf },
    #[error("`{}` is not a component that can be run", shown(path))]
    BadComponent { path: PathBuf, source: wasmaot_component::ComponentError },
    #[error("cannot set up HTTP requests")]
    Http(#[source] wasmaot_wasi_http::ClientError),
    #[error("cannot start the thread that sends HTTP requests")]
    Background(#[source] io::Error),
    #[error("`--listen` is for modules, and `{}` is a component", shown(path))]
    Listen { path: PathBuf },
    #[error("`{option}` is for components, and `{}` is a module", shown(path))]
    ForComponents { path: PathBuf, option: &'static str },
    #[error("`{}` cannot be started: it exports no function `run` of `wasi:cli/run`", shown(path))]
    NoRun { path: PathBuf, functions: Vec<String> },
    #[error("`{}` are no arguments of `{}`: {message}", Name(text), Name(name))]
    Wave { name: String, text: String, message: String },
    #[error("cannot run the component `{}`", shown(path))]
    RunComponent { path: PathBuf, source: Box<wasmaot_component::Error> },
    #[error("`{option}` is for modules, and `{}` is compiled already", shown(path))]
    CompiledAlready { path: PathBuf, option: &'static str },
    #[error("`{}` cannot be an executable: it imports what only a host program can define", shown(path))]
    Imports { path: PathBuf, source: Box<InstantiateError> },
    #[error(
        "`--dir`, `--env`, `--inherit-env` and `--listen` are for executables, and this compiles to none"
    )]
    GrantsWithoutExecutable,
    #[error("{}", no_start(&format!("`{}` cannot be an executable", shown(path)), parameters.as_ref()))]
    NoProgram { path: PathBuf, functions: Vec<String>, parameters: Option<String> },
    #[error("`{}` is a module, and images are made of executables", shown(path))]
    ImageOfModule { path: PathBuf },
    #[error(
        "`{}` is an artifact that no image can run: neither a program nor a component that answers HTTP requests",
        shown(path)
    )]
    ImageOfArtifact { path: PathBuf },
    #[error("`{}` is a program that `wasmaot compile` has not made", shown(path))]
    NotAnExecutable { path: PathBuf },
    #[error("`{}` gives the file in the image no name", shown(path))]
    NoNameInImage { path: PathBuf },
    #[error("`{}` is damaged: its checksum or its length is wrong", shown(path))]
    Damaged { path: PathBuf },
    #[error("`{}` was not compiled from `{}`, or does not say so", shown(path), shown(module))]
    OfAnotherModule { path: PathBuf, module: PathBuf },
    #[error("`{}` is for {cpu}, as one before it is", shown(path))]
    SameCpu { path: PathBuf, cpu: String },
    #[error("`--precompiled` is for `--kind wasm`")]
    PrecompiledWithoutWasm,
    #[error("cannot read the file of this command, which serves the component in the image")]
    OwnFile { source: io::Error },
    #[error("this command is linked to shared libraries, which an image does not have")]
    DynamicCommand,
    #[error("cannot make the image")]
    Image(#[source] ImageError),
    #[error("cannot initialise `{}`", shown(path))]
    Preinit { path: PathBuf, source: Box<PreinitError> },
    #[error("`$SOURCE_DATE_EPOCH` is `{}`, which is no number of seconds", Name(value))]
    SourceDateEpoch { value: String },
    #[error("cannot load `{}`", shown(path))]
    Open { path: PathBuf, source: OpenError },
    #[error("`{}` is not an artifact", shown(path))]
    NotAnArtifact { path: PathBuf, source: NotAnArtifact },
    #[error("`{}` has no file whose name ends in `.so`", shown(path))]
    NoArtifacts { path: PathBuf },
    #[error("cannot grant the program its directories and sockets")]
    Grants(#[source] WasiError),
    #[error("cannot set up WASI")]
    Wasi(#[source] LinkError),
    #[error("`{}` uses WASI with a memory of 64-bit addresses", shown(path))]
    WideWasi { path: PathBuf },
    #[error("cannot start `{}`", shown(path))]
    Start { path: PathBuf, source: Box<StartError> },
    #[error("{}", no_start(&format!("`{}` cannot be started", shown(path)), parameters.as_ref()))]
    NoStart { path: PathBuf, functions: Vec<String>, parameters: Option<String>, misplaced: Option<String> },
    #[error("`{}` exports no function `{}`", shown(path), Name(name))]
    NoFunction { path: PathBuf, name: String, functions: Vec<String> },
    #[error("`{}` takes {}, not {given}", Name(name), Count(*wanted, "argument"))]
    ArgumentCount { name: String, wanted: usize, given: usize, parameters: String },
    #[error("argument {position} of `{}` is `{}`, which is not {expected}", Name(name), Name(text))]
    Argument { name: String, position: usize, text: String, expected: &'static str },
    #[error("{source}")]
    Misplaced { option: String, source: Box<CliError> },
    #[error("cannot start the thread that watches the time")]
    Timer(#[source] io::Error),
    #[error("cannot compile `{}`", shown(path))]
    Overdue { path: PathBuf, source: Overdue },
    #[error("cannot instantiate `{}`", shown(path))]
    Instantiate { path: PathBuf, source: Box<InstantiateError> },
    #[error("cannot call `{}`", Name(name))]
    Call { name: String, source: Box<CallError> },
    #[error("`${variable}` is `{}`: {why}", Name(value))]
    CacheLimit { variable: &'static str, value: String, why: &'static str },
    #[cfg(feature = "serve")]
    #[error(transparent)]
    Serve(Box<wasmaot_serve::ServeError>),
    #[error("there is no cache: neither `$XDG_CACHE_HOME` nor `$HOME` is an absolute path")]
    NoCache,
}

/// A compilation that the process had to be ended for.
#[derive(Debug, thiserror::Error)]
#[error("limit exceeded: the compilation takes longer than {limit:?}, in the passes over one function")]
pub(crate) struct Overdue {
    pub(crate) limit: Duration,
}

impl CliError {
    /// Returns the report, without a newline at its end.
    pub(crate) fn report(&self) -> String {
        report::error(self, self.hint().as_deref())
    }

    /// Reports the error and returns the exit status.
    pub(crate) fn fails(&self) -> i32 {
        report::note(&self.report());
        1
    }

    /// Returns the error of a module from `path`, whose bytes are `source`, that the compiler refuses.
    pub(crate) fn compile(path: &Path, source: &[u8], error: CompileError) -> Self {
        Self::Compile { path: path.into(), source: Failure::new(path, source, error).into() }
    }
}

/// Says that a module cannot be started, where its `_start` may have parameters.
fn no_start(cannot: &str, parameters: Option<&String>) -> String {
    match parameters {
        Some(parameters) => format!("{cannot}: its `_start` has parameters ({parameters})"),
        None => format!("{cannot}: it exports no function `_start`"),
    }
}
