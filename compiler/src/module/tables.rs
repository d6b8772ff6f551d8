//! Decides which tables are constant: they lie in the artifact, and an instance holds nothing of them.
//!
//! **Invariant: a constant table can be seen only by this module's own `call_indirect` and
//! `table.size`, and nothing can change it.** So its elements are known now.

use super::const_expr::{ConstValue, evaluate};
use super::survey::Facts;
use super::{Elem, ElemItems, ElemMode, ModuleInfo, Table};
use wasmaot_abi::descriptor::{ConstExpr, ExportKind};

/// Larger tables stay in the instance unless half of their elements are set.
const SPARSE_LIMIT: u64 = 4096;

/// A table's elements: function indices.
pub(crate) type Elements = Vec<Option<u32>>;

/// The elements of each table that is constant, by table index.
///
/// Element segments that went into one are dropped from the start: their items are removed.
pub(crate) fn extract_constant(module: &mut ModuleInfo<'_>, facts: &Facts) -> Vec<Option<Elements>> {
    (0..module.tables.len() as u32)
        .map(|index| {
            let elements = constant_elements(module, facts, index)?;
            for elem in &mut module.elems {
                if matches!(elem.mode, ElemMode::Active { table, .. } if table == index) {
                    elem.mode = ElemMode::Applied;
                }
            }
            Some(elements)
        })
        .collect()
}

fn constant_elements(module: &ModuleInfo<'_>, facts: &Facts, index: u32) -> Option<Elements> {
    let table = &module.tables[index as usize];
    let exported = module.exports.iter().any(|export| export.kind == ExportKind::Table { index });
    if table.imported || exported || facts.dynamic_tables.contains(&index) || !table.ty.element.is_func_ref()
    {
        return None;
    }
    let segments: Vec<(&ConstExpr, &Elem)> = module
        .elems
        .iter()
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
        let start = evaluate(offset, &module.constants)?.offset()? as usize;
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
fn function_of(module: &ModuleInfo<'_>, expr: &ConstExpr) -> Option<Option<u32>> {
    match evaluate(expr, &module.constants)? {
        ConstValue::Func(func) => Some(Some(func)),
        ConstValue::Null(_) => Some(None),
        _ => None,
    }
}

/// The functions that can be reached from outside compiled code, in ascending order: what exports, the start
/// function, `ref.func`, globals and remaining element segments name.
pub(crate) fn reachable_functions(module: &ModuleInfo<'_>, facts: &Facts) -> Vec<u32> {
    let mut functions = facts.referenced.clone();
    functions.extend(module.start);
    functions.extend(module.exports.iter().filter_map(|export| match export.kind {
        ExportKind::Func { index } => Some(index),
        _ => None,
    }));
    let in_expr = |expr: &ConstExpr| {
        expr.ops
            .iter()
            .filter_map(|op| match *op {
                wasmaot_abi::descriptor::ConstOp::RefFunc { entry } => Some(entry),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    for global in &module.globals {
        functions.extend(global.init.iter().flat_map(in_expr));
    }
    for table in &module.tables {
        functions.extend(table.init.iter().flat_map(in_expr));
    }
    for elem in
        module.elems.iter().filter(|elem| !matches!(elem.mode, ElemMode::Declared | ElemMode::Applied))
    {
        match &elem.items {
            ElemItems::Functions(items) => functions.extend(items),
            ElemItems::Exprs(exprs) => functions.extend(exprs.iter().flat_map(in_expr)),
        }
    }
    // A constant global may hold a reference that code reads as a constant.
    functions.extend(module.constants.iter().filter_map(|value| match *value {
        Some(ConstValue::Func(func)) => Some(func),
        _ => None,
    }));
    functions.into_iter().collect()
}
