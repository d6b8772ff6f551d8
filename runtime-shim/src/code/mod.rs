//! What is known of code: artifacts that were checked and mapped, the types and constant
//! expressions in them, and the values that it takes and gives.
//!
//! **Invariant: nothing here knows of instances.**

pub(crate) mod frame;
pub(crate) mod raw_value;
