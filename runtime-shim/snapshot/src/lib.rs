//! Freezes initialised WebAssembly instances into modules that start where those stopped.
//!
//! ```text
//!  module ──▶ instance ──preinit/──▶ initialised ──frozen──▶ Snapshot ──rewrite──▶ module
//!             (runtime)   calls, under gates                  memories, tables,     to be compiled as usual
//!                                                             globals, segments
//! ```
//!
//! A host that initialises an instance by itself takes a [`Snapshot`] of it:
//!
//! ```
//! use wasmaot_runtime::{Linker, Module, Store};
//! use wasmaot_snapshot::{Exports, Snapshot};
//!
//! # fn compile(wasm: &[u8]) -> Result<Module, Box<dyn std::error::Error>> {
//! #     let artifact = wasmaot_compiler::compile(wasm, &Default::default(), &|_| ())?.bytes;
//! #     // SAFETY: the compiler has written it.
//! #     Ok(unsafe { Module::from_bytes_trusted(&artifact)? })
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let wasm = wat::parse_str(
//!     r#"(module (global $g (mut i32) (i32.const 0))
//!         (func (export "init") (global.set $g (i32.const 42)))
//!         (func (export "get") (result i32) (global.get $g)))"#,
//! )?;
//! let mut store = Store::new(());
//! let instance = Linker::new().instantiate(&mut store, &compile(&wasm)?)?;
//! instance.call(&mut store, "init", &[])?;
//! let frozen = Snapshot::take(&store, instance, &wasm)?.to_wasm(&Exports::without(["init"]))?;
//!
//! let mut store = Store::new(());
//! let instance = Linker::new().instantiate(&mut store, &compile(&frozen)?)?;
//! assert_eq!(instance.get_typed_func::<(), i32>(&store, "get")?.call(&mut store, ())?, 42);
//! # Ok(())
//! # }
//! ```
//!
//! [`preinit`] runs the initialisation too, as `wasmaot compile --preinit` does: by Wizer's conventions, with
//! nothing of the host's but what is granted, and the same each time.
//!
//! **Invariant: a module that was made here behaves, from its first call on, as the instance would have at
//! its next call**, but for what belongs to the host: whatever could not be written down is an error that
//! names it.
#![forbid(unsafe_code)]

mod error;
mod exports;
mod frozen;
mod host;
mod hot;
mod options;
mod preinit;
mod rewrite;
mod runs;
mod survey;

pub use error::{Place, PreinitError, SnapshotError};
pub use exports::Exports;
pub use frozen::Snapshot;
pub use host::{Denied, Grant};
pub use hot::hot_pages;
pub use options::{Call, Clock, Directory, Grants, Options, Random};
pub use preinit::{Preinitialised, preinit};
pub use rewrite::with_hot_pages;
