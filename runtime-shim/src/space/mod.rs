//! The address space: which part of it is what, and what the handlers of signals have to know of
//! it.
//!
//! **Invariant: nothing here knows what runs in a slot.**

pub(crate) mod tracker;
