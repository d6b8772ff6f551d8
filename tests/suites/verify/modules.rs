//! Random modules with every feature that the compiler translates.

use crate::smith;
use wasm_smith::Config;

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
        custom_page_sizes_enabled: number % 2 == 1,
        exceptions_enabled: true,
        memory64_enabled: number % 4 > 1,
        relaxed_simd_enabled: true,
        threads_enabled: number % 5 > 2,
        ..smith::base()
    }
}

/// Module number `number`.
pub(crate) fn module(number: u64) -> Vec<u8> {
    smith::first(number, |bytes| smith::from_bytes(config(number), bytes)).to_bytes()
}
