//! Errors of the command, and what to do about them.
//!
//! A report is the failure, what caused it, and a hint:
//!
//! ```text
//! error: cannot compile `app.wasm`
//!   cause: invalid WebAssembly at offset 0x2f: type mismatch
//!   hint: ...
//! ```

use crate::artifact::NotAnArtifact;
use crate::limits;
use crate::origin::Origin;
use crate::text::{Bytes, Count};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmaot_compiler::CompileError;
use wasmaot_program::report::{self, Name};
use wasmaot_program::threads::StartError;
use wasmaot_runtime::{CallError, InstantiateError, LinkError, OpenError};
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
    #[error("`{}` is not a WebAssembly module in the text format", shown(path))]
    Text { path: PathBuf, source: wat::Error },
    #[error("`{}` is an artifact already", shown(path))]
    AlreadyCompiled { path: PathBuf },
    #[error("`{}` is an ELF file, not a WebAssembly module", shown(path))]
    Elf { path: PathBuf },
    #[error("the output would overwrite the input `{}`", shown(path))]
    Overwrite { path: PathBuf },
    #[error("the report would overwrite the program `{}`", shown(path))]
    ReportOverProgram { path: PathBuf },
    #[error("`{}` and `{}` would both become `{}`", shown(first), shown(second), shown(output))]
    SameOutput { first: PathBuf, second: PathBuf, output: PathBuf },
    #[error("the module on standard input has no name that the output could be named after")]
    NoName,
    #[error("several modules cannot become one output, `{}`", shown(output))]
    ManyToOne { output: PathBuf },
    #[error("`--json` and the output cannot both go to standard output")]
    JsonAndOutput,
    #[error("cannot limit the memory of this process")]
    MemoryLimit(#[source] io::Error),
    #[error("cannot compile `{}`", shown(path))]
    Compile { path: PathBuf, source: CompileError },
    #[error("{} of {} failed", failed, Count(*all, "module"))]
    Failed { failed: usize, all: usize },
    #[error("`{}` is a standalone executable", shown(path))]
    Executable { path: PathBuf },
    #[error("`{}` is a component, which the command compiles and does not run", shown(path))]
    Component { path: PathBuf },
    #[error("`{}` cannot be an executable: it imports what only a host program can define", shown(path))]
    Imports { path: PathBuf, source: Box<InstantiateError> },
    #[error(
        "`--dir`, `--env`, `--inherit-env` and `--listen` are for executables, and this compiles to none"
    )]
    GrantsWithoutExecutable,
    #[error("`{}` cannot be an executable: it exports no function `_start` without parameters", shown(path))]
    NoProgram { path: PathBuf, functions: Vec<String> },
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
    #[error("`{}` exports no function `_start` without parameters", shown(path))]
    NoStart { path: PathBuf, functions: Vec<String>, misplaced: Option<String> },
    #[error("`{}` exports no function `{}`", shown(path), Name(name))]
    NoFunction { path: PathBuf, name: String, functions: Vec<String> },
    #[error("`{}` takes {}, not {given}", Name(name), Count(*wanted, "argument"))]
    ArgumentCount { name: String, wanted: usize, given: usize },
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

    /// Returns what to do about it, where the causes do not say.
    fn hint(&self) -> Option<String> {
        self.hint_on_files().or_else(|| self.hint_on_programs())
    }

    /// Returns what to do about inputs and outputs.
    fn hint_on_files(&self) -> Option<String> {
        Some(match self {
            Self::Write { path, .. } if path.parent().is_some_and(|folder| !is_folder(folder)) => {
                "the folder does not exist: create it first".into()
            }
            Self::Text { path, .. } if source_language(path).is_some() => {
                let (language, compiler) = source_language(path)?;
                format!("it looks like {language}: compile it to WebAssembly first ({compiler})")
            }
            Self::Empty { .. } | Self::UnknownKind { .. } | Self::Text { .. } | Self::Elf { .. } => {
                "modules (.wasm, or .wat in the text format) and artifacts (.so) are told apart by their content".into()
            }
            Self::AlreadyCompiled { path } => {
                format!("`wasmaot run {0}` runs it, `wasmaot inspect {0}` shows what is in it", shown(path))
            }
            Self::ReportOverProgram { .. } => "name another file with `--report-to`".into(),
            Self::Overwrite { .. } | Self::NoName => "name the output with `-o`".into(),
            Self::SameOutput { .. } => "compile them one by one, with `-o`".into(),
            Self::ManyToOne { .. } => "`-o` takes a folder here, which is created if need be".into(),
            Self::JsonAndOutput => "name another output with `-o`".into(),
            Self::NotAnArtifact { .. } => "`wasmaot compile` makes artifacts".into(),
            Self::Executable { path } => {
                format!("start it by its name; `wasmaot inspect {}` shows what is in it", shown(path))
            }
            Self::Component { .. } => "a host program runs it, with the crate `wasmaot-component`; for a program of its own, build a \
                module (target wasm32-wasip1)"
                .into(),
            Self::Open { source: OpenError::NotProven(_), .. } => "unproven native code can do whatever you can: compile the module \
                with this version, or, if you trust the file as you trust a program, put `--allow-native` in front of it"
                .into(),
            Self::Compile { source: CompileError::Threads(_), .. } => "each thread takes 2 MiB: `--max-memory` and the \
                limits of this process (ulimit) have to leave room; `--jobs 1` needs the least"
                .into(),
            Self::Compile { source: CompileError::Memory { .. }, .. } => limits::raise("--max-memory"),
            Self::Compile { source: CompileError::FunctionSize { .. }, .. } => {
                limits::raise("--max-function-size")
            }
            Self::Compile { source: CompileError::Timeout { .. }, .. } | Self::Overdue { .. } => {
                limits::raise("--timeout")
            }
            Self::GrantsWithoutExecutable => {
                "add `--emit exe`; to `wasmaot run` they are passed when the program is run".into()
            }
            _ => return None,
        })
    }

    /// Returns what to do about modules that cannot be run.
    fn hint_on_programs(&self) -> Option<String> {
        Some(match self {
            Self::WideWasi { .. } => "WASI preview 1 has pointers of 32 bits: build for wasm32".into(),
            Self::Start { .. } => "build it for wasm32-wasip1-threads, whose C library exports it".into(),
            Self::NoStart { misplaced: Some(option), .. } | Self::Misplaced { option, .. } => {
                format!("options of `run` end at the file: put `{option}` in front of it")
            }
            Self::NoStart { functions, .. } => match exported(functions) {
                Some(list) => format!("`--invoke NAME` in front of the file calls another function; {list}"),
                None => NO_FUNCTIONS.into(),
            },
            Self::NoProgram { functions, .. } => format!(
                "compile it to a shared object; {}",
                exported(functions).unwrap_or_else(|| NO_FUNCTIONS.into())
            ),
            Self::NoFunction { functions, .. } => exported(functions).unwrap_or_else(|| NO_FUNCTIONS.into()),
            Self::Imports { source, .. } => unresolved(source, "an executable has")?,
            Self::Instantiate { source, .. } => match **source {
                InstantiateError::Map { .. } => {
                    "an instance reserves 8 GiB of addresses for each memory: a limit of the address \
                    space (ulimit -v) has to leave room for them"
                        .into()
                }
                InstantiateError::NotMetered(_) => "compile it with `--meter`".into(),
                InstantiateError::Limit { limit, .. } => limits::raise(&limits::option(limit.name())),
                _ => unresolved(source, "`wasmaot run` defines")?,
            },
            _ => return None,
        })
    }
}

