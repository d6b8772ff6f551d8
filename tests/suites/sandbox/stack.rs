//! The end of the stack.

use std::fmt::Write;
use wasmaot_abi::trap::TrapCode;
use wasmaot_runtime::Val;
use wasmaot_tests::Guest;

/// A function that calls itself while `count` of its values are live, so its frame is at least that many
/// words.
fn recursion_with_frame(count: usize) -> String {
    let mut wat = String::from("(module (memory 1) (func $f (export \"f\") (param i32) (result i64) ");
    wat += &"(local i64)".repeat(count);
    for local in 1..=count {
        write!(
            wat,
            "(local.set {local} (i64.load offset={local} (i32.and (local.get 0) (i32.const 0x3fff))))"
        )
        .expect("a string grows");
    }
    wat += "(if (result i64) (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (i64.const 0)))";
    for local in 1..=count {
        write!(wat, "(i64.add (local.get {local}))").expect("a string grows");
    }
    wat + ") (func (export \"ok\") (result i32) (i32.const 1)))"
}

#[test]
fn frames_of_all_sizes_overflow_into_the_guard() {
    // From less than a page of frame to more than the whole guard and more than the stack itself.
    for count in [1, 100, 600, 2_000, 9_000, 20_000] {
        let mut guest = Guest::new(&recursion_with_frame(count));
        for _ in 0..3 {
            assert_eq!(guest.trap("f", &[-1]), TrapCode::StackOverflow, "{count} live values");
            assert_eq!(guest.i32("ok", &[]), 1);
        }
    }
}

#[test]
fn recursion_overflows_and_leaves_the_instance_usable() {
    let mut guest = Guest::new(
        r#"(module
            (global $depth (export "depth") (mut i32) (i32.const 0))
            (func $a (export "a") (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $a))
            (func $even (export "even") (param i32) (result i32)
              (if (result i32) (local.get 0) (then (call $odd (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 1))))
            (func $odd (param i32) (result i32)
              (if (result i32) (local.get 0) (then (call $even (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))
            (func (export "get") (result i32) (global.get $depth)))"#,
    );
    assert_eq!(guest.trap("a", &[]), TrapCode::StackOverflow);
    let depth = guest.i32("get", &[]);
    assert!(depth > 10_000, "a small frame overflows after {depth} calls already");
    assert_eq!(guest.trap("a", &[]), TrapCode::StackOverflow);
    assert_eq!(guest.i32("get", &[]), 2 * depth, "the second overflow is as deep as the first");
    assert_eq!(guest.i32("even", &[1_000]), 1);
    assert_eq!(guest.trap("even", &[-1]), TrapCode::StackOverflow);
    assert_eq!(guest.i32("even", &[1_001]), 0);
}

#[test]
fn indirect_recursion_overflows() {
    let mut guest = Guest::new(
        r#"(module (table funcref (elem $f $g))
            (func $f (export "f") (param i32) (call_indirect (param i32) (i32.const 1) (local.get 0)))
            (func $g (param i32) (call_indirect (param i32) (i32.const 0) (local.get 0)))
            (func (export "h") (result i32) (i32.const 7)))"#,
    );
    assert_eq!(guest.trap("f", &[1]), TrapCode::StackOverflow);
    assert_eq!(guest.i32("h", &[]), 7);
}

/// Arguments and results beyond the registers pass through the stack.
#[test]
fn many_parameters_and_results_overflow() {
    let (types, gets) =
        ("i64 ".repeat(900), (0..900).map(|index| format!("(local.get {index})")).collect::<String>());
    let mut guest = Guest::new(&format!(
        "(module (func $f (export \"f\") (param {types}) (result {types}) (call $f {gets}))
           (func (export \"g\") (param {types}) (result {types}) {gets})
           (func (export \"ok\") (result i32) (i32.const 1)))"
    ));
    let arguments: Vec<Val> = (0..900).map(Val::I64).collect();
    assert_eq!(wasmaot_tests::trap_code(guest.call("f", &arguments)), TrapCode::StackOverflow);
    assert_eq!(guest.call("g", &arguments).expect("no trap"), arguments);
    assert_eq!(guest.i32("ok", &[]), 1);
}
