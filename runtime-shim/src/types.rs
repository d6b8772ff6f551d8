//! Function types by process-wide number, so that a call through a table compares one integer.
//!
//! **Invariant: equal types have equal numbers in every module of the process, and a number never changes its
//! meaning.** Types are never forgotten; their number is bounded by the distinct types of all modules ever opened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmaot_abi::types::FuncType;

#[derive(Default)]
pub(crate) struct Interned {
    ids: HashMap<Arc<FuncType>, u32>,
    types: Vec<Arc<FuncType>>,
}

static INTERNED: Mutex<Option<Interned>> = Mutex::new(None);

/// The types, locked.
pub(crate) type Types = MutexGuard<'static, Option<Interned>>;

pub(crate) fn lock() -> Types {
    INTERNED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with<R>(f: impl FnOnce(&mut Interned) -> R) -> R {
    f(lock().get_or_insert_default())
}

/// The number of a type; never 0.
pub(crate) fn intern(ty: &FuncType) -> u32 {
    with(|interned| {
        if let Some(&id) = interned.ids.get(ty) {
            return id;
        }
        let ty = Arc::new(ty.clone());
        interned.types.push(ty.clone());
        let id = interned.types.len() as u32;
        interned.ids.insert(ty, id);
        id
    })
}

/// The type with a number that [`intern`] gave.
pub(crate) fn lookup(id: u32) -> Arc<FuncType> {
    with(|interned| interned.types[id as usize - 1].clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmaot_abi::types::ValType;

    #[test]
    fn equal_types_share_a_number() {
        let ty = |params: &[ValType]| FuncType { params: params.to_vec(), results: vec![ValType::F64] };
        let (a, b) = (intern(&ty(&[ValType::I32])), intern(&ty(&[ValType::I64])));
        assert_ne!(a, b);
        assert_eq!(intern(&ty(&[ValType::I32])), a);
        assert_eq!(*lookup(b), ty(&[ValType::I64]));
    }
}
