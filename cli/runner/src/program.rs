//! Where a program starts, and how its end becomes an exit status.

use crate::report;
use wasmaot_runtime::abi::descriptor::{Descriptor, ExportKind, Import};
use wasmaot_runtime::{CallError, LinkError, Linker};
use wasmaot_wasi::WasiCtx;

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

/// A linker with those functions of WASI that the imports name.
///
/// # Errors
/// None that can happen: no name is defined twice.
pub fn linker(imports: &[Import]) -> Result<Linker<WasiCtx>, LinkError> {
    let mut linker = Linker::new();
    wasmaot_wasi::add_imports_to_linker(&mut linker, imports, |ctx| ctx)?;
    Ok(linker)
}

/// The exit status of a call that did not return. A trap is reported.
///
/// # Errors
/// The error itself, if it is no end of a program.
pub fn ended(error: CallError) -> Result<i32, CallError> {
    match error {
        CallError::Exit(status) => Ok(status),
        CallError::Trap(trap) => {
            report::note(&report::trap(&trap));
            Ok(TRAPPED)
        }
        CallError::Exception(exception) => {
            report::note(&report::exception(&exception));
            Ok(TRAPPED)
        }
        error => Err(error),
    }
}
