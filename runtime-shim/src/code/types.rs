//! Function types by process-wide number, so that a call through a table compares one integer.
//!
//! **Invariant: equal types (see [`wasmaot_abi::canon`]) have equal numbers in every module of the process, and a number never changes
//! its meaning.** Types are never forgotten; their number is bounded by the distinct types of all modules ever opened.

use crate::os::fork::{self, List};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmaot_abi::canon::Types;
use wasmaot_abi::descriptor::{Descriptor, ImportKind};
use wasmaot_abi::types::{FuncType, ValType};

#[derive(Default)]
struct Numbered {
    types: Types,
    /// Those that were looked up so far or lie before one that was.
    shared: Vec<Arc<FuncType>>,
}

static NUMBERED: Mutex<Option<Numbered>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<Numbered>> {
    NUMBERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks the types for a fork.
fn lock_for_fork() -> Box<dyn FnOnce()> {
    let types = lock();
    Box::new(move || drop(types))
}

fn with<R>(f: impl FnOnce(&mut Numbered) -> R) -> R {
    fork::attend(List::Types, lock_for_fork);
    f(lock().get_or_insert_default())
}

/// The number by which reference types of this process name the functions of a type: that in
/// [`HeapType::Concrete`](crate::HeapType::Concrete). Concrete types in it are of this process, too.
pub fn type_number(ty: &FuncType) -> u32 {
    with(|numbered| numbered.types.add_closed(ty))
}

/// The type with a number of this process.
pub(crate) fn lookup(number: u32) -> Arc<FuncType> {
    with(|Numbered { types, shared }| {
        let missing = (shared.len() as u32..=number).map_while(|number| types.get(number));
        shared.extend(missing.map(|ty| Arc::new(ty.clone())));
        shared[number as usize].clone()
    })
}

/// Numbers the types of a module, whose list and groups have been checked.
pub(crate) fn number(descriptor: &Descriptor) -> Vec<u32> {
    with(|Numbered { types, .. }| {
        let mut numbers: Vec<u32> = Vec::with_capacity(descriptor.types.len());
        for group in descriptor.recursion_groups() {
            let start = types.add(&descriptor.types[group.clone()], &numbers);
            numbers.extend((start..).take(group.len()));
        }
        numbers
    })
}

/// Replaces the module's numbers of types by those of the process in all value types. Indices of types stay as they are.
pub(crate) fn renumber(descriptor: &mut Descriptor, numbers: &[u32]) {
    let renumber = |ty: &mut ValType| *ty = ty.renumber(|index| numbers[index as usize]);
    for ty in &mut descriptor.types {
        ty.params.iter_mut().chain(&mut ty.results).for_each(renumber);
    }
    for import in &mut descriptor.imports {
        match &mut import.kind {
            ImportKind::Table { ty } => renumber(&mut ty.element),
            ImportKind::Global { ty } => renumber(&mut ty.value),
            ImportKind::Func { .. } | ImportKind::Memory { .. } | ImportKind::Tag { .. } => {}
        }
    }
    descriptor.tables.iter_mut().for_each(|table| renumber(&mut table.ty.element));
    descriptor.globals.iter_mut().for_each(|global| renumber(&mut global.ty.value));
    descriptor.elems.iter_mut().for_each(|elem| renumber(&mut elem.element));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_types_share_a_number() {
        let ty = |params: &[ValType]| FuncType { params: params.to_vec(), results: vec![ValType::F64] };
        let (a, b) = (type_number(&ty(&[ValType::I32])), type_number(&ty(&[ValType::I64])));
        assert_ne!(a, b);
        assert_eq!(type_number(&ty(&[ValType::I32])), a);
        assert_eq!(*lookup(b), ty(&[ValType::I64]));
    }
}
