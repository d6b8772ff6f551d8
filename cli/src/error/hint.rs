//! What to do about an error, where its causes do not say.
//!
//! **Invariant: a hint fits what was done.** It names an option only where that was not given, or where
//! another value of it helps, and is left out where there is nothing to add.

use super::{CliError, shown};
use crate::kind::Cut;
use crate::limits;
use crate::origin::Origin;
use crate::source::Failure;
use crate::text::Count;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use wasmaot_abi::slot::MAX_MEMORY64;
use wasmaot_compiler::CompileError;
use wasmaot_runtime::{InstantiateError, LimitKind, OpenError, TrapCode};
use wasmaot_snapshot::{Denied, Grant, PreinitError};
use wasmaot_wasi::WasiError;

impl CliError {
    /// Returns what to do about it, where the causes do not say.
    pub(super) fn hint(&self) -> Option<String> {
        self.hint_on_files().or_else(|| self.hint_on_programs())
    }

    /// Returns what to do about inputs and outputs.
    fn hint_on_files(&self) -> Option<String> {
        Some(match self {
            Self::Write { path, source } => on_write(path, source)?,
            Self::Read { path, source } => on_read(path, source)?,
            Self::Text { path, .. } if source_language(path).is_some() => {
                let (language, compiler) = source_language(path)?;
                format!("it looks like {language}: compile it to WebAssembly first ({compiler})")
            }
            // The message says what is wrong in the text.
            Self::Text { source, .. } if source.is_module => return None,
            Self::Utf16 { .. } => "save it as UTF-8".into(),
            Self::Empty { .. } | Self::UnknownKind { .. } | Self::Text { .. } | Self::Elf { .. } => {
                "modules (.wasm, or .wat in the text format) and artifacts (.so) are told apart by their content".into()
            }
            Self::AlreadyCompiled { path } => {
                format!("`wasmaot run {0}` runs it, `wasmaot inspect {0}` shows what is in it", shown(path))
            }
            Self::ReportOverProgram { .. } => "name another file with `--report-to`".into(),
            Self::Overwrite { named: false, .. } | Self::NoName { folder: None } => {
                "name the output with `-o`".into()
            }
            Self::Overwrite { .. } => "name another output with `-o`".into(),
            Self::NoName { folder: Some(folder) } => {
                format!("name a file in the folder with `-o`, such as `{}`", shown(&folder.join("a.so")))
            }
            Self::SameOutput { .. } => "compile them one by one, each with an `-o` of its own".into(),
            Self::ManyToOne { output } if !output.exists() && output.as_os_str() != "-" => {
                format!("`-o` takes a folder here; one of that name is written `{}/`", shown(output))
            }
            Self::ManyToOne { .. } => "`-o` takes a folder here, which is created if need be".into(),
            Self::JsonAndOutput => "name another output with `-o`".into(),
            Self::NotAnArtifact { .. } => "`wasmaot compile` makes artifacts".into(),
            Self::CompiledAlready { option, .. } => {
                format!("leave it out, or compile the module again with `wasmaot compile {option}`")
            }
            Self::Executable { path } => {
                format!("start it by its name; `wasmaot inspect {}` shows what is in it", shown(path))
            }
            Self::Component { .. } => "compile it to a shared object, which `wasmaot run` runs; for an executable, build a module \
                (target wasm32-wasip1)"
                .into(),
            Self::ImageOfModule { path } => format!(
                "`wasmaot compile --emit exe {}` makes one; `--kind wasm` makes a Wasm artifact of the module itself",
                shown(path)
            ),
            Self::ImageOfArtifact { .. } => {
                "compile the module with `--emit exe`, or name `--kind volume` for an image that only carries the artifact".into()
            }
            Self::DynamicCommand => "use that of a release, or build it in a clone (`cargo build --release -p wasmaot`)".into(),
            Self::NotAnExecutable { .. } => "`wasmaot compile --emit exe` makes executables".into(),
            Self::NoNameInImage { .. } => "name a file".into(),
            Self::Damaged { .. } => "copy or download it again, or compile the module again".into(),
            Self::OfAnotherModule { module, .. } => {
                format!("`wasmaot compile {}` makes one, which records the module", shown(module))
            }
            Self::SameCpu { .. } => "compile one with another `--target-cpu`".into(),
            Self::PrecompiledWithoutWasm => "leave it out, or add `--kind wasm` and name the module".into(),
            Self::Open { source, .. } => on_open(source)?.into(),
            Self::Compile { source, .. } => on_compile(source)?,
            Self::Overdue { .. } => limits::raise("--timeout"),
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
            Self::NoStart { parameters: Some(_), .. } => {
                "`--invoke _start` in front of the file calls it with arguments; a program's `_start` has none".into()
            }
            Self::NoStart { functions, .. } => match exported(functions) {
                Some(list) => format!("`--invoke NAME` in front of the file calls another function; {list}"),
                None => NO_FUNCTIONS.into(),
            },
            Self::Wave { .. } => "`--invoke 'name(arguments)'` takes values in WAVE: numbers, \"text\", 'c', true, [1, 2], {field: 1}, (1, \"two\"), \
                some(1), ok, case(1), {flag}"
                .into(),
            Self::Listen { .. } => "`--tcp` lets it make sockets by itself".into(),
            Self::ForComponents { .. } => "`--listen` gives a module a socket that accepts connections".into(),
            Self::NoRun { path, functions }
                if functions.iter().any(|name| name.starts_with("wasi:http/incoming-handler@")) =>
            {
                format!("`wasmaot serve {}` answers HTTP requests with it", shown(path))
            }
            Self::NoRun { functions, .. } => match exported(functions) {
                Some(list) => format!("`--invoke 'NAME(ARGUMENTS)'` in front of the file calls a function; {list}"),
                None => NO_FUNCTIONS.into(),
            },
            Self::RunComponent { source, .. } if matches!(**source, wasmaot_component::Error::Imports(_)) => {
                "`wasmaot run` defines the interfaces of WASI 0.2; a host program defines others, with the crate \
                  `wasmaot-component`"
                    .into()
            }
            Self::NoProgram { functions, .. } => format!(
                "compile it to a shared object, whose functions `wasmaot run --invoke` calls; {}",
                exported(functions).unwrap_or_else(|| NO_FUNCTIONS.into())
            ),
            Self::Grants(error) => on_grant(error)?,
            Self::ArgumentCount { parameters, .. } if parameters.is_empty() => return None,
            Self::ArgumentCount { parameters, .. } => format!("its parameters are ({parameters})"),
            Self::NoFunction { functions, .. } => exported(functions).unwrap_or_else(|| NO_FUNCTIONS.into()),
            Self::Imports { source, .. } => unresolved(source, "an executable has")?,
            Self::Preinit { source, .. } => preinit_hint(source)?,
            Self::Instantiate { source, .. } => match **source {
                InstantiateError::Map { .. } => {
                    "an instance reserves 8 GiB of addresses for each memory: a limit of the address \
                    space (ulimit -v) has to leave room for them"
                        .into()
                }
                InstantiateError::NotMetered(_) => "compile it with `--meter`".into(),
                InstantiateError::Limit { limit: LimitKind::Memory, value: MAX_MEMORY64, .. } => {
                    "larger memories are not supported".into()
                }
                InstantiateError::Limit { limit, .. } => limits::raise(&limits::option(limit.name())),
                _ => unresolved(source, "`wasmaot run` defines")?,
            },
            _ => return None,
        })
    }
}

