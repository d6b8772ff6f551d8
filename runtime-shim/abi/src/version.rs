//! Versions of the artifact ABI, apart from the product's own version.
//!
//! **Invariant: a runtime loads the minors of its major up to its own.** A minor may append descriptor
//! sections, and builtins at the end of their table: code of a newer minor may call builtins that an
//! older runtime's table does not have, so that runtime refuses it. Anything else moves the major.

/// Major version of the artifact ABI, incremented by incompatible changes. Until 1.0, the changelog lists
/// each of them.
pub const ABI_MAJOR: u16 = 3;

/// Compatible additions within [`ABI_MAJOR`].
pub const ABI_MINOR: u16 = 5;

/// Names the exact form of Cranelift's `Tail` convention that tail entries of an artifact follow.
///
/// Tail entries of two artifacts may call each other only if their ids agree, and code that calls through a
/// reference does not look: so the instances of a store are all of one id. The array entry (see
/// [`crate::entry`]) never changes.
pub const TAIL_CONVENTION: u32 = 1;

/// The same, with a register set apart for the meter: see [`crate::meter`].
pub const METERED_CONVENTION: u32 = 2;
