//! Run by the test suite `release`, built with optimisation: panics, traps and errors in an artifact given as
//! the argument.
//!
//! It does not depend on the compiler, so that an optimised build of it takes seconds. The artifact imports
//! `host` `f` and exports `run`, which calls it, `trap`, which traps, and `add`. Prints `ok` if all is well,
//! and panics otherwise.

use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmaot_abi::trap::TrapCode;
use wasmaot_runtime::{CallError, Caller, HostError, Instance, Linker, Module, Store, Val};

/// What the host function does next.
#[derive(Clone, Copy)]
enum Mood {
    Panic,
    Exit,
    Return,
}

/// Rust code with something to drop, between the embedder and the guest, and between the guest and the panic.
struct Noted<'a>(&'a mut usize);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        *self.0 += 1;
    }
}

fn main() {
    let path = std::env::args_os().nth(1).expect("the argument names an artifact");
    // SAFETY: the test that starts this program has compiled the artifact.
    let module = unsafe { Module::open_trusted(path) }.unwrap_or_else(|e| panic!("{e}"));
    let mut store = Store::new(Mood::Return);
    let mut linker = Linker::new();
    linker.func_wrap("host", "f", host).expect("a new name");
    let instance = linker.instantiate(&mut store, &module).unwrap_or_else(|e| panic!("{e}"));

    let mut dropped = 0;
    for round in 1..=100 {
        assert_eq!(panics(&mut store, instance, &mut dropped), 42);
        assert_eq!(dropped, round);
        *store.data_mut() = Mood::Exit;
        assert!(matches!(instance.call(&mut store, "run", &[]), Err(CallError::Exit(3))));
        *store.data_mut() = Mood::Return;
        assert_eq!(instance.call(&mut store, "run", &[]).expect("no trap"), [Val::I32(1)]);
        match instance.call(&mut store, "trap", &[]) {
            Err(CallError::Trap(trap)) => assert_eq!(trap.code, TrapCode::Unreachable),
            other => panic!("expected a trap, got {other:?}"),
        }
        let sum = instance.call(&mut store, "add", &[Val::I32(round as i32), Val::I32(1)]);
        assert_eq!(sum.expect("no trap"), [Val::I32(round as i32 + 1)]);
    }
    println!("ok");
}

fn host(caller: &mut Caller<'_, Mood>) -> Result<(), HostError> {
    match *caller.data() {
        Mood::Panic => std::panic::panic_any(42_u8),
        Mood::Exit => Err(HostError::Exit(3)),
        Mood::Return => Ok(()),
    }
}

/// Lets the host function panic below the guest; the panic's payload.
fn panics(store: &mut Store<Mood>, instance: Instance, dropped: &mut usize) -> u8 {
    *store.data_mut() = Mood::Panic;
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _noted = Noted(dropped);
        instance.call(store, "run", &[])
    }));
    let payload = result.expect_err("the panic reaches the caller");
    *payload.downcast::<u8>().expect("the payload is the one of the panic")
}
