//! What the command reports when it cannot do what it was asked for.
//!
//! A report is the failure, what caused it, and what to do about it:
//!
//! ```text
//! error: cannot compile `app.wasm`
//!   cause: invalid WebAssembly at offset 0x2f: type mismatch
//!   hint: ...
//! ```

use crate::artifact::NotAnArtifact;
use crate::text::Count;
use std::io;
use std::path::PathBuf;
use wasmaot_compiler::CompileError;
use wasmaot_program::report;
use wasmaot_runtime::{CallError, InstantiateError, LinkError, OpenError};
use wasmaot_wasi::WasiError;

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),
    #[error("cannot write to standard error")]
    Stderr(#[source] io::Error),
    #[error("`{}` is empty", path.display())]
    Empty { path: PathBuf },
    #[error("`{}` is neither an artifact nor a WebAssembly module", path.display())]
    UnknownKind { path: PathBuf },
    #[error("`{}` is not a WebAssembly module in the text format", path.display())]
    Text { path: PathBuf, source: wat::Error },
    #[error("`{}` is an ELF file already", path.display())]
    AlreadyCompiled { path: PathBuf },
    #[error("the output would overwrite the input `{}`", path.display())]
    Overwrite { path: PathBuf },
    #[error("cannot limit the memory of this process")]
    MemoryLimit(#[source] io::Error),
    #[error("cannot compile `{}`", path.display())]
    Compile { path: PathBuf, source: CompileError },
    #[error("`{}` is an executable of its own", path.display())]
    Executable { path: PathBuf },
    #[error("`{}` cannot be an executable: it imports what only a host program can define", path.display())]
    Imports { path: PathBuf, source: Box<InstantiateError> },
    #[error("`--dir`, `--env`, `--inherit-env` and `--listen` are for executables, and this makes none")]
    GrantsWithoutExecutable,
    #[error("`{}` cannot be an executable: it exports no function `_start` without parameters", path.display())]
    NoProgram { path: PathBuf, functions: Vec<String> },
    #[error("cannot load `{}`", path.display())]
    Open { path: PathBuf, source: OpenError },
    #[error("`{}` is not an artifact", path.display())]
    NotAnArtifact { path: PathBuf, source: NotAnArtifact },
    #[error("cannot give the program its directories and sockets")]
    Grants(#[source] WasiError),
    #[error("cannot set up WASI")]
    Wasi(#[source] LinkError),
    #[error("`{}` uses WASI with a memory of 64-bit addresses", path.display())]
    WideWasi { path: PathBuf },
    #[error("`{}` exports no function `_start`", path.display())]
    NoStart { path: PathBuf, functions: Vec<String> },
    #[error("`{}` exports no function `{name}`", path.display())]
    NoFunction { path: PathBuf, name: String, functions: Vec<String> },
    #[error("`{name}` takes {}, not {given}", Count(*wanted, "argument"))]
    ArgumentCount { name: String, wanted: usize, given: usize },
    #[error("argument {position} of `{name}` is `{text}`, which is not {expected}")]
    Argument { name: String, position: usize, text: String, expected: &'static str },
    #[error("cannot instantiate `{}`", path.display())]
    Instantiate { path: PathBuf, source: Box<InstantiateError> },
    #[error("cannot call `{name}`")]
    Call { name: String, source: Box<CallError> },
}

impl CliError {
    /// The report, without a newline at its end.
    pub(crate) fn report(&self) -> String {
        report::error(self, self.hint().as_deref())
    }

    /// Reports it and gives the exit status.
    pub(crate) fn fails(&self) -> i32 {
        report::note(&self.report());
        1
    }

    /// What to do about it, where the causes do not say.
    fn hint(&self) -> Option<String> {
        let hint = match self {
            CliError::Empty { .. } | CliError::UnknownKind { .. } | CliError::Text { .. } => {
                "modules (.wasm, or .wat in the text format) and artifacts (.so) are told apart by their content".into()
            }
            CliError::AlreadyCompiled { path } => {
                format!("`wasmaot run {0}` runs it, `wasmaot inspect {0}` shows what is in it", path.display())
            }
            CliError::Overwrite { .. } => "name another file with `-o`".into(),
            CliError::NotAnArtifact { .. } => "`wasmaot compile` makes artifacts".into(),
            CliError::Executable { path } => format!(
                "start it by its name; `wasmaot inspect {}` shows what is in it",
                path.display()
            ),
            CliError::Imports { .. } => "an executable has the functions of `wasi_snapshot_preview1` and \
                `wasi_unstable` only; compile it to a shared object for a host program that defines the others"
                .into(),
            CliError::GrantsWithoutExecutable => {
                "add `--emit exe`; to `wasmaot run` they are given when the program is run".into()
            }
            CliError::WideWasi { .. } => "WASI preview 1 has pointers of 32 bits: build for wasm32".into(),
            CliError::NoStart { functions, .. } => match exported(functions) {
                Some(list) => format!("`--invoke NAME` calls another function; {list}"),
                None => "it exports no functions at all".into(),
            },
            CliError::NoProgram { functions, .. } => format!(
                "compile it to a shared object; {}",
                exported(functions).unwrap_or_else(|| "it exports no functions at all".into())
            ),
            CliError::NoFunction { functions, .. } => {
                exported(functions).unwrap_or_else(|| "it exports no functions at all".into())
            }
            CliError::Instantiate { source, .. } if matches!(**source, InstantiateError::Unresolved(_)) => {
                "`wasmaot run` defines the functions of `wasi_snapshot_preview1` and `wasi_unstable` only; \
                 other imports take a host program that defines them"
                    .into()
            }
            _ => return None,
        };
        Some(hint)
    }
}

/// Lists the first few exported functions.
fn exported(functions: &[String]) -> Option<String> {
    const SHOWN: usize = 8;
    let (last, more) = (functions.len().min(SHOWN), functions.len().saturating_sub(SHOWN));
    let names: Vec<_> = functions[..last].iter().map(|name| format!("`{name}`")).collect();
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    (last > 0).then(|| format!("it exports {}{tail}", names.join(", ")))
}
