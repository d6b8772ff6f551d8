//! The suite `differential` with libFuzzer in the place of the seed: a module is made of the input, run on
//! both sides in one of the suite's forms and variants, and must have the same results.
//!
//! The first two bytes of an input choose the kind of module, the form and the variant.
#![no_main]

#[path = "../../tests/suites/differential/atomics.rs"]
mod atomics;
#[path = "../../tests/suites/differential/compare.rs"]
#[expect(dead_code, reason = "the suite also counts what it does")]
mod compare;
#[path = "../../tests/suites/differential/engine.rs"]
#[expect(dead_code, reason = "the suite also counts what it does")]
mod engine;
#[path = "../../tests/suites/differential/generate.rs"]
#[expect(dead_code, reason = "the suite also makes modules by number, and counts what is in them")]
mod generate;
#[path = "../../tests/suites/differential/ours.rs"]
#[expect(dead_code, reason = "the suite also cuts runs into slices")]
mod ours;
#[path = "../../tests/suites/differential/references.rs"]
mod references;
#[path = "../../tests/suites/differential/rewrite.rs"]
#[expect(dead_code, reason = "the suite also tries each form")]
mod rewrite;
#[path = "../../tests/suites/smith.rs"]
mod smith;
#[path = "../../tests/suites/differential/theirs.rs"]
mod theirs;
#[path = "../../tests/suites/differential/throwing.rs"]
mod throwing;

use libfuzzer_sys::{Corpus, fuzz_target};
use rewrite::Form;
use std::sync::OnceLock;
use wasmaot_compiler::Options;
use wasmaot_tests::{options, variants};

/// The suite's variants of the compiler's options.
fn all_variants() -> &'static [(String, Options)] {
    static VARIANTS: OnceLock<Vec<(String, Options)>> = OnceLock::new();
    VARIANTS.get_or_init(|| std::iter::once(("default".to_owned(), options())).chain(variants()).collect())
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((number, bytes)) = input.split_first_chunk() else { return Corpus::Reject };
    let number = u64::from(u16::from_le_bytes(*number));
    let Some(generated) = generate::from_bytes(number, bytes) else { return Corpus::Reject };
    let variants = all_variants();
    let (variant, options) = &variants[number as usize / 4 % variants.len()];
    let form = Form::of_number(number);
    if let Err(error) = compare::compare(&generated.wasm, generated.oracle, form, options) {
        panic!("{variant}, {:?}, {form:?}: {error}", generated.oracle);
    }
    Corpus::Keep
});
