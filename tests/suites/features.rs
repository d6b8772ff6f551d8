//! What the compiler takes and what it refuses: a proposal that it does not translate is named, with the offset of its first use.

use wasmaot_compiler::{CompileError, Options};
use wasmaot_tests::{compile_wat, options};

fn compile(wat: &str) -> Result<(), CompileError> {
    let wasm = wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}"));
    wasmaot_compiler::compile(&wasm, &options(), &|_| {}).map(drop)
}

#[test]
fn translated() {
    for wat in [
        "(module)",
        "(module (func (result i32 i64) (i32.const 1) (i64.const 2)))",
        "(module (func (param i32) (result i32) (i32.extend8_s (local.get 0))))",
        "(module (func (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0))))",
        "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))",
        "(module (table 1 externref) (func (result externref) (table.get 0 (i32.const 0))))",
        "(module (table 1 funcref) (table 1 funcref) (func (table.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0))))",
        "(module (global (export \"g\") (mut i32) (i32.const 0)))",
        "(module (tag $t (param i32)) (func (try_table (catch_all 0) (throw $t (i32.const 1)))))",
        "(module (func (throw_ref (unreachable))))",
        "(module (func try catch_all rethrow 0 end))",
        "(module (global i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3)))))",
        "(module (global v128 (v128.const i32x4 1 2 3 4)) (func (param v128) (result v128) (i8x16.abs (local.get 0))))",
        "(module (func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
        "(module (memory 1 1 shared))",
        "(module (memory 1) (func (result i32) (i32.atomic.load (i32.const 0))))",
        "(module (memory i64 1))",
        "(module (table i64 1 funcref))",
        "(module (memory 1 (pagesize 1)))",
        "(module (memory 1) (memory 1) (func (memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 0))))",
        "(module (func $f (return_call $f)))",
        "(module (type $t (func)) (func (param (ref $t)) (call_ref $t (local.get 0))))",
        "(module (rec (type $a (func (param (ref $b)))) (type $b (func (param (ref $a))))))",
        "(module (type (sub final (func (param i32)))) (type $t (func (param i32))) (func (type 0) (i32.const 1) (call $f)) (func $f (type $t)))",
        "(module (global $a i32 (i32.const 1)) (global i32 (global.get $a)))",
        "(module (func (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1))))",
    ] {
        compile(wat).unwrap_or_else(|e| panic!("{wat}: {e}"));
    }
}

#[test]
fn not_translated() {
    for (name, wat) in [
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
        match compile(wat) {
            Err(CompileError::Unsupported { feature, offset, message, help }) => {
                assert_eq!(feature, name, "{wat}");
                assert!(
                    offset >= 8 && !message.is_empty() && !help.is_empty(),
                    "{wat}: {offset} {message} {help}"
                );
            }
            other => panic!("{wat}: {other:?}"),
        }
    }
}

/// Types of functions that may have subtypes need a check of a hierarchy; the reason says that it is this.
#[test]
fn function_types_with_subtypes() {
    for wat in
        ["(module (type (sub (func))))", "(module (type $t (sub (func))) (type (sub final $t (func))))"]
    {
        match compile(wat) {
            Err(CompileError::Unsupported { message, .. }) => {
                assert!(message.contains("`sub` without `final`"), "{wat}: {message}");
            }
            other => panic!("{wat}: {other:?}"),
        }
    }
}

/// What a module uses is told wherever it stands, also where no operator comes of it.
#[test]
fn used() {
    let list = |wat: &str| {
        let module = wasmaot_tests::load(&compile_wat(wat)).unwrap_or_else(|e| panic!("{wat}: {e}"));
        module.descriptor().wasm_features.clone()
    };
    for (wat, features) in [
        ("(module (func (local i32 i64 f32 f64)) (table 1 funcref))", &[][..]),
        ("(module (func (local v128)))", &["simd"]),
        ("(module (func (param v128)))", &["simd"]),
        ("(module (type (func (result v128))))", &["simd"]),
        ("(module (import \"m\" \"g\" (global v128)))", &["simd"]),
        ("(module (func (block (result v128) (unreachable)) (drop)))", &["simd"]),
        ("(module (func (drop (select (result v128) (unreachable)))))", &["reference-types", "simd"]),
        ("(module (func (local externref)))", &["reference-types"]),
        ("(module (import \"m\" \"g\" (global funcref)))", &["reference-types"]),
        ("(module (table 1 externref))", &["reference-types"]),
        ("(module (func (local exnref)))", &["exceptions", "reference-types"]),
        ("(module (table 1 exnref))", &["exceptions", "reference-types"]),
        ("(module (tag))", &["exceptions"]),
        ("(module (func (local (ref null func))))", &["reference-types"]),
        (
            "(module (type $t (func)) (func (local (ref null $t))))",
            &["function-references", "reference-types"],
        ),
        ("(module (func (param (ref extern))))", &["function-references", "reference-types"]),
        ("(module (import \"m\" \"m\" (memory i64 1 2 shared)))", &["memory64", "threads"]),
    ] {
        assert_eq!(list(wat), features, "{wat}");
    }
}

/// A feature that is disabled is named as that, and what does not use it is still taken.
#[test]
fn disabled() {
    let without = |name: &str, wat: &str| {
        let feature = wasmaot_compiler::feature(name).unwrap_or_else(|| panic!("{name} is listed"));
        let options = Options { features: options().features.without(feature), ..options() };
        wasmaot_compiler::compile(&wat::parse_str(wat).expect("valid text"), &options, &|_| {}).map(drop)
    };
    for (name, wat) in [
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
        match without(name, wat) {
            Err(CompileError::Disabled { feature, offset, .. }) => {
                assert_eq!(feature, name, "{wat}");
                assert!(offset >= 8, "{wat}: {offset}");
            }
            other => panic!("{wat}: {other:?}"),
        }
        without(name, "(module (func (param i32) (result i32) (local.get 0)))").expect("it uses nothing new");
    }
}

#[test]
fn invalid() {
    let cut = &wat::parse_str("(module (func))").expect("valid text")[..12];
    let component = wat::parse_str("(component)").expect("valid text");
    let wrong_type = wat::parse_str("(module (func (result i32) (i64.const 1)))").expect("valid text");
    for (what, wasm) in [
        ("nothing", &b""[..]),
        ("text", b"(module)"),
        ("cut", cut),
        ("component", &component),
        ("type", &wrong_type),
    ] {
        match wasmaot_compiler::compile(wasm, &options(), &|_| {}) {
            Err(CompileError::Invalid { offset, message }) => {
                assert!(offset <= wasm.len() && !message.is_empty(), "{what}: {offset} {message}");
            }
            Err(CompileError::Component) if what == "component" => {}
            other => panic!("{what}: {:?}", other.map(|output| output.summary)),
        }
    }
    match wasmaot_compiler::compile(&wrong_type, &options(), &|_| {}) {
        Err(CompileError::Invalid { offset, message }) => {
            assert!(offset > 20 && message.contains("type mismatch"), "{offset} {message}");
        }
        other => panic!("{:?}", other.map(|output| output.summary)),
    }
}
