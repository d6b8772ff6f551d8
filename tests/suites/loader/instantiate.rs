//! Instances of modules that came from damaged files.

use wasmaot_abi::descriptor::ImportKind;
use wasmaot_runtime::{Extern, Global, InstantiateError, Linker, Memory, Module, Store, Table, Tag, Val};

/// Instantiates a module that opened, with whatever it asks for, unless that would run code of the file.
pub(crate) fn instantiate(module: &Module) -> Result<(), InstantiateError> {
    if module.descriptor().start.is_some() {
        return Ok(());
    }
    let mut store = Store::new(());
    let mut linker = Linker::new();
    linker.allow_shadowing(true);
    for import in &module.descriptor().imports {
        let (module_name, name) = (import.module.as_str(), import.name.as_str());
        let definition = match import.kind {
            ImportKind::Func { ty } => {
                let ty = module.descriptor().types[ty as usize].clone();
                linker.func_new(module_name, name, ty, |_, _, _| Ok(())).expect("shadowing is allowed");
                continue;
            }
            ImportKind::Global { ty } => {
                let Some(zero) = Val::default_of(ty.value) else { return Ok(()) };
                Extern::Global(Global::new(&mut store, ty, zero)?)
            }
            ImportKind::Tag { ty } => {
                let types = &module.descriptor().types[ty as usize].params;
                Extern::Tag(Tag::new(&mut store, types))
            }
            ImportKind::Memory { ty } => Extern::Memory(Memory::new(&mut store, ty)?),
            ImportKind::Table { ty } => {
                let Some(null) = Val::default_of(ty.element) else { return Ok(()) };
                Extern::Table(Table::new(&mut store, ty, null)?)
            }
        };
        linker.define(module_name, name, definition).expect("shadowing is allowed");
    }
    linker.instantiate(&mut store, module).map(drop)
}
