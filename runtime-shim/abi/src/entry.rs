//! How control enters and leaves compiled code.
//!
//! **Tail entry**: Cranelift's `Tail` convention, `(vmctx, parameters...) -> results`. Only code
//! that states the same [`crate::version::TAIL_CONVENTION`] calls it; a runtime loads no other.
//!
//! **Array entry**: System V, `extern "C" fn(context: u64, values: *mut Value, caller: u64)`. `context` is
//! the vmctx of the function's instance, or the host's record of a host function. `values` holds
//! max(parameters, results) cells of [`VALUE`] bytes: parameters on the way in, results on the way out, and
//! is a multiple of 16, as Rust code of the runtime's relies on. `caller` is the vmctx of the calling
//! instance, 0 if the host calls. This convention never changes.
//!
//! **Invariants.** Compiled code runs on its slot's stack, with MXCSR = [`MXCSR`] and the direction
//! flag clear. Array entries of host functions and builtins are stubs of the runtime that continue
//! on the host's stack; they come back only if nothing trapped.
//!
//! Cell encoding, little-endian: `i32`, `f32` and reference indices in the low 4 bytes (the upper ones are
//! unspecified on the way in and on the way out), `i64`, `f64` and function references (an address, 0 for
//! null) in the low 8.

/// Bytes of a cell in a value array.
pub const VALUE: u32 = 16;

/// SSE control word while compiled code runs: all exceptions masked, round to nearest, no
/// flush-to-zero.
pub const MXCSR: u32 = 0x1F80;

/// Name of the descriptor's symbol in the artifact.
pub const MODULE_SYMBOL: &str = "wasmaot_module";

/// Prefix of the symbols of exported functions, whose value is the array entry. What follows is the export's
/// name with every byte outside `[A-Za-z0-9_.]` written as `$` and two lower-case hex digits, so that names
/// may hold any byte and never collide with the host's.
pub const EXPORT_PREFIX: &str = "wasmaot_export_";
