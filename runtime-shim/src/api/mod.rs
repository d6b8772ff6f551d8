//! What embedders see.
//!
//! **Invariant: what a handle leads to is looked for in its own store only.**

pub(crate) mod address;
pub(crate) mod caller;
pub(crate) mod error;
pub(crate) mod exception;
pub(crate) mod extern_type;
pub(crate) mod externs;
pub(crate) mod func;
pub(crate) mod host;
pub(crate) mod instance;
pub(crate) mod linker;
#[cfg(feature = "verify")]
pub(crate) mod loader;
pub(crate) mod memory_data;
mod module;
pub(crate) mod prepare;
mod shared_memory;
pub(crate) mod state;
pub(crate) mod store;
pub(crate) mod suspend;
pub(crate) mod trap;
pub(crate) mod val;
