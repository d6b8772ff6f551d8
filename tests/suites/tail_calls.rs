//! Tail calls need the stack of one call, however many follow each other, and keep what other calls have:
//! traps with backtraces, deadlines, host functions. Chains that need no host are in
//! `scripts/tail_calls.wast`.

use wasmaot_runtime::{CallError, Caller, Linker, TrapCode, Val};
use wasmaot_tests::{Guest, stopped_while_running, trap_code};

/// Calls that follow each other. With a frame each, 16 bytes at least, they would fill the stack some hundred
/// times over.
const MANY: i32 = 10_000_000;

const CHAINS: &str = include_str!("../guests/tail_calls.wat");

#[test]
fn a_host_function_can_be_the_last_of_a_chain() {
    let mut linker = Linker::<()>::new();
    linker.func_wrap("m", "host", |_: &mut Caller<'_, ()>, n: i32| n + 7).expect("a new name");
    let nested = |caller: &mut Caller<'_, ()>, depth: i32| -> Result<i32, wasmaot_runtime::HostError> {
        match caller.call("chain", &[Val::I32(depth)])?[..] {
            [Val::I32(result)] => Ok(result),
            _ => Ok(0),
        }
    };
    linker.func_wrap("m", "nested", nested).expect("a new name");
    let mut guest = Guest::with_linker(include_str!("../guests/tail_calls_host.wat"), &linker);
    assert_eq!(guest.i32("call", &[1]), 8);
    assert_eq!(guest.i32("indirect", &[2]), 9);
    assert_eq!(guest.i32("chain", &[10]), 42);
    // Calls by the host lie on top of each other: here a stack is what it is.
    assert_eq!(trap_code(guest.call("chain", &[Val::I32(MANY)])), TrapCode::StackOverflow);
}

#[test]
fn a_backtrace_names_who_is_there() {
    let mut guest = Guest::new(CHAINS);
    let Err(CallError::Trap(trap)) = guest.call("fails", &[Val::I32(0)]) else { panic!("it traps") };
    assert_eq!(trap.code, TrapCode::Unreachable);
    let names: Vec<_> = trap.backtrace.iter().map(|frame| frame.name.as_deref().unwrap_or("")).collect();
    assert_eq!(names, ["fail", "fails"], "the frame between them was replaced");
    assert!(trap.backtrace.iter().all(|frame| frame.wasm_offset.is_some()));
}

/// The signal arrives anywhere, also while a frame is being replaced.
#[test]
fn a_deadline_ends_a_loop_of_tail_calls() {
    let mut guest = Guest::new(CHAINS);
    let wide = [Val::I64(0); 8];
    for round in 0..40 {
        let (name, arguments) = if round % 2 == 0 { ("spin", &wide[..0]) } else { ("spin_wide", &wide[..]) };
        let trap = stopped_while_running(|deadline| {
            guest.store.set_deadline(deadline).expect("a watchdog");
            guest.call(name, arguments)
        });
        assert!(trap.backtrace.len() <= 2, "{trap:?}");
        guest.store.set_deadline(None).expect("a watchdog");
        assert_eq!(guest.i32("self", &[1]), 42);
    }
}
