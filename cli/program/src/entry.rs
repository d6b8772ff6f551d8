//! Which export starts a program, and the linker for the functions of WASI that it imports.

use wasmaot_runtime::abi::descriptor::{Descriptor, ExportKind, Import, ImportKind};
use wasmaot_runtime::{IndexType, LinkError, Linker};
use wasmaot_wasi::{Version, WasiCtx};

/// The export that starts a program.
pub const START: &str = "_start";

/// How a module is started as a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// By a call of its export `_start`.
    Start,
    /// By instantiation, which runs its start function.
    Instantiation,
}

/// Returns how a module is started as a program, or `None` if it is not a program.
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

/// Returns whether a module imports WASI, whose pointers have 32 bits, although the addresses of its first memory have 64.
pub fn is_wide(descriptor: &Descriptor) -> bool {
    let imported = descriptor.imports.iter().find_map(|import| match import.kind {
        ImportKind::Memory { ty } => Some(ty),
        _ => None,
    });
    let memory = imported.or(descriptor.memories.first().map(|memory| memory.ty));
    let is_wasi = |import: &Import| Version::ALL.iter().any(|version| version.module() == import.module);
    memory.is_some_and(|ty| ty.index == IndexType::I64) && descriptor.imports.iter().any(is_wasi)
}

/// Returns a linker with the functions of WASI that occur among the imports.
///
/// # Errors
/// Does not fail in practice: no name is defined twice.
pub fn linker(imports: &[Import]) -> Result<Linker<WasiCtx>, LinkError> {
    let mut linker = Linker::new();
    wasmaot_wasi::add_imports_to_linker(&mut linker, imports, |ctx| ctx)?;
    Ok(linker)
}
