//! What makes a tag of exceptions that one and no other.
//!
//! **Invariant: a record never moves or changes.**

use wasmaot_abi::types::FuncType;

/// What a tag's identity is the address of.
#[derive(Debug)]
pub(crate) struct TagRecord {
    /// The types of an exception's values are its parameters.
    pub(crate) ty: FuncType,
    /// That type's process-wide number.
    pub(crate) number: u32,
}
