//! The address space: which part of it is what, and what the handlers of signals have to know of
//! it.
//!
//! **Invariant: nothing here knows what runs in a slot.**

pub(crate) mod pages;
pub(crate) mod registry;
pub(crate) mod reserve;
pub(crate) mod slot;
pub(crate) mod snapshot;
pub(crate) mod tracker;
