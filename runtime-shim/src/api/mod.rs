//! What embedders see.
//!
//! **Invariant: what a handle leads to is looked for in its own store only.**

mod module;
mod shared_memory;
