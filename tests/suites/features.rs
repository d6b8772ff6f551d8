//! What the compiler takes and what it refuses: a proposal that it does not translate is named, with the
//! offset of its first use.
//!
//! Each module is a line that stands beside what becomes of it.

use wasmaot_compiler::{CompileError, Options};
use wasmaot_tests::{load, options};

/// What becomes of a file: `uses` and the features that are recorded, or the kind of the error and the
/// feature that it names.
fn outcome(wasm: &[u8], options: &Options) -> (String, String) {
    let (found, offset, reason) = match wasmaot_compiler::compile(wasm, options, &|_| {}) {
        Ok(output) => {
            let module = load(&output.bytes).expect("what is compiled opens");
            let found = format!("uses {}", module.descriptor().wasm_features.join(", "));
            return (found.trim_end().to_string(), String::new());
        }
        Err(CompileError::Invalid { offset, message }) => ("invalid".to_string(), offset, message),
        Err(CompileError::Unsupported { feature, offset, message, help }) => {
            assert!(!help.is_empty(), "{feature}: {message}");
            (format!("unsupported {feature}"), offset, message)
        }
        Err(CompileError::Disabled { feature, offset, message, .. }) => {
            (format!("disabled {feature}"), offset, message)
        }
        Err(error) => panic!("{error:?}"),
    };
    assert!(offset <= wasm.len() && !reason.is_empty(), "{found}: {offset} {reason}");
    // Behind the header of eight bytes, wherever there is one.
    assert!(offset >= 8 || found == "invalid", "{found}: {offset} {reason}");
    (found, reason)
}

/// Compiles a module in the text format, and returns the reason if it is refused.
#[track_caller]
fn check(wat: &str, options: &Options, expected: &str) -> String {
    let wasm = wat::parse_str(wat).unwrap_or_else(|e| panic!("{wat}: {e}"));
    let (found, reason) = outcome(&wasm, options);
    assert_eq!(found, expected, "{wat}: {reason}");
    reason
}

#[test]
fn translated() {
    for (wat, features) in [
        ("(module)", ""),
        ("(module (func (result i32 i64) (i32.const 1) (i64.const 2)))", "multi-value"),
        ("(module (func (param i32) (result i32) (i32.extend8_s (local.get 0))))", "sign-extension-ops"),
        (
            "(module (func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0))))",
            "nontrapping-float-to-int-conversions",
        ),
        ("(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))", "bulk-memory"),
        (
            "(module (table 1 externref) (func (result externref) (table.get 0 (i32.const 0))))",
            "reference-types",
        ),
        (
            "(module (table 1 funcref) (table 1 funcref) (func (table.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0))))",
            "bulk-memory, reference-types",
        ),
        ("(module (global (export \"g\") (mut i32) (i32.const 0)))", "mutable-global"),
        (
            "(module (tag $t (param i32)) (func (try_table (catch_all 0) (throw $t (i32.const 1)))))",
            "exceptions",
        ),
        ("(module (func (throw_ref (unreachable))))", "exceptions"),
        ("(module (func try catch_all rethrow 0 end))", "legacy-exceptions"),
        (
            "(module (global i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3)))))",
            "extended-const",
        ),
        (
            "(module (global v128 (v128.const i32x4 1 2 3 4)) (func (param v128) (result v128) (i8x16.abs (local.get 0))))",
            "simd",
        ),
        (
            "(module (func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
            "relaxed-simd, simd",
        ),
        ("(module (memory 1 1 shared))", "threads"),
        ("(module (memory 1) (func (result i32) (i32.atomic.load (i32.const 0))))", "threads"),
        ("(module (memory i64 1))", "memory64"),
        ("(module (table i64 1 funcref))", "memory64"),
        ("(module (memory 1 (pagesize 1)))", "custom-page-sizes"),
        (
            "(module (memory 1) (memory 1) (func (memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0))))",
            "bulk-memory, multi-memory",
        ),
        ("(module (func $f (return_call $f)))", "tail-call"),
        (
            "(module (type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0))))",
            "function-references, reference-types",
        ),
        (
            "(module (rec (type $a (func (param (ref $b)))) (type $b (func (param (ref $a))))))",
            "function-references, reference-types",
        ),
        (
            "(module (type (sub final (func (param i32)))) (type $t (func (param i32))) (func (type 0) (i32.const 1) (call $f)) (func $f (type $t)))",
            "",
        ),
        ("(module (global $a i32 (i32.const 1)) (global i32 (global.get $a)))", ""),
        (
            "(module (func (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1))))",
            "multi-value, wide-arithmetic",
        ),
    ] {
        check(wat, &options(), format!("uses {features}").trim_end());
    }
}

