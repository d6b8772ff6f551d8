//! What is known of code: artifacts that were checked and mapped, the types and constant
//! expressions in them, and the values that it takes and gives.
//!
//! **Invariant: nothing here knows of instances.**

pub(crate) mod const_expr;
pub(crate) mod frame;
pub(crate) mod module;
pub(crate) mod policy;
#[cfg(feature = "verify")]
pub(crate) mod proof;
pub(crate) mod raw_value;
pub(crate) mod types;
