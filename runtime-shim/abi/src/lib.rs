//! The contract between compiled code, the artifact on disk and the runtime.
//!
//! The compiler writes against this crate and the runtime reads against it; neither depends on
//! the other. **Invariant: every layout fact, number or encoding that both sides must agree on is
//! stated here, once.** A literal offset anywhere else is a bug.
//!
//! | module | states |
//! |---|---|
//! | [`version`] | which artifacts a runtime loads |
//! | [`slot`] | the address range of one instance |
//! | [`state`] | what lies at which offset from vmctx |
//! | [`entry`] | how control enters and leaves compiled code |
//! | [`builtin`] | the runtime functions that compiled code calls |
//! | [`trap`] | trap codes and the trap table |
//! | [`exception`] | exception handlers by return address |
//! | [`meter`] | counts of executed operators |
//! | [`code`] | what each range of the text is |
//! | [`addrmap`] | machine code offsets to Wasm offsets and functions |
//! | [`lines`] | machine code offsets to source lines |
//! | [`types`] | Wasm types |
//! | [`canon`] | when types are equal |
//! | [`component`] | the component that a module was flattened from |
//! | [`descriptor`] | the module descriptor: the artifact's table of contents |
//! | [`preinit`] | what was initialised before it was compiled |
//! | [`build`] | how the artifact was made |
//! | [`header`] | the fixed bytes in front of it |
//! | [`signature`] | what may follow an artifact in its file |
//! | [`cpu`] | CPU features and psABI levels |
//! | [`wire`] | the byte encoding of all of the above |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod addrmap;
pub mod build;
pub mod builtin;
pub mod canon;
pub mod code;
pub mod component;
pub mod cpu;
pub mod descriptor;
pub mod entry;
pub mod exception;
pub mod header;
pub mod lines;
pub mod meter;
pub mod preinit;
pub mod printable;
pub mod signature;
pub mod slot;
pub mod state;
pub mod trap;
pub mod types;
pub mod version;
pub mod wire;
