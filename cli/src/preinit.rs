//! `--preinit` of `compile`: initialises a module before it is compiled.
//!
//! **Invariant: without an option that says otherwise, the result depends on the module alone.** The code
//! that runs the initialisation is compiled for the same CPU on every machine.

use crate::bounds::BoundOpts;
use crate::codegen::CodegenOpts;
use crate::error::CliError;
use crate::invoke;
use crate::text;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;
use wasmaot_abi::cpu;
use wasmaot_abi::preinit::Preinit;
use wasmaot_compiler::{CompileError, Emit, OptLevel, Options, TargetCpu};
use wasmaot_program::entry;
use wasmaot_program::limits;
use wasmaot_runtime::{Module, OpenError};
use wasmaot_snapshot::{
    Call, Clock, Directory, Grants, Preinitialised, Random, hot_pages as hot_pages_of, preinit,
    with_hot_pages,
};

/// Options that initialise a module.
#[derive(Debug, clap::Args)]
pub(crate) struct PreinitOpts {
    /// Initialise the module first, and compile the result: calls `_initialize`, then EXPORT [default:
    /// wizer.initialize or wizer-initialize]
    #[arg(long, value_name = "EXPORT", num_args = 0..=1, require_equals = true)]
    preinit: Option<Option<String>>,

    /// Call another export after the initialisation, with arguments separated by commas; may be repeated
    #[arg(long, value_name = "EXPORT[=ARGS]", requires = "preinit")]
    preinit_call: Vec<String>,

    /// Rename the export SRC to DST after the initialisation, replacing any existing DST
    #[arg(long, value_name = "DST=SRC", requires = "preinit", value_parser = renamed)]
    preinit_rename: Vec<(String, String)>,

    /// Environment variable for the initialisation; an empty value grants an empty environment
    #[arg(long, value_name = "K=V", requires = "preinit", value_parser = OsStringValueParser::new().try_map(variable))]
    preinit_env: Vec<Option<(OsString, OsString)>>,

    /// Directory that the initialisation may read, and its path in the module
    #[arg(long, value_name = "HOST::GUEST[:ro]", requires = "preinit", value_parser = OsStringValueParser::new().try_map(directory))]
    preinit_dir: Vec<Directory>,

    /// Grant the initialisation the standard streams
    #[arg(long, requires = "preinit")]
    preinit_inherit_stdio: bool,

    /// Let the initialisation read this machine's clocks; by default they stand at $SOURCE_DATE_EPOCH or 1970
    #[arg(long, requires = "preinit")]
    preinit_real_clock: bool,

    /// Let the initialisation read this machine's random numbers; by default they are derived from the module
    #[arg(long, requires = "preinit")]
    preinit_real_random: bool,

    /// Repeat the calls of --preinit-call on the result and record which memory pages they write, so that
    /// pools copy these pages from the first request on
    #[arg(long, requires = "preinit_call")]
    seed_hot_set: bool,

    /// Time limit of the initialisation: seconds, or a number with ms, s, m or h
    #[arg(long, value_name = "TIME", requires = "preinit", value_parser = text::duration, default_value = "60s")]
    preinit_timeout: Duration,

    /// Maximum size of each linear memory during the initialisation: bytes, or a number with K, M or G
    #[arg(long, value_name = "SIZE", requires = "preinit", value_parser = text::size)]
    preinit_max_memory: Option<u64>,
}

/// A module that was initialised.
pub(crate) struct Initialised {
    pub(crate) wasm: Vec<u8>,
    pub(crate) how: Preinited,
}

/// How a module was initialised.
pub(crate) struct Preinited {
    pub(crate) record: Preinit,
    /// Bytes of memory that it starts with.
    pub(crate) memory_bytes: u64,
    /// If it was asked for, how many pages its calls write, unless they are too many.
    pub(crate) hot_pages: Option<Option<u32>>,
}

