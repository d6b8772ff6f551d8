//! How an artifact was made: enough to make it again, with the same version, and compare.
//!
//! **Invariant: it is a claim.** No runtime relies on it; whether it is true is found out by compiling again.
//! Once a minor is released, its record is fixed, as a decoder has no default for a missing field: what is
//! added later gets an optional section of its own in `descriptor.rs`, with a new minor.

use crate::wire::record;
use alloc::string::String;
use alloc::vec::Vec;

record! {
    /// What the compiler was given. Its version is the descriptor's producer, the CPU features are the
    /// header's, and whether code is metered follows from the descriptor.
    #[derive(PartialEq, Eq, Default)]
    pub struct BuildRecord {
        /// SHA-256 of the binary module.
        pub input: [u8; 32],
        /// Optimisation level, 0 to 2.
        pub opt: u8,
        /// Whether relaxed SIMD gives the results of the CPU's instructions.
        pub native_relaxed_simd: bool,
        /// Names of the features of WebAssembly that were refused, sorted.
        pub refused_features: Vec<String>,
        /// Names of the compiler's own passes that did not run, where the level of optimisation has them.
        pub left_out_passes: Vec<String>,
    }
}
