//! How long exceptions are kept: as long as a guest can reach them, and no more of them than the limit.

use std::time::{Duration, Instant};
use wasmaot_runtime::{Linker, Pool, PoolConfig, TrapCode, Val};
use wasmaot_tests::{Guest, trap_code};

/// Throws in loops, in the ways that leave references behind and those that do not.
const LOOPS: &str = include_str!("../../guests/exceptions_loops.wat");

#[test]
fn throws_without_references_take_nothing() {
    assert_eq!(Guest::new(LOOPS).i32("plain", &[100_000]), (1..=100_000i32).fold(0, i32::wrapping_add));
}

#[test]
fn what_can_be_reached_is_kept() {
    let mut guest = Guest::new(LOOPS);
    assert_eq!(guest.i32("references", &[50_000]), 4321);
    assert_eq!(guest.i32("hoard", &[3_000]), 3_000 * 3_001 / 2);
    assert_eq!(guest.i32("kept", &[]), 1, "a global outlives the call");
}

#[test]
fn there_is_a_limit() {
    let mut guest = Guest::new(LOOPS);
    assert_eq!(guest.trap("hoard_in_table", &[100_000]), TrapCode::ExceptionLimit);
    assert_eq!(guest.trap("plain", &[1]), TrapCode::ExceptionLimit, "the table still holds them");
}

#[test]
fn a_loop_of_throws_is_stopped_by_its_deadline() {
    let mut guest = Guest::new(LOOPS);
    guest.store.set_deadline(Instant::now() + Duration::from_millis(20)).expect("a watchdog");
    assert_eq!(guest.trap("forever", &[]), TrapCode::DeadlineExceeded);
}

#[test]
fn a_pooled_instance_starts_without_exceptions() {
    let module = wasmaot_tests::module(LOOPS);
    let linked = Linker::new().instantiate_pre(&module).expect("it imports nothing");
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("room for a slot");
    for value in 1..20 {
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        assert_eq!(trap_code(instance.call("kept", &[])), TrapCode::NullException);
        instance.call("keep", &[Val::I32(value)]).expect("it keeps one");
        assert_eq!(instance.call("kept", &[]).expect("it is there"), [Val::I32(value)]);
        instance.finish();
    }
}
