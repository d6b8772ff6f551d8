//! The suite `loader` with libFuzzer in the place of the seed: an input is a damaged artifact. It is sealed
//! again, so that its damage gets past the checksum; then it opens or is refused with an error, and if it
//! opens, it is instantiated. No code of it is run.
//!
//! Seeds: `tests/artifacts/`, the artifacts of each version of the ABI.
#![no_main]

#[path = "../../tests/suites/loader/image.rs"]
#[expect(dead_code, reason = "the suite looks into artifacts in more ways")]
mod image;
#[path = "../../tests/suites/loader/instantiate.rs"]
mod instantiate;

use image::Image;
use libfuzzer_sys::fuzz_target;
use wasmaot_abi::header::MAGIC;

/// Returns where the module header of a file begins: behind its magic number, wherever that is.
fn header(bytes: &[u8]) -> Option<usize> {
    bytes.windows(MAGIC.len()).position(|window| window == MAGIC)
}

fuzz_target!(|input: &[u8]| {
    let mut image = Image { bytes: input.to_vec(), header: header(input).unwrap_or(input.len()) };
    image.seal();
    match wasmaot_tests::load(&image.bytes) {
        Ok(module) => {
            // That it cannot be instantiated is a good answer, too.
            let _ = instantiate::instantiate(&module);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
