//! What makes a tag of exceptions that one and no other.
//!
//! **Invariant: a record never moves or changes.**

use crate::code::types::TypeLease;
use wasmaot_abi::types::FuncType;

/// What a tag's identity is the address of.
#[derive(Debug)]
pub(crate) struct TagRecord {
    /// The types of an exception's values are its parameters.
    pub(crate) ty: FuncType,
    /// That type's process-wide number.
    pub(crate) number: u32,
    /// What keeps the number, if the host made the tag; a module keeps those of its own.
    pub(crate) _lease: Option<TypeLease>,
}
