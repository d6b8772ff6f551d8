//! Function types by process-wide number, so that a call through a table compares one integer.
//!
//! Types come in groups (see [`wasmaot_abi::canon`]). A group is kept as long as there is a [`TypeLease`] of
//! it: modules, host functions and tags of the host have one. **Invariants. Equal types have equal numbers in
//! every module of the process, and what has a number that is in use has a lease. A number is used again only
//! for a group whose numbers never were part of a value type**, since value types can be copied by the host,
//! and kept: the numbers of such a group are never used again.

use crate::os::fork::{self, List};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmaot_abi::canon;
use wasmaot_abi::descriptor::{Descriptor, ImportKind};
use wasmaot_abi::types::{FuncType, HeapType, RefType, ValType};

/// The types of a group in the form in which groups are compared.
type Key = Arc<[FuncType]>;

struct Group {
    key: Key,
    types: Vec<Arc<FuncType>>,
    leases: u64,
    /// Its numbers may be part of value types that the host has.
    is_named: bool,
}

#[derive(Default)]
struct Numbered {
    /// By the number of the first member; the others follow.
    groups: BTreeMap<u32, Group>,
    known: HashMap<Key, u32>,
    /// Numbers below `next` that can be used again.
    free: Vec<u32>,
    next: u32,
}

impl Numbered {
    /// Adds a lease of a group, which is added unless it is there. Returns the number of its first member.
    fn lease(&mut self, key: Vec<FuncType>) -> u32 {
        if let Some(&first) = self.known.get(&*key) {
            self.groups.get_mut(&first).expect("known groups are kept").leases += 1;
            return first;
        }
        let first = match key.len() {
            1 => self.free.pop(),
            _ => None,
        };
        let first = first.unwrap_or_else(|| {
            let first = self.next;
            self.next = canon::after(first, key.len());
            first
        });
        let types = canon::unrolled(&key, first).map(Arc::new).collect();
        let key: Key = key.into();
        self.known.insert(key.clone(), first);
        self.groups.insert(first, Group { key, types, leases: 1, is_named: false });
        first
    }

    /// The group of a number, with the number of its first member.
    fn group_of(&mut self, number: u32) -> Option<(u32, &mut Group)> {
        let (&first, group) = self.groups.range_mut(..=number).next_back()?;
        ((number - first) < group.types.len() as u32).then_some((first, group))
    }

    /// Adds leases of the groups that a type refers to, which the host names.
    fn lease_named(&mut self, ty: &FuncType, into: &mut Vec<u32>) {
        for number in ty.params.iter().chain(&ty.results).filter_map(|&ty| concrete(ty)) {
            if let Some((first, group)) = self.group_of(number) {
                group.leases += 1;
                group.is_named = true;
                into.push(first);
            }
        }
    }

    fn release(&mut self, first: u32) {
        let Some(group) = self.groups.get_mut(&first) else { return };
        group.leases -= 1;
        if group.leases > 0 {
            return;
        }
        if let Some(group) = self.groups.remove(&first) {
            self.known.remove(&group.key);
            if !group.is_named {
                self.free.extend((first..).take(group.types.len()));
            }
        }
    }
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

/// Keeps the numbers of groups in use.
#[derive(Debug, Default)]
pub(crate) struct TypeLease {
    /// The number of the first member of each group.
    groups: Vec<u32>,
}

impl Drop for TypeLease {
    fn drop(&mut self) {
        let groups = std::mem::take(&mut self.groups);
        with(|numbered| groups.into_iter().for_each(|first| numbered.release(first)));
    }
}

/// The number by which reference types of this process name the functions of a type: that in
/// [`HeapType::Concrete`](crate::HeapType::Concrete). Concrete types in it are of this process, too. The type
/// is kept from then on.
pub fn type_number(ty: &FuncType) -> u32 {
    let (number, lease) = number_of(ty);
    with(|numbered| {
        if let Some((_, group)) = numbered.group_of(number) {
            group.is_named = true;
        }
    });
    std::mem::forget(lease);
    number
}

/// The number of a type of the host's, as long as the lease is kept.
pub(crate) fn number_of(ty: &FuncType) -> (u32, TypeLease) {
    with(|numbered| {
        let mut groups = Vec::new();
        numbered.lease_named(ty, &mut groups);
        let number = numbered.lease(vec![ty.clone()]);
        groups.push(number);
        (number, TypeLease { groups })
    })
}

/// The type with a number of this process that is in use.
pub(crate) fn lookup(number: u32) -> Arc<FuncType> {
    with(|numbered| {
        let (first, group) = numbered.group_of(number).expect("the number is in use");
        group.types[(number - first) as usize].clone()
    })
}

/// The numbers of a module's types.
#[derive(Debug, Default)]
pub(crate) struct TypeNumbers {
    numbers: Vec<u32>,
    _lease: TypeLease,
}

impl std::ops::Deref for TypeNumbers {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.numbers
    }
}

