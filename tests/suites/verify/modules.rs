//! Random modules with every feature that the compiler translates.

use arbitrary::Unstructured;
use wasm_smith::{Config, Module};
use wasmaot_tests::Random;

/// Bytes that a module is made of.
const BYTES: usize = 16_384;

fn config(number: u64) -> Config {
    Config {
        max_imports: 12,
        max_funcs: 12,
        min_funcs: 2,
        max_instructions: 100 + number as usize % 5 * 100,
        min_memories: 1,
        max_memories: if number.is_multiple_of(3) { 4 } else { 1 },
        max_tables: 4,
        min_tags: 1,
        acquire_release_atomics_enabled: false,
        compact_imports_enabled: false,
        custom_descriptors_enabled: false,
        custom_page_sizes_enabled: number % 2 == 1,
        exceptions_enabled: true,
        gc_enabled: false,
        memory64_enabled: number % 4 > 1,
        multibyte_array_access_enabled: false,
        relaxed_simd_enabled: true,
        shared_everything_threads_enabled: false,
        threads_enabled: number % 5 > 2,
        simd_enabled: true,
        bulk_memory_enabled: true,
        extended_const_enabled: true,
        multi_value_enabled: true,
        reference_types_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        tail_call_enabled: true,
        wide_arithmetic_enabled: true,
        ..Config::default()
    }
}

/// Module number `number`.
pub(crate) fn module(number: u64) -> Vec<u8> {
    let mut random = Random::new(number);
    loop {
        // The generator gives up on some byte strings; the next ones are as good.
        if let Ok(module) = Module::new(config(number), &mut Unstructured::new(&random.bytes(BYTES))) {
            return module.to_bytes();
        }
    }
}