/// Returns whether the parent of an output exists. That of a bare name is the working directory.
fn is_folder(parent: &Path) -> bool {
    parent.as_os_str().is_empty() || parent.is_dir()
}

/// Returns the language that a file's extension stands for, and what compiles it to WebAssembly.
fn source_language(path: &Path) -> Option<(&'static str, &'static str)> {
    match path.extension()?.to_str()? {
        "c" | "cc" | "cpp" | "cxx" | "h" => Some(("C or C++", "clang --target=wasm32-wasip1 of wasi-sdk")),
        "rs" => Some(("Rust", "cargo build --target wasm32-wasip1")),
        "go" => Some(("Go", "GOOS=wasip1 GOARCH=wasm go build")),
        "zig" => Some(("Zig", "zig build-exe -target wasm32-wasi")),
        "ts" | "js" | "mjs" => Some(("JavaScript", "run it on QuickJS, compiled for wasm32-wasip1")),
        "py" => Some(("Python", "run it on CPython, compiled for wasm32-wasip1")),
        _ => None,
    }
}

const NO_FUNCTIONS: &str = "it exports no functions at all";

/// Returns what to do about a module whose imports are not defined: its origin may tell.
fn unresolved(error: &InstantiateError, has: &str) -> Option<String> {
    let InstantiateError::Unresolved(imports) = error else { return None };
    let origin = Origin::of(imports.iter().map(|import| (&*import.module, &*import.name)));
    Some(match origin {
        Some(origin) => origin.to_string(),
        None => format!(
            "{has} the functions of `wasi_snapshot_preview1` and `wasi_unstable`, and `thread-spawn` of `wasi`, only; for other \
             imports, compile it to a shared object for a host program that defines them"
        ),
    })
}

/// Lists the first few exported functions.
fn exported(functions: &[String]) -> Option<String> {
    const SHOWN: usize = 8;
    let (last, more) = (functions.len().min(SHOWN), functions.len().saturating_sub(SHOWN));
    let names: Vec<_> = functions[..last].iter().map(|name| format!("`{name}`")).collect();
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    (last > 0).then(|| format!("it exports {}{tail}", names.join(", ")))
}
