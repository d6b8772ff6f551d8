//! Types of a module's imports, exports, tables and memories, by Wasm index.
//!
//! **Invariant: an index that leads nowhere gives `None`**, so a malformed descriptor can be asked anything.

use wasmaot_abi::descriptor::{Descriptor, ExportKind, ImportKind, Memory, Table};
use wasmaot_abi::types::{FuncType, GlobalType, MemoryType, TableType};
use wasmaot_program::entry::{self, START};
use wasmaot_program::report::Name;

/// What an import or an export is.
pub(crate) enum Item<'a> {
    Func(Option<&'a FuncType>),
    Table(Option<TableType>),
    Memory(Option<MemoryType>),
    Global(Option<GlobalType>),
    Tag(Option<&'a FuncType>),
}

/// The type of an import.
pub(crate) fn imported<'a>(descriptor: &'a Descriptor, kind: &ImportKind) -> Item<'a> {
    match *kind {
        ImportKind::Func { ty } => Item::Func(descriptor.types.get(ty as usize)),
        ImportKind::Table { ty } => Item::Table(Some(ty)),
        ImportKind::Memory { ty } => Item::Memory(Some(ty)),
        ImportKind::Global { ty } => Item::Global(Some(ty)),
        ImportKind::Tag { ty } => Item::Tag(descriptor.types.get(ty as usize)),
    }
}

/// The type of an export.
pub(crate) fn exported<'a>(descriptor: &'a Descriptor, kind: ExportKind) -> Item<'a> {
    match kind {
        ExportKind::Func { index } => Item::Func(entry::function_type(descriptor, index)),
        ExportKind::Table { index } => Item::Table(tables(descriptor).nth(index as usize).map(|(ty, _)| ty)),
        ExportKind::Memory { index } => {
            Item::Memory(memories(descriptor).nth(index as usize).map(|(ty, _)| ty))
        }
        ExportKind::Global { index } => Item::Global(globals(descriptor).nth(index as usize)),
        ExportKind::Tag { index } => {
            let ty = descriptor.tag_types().nth(index as usize);
            Item::Tag(ty.and_then(|ty| descriptor.types.get(ty as usize)))
        }
    }
}

/// Names of the exported functions.
pub(crate) fn functions(descriptor: &Descriptor) -> Vec<String> {
    let functions = descriptor.exports.iter().filter(|export| matches!(export.kind, ExportKind::Func { .. }));
    functions.map(|export| Name(&export.name).to_string()).collect()
}

/// The parameters of the export `_start`, if it is a function and has any, as people write them.
pub(crate) fn start_parameters(descriptor: &Descriptor) -> Option<String> {
    let ty = entry::function(descriptor, START).filter(|ty| !ty.params.is_empty())?;
    let names: Vec<_> = ty.params.iter().map(ToString::to_string).collect();
    Some(names.join(", "))
}

/// All tables in order of index, and the plan of those that are not imported.
pub(crate) fn tables(descriptor: &Descriptor) -> impl Iterator<Item = (TableType, Option<&Table>)> {
    let imports = descriptor.imports.iter().filter_map(|import| match import.kind {
        ImportKind::Table { ty } => Some((ty, None)),
        _ => None,
    });
    imports.chain(descriptor.tables.iter().map(|table| (table.ty, Some(table))))
}

/// All memories in order of index, and the plan of those that are not imported.
pub(crate) fn memories(descriptor: &Descriptor) -> impl Iterator<Item = (MemoryType, Option<&Memory>)> {
    let imports = descriptor.imports.iter().filter_map(|import| match import.kind {
        ImportKind::Memory { ty } => Some((ty, None)),
        _ => None,
    });
    imports.chain(descriptor.memories.iter().map(|memory| (memory.ty, Some(memory))))
}

/// All globals in order of index.
fn globals(descriptor: &Descriptor) -> impl Iterator<Item = GlobalType> {
    let imports = descriptor.imports.iter().filter_map(|import| match import.kind {
        ImportKind::Global { ty } => Some(ty),
        _ => None,
    });
    imports.chain(descriptor.globals.iter().map(|global| global.ty))
}
