//! Canonical numbers of types: equal types have equal numbers.
//!
//! Types come in recursion groups, whose members may refer to each other and to types of earlier groups. Two
//! types are equal if their groups are member by member, and they have the same position in them (core
//! specification, "rolling and unrolling"). So a group is looked up with references among its members
//! replaced by positions, and those to earlier types by their numbers, which are canonical already. The
//! compiler numbers the types of a module so, and the runtime those of a process.
//!
//! **Invariant: a number never changes its meaning.**

use crate::types::FuncType;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What marks a position within the group, in the form in which groups are compared.
const POSITION: u32 = 1 << 31;

/// Canonical types by number.
#[derive(Debug, Default)]
pub struct Types {
    types: Vec<FuncType>,
    /// The number of types in each group, in order.
    groups: Vec<u32>,
    /// The number of a group's first member, by the group in the form in which groups are compared.
    known: BTreeMap<Vec<FuncType>, u32>,
}

impl Types {
    /// Adds a group unless it is there already. In it, `earlier[i]` is the number of type `i`, and what is
    /// not among those is a member of the group. Gives the number of the first member; the others follow.
    ///
    /// # Panics
    ///
    /// If a member refers to what is neither, or there are more than 2<sup>31</sup> types.
    pub fn add(&mut self, group: &[FuncType], earlier: &[u32]) -> u32 {
        let key = rolled(group, earlier);
        if let Some(&number) = self.known.get(&key) {
            return number;
        }
        let start = self.types.len() as u32;
        after(start, key.len());
        self.types.extend(unrolled(&key, start));
        self.groups.push(key.len() as u32);
        self.known.insert(key, start);
        start
    }

    /// The type with a number.
    pub fn get(&self, number: u32) -> Option<&FuncType> {
        self.types.get(number as usize)
    }

    /// All of them, and the number of types in each group.
    pub fn into_parts(self) -> (Vec<FuncType>, Vec<u32>) {
        (self.types, self.groups)
    }
}

/// A group in the form in which groups are compared, see [`Types::add`].
///
/// # Panics
///
/// If a member refers to neither an earlier type nor the group.
pub fn rolled(group: &[FuncType], earlier: &[u32]) -> Vec<FuncType> {
    let position = |index: u32| {
        let position = index as usize - earlier.len();
        assert!(position < group.len(), "a type refers to a later group");
        position as u32
    };
    let rolled = |index: u32| match earlier.get(index as usize) {
        Some(&number) => number,
        None => POSITION | position(index),
    };
    group.iter().map(|ty| ty.renumber(rolled)).collect()
}

/// The members of a group that was [rolled], if `start` is the number of the first.
pub fn unrolled(key: &[FuncType], start: u32) -> impl Iterator<Item = FuncType> {
    let own = move |number: u32| if number & POSITION == 0 { number } else { start + (number ^ POSITION) };
    key.iter().map(move |ty| ty.renumber(own))
}

/// The number after those of a group.
///
/// # Panics
///
/// If there are more than 2<sup>31</sup> types.
pub fn after(start: u32, count: usize) -> u32 {
    let next = u32::try_from(count).ok().and_then(|count| start.checked_add(count));
    next.filter(|&next| next <= POSITION).expect("too many types")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{HeapType, RefType, ValType};
    use alloc::vec;

    /// A function type whose parameters are references to these.
    fn takes(params: &[u32]) -> FuncType {
        let reference = |&number| ValType::Ref(RefType { nullable: true, heap: HeapType::Concrete(number) });
        FuncType { params: params.iter().map(reference).collect(), results: vec![] }
    }

    #[test]
    fn equal_types_have_one_number() {
        let mut types = Types::default();
        let plain = types.add(&[takes(&[])], &[]);
        assert_eq!(types.add(&[takes(&[])], &[plain]), plain, "wherever it is declared");
        let user = types.add(&[takes(&[2])], &[plain, plain]);
        assert_ne!(user, plain, "a type that refers to itself");
        assert_eq!(types.get(user), Some(&takes(&[user])));
        assert_eq!(types.add(&[takes(&[0])], &[]), user);
        let of_plain = types.add(&[takes(&[0])], &[plain]);
        assert_ne!(of_plain, user, "a type that refers to another one");
        assert_eq!(types.add(&[takes(&[1])], &[user, plain]), of_plain);
    }

    #[test]
    fn members_of_a_group_are_equal_by_group_and_position() {
        let mut types = Types::default();
        let pair = types.add(&[takes(&[1]), takes(&[0])], &[]);
        assert_eq!(types.add(&[takes(&[2]), takes(&[1])], &[pair]), pair);
        assert_ne!(types.add(&[takes(&[0]), takes(&[1])], &[]), pair);
        let plain = types.add(&[takes(&[]), takes(&[])], &[]);
        assert_ne!(types.add(&[takes(&[])], &[]), plain, "alone it is another type");
        assert_eq!(types.get(plain + 1), types.get(plain), "though it looks the same");
        let (all, groups) = types.into_parts();
        assert_eq!(groups, [2, 2, 2, 1]);
        assert_eq!(all.len(), 7);
    }
}
