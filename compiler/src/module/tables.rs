//! Decides which tables are constant: they lie in the artifact, and an instance holds nothing of them.
//!
//! **Invariant: a constant table can be seen only by this module's own `call_indirect` and
//! `table.size`, and nothing can change it.** So its elements are known now.

use super::const_expr::{ConstExpr, ConstValue};
use super::info::{Elem, ElemItems, ElemMode, ModuleInfo, Table};
use super::survey::Facts;
use crate::index::{EntryIndex, FuncIndex, TableIndex};
use cranelift_entity::{EntityRef, PrimaryMap};
use std::collections::BTreeSet;
use wasmaot_abi::descriptor::ExportKind;

/// Larger tables stay in the instance unless half of their elements are set.
const SPARSE_LIMIT: u64 = 4096;

/// A table's elements.
pub(crate) type Elements = Vec<Option<FuncIndex>>;

/// The elements of each table that is constant.
///
/// Element segments that went into one are dropped from the start: their items are removed.
pub(crate) fn extract_constant(
    module: &mut ModuleInfo<'_>,
    facts: &Facts,
) -> PrimaryMap<TableIndex, Option<Elements>> {
    (0..module.tables.len())
        .map(|index| {
            let index = TableIndex::new(index);
            let elements = constant_elements(module, facts, index)?;
            for elem in module.elems.values_mut() {
                if matches!(elem.mode, ElemMode::Active { table, .. } if table == index) {
                    elem.mode = ElemMode::Applied;
                }
            }
            Some(elements)
        })
        .collect()
}

fn constant_elements(module: &ModuleInfo<'_>, facts: &Facts, index: TableIndex) -> Option<Elements> {
    let table = &module.tables[index];
    let exported =
        module.exports.iter().any(|export| export.kind == ExportKind::Table { index: index.as_u32() });
    if table.imported || exported || facts.dynamic_tables.contains(&index) || !table.ty.element.is_func_ref()
    {
        return None;
    }
    let segments: Vec<(&ConstExpr, &Elem)> = module
        .elems
        .values()
        .filter_map(|elem| match &elem.mode {
            ElemMode::Active { table, offset } if *table == index => Some((offset, elem)),
            _ => None,
        })
        .collect();
    let set: u64 = segments.iter().map(|(_, elem)| elem.items.len() as u64).sum();
    if table.ty.limits.min > SPARSE_LIMIT.max(set * 2) {
        return None;
    }
    let mut elements = initial_elements(module, table)?;
    for (offset, elem) in segments {
        let start = module.evaluate(offset)?.offset()? as usize;
        let functions = functions_of(module, elem)?;
        elements.get_mut(start..start.checked_add(functions.len())?)?.copy_from_slice(&functions);
    }
    Some(elements)
}

fn initial_elements(module: &ModuleInfo<'_>, table: &Table) -> Option<Elements> {
    let value = match &table.init {
        None => None,
        Some(init) => function_of(module, init)?,
    };
    Some(vec![value; table.ty.limits.min as usize])
}

fn functions_of(module: &ModuleInfo<'_>, elem: &Elem) -> Option<Elements> {
    match &elem.items {
        ElemItems::Functions(functions) => Some(functions.iter().copied().map(Some).collect()),
        ElemItems::Exprs(exprs) => exprs.iter().map(|expr| function_of(module, expr)).collect(),
    }
}

/// The function that an expression names, or null; `None` if that is not known yet.
fn function_of(module: &ModuleInfo<'_>, expr: &ConstExpr) -> Option<Option<FuncIndex>> {
    match module.evaluate(expr)? {
        ConstValue::Func(func) => Some(Some(func)),
        ConstValue::Null(_) => Some(None),
        _ => None,
    }
}

/// The functions that can be reached from outside compiled code, in ascending order: what exports, the start
/// function, `ref.func`, globals and remaining element segments name.
pub(crate) fn reachable_functions(
    module: &ModuleInfo<'_>,
    facts: &Facts,
) -> PrimaryMap<EntryIndex, FuncIndex> {
    let mut functions = facts.referenced.clone();
    functions.extend(module.start);
    functions.extend(module.exported_functions().map(|(_, func)| func));
    let initial = module.globals.values().filter_map(|global| global.init.as_ref());
    let initial = initial.chain(module.tables.values().filter_map(|table| table.init.as_ref()));
    functions.extend(initial.flat_map(ConstExpr::functions));
    let kept = |elem: &&Elem| !matches!(elem.mode, ElemMode::Declared | ElemMode::Applied);
    for elem in module.elems.values().filter(kept) {
        match &elem.items {
            ElemItems::Functions(items) => functions.extend(items),
            ElemItems::Exprs(exprs) => functions.extend(exprs.iter().flat_map(ConstExpr::functions)),
        }
    }
    // A constant global may hold a reference that code reads as a constant.
    functions.extend(module.constants.values().filter_map(|value| match *value {
        Some(ConstValue::Func(func)) => Some(func),
        _ => None,
    }));
    functions.into_iter().collect()
}

/// The imported functions that are reached through a thunk, in ascending order: from outside compiled code,
/// through constant tables, by tail calls, and by calls that an exception may pass. Other calls go to the
/// import itself.
pub(crate) fn needed_thunks(
    module: &ModuleInfo<'_>,
    facts: &Facts,
    entries: &PrimaryMap<EntryIndex, FuncIndex>,
    constant: &PrimaryMap<TableIndex, Option<Elements>>,
) -> Vec<FuncIndex> {
    let elements = constant.values().flatten().flatten().flatten();
    let functions = facts.through_thunks.iter().chain(entries.values()).chain(elements);
    let imported = functions.copied().filter(|func| func.as_u32() < module.imported_functions);
    imported.collect::<BTreeSet<_>>().into_iter().collect()
}