/// Numbers the types of a module, whose list and groups have been checked.
pub(crate) fn number(descriptor: &Descriptor) -> TypeNumbers {
    with(|numbered| {
        let mut numbers: Vec<u32> = Vec::with_capacity(descriptor.types.len());
        let mut groups = Vec::new();
        for group in descriptor.recursion_groups() {
            let start = numbered.lease(canon::rolled(&descriptor.types[group.clone()], &numbers));
            numbers.extend((start..).take(group.len()));
            groups.push(start);
        }
        TypeNumbers { numbers, _lease: TypeLease { groups } }
    })
}

/// The type that a value type names, if any.
fn concrete(ty: ValType) -> Option<u32> {
    match ty {
        ValType::Ref(RefType { heap: HeapType::Concrete(number), .. }) => Some(number),
        _ => None,
    }
}

/// Replaces the module's numbers of types by those of the process in all value types. Indices of types stay
/// as they are.
pub(crate) fn renumber(descriptor: &mut Descriptor, numbers: &[u32]) {
    let mut named = Vec::new();
    each_value_type(descriptor, |ty| {
        *ty = ty.renumber(|index| numbers[index as usize]);
        named.extend(concrete(*ty));
    });
    with(|numbered| {
        for number in named {
            if let Some((_, group)) = numbered.group_of(number) {
                group.is_named = true;
            }
        }
    });
}

/// Visits all value types of a module.
fn each_value_type(descriptor: &mut Descriptor, mut visit: impl FnMut(&mut ValType)) {
    for ty in &mut descriptor.types {
        ty.params.iter_mut().chain(&mut ty.results).for_each(&mut visit);
    }
    for import in &mut descriptor.imports {
        match &mut import.kind {
            ImportKind::Table { ty } => visit(&mut ty.element),
            ImportKind::Global { ty } => visit(&mut ty.value),
            ImportKind::Func { .. } | ImportKind::Memory { .. } | ImportKind::Tag { .. } => {}
        }
    }
    descriptor.tables.iter_mut().for_each(|table| visit(&mut table.ty.element));
    descriptor.globals.iter_mut().for_each(|global| visit(&mut global.ty.value));
    descriptor.elems.iter_mut().for_each(|elem| visit(&mut elem.element));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(params: &[ValType]) -> FuncType {
        FuncType { params: params.to_vec(), results: vec![ValType::F64] }
    }

    /// A type that no other test has.
    fn odd(seed: usize) -> FuncType {
        takes(&[&[ValType::V128; 7][..], &vec![ValType::F32; seed]].concat())
    }

    fn is_kept(number: u32) -> bool {
        with(|numbered| numbered.group_of(number).is_some())
    }

    #[test]
    fn equal_types_share_a_number() {
        let (a, b) = (type_number(&takes(&[ValType::I32])), type_number(&takes(&[ValType::I64])));
        assert_ne!(a, b);
        assert_eq!(type_number(&takes(&[ValType::I32])), a);
        assert_eq!(*lookup(b), takes(&[ValType::I64]));
    }

    #[test]
    fn a_type_is_kept_while_there_is_a_lease_of_it() {
        let (number, one) = number_of(&odd(1));
        let (same, other) = number_of(&odd(1));
        assert_eq!(number, same);
        drop(one);
        assert_eq!(*lookup(number), odd(1));
        drop(other);
        assert!(with(|numbered| !numbered.known.contains_key(&[odd(1)][..])));
    }

    /// The host may keep the number of a type that a value type names, so no other type gets it.
    #[test]
    fn the_number_of_a_named_type_is_not_used_again() {
        let (plain, lease) = number_of(&odd(2));
        let named = ValType::Ref(RefType { nullable: true, heap: HeapType::Concrete(plain) });
        let (number, of_named) = number_of(&takes(&[named]));
        drop(lease);
        assert_eq!(*lookup(plain), odd(2), "the type that refers to it keeps it");
        drop(of_named);
        assert!(!is_kept(plain));
        let leases: Vec<_> = (3..50).map(|seed| number_of(&odd(seed))).collect();
        assert!(leases.iter().all(|&(number, _)| number != plain));
        assert!(number < with(|numbered| numbered.next));
    }

    #[test]
    fn numbers_do_not_grow_with_the_types_that_ever_were() {
        let before = with(|numbered| numbered.next);
        for seed in 100..1100 {
            drop(number_of(&odd(seed)));
        }
        // Other tests may take some.
        assert!(with(|numbered| numbered.next) < before + 500);
    }
}
