//! The C API of the runtime, as `include/wasmaot.h` declares it.
//!
//! | file | holds |
//! |---|---|
//! | `guarded.rs` | what is used by one function at a time |
//! | `boundary.rs` | pointers, panics and ownership between C and Rust |
//! | `error.rs`, `error/functions.rs`, `value.rs` | what errors and values look like to C |
//! | `numbers.rs`, `limits.rs` | enumerations and limits that several parts of the header use |
//! | `module.rs`, `loader.rs`, `linker.rs`, `func.rs`, `wasi.rs`, `pool.rs`, `instance.rs`, `store.rs`, `interrupt.rs`, `signals.rs`, `version.rs` | an object of the header each |
//! | `caller.rs` | what host functions see |
//! | `place.rs`, `exports.rs`, `references.rs` | what is reached of an instance, from outside and in host functions |
//! | `suspended.rs`, `shared.rs` | calls that wait, memories that instances share |
//!
//! **Invariants.** The header is the contract: every function of it is here, and nothing else is exported.
//! Wrong use that can be noticed is refused. Panics stay on this side (see `boundary.rs`).
#![deny(unsafe_op_in_unsafe_fn)]
#![expect(non_camel_case_types, reason = "types have their names in C")]

mod boundary;
pub mod caller;
pub mod error;
pub mod exports;
pub mod func;
mod guarded;
pub mod instance;
pub mod interrupt;
pub mod limits;
pub mod linker;
#[cfg(feature = "verify")]
pub mod loader;
pub mod module;
pub mod numbers;
mod place;
pub mod pool;
pub mod references;
pub mod shared;
pub mod signals;
pub mod store;
pub mod suspended;
pub mod value;
pub mod version;
pub mod wasi;