/// What a module uses is told wherever it stands, also where no operator comes of it.
#[test]
fn used() {
    for (wat, features) in [
        ("(module (func (local i32 i64 f32 f64)) (table 1 funcref))", ""),
        ("(module (func (local v128)))", "simd"),
        ("(module (func (param v128)))", "simd"),
        ("(module (type (func (result v128))))", "simd"),
        ("(module (import \"m\" \"g\" (global v128)))", "simd"),
        ("(module (func (block (result v128) (unreachable)) (drop)))", "simd"),
        ("(module (func (drop (select (result v128) (unreachable)))))", "reference-types, simd"),
        ("(module (func (local externref)))", "reference-types"),
        ("(module (import \"m\" \"g\" (global funcref)))", "reference-types"),
        ("(module (table 1 externref))", "reference-types"),
        ("(module (func (local exnref)))", "exceptions, reference-types"),
        ("(module (table 1 exnref))", "exceptions, reference-types"),
        ("(module (tag))", "exceptions"),
        ("(module (func (local (ref null func))))", "reference-types"),
        ("(module (type $t (func)) (func (local (ref null $t))))", "function-references, reference-types"),
        ("(module (func (param (ref extern))))", "function-references, reference-types"),
        ("(module (import \"m\" \"m\" (memory i64 1 2 shared)))", "memory64, threads"),
    ] {
        check(wat, &options(), format!("uses {features}").trim_end());
    }
}

#[test]
fn not_translated() {
    for (feature, wat) in [
        ("gc", "(module (type (struct)))"),
        ("gc", "(module (type (sub (func))))"),
        ("gc", "(module (func (param i31ref)))"),
        ("gc", "(module (func (local anyref)))"),
        ("gc", "(module (func (block (result anyref) (unreachable)) (drop)))"),
        ("gc", "(module (global anyref (ref.null none)))"),
        ("gc", "(module (global funcref (ref.null nofunc)))"),
        ("gc", "(module (table 1 i31ref))"),
        ("gc", "(module (func (drop (ref.null none))))"),
        ("gc", "(module (func (param funcref) (result i32) (ref.test (ref func) (local.get 0))))"),
        ("gc", "(module (elem (ref i31) (ref.i31 (i32.const 1))))"),
        ("gc", "(module (import \"m\" \"g\" (global eqref)))"),
    ] {
        check(wat, &options(), &format!("unsupported {feature}"));
    }
}

/// Types of functions that may have subtypes need a check of a hierarchy; the reason says that it is this.
#[test]
fn function_types_with_subtypes() {
    for wat in
        ["(module (type (sub (func))))", "(module (type $t (sub (func))) (type (sub final $t (func))))"]
    {
        let reason = check(wat, &options(), "unsupported gc");
        assert!(reason.contains("`sub` without `final`"), "{wat}: {reason}");
    }
}

/// A feature that is disabled is named as that, and what does not use it is still taken.
#[test]
fn disabled() {
    for (feature, wat) in [
        ("bulk-memory", "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))"),
        ("exceptions", "(module (tag))"),
        ("exceptions", "(module (func (throw_ref (unreachable))))"),
        ("extended-const", "(module (global i32 (i32.add (i32.const 1) (i32.const 3))))"),
        ("custom-page-sizes", "(module (memory 1 (pagesize 1)))"),
        ("memory64", "(module (memory i64 1))"),
        ("memory64", "(module (table i64 1 funcref))"),
        ("multi-memory", "(module (memory 1) (memory 1))"),
        ("threads", "(module (memory 1 1 shared))"),
        ("threads", "(module (memory 1) (func (result i32) (i32.atomic.load (i32.const 0))))"),
        ("legacy-exceptions", "(module (func try end))"),
        ("multi-value", "(module (func (result i32 i32) (i32.const 1) (i32.const 3)))"),
        ("mutable-global", "(module (import \"m\" \"g\" (global (mut i32))))"),
        (
            "nontrapping-float-to-int-conversions",
            "(module (func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0))))",
        ),
        ("reference-types", "(module (func (param externref)))"),
        ("relaxed-simd", "(module (func (param v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)) drop))"),
        ("simd", "(module (func (result v128) (v128.const i32x4 0 0 0 0)))"),
        ("simd", "(module (func (param v128)))"),
        (
            "function-references",
            "(module (type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0))))",
        ),
        ("function-references", "(module (rec (type (func)) (type (func))))"),
        ("sign-extension-ops", "(module (func (param i32) (result i32) (i32.extend8_s (local.get 0))))"),
        ("tail-call", "(module (func $f (return_call $f)))"),
        (
            "wide-arithmetic",
            "(module (func (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1))))",
        ),
    ] {
        let listed = wasmaot_compiler::feature(feature).unwrap_or_else(|| panic!("{feature} is listed"));
        let without = Options { features: options().features.without(listed), ..options() };
        check(wat, &without, &format!("disabled {feature}"));
        check("(module (func (param i32) (result i32) (local.get 0)))", &without, "uses");
    }
}

#[test]
fn invalid() {
    let cut = &wat::parse_str("(module (func))").expect("valid text")[..12];
    for wasm in [&b""[..], b"(module)", cut] {
        assert_eq!(outcome(wasm, &options()).0, "invalid", "{wasm:?}");
    }
    let reason = check("(module (func (result i32) (i64.const 1)))", &options(), "invalid");
    assert!(reason.contains("type mismatch"), "{reason}");
}
