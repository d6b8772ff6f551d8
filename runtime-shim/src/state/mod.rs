//! The state of instances: what compiled code works on.
//!
//! **Invariant: nothing here runs compiled code**, or knows of what does.

pub(crate) mod error;
pub(crate) mod funcrefs;
pub(crate) mod instances;
pub(crate) mod tag;
