//! Compiles WebAssembly and runs it in isolated instances: wasmaot's compiler, runtime and WASI in one crate.
//!
//! ```
//! use wasmaot_embed::{Engine, Linker, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let wasm = wat::parse_str(r#"(module (func (export "add") (param i32 i32) (result i32)
//! #     (i32.add (local.get 0) (local.get 1))))"#)?;
//! let module = Engine::default().compile_and_load(&wasm)?;
//! let mut store = Store::new(());
//! let instance = Linker::new().instantiate(&mut store, &module)?;
//! let add = instance.get_typed_func::<(i32, i32), i32>(&store, "add")?;
//! assert_eq!(add.call(&mut store, (1, 2))?, 3);
//! # Ok(())
//! # }
//! ```
//!
//! The runtime's API is re-exported as it is (see `wasmaot_runtime` for its documentation), WASI as the
//! module `wasi` with the feature of that name, and snapshots of initialised instances as the module
//! `snapshot`, likewise.
//!
//! **Invariant: safe code here loads what this process has compiled, and nothing else.**

#[cfg(feature = "compiler")]
mod engine;

#[cfg(feature = "compiler")]
pub use engine::{Engine, EngineError};
#[cfg(feature = "compiler")]
pub use wasmaot_compiler::{CompileError, OptLevel, Options, TargetCpu};
pub use wasmaot_runtime::*;
#[cfg(feature = "snapshot")]
pub use wasmaot_snapshot as snapshot;
#[cfg(feature = "wasi")]
pub use wasmaot_wasi as wasi;