/// Three lines of C that a program is initialised by.
const INITIALISER: &str =
    "add one, in C for instance (`initialise` is the program's own; `--preinit=EXPORT` names another export):
  void __wasm_call_ctors(void);
  __attribute__((export_name(\"wizer.initialize\"))) void preinit(void) { __wasm_call_ctors(); initialise(); }
  __attribute__((export_name(\"wizer.resume\"))) void resume(void) { exit(main(0, 0)); }";

/// Returns what to do about an initialisation that failed.
fn preinit_hint(error: &PreinitError) -> Option<String> {
    Some(match error {
        PreinitError::NoInitialiser => INITIALISER.into(),
        PreinitError::NoFunction { functions, .. } => exported(functions).unwrap_or_else(|| NO_FUNCTIONS.into()),
        PreinitError::Denied { denied: Denied { grant, .. }, .. } => match grant {
            Some(Grant::Environment) => {
                "`--preinit-env NAME=VALUE` grants a variable, `--preinit-env ''` an empty environment; either becomes a part of the artifact".into()
            }
            Some(Grant::Directory) => {
                "`--preinit-dir HOST::GUEST:ro` grants a directory; what is read becomes a part of the artifact".into()
            }
            Some(Grant::Stdio) => "`--preinit-inherit-stdio` grants the standard streams".into(),
            Some(Grant::RealClock) => "`--preinit-real-clock` grants the clocks of this machine".into(),
            None => "no option grants it: call it after the initialisation".into(),
        },
        PreinitError::Trap { trap, .. } if trap.code == TrapCode::DeadlineExceeded => {
            format!("{}; a loop that waits for time to pass needs `--preinit-real-clock`", limits::raise("--preinit-timeout"))
        }
        _ => return None,
    })
}

/// Returns what to do about an output that cannot be written.
fn on_write(path: &Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::NotADirectory => on_path_through_file(path),
        // A folder was to be made.
        ErrorKind::AlreadyExists => Some("it is a file: name a folder".into()),
        ErrorKind::IsADirectory => Some("a folder has that name: choose another".into()),
        ErrorKind::NotFound if !path.parent().is_some_and(is_folder) => {
            Some("the folder does not exist: create it first".into())
        }
        _ => None,
    }
}

/// Returns whether the parent of an output exists. That of a bare name is the working directory.
fn is_folder(parent: &Path) -> bool {
    parent.as_os_str().is_empty() || parent.is_dir()
}

/// Returns what to do about an artifact that cannot be loaded.
fn on_open(error: &OpenError) -> Option<&'static str> {
    match error {
        OpenError::NotProven(_) => Some(
            "unproven native code can do whatever you can: compile the module with this version, or, if you trust the file as you trust a \
             program, put `--allow-native` in front of it",
        ),
        OpenError::Truncated { .. } | OpenError::FileSize { .. } | OpenError::Checksum { .. } => {
            Some("the file is not what was written: copy or download it again, or compile the module again")
        }
        OpenError::Elf { .. }
        | OpenError::Forbidden(_)
        | OpenError::DynamicTag { .. }
        | OpenError::NoModule => Some("`wasmaot compile` makes artifacts"),
        _ => None,
    }
}

/// Returns what to do about an input that cannot be read.
fn on_read(path: &Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::NotADirectory => on_path_through_file(path),
        ErrorKind::IsADirectory => Some("it is a folder: name a file in it".into()),
        _ => None,
    }
}

/// Names the part of a path that is no folder.
fn on_path_through_file(path: &Path) -> Option<String> {
    let file = path.ancestors().skip(1).find(|part| part.exists() && !part.is_dir())?;
    Some(format!("`{}` is a file, not a folder", shown(file)))
}

/// Returns what to do about a module that the compiler refuses.
fn on_compile(failure: &Failure) -> Option<String> {
    if let Some(Cut { section, missing }) = failure.cut {
        let missing = Count(usize::try_from(missing).unwrap_or(usize::MAX), "byte");
        return Some(format!(
            "the file is cut off or damaged: what begins at offset {section:#x} lacks at least {missing}; copy, download or build it again"
        ));
    }
    Some(match failure.error {
        CompileError::Threads(_) => "each thread takes 2 MiB: `--max-memory` and the limits of this process (ulimit) have to leave room; \
            `--jobs 1` needs the least"
            .into(),
        CompileError::Disabled { feature, .. } => format!("compile without `--disable {feature}`"),
        CompileError::Memory { .. } => limits::raise("--max-memory"),
        CompileError::FunctionSize { .. } => limits::raise("--max-function-size"),
        CompileError::Timeout { .. } => limits::raise("--timeout"),
        _ => return None,
    })
}

/// Returns what to do about a directory or an address that cannot be granted.
fn on_grant(error: &WasiError) -> Option<String> {
    let (host, source) = match error {
        WasiError::Directory { host, source, .. } => (host, source),
        WasiError::Listen { source, .. } => {
            return match source.kind() {
                ErrorKind::AddrInUse => Some("another process listens there".into()),
                ErrorKind::AddrNotAvailable => Some("this machine has no such address".into()),
                ErrorKind::PermissionDenied => {
                    Some("ports below 1024 may need rights; choose another".into())
                }
                _ => None,
            };
        }
        _ => return None,
    };
    let bytes = host.as_os_str().as_bytes();
    let single = bytes.iter().position(|&byte| byte == b':').filter(|&at| bytes.get(at + 1) != Some(&b':'));
    match (source.kind(), single) {
        (ErrorKind::NotFound, Some(at)) => {
            let part = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let (outside, inside) = (part(&bytes[..at]), part(&bytes[at + 1..]));
            Some(match inside.as_str() {
                "rw" => format!("`--dir {outside}` may be written to already"),
                _ => format!(
                    "two colons divide the name outside from that inside: `--dir {outside}::{inside}`"
                ),
            })
        }
        (ErrorKind::NotFound, None) => Some("the directory does not exist: create it first".into()),
        (ErrorKind::NotADirectory, _) if host.is_file() => {
            Some("it is a file: grant the directory that it is in".into())
        }
        (ErrorKind::NotADirectory, _) => on_path_through_file(host),
        _ => None,
    }
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
