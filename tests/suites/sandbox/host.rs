//! The border between guest and host: deep nesting, traps and panics across it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmaot_abi::trap::TrapCode;
use wasmaot_runtime::{CallError, Caller, HostError, Linker, Val};
use wasmaot_tests::{Guest, trap_code};

/// `down(n)` calls the host, which calls `down(n - 1)`, until 0; the sum of all levels comes back.
const NESTED: &str = r#"(module
    (import "host" "call" (func $call (param i32) (result i32)))
    (func (export "down") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (local.get 0) (call $call (i32.sub (local.get 0) (i32.const 1)))))
        (else (i32.const 0))))
    (func (export "ok") (result i32) (i32.const 1)))"#;

fn nested() -> Guest {
    let mut linker = Linker::new();
    linker
        .func_wrap("host", "call", |caller: &mut Caller<'_, ()>, n: i32| -> Result<i32, HostError> {
            match caller.call("down", &[Val::I32(n)])?.as_slice() {
                [Val::I32(sum)] => Ok(*sum),
                other => panic!("one i32 expected, got {other:?}"),
            }
        })
        .expect("a new name");
    Guest::with_linker(NESTED, &linker)
}

#[test]
fn nesting_of_host_and_guest_works() {
    let mut guest = nested();
    assert_eq!(guest.i32("down", &[100]), 5_050);
    assert_eq!(guest.i32("down", &[100]), 5_050);
}

#[test]
fn endless_nesting_of_host_and_guest_is_a_trap() {
    let mut guest = nested();
    for _ in 0..3 {
        assert_eq!(guest.trap("down", &[-1]), TrapCode::StackOverflow);
        assert_eq!(guest.i32("ok", &[]), 1);
        assert_eq!(guest.i32("down", &[50]), 1_275);
    }
}

#[test]
fn a_trap_in_a_nested_call_reaches_the_outermost_caller() {
    let mut linker = Linker::new();
    linker
        .func_wrap("host", "call", |caller: &mut Caller<'_, ()>| -> Result<(), HostError> {
            caller.call("trap", &[])?;
            Ok(())
        })
        .expect("a new name");
    let mut guest = Guest::with_linker(
        r#"(module (import "host" "call" (func $call))
            (func (export "trap") unreachable)
            (func (export "outer") (result i32) (call $call) (i32.const 1))
            (func (export "ok") (result i32) (i32.const 2)))"#,
        &linker,
    );
    assert_eq!(guest.trap("outer", &[]), TrapCode::Unreachable);
    assert_eq!(guest.i32("ok", &[]), 2);
}

const CALLS_HOST: &str = r#"(module (import "host" "f" (func $f))
    (func $middle (call $f)) (func (export "run") (result i32) (call $middle) (i32.const 1))
    (func (export "ok") (result i32) (i32.const 2)))"#;

#[test]
fn a_panic_in_a_host_function_reaches_the_caller() {
    let mut linker = Linker::new();
    linker
        .func_wrap("host", "f", |_: &mut Caller<'_, ()>| -> () { std::panic::panic_any(42_u8) })
        .expect("a new name");
    let mut guest = Guest::with_linker(CALLS_HOST, &linker);
    for _ in 0..3 {
        let panic =
            catch_unwind(AssertUnwindSafe(|| guest.call("run", &[]))).expect_err("the panic comes through");
        assert_eq!(panic.downcast_ref::<u8>(), Some(&42));
        assert_eq!(guest.i32("ok", &[]), 2);
    }
}

#[test]
fn errors_of_a_host_function_reach_the_caller() {
    let mut linker = Linker::new();
    linker
        .func_wrap("host", "f", |_: &mut Caller<'_, ()>| -> Result<(), HostError> { Err(HostError::Exit(7)) })
        .expect("a new name");
    let mut guest = Guest::with_linker(CALLS_HOST, &linker);
    assert!(matches!(guest.call("run", &[]), Err(CallError::Exit(7))));

    let mut linker = Linker::new();
    linker
        .func_wrap("host", "f", |_: &mut Caller<'_, ()>| -> Result<(), HostError> {
            Err(HostError::Trap(TrapCode::IntegerOverflow))
        })
        .expect("a new name");
    let mut guest = Guest::with_linker(CALLS_HOST, &linker);
    assert_eq!(trap_code(guest.call("run", &[])), TrapCode::IntegerOverflow);

    let mut linker = Linker::new();
    linker
        .func_wrap("host", "f", |_: &mut Caller<'_, ()>| -> Result<(), HostError> {
            Err(HostError::Other("no luck".into()))
        })
        .expect("a new name");
    let mut guest = Guest::with_linker(CALLS_HOST, &linker);
    match guest.call("run", &[]) {
        Err(CallError::Host(error)) => assert_eq!(error.to_string(), "no luck"),
        other => panic!("expected the host's error, got {other:?}"),
    }
    assert_eq!(guest.i32("ok", &[]), 2);
}
