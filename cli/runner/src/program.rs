//! Where a program starts, and how its end becomes an exit status.

use crate::report;
use wasmaot_runtime::abi::descriptor::{Descriptor, ExportKind, Import, ImportKind};
use wasmaot_runtime::{CallError, Exception, IndexType, LinkError, Linker, Trap};
use wasmaot_wasi::{Version, WasiCtx};

/// What a program exports for being run.
pub const START: &str = "_start";

/// Exit status of a program that trapped: what a shell gives for SIGABRT.
pub const TRAPPED: i32 = 134;

/// What running a module as a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// To call its export `_start`.
    Start,
    /// To instantiate it, which runs its start function.
    Instantiation,
}

/// How a module is run as a program, if it is one.
pub fn entry(descriptor: &Descriptor) -> Option<Entry> {
    let start = descriptor.exports.iter().find(|export| export.name == START);
    let ty = start.and_then(|start| match start.kind {
        ExportKind::Func { index } => descriptor.types.get(descriptor.entry_of(index)?.ty as usize),
        _ => None,
    });
    match ty {
        Some(ty) if ty.params.is_empty() => Some(Entry::Start),
        _ => descriptor.start.map(|_| Entry::Instantiation),
    }
}

/// Whether a module uses WASI, whose pointers have 32 bits, with a first memory whose addresses have 64.
pub fn is_wide(descriptor: &Descriptor) -> bool {
    let imported = descriptor.imports.iter().find_map(|import| match import.kind {
        ImportKind::Memory { ty } => Some(ty),
        _ => None,
    });
    let memory = imported.or(descriptor.memories.first().map(|memory| memory.ty));
    let is_wasi = |import: &Import| Version::ALL.iter().any(|version| version.module() == import.module);
    memory.is_some_and(|ty| ty.index == IndexType::I64) && descriptor.imports.iter().any(is_wasi)
}

/// A linker with those functions of WASI that the imports name.
///
/// # Errors
/// None that can happen: no name is defined twice.
pub fn linker(imports: &[Import]) -> Result<Linker<WasiCtx>, LinkError> {
    let mut linker = Linker::new();
    wasmaot_wasi::add_imports_to_linker(&mut linker, imports, |ctx| ctx)?;
    Ok(linker)
}

/// How a program ended.
#[derive(Debug)]
pub enum End {
    /// By itself, with this status.
    Exit(i32),
    /// By a trap.
    Trap(Trap),
    /// By an exception that nothing caught.
    Exception(Box<Exception>),
}

impl End {
    /// That of a call that did not return.
    ///
    /// # Errors
    /// The error itself, if it is no end of a program.
    pub fn of(error: CallError) -> Result<Self, CallError> {
        match error {
            CallError::Exit(status) => Ok(Self::Exit(status)),
            CallError::Trap(trap) => Ok(Self::Trap(trap)),
            CallError::Exception(exception) => Ok(Self::Exception(exception)),
            error => Err(error),
        }
    }

    /// Reports a trap or an exception.
    pub fn tell(&self) {
        match self {
            Self::Exit(_) => {}
            Self::Trap(trap) => report::note(&report::trap(trap)),
            Self::Exception(exception) => report::note(&report::exception(exception)),
        }
    }

    /// The exit status.
    pub fn status(&self) -> i32 {
        match self {
            Self::Exit(status) => *status,
            Self::Trap(_) | Self::Exception(_) => TRAPPED,
        }
    }
}
