//! The compiler on arbitrary bytes: a module is compiled or refused with an error, and what is compiled
//! opens.
//!
//! Seeds: `benchmarks/programs/` and any other modules.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wasmaot_compiler::compile;
use wasmaot_tests::options;

fuzz_target!(|wasm: &[u8]| {
    match compile(wasm, &options(), &|_| {}) {
        Ok(output) => drop(wasmaot_tests::load(&output.bytes).expect("what the compiler writes opens")),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
