//! Random modules: what the generator of the suites `differential` and `verify` may use, and how often it is
//! asked.
//!
//! **Invariant: every proposal is named here that the generator knows and the compiler does not translate.**
//! A suite names only what it wants otherwise.

use arbitrary::Unstructured;
use wasm_smith::{Config, Module};
use wasmaot_tests::Random;

/// Bytes that a module is made of.
const BYTES: usize = 16_384;

/// Settings with all of version 2, extended constants, tail calls and wide arithmetic, and with no other
/// proposal.
pub(crate) fn base() -> Config {
    Config {
        simd_enabled: true,
        bulk_memory_enabled: true,
        extended_const_enabled: true,
        multi_value_enabled: true,
        reference_types_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        tail_call_enabled: true,
        wide_arithmetic_enabled: true,
        // Translated, but not wanted by each suite.
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        memory64_enabled: false,
        relaxed_simd_enabled: false,
        threads_enabled: false,
        // Not translated.
        acquire_release_atomics_enabled: false,
        compact_imports_enabled: false,
        custom_descriptors_enabled: false,
        gc_enabled: false,
        multibyte_array_access_enabled: false,
        shared_everything_threads_enabled: false,
        ..Config::default()
    }
}

/// The module that the generator makes of a byte string. `None` if it gives up.
pub(crate) fn from_bytes(config: Config, bytes: &[u8]) -> Option<Module> {
    Module::new(config, &mut Unstructured::new(bytes)).ok()
}

/// The first that is made of the byte strings of a seed.
pub(crate) fn first<T>(seed: u64, make: impl Fn(&[u8]) -> Option<T>) -> T {
    let mut random = Random::new(seed);
    loop {
        // The generator gives up on some byte strings; the next ones are as good.
        if let Some(made) = make(&random.bytes(BYTES)) {
            return made;
        }
    }
}
