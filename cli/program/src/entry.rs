//! How a module is started as a program: which exports are called, and what defines its imports of WASI.
//!
//! **Invariant: `run` and the runner start the same modules in the same way**, so both ask here.

use crate::limits;
use wasmaot_abi::descriptor::{Descriptor, ExportKind, Import, ImportKind};
use wasmaot_abi::types::FuncType;
use wasmaot_runtime::{IndexType, LinkError, Linker};
use wasmaot_wasi::{Version, WasiCtx};

/// The export that starts a command.
pub const START: &str = "_start";

/// The export that a reactor has called once before any other.
pub const INITIALIZE: &str = "_initialize";

/// The default export, which takes precedence over [`START`].
const DEFAULT: &str = "";

/// Returns the exports that running a module as a program calls, in their order, or `None` if the module is
/// not a program.
///
/// A module whose only entry is its start function is run by instantiating it, so the list is empty.
pub fn entry(descriptor: &Descriptor) -> Option<&'static [&'static str]> {
    let has = |name| function(descriptor, name).is_some_and(|ty| ty.params.is_empty());
    if has(DEFAULT) {
        return Some(if has(INITIALIZE) { &[INITIALIZE, DEFAULT] } else { &[DEFAULT] });
    }
    if has(START) {
        return Some(&[START]);
    }
    if has(INITIALIZE) {
        return Some(&[INITIALIZE]);
    }
    descriptor.start.map(|_| &[][..])
}

/// Returns the type of an exported function.
pub fn function<'a>(descriptor: &'a Descriptor, name: &str) -> Option<&'a FuncType> {
    let export = descriptor.exports.iter().find(|export| export.name == name)?;
    match export.kind {
        ExportKind::Func { index } => function_type(descriptor, index),
        _ => None,
    }
}

/// Returns the type of a function that can be reached from outside: an import, or one with an entry.
pub fn function_type(descriptor: &Descriptor, index: u32) -> Option<&FuncType> {
    let imports = descriptor.imports.iter().filter_map(|import| match import.kind {
        ImportKind::Func { ty } => Some(ty),
        _ => None,
    });
    let ty = imports.clone().nth(index as usize).or_else(|| Some(descriptor.entry_of(index)?.ty))?;
    descriptor.types.get(ty as usize)
}

/// Returns whether a module imports WASI, whose pointers have 32 bits, although the addresses of its first
/// memory have 64.
pub fn is_wide(descriptor: &Descriptor) -> bool {
    let imported = descriptor.imports.iter().find_map(|import| match import.kind {
        ImportKind::Memory { ty } => Some(ty),
        _ => None,
    });
    let memory = imported.or(descriptor.memories.first().map(|memory| memory.ty));
    let is_wasi = |import: &Import| Version::ALL.iter().any(|version| version.module() == import.module);
    memory.is_some_and(|ty| ty.index == IndexType::I64) && descriptor.imports.iter().any(is_wasi)
}

/// Returns a linker with the functions of WASI that occur among the imports, which allows what programs may
/// ask for.
///
/// # Errors
/// Does not fail in practice: no name is defined twice.
pub fn linker(imports: &[Import]) -> Result<Linker<WasiCtx>, LinkError> {
    let mut linker = Linker::new();
    linker.set_module_limits(limits::of_module());
    wasmaot_wasi::add_imports_to_linker(&mut linker, names(imports), |ctx| ctx)?;
    Ok(linker)
}

/// The two names of each import.
pub(crate) fn names(imports: &[Import]) -> impl Iterator<Item = (&str, &str)> + Clone {
    imports.iter().map(|import| (&*import.module, &*import.name))
}