impl PreinitOpts {
    /// Returns whether modules are initialised.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.preinit.is_some()
    }

    /// Initialises a module.
    pub(crate) fn initialise(
        &self,
        path: &Path,
        wasm: &[u8],
        codegen: &CodegenOpts,
        bounds: &BoundOpts,
    ) -> Result<Initialised, CliError> {
        let load = |wasm: &[u8]| -> Result<Module, CliError> {
            let compiled = compile(wasm, codegen, bounds);
            let compiled = compiled.map_err(|error| CliError::compile(path, wasm, error))?;
            load(&compiled).map_err(|source| CliError::Open { path: path.into(), source })
        };
        let module = load(wasm)?;
        if entry::is_wide(module.descriptor()) {
            return Err(CliError::WideWasi { path: path.into() });
        }
        let options = self.options(&module)?;
        let failed = |source| CliError::Preinit { path: path.into(), source: Box::new(source) };
        let Preinitialised { mut wasm, record, memory_bytes, .. } =
            preinit(&module, wasm, &options).map_err(failed)?;
        let mut hot_pages = None;
        if self.seed_hot_set {
            let pages = hot_pages_of(&load(&wasm)?, &wasm, &options).map_err(failed)?;
            if let Some(pages) = &pages {
                wasm = with_hot_pages(&wasm, pages).map_err(|error| failed(error.into()))?;
            }
            hot_pages = Some(pages.map(|pages| pages.iter().map(|run| run.count).sum()));
        }
        Ok(Initialised { wasm, how: Preinited { record, memory_bytes, hot_pages } })
    }

    fn options(&self, module: &Module) -> Result<wasmaot_snapshot::Options, CliError> {
        let mut limits = limits::resources();
        limits.memory = self.preinit_max_memory.unwrap_or(limits.memory);
        Ok(wasmaot_snapshot::Options {
            initialiser: self.preinit.clone().flatten(),
            calls: self.preinit_call.iter().map(|text| call(module, text)).collect::<Result<_, _>>()?,
            renamed: self.preinit_rename.clone(),
            clock: if self.preinit_real_clock { Clock::Real } else { Clock::Fixed(source_date_epoch()?) },
            random: if self.preinit_real_random { Random::Real } else { Random::Seeded },
            grants: Grants {
                environment: (!self.preinit_env.is_empty())
                    .then(|| self.preinit_env.iter().flatten().cloned().collect()),
                directories: self.preinit_dir.clone(),
                stdio: self.preinit_inherit_stdio,
            },
            timeout: self.preinit_timeout,
            limits,
            module_limits: limits::of_module(),
        })
    }
}

/// Compiles a module for this process: quickly, and the same on every machine.
fn compile(wasm: &[u8], codegen: &CodegenOpts, bounds: &BoundOpts) -> Result<Vec<u8>, CompileError> {
    let options = Options {
        opt: OptLevel::None,
        cpu: TargetCpu::Level(cpu::V2),
        meter: false,
        ..bounds.add_to(codegen.options(Emit::SharedObject))
    };
    Ok(wasmaot_compiler::compile(wasm, &options, &|_| ())?.bytes)
}

fn load(artifact: &[u8]) -> Result<Module, OpenError> {
    // SAFETY: the compiler has returned these bytes just now, and nothing has changed them since.
    unsafe { Module::from_bytes_trusted(artifact) }
}

/// A value of `--preinit-call`, with arguments by the function's type.
fn call(module: &Module, text: &str) -> Result<Call, CliError> {
    let (export, arguments) = text.split_once('=').unwrap_or((text, ""));
    // What is not exported is reported with all that is.
    let types = entry::function(module.descriptor(), export).map_or(&[][..], |ty| &ty.params);
    let texts: Vec<OsString> = match arguments {
        "" => Vec::new(),
        arguments => arguments.split(',').map(OsString::from).collect(),
    };
    let arguments = match entry::function(module.descriptor(), export) {
        Some(_) => invoke::arguments(export, types, &texts)?,
        None => Vec::new(),
    };
    Ok(Call { export: export.into(), arguments })
}

/// The time that clocks show and files have, in seconds since 1970.
pub(crate) fn source_date_epoch() -> Result<u64, CliError> {
    const NAME: &str = "SOURCE_DATE_EPOCH";
    match std::env::var_os(NAME) {
        None => Ok(0),
        Some(text) => text
            .to_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| CliError::SourceDateEpoch { value: text.to_string_lossy().into() }),
    }
}

/// A value of `--preinit-rename`.
fn renamed(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((new, old)) if !new.is_empty() && !old.is_empty() => Ok((new.into(), old.into())),
        _ => Err("write DST=SRC, the new name and that of an export"),
    }
}

/// A value of `--preinit-env`.
fn variable(text: OsString) -> Result<Option<(OsString, OsString)>, &'static str> {
    let bytes = text.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        None if bytes.is_empty() => Ok(None),
        None => Err("no `=` in it; write NAME=VALUE"),
        Some(0) => Err("no name in front of the `=`"),
        Some(at) => {
            Ok(Some((OsStr::from_bytes(&bytes[..at]).into(), OsStr::from_bytes(&bytes[at + 1..]).into())))
        }
    }
}

/// A value of `--preinit-dir`: as for `--dir`, but always read-only.
fn directory(text: OsString) -> Result<Directory, &'static str> {
    let wasmaot_program::grants::Directory { host, guest, .. } = crate::grants::directory(text)?;
    Ok(Directory { host, guest })
}
