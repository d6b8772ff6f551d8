//! The state of instances: what compiled code works on.
//!
//! **Invariant: nothing here runs compiled code**, or knows of what does.

pub(crate) mod demand;
pub(crate) mod error;
pub(crate) mod exceptions;
pub(crate) mod funcrefs;
pub(crate) mod host_signals;
pub(crate) mod instance;
pub(crate) mod instances;
pub(crate) mod limits;
pub(crate) mod memory;
pub(crate) mod shared;
pub(crate) mod table;
pub(crate) mod tag;
