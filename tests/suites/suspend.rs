//! Calls that host functions leave half done: nothing of the guest is lost until they are resumed, wherever
//! that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};
use wasmaot_runtime::{
    CallError, Caller, Complete, HostError, InstancePre, Linker, Module, Outcome, Pool, PoolConfig,
    PooledInstance, Store, Suspend, Suspended, TrapCode, Val,
};
use wasmaot_tests::{Random, trap_code};

const TEXT: &str = include_str!("../guests/suspend.wat");

/// The value with which the host function `ask` suspends.
struct Question(i32);

fn linker() -> Linker<()> {
    let mut linker = Linker::new();
    let ask = |_: &mut Caller<'_, ()>, question: i32| {
        Err::<i32, HostError>(Suspend::new(Question(question)).into())
    };
    let pair =
        |_: &mut Caller<'_, ()>, a: i64, b: f64| Err::<(f64, i64), HostError>(Suspend::new((a, b)).into());
    let call = |caller: &mut Caller<'_, ()>| {
        let error = caller.call("down", &[Val::I32(0)]).expect_err("it cannot be suspended");
        assert!(matches!(error, CallError::CannotSuspend), "{error}");
        Err::<(), HostError>(error.into())
    };
    let defined = linker
        .func_wrap("host", "ask", ask)
        .and_then(|linker| linker.func_wrap("host", "pair", pair))
        .and_then(|linker| linker.func_wrap("host", "call", call));
    defined.expect("new names");
    linker
}

fn module() -> Module {
    wasmaot_tests::module(TEXT)
}

fn pool(slots: u32) -> (Pool, InstancePre<()>) {
    let pool = Pool::new(PoolConfig { slots, ..PoolConfig::default() }).expect("a pool");
    (pool, linker().instantiate_pre(&module()).expect("all imports are defined"))
}

fn suspended<R: std::fmt::Debug>(outcome: Result<Outcome<R>, CallError>) -> Suspended<R> {
    match outcome {
        Ok(Outcome::Suspended(suspended)) => suspended,
        other => panic!("not suspended: {other:?}"),
    }
}

fn returned<R: std::fmt::Debug>(outcome: Result<Outcome<R>, CallError>) -> R {
    match outcome {
        Ok(Outcome::Returned(results)) => results,
        other => panic!("not returned: {other:?}"),
    }
}

fn question<R>(suspended: &Suspended<R>) -> i32 {
    suspended.value().downcast_ref::<Question>().expect("the host function's value").0
}

#[test]
fn a_call_goes_on_where_it_was_left() {
    let (pool, linked) = pool(1);
    let twice = linked.get_typed_func::<i32, i32>("twice").expect("an export");
    for round in 0..100 {
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        let first = suspended(twice.call_resumable(&mut instance, round));
        assert_eq!(question(&first), round);
        let second = suspended(first.resume(&mut instance, 3));
        assert_eq!(question(&second), 7);
        assert_eq!(returned(second.resume(&mut instance, round)), 3 + 1000 * round);
        // And anything else afterwards.
        assert_eq!(instance.call("quick", &[]).expect("it runs"), [Val::I32(5)]);
    }
}

#[test]
fn values_that_live_across_the_call_survive_another_thread() {
    let (pool, linked) = pool(4);
    let many = linked.get_typed_func::<(i64, f64), (f64, i64)>("many").expect("an export");
    let expected = |p: i64, q: f64, (rf, ri): (f64, i64)| {
        let a = p.wrapping_add(1);
        let b = a.wrapping_mul(3);
        let c = b ^ 5;
        let d = c.wrapping_sub(p);
        let e = d.rotate_left(7);
        let f = e | 9;
        let x = q + 0.5;
        let y = x * x;
        let z = y - q;
        let sum = [b, c, d, e, f].iter().fold(a, |sum, value| sum.wrapping_add(*value));
        (rf + (x + (y + z)), ri.wrapping_add(sum))
    };
    let mut random = Random::new(1);
    for _ in 0..50 {
        let (p, q) = (random.number() as i64, random.below(1000) as f64);
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        let waiting = suspended(many.call_resumable(&mut instance, (p, q)));
        assert_eq!(waiting.value().downcast_ref::<(i64, f64)>(), Some(&(p, q)));
        // Others use the threads' registers and stacks meanwhile.
        let mut other = pool.start(&linked, ()).expect("a free slot");
        assert_eq!(other.call("quick", &[]).expect("it runs"), [Val::I32(5)]);
        let thread = std::thread::spawn(move || {
            let results = returned(waiting.resume(&mut instance, (1.5, 11i64)));
            drop(instance);
            results
        });
        assert_eq!(thread.join().expect("it does not panic"), expected(p, q, (1.5, 11)));
    }
}

#[test]
fn calls_with_values_are_resumed_too() {
    let mut store = Store::new(());
    let instance = linker().instantiate(&mut store, &module()).expect("it is sound");
    let twice = instance.get_func(&store, "twice").expect("a function");
    let first = suspended(twice.call_resumable(&mut store, &[Val::I32(1)]));
    let second = suspended(first.resume(&mut store, 2));
    assert_eq!(returned(second.resume(&mut store, 3)), [Val::I32(3002)]);
}

#[test]
fn only_calls_that_can_be_resumed_are_suspended() {
    let (pool, linked) = pool(1);
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let error = instance.call("twice", &[Val::I32(1)]).expect_err("it is suspended");
    assert!(matches!(error, CallError::CannotSuspend), "{error}");
    // Not through a host function that was called meanwhile, either.
    let nested = linked.get_typed_func::<(), ()>("nested").expect("an export");
    let error = nested.call_resumable(&mut instance, ()).expect_err("it cannot be suspended");
    assert!(matches!(error, CallError::CannotSuspend), "{error}");
    assert_eq!(instance.call("quick", &[]).expect("it runs"), [Val::I32(5)]);
}

#[test]
fn a_suspended_store_runs_nothing_else() {
    let (pool, linked) = pool(2);
    let twice = linked.get_typed_func::<i32, i32>("twice").expect("an export");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let mut other = pool.start(&linked, ()).expect("a free slot");
    let waiting = suspended(twice.call_resumable(&mut instance, 1));
    let refused = |error| assert!(matches!(error, CallError::Suspended), "{error}");
    refused(instance.call("quick", &[]).expect_err("it is suspended"));
    refused(twice.call_resumable(&mut instance, 1).expect_err("it is suspended"));
    let error = waiting.resume(&mut other, 1).expect_err("it is another instance");
    assert!(matches!(error, CallError::WrongStore(_)), "{error}");
    // The call can no longer be resumed, but its slot can be used again.
    drop(instance);
    drop(other);
    for _ in 0..2 {
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        let waiting = suspended(twice.call_resumable(&mut instance, 1));
        waiting.abandon(&mut instance).expect("it waits there");
        assert_eq!(instance.call("quick", &[]).expect("it runs"), [Val::I32(5)]);
    }
    assert_eq!(pool.stats().made, 2);
}

#[test]
fn what_is_given_must_be_of_the_host_functions_type() {
    let (pool, linked) = pool(1);
    let twice = linked.get_typed_func::<i32, i32>("twice").expect("an export");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let waiting = suspended(twice.call_resumable(&mut instance, 1));
    let error = waiting.resume(&mut instance, 1i64).expect_err("it has another type");
    let text = "the function has type (i32) -> (i32), not (i32) -> (i64)";
    assert_eq!(error.to_string(), text);
    assert_eq!(instance.call("quick", &[]).expect("it runs"), [Val::I32(5)]);
}

#[test]
fn the_rest_of_a_host_function_sees_the_guest_and_may_fail() {
    let (pool, linked) = pool(1);
    let seen = linked.get_typed_func::<(), i32>("seen").expect("an export");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let waiting = suspended(seen.call_resumable(&mut instance, ()));
    let outcome = waiting.resume_with(&mut instance, |caller| {
        caller.write(16, &41u32.to_le_bytes())?;
        // Below the frames that wait, on the same stack.
        caller.call("note", &[])?;
        Ok(0)
    });
    assert_eq!(returned(outcome), 41);

    let waiting = suspended(seen.call_resumable(&mut instance, ()));
    let error = waiting.resume_with(&mut instance, |_| Err::<i32, _>(HostError::Exit(3)));
    assert!(matches!(error, Err(CallError::Exit(3))), "{error:?}");
    let waiting = suspended(seen.call_resumable(&mut instance, ()));
    let error = waiting.resume_with(&mut instance, |_| Err::<i32, _>(HostError::Trap(TrapCode::Unreachable)));
    let Err(CallError::Trap(trap)) = error else { panic!("{error:?}") };
    assert!(!trap.backtrace.is_empty(), "{trap:?}");
    let waiting = suspended(seen.call_resumable(&mut instance, ()));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        waiting.resume_with(&mut instance, |_| -> Result<i32, HostError> {
            std::panic::resume_unwind(Box::new(9))
        })
    }));
    assert_eq!(panicked.expect_err("it panics").downcast_ref(), Some(&9));
    assert_eq!(instance.call("quick", &[]).expect("it runs"), [Val::I32(5)]);
}

/// What a host function waits for need not be there when it looks.
#[test]
fn the_rest_of_a_host_function_may_suspend_once_more() {
    let (pool, linked) = pool(1);
    let twice = linked.get_typed_func::<i32, i32>("twice").expect("an export");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let mut waiting = suspended(twice.call_resumable(&mut instance, 1));
    for round in 10..20 {
        waiting = suspended(
            waiting.resume_with(&mut instance, |_| Err::<i32, _>(Suspend::new(Question(round)).into())),
        );
        assert_eq!(question(&waiting), round);
    }
    let second = suspended(waiting.resume(&mut instance, 3));
    assert_eq!(question(&second), 7);
    assert_eq!(returned(second.resume(&mut instance, 5)), 5003);
}

#[test]
fn traps_after_a_resumption_name_all_functions() {
    let (pool, linked) = pool(1);
    let then_trap = linked.get_typed_func::<(), ()>("then_trap").expect("an export");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let waiting = suspended(then_trap.call_resumable(&mut instance, ()));
    let Err(CallError::Trap(trap)) = waiting.resume(&mut instance, 1) else { panic!("it traps") };
    assert_eq!(trap.code, TrapCode::Unreachable);
    assert_eq!(trap.backtrace.len(), 1, "{trap:?}");
}

/// The registers that a suspension saves need room, too: a stack that ends just there is an overflow like any
/// other.
#[test]
fn a_suspension_at_the_very_end_of_the_stack_is_an_overflow() {
    let config = PoolConfig { slots: 1, stack: 64 << 10, ..PoolConfig::default() };
    let (pool, linked) = (Pool::new(config).expect("a pool"), pool(1).1);
    let down = linked.get_typed_func::<i32, i32>("down").expect("an export");
    let reaches = |depth| {
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        match down.call_resumable(&mut instance, depth) {
            Ok(Outcome::Suspended(waiting)) => {
                assert_eq!(returned(waiting.resume(&mut instance, 1)), depth + 1);
                true
            }
            Err(CallError::Trap(trap)) if trap.code == TrapCode::StackOverflow => false,
            other => panic!("depth {depth}: {other:?}"),
        }
    };
    let too_deep = (0..7000).step_by(23).find(|&depth| !reaches(depth)).expect("the stack has an end");
    // Whatever the frames' sizes, one of these ends where the registers have no room.
    let (suspensions, overflows): (Vec<i32>, Vec<i32>) =
        (too_deep - 200..too_deep + 200).partition(|&depth| reaches(depth));
    assert!(suspensions.len() > 100 && overflows.len() > 100, "{suspensions:?} {overflows:?}");
    assert!(suspensions.last() < overflows.first(), "{suspensions:?} {overflows:?}");
    // Frame by frame up to the end, with a suspension in each.
    let deep = linked.get_typed_func::<i32, i32>("deep").expect("an export");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let mut outcome = deep.call_resumable(&mut instance, 3);
    loop {
        outcome = match outcome {
            Ok(Outcome::Suspended(waiting)) => waiting.resume(&mut instance, 1),
            other => break assert_eq!(trap_code(other), TrapCode::StackOverflow),
        };
    }
}

#[test]
fn deadlines_and_kills_wait_for_the_resumption() {
    let (pool, linked) = pool(1);
    let twice = linked.get_typed_func::<i32, i32>("twice").expect("an export");
    let stopped = |stop: fn(&mut PooledInstance<()>)| {
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        let waiting = suspended(twice.call_resumable(&mut instance, 1));
        stop(&mut instance);
        trap_code(waiting.resume(&mut instance, 1))
    };
    let late = |instance: &mut PooledInstance<()>| {
        instance.set_deadline(Instant::now()).expect("a watchdog");
    };
    assert_eq!(stopped(late), TrapCode::DeadlineExceeded);
    assert_eq!(stopped(|instance| instance.interrupt_handle().expect("a watchdog").kill()), TrapCode::Killed);
}

/// What is suspended stays as it was, however many others run on the same threads.
#[test]
fn many_wait_at_a_time() {
    const COUNT: u32 = 1000;
    let (pool, linked) = pool(COUNT);
    let down = linked.get_typed_func::<i32, i32>("down").expect("an export");
    let mut waiting: Vec<_> = (0..COUNT as i32)
        .map(|number| {
            let mut instance = pool.start(&linked, ()).expect("a free slot");
            let suspended = suspended(down.call_resumable(&mut instance, number % 100));
            (number, instance, suspended)
        })
        .collect();
    let half = waiting.split_off(COUNT as usize / 2);
    std::thread::scope(|scope| {
        for part in [waiting, half] {
            scope.spawn(move || {
                for (number, mut instance, suspended) in part.into_iter().rev() {
                    assert_eq!(returned(suspended.resume(&mut instance, number)), number + number % 100);
                }
            });
        }
    });
}

/// A module whose host functions are futures.
fn asynchronous() -> InstancePre<u32> {
    let text = r#"(module
      (import "host" "sleep" (func $sleep (param i32) (result i32)))
      (import "host" "fetch" (func $fetch (param i32)))
      (import "host" "ready" (func $ready))
      (memory (export "memory") 1)
      (func (export "run") (param i32) (result i32)
        (call $ready)
        (call $fetch (i32.const 64))
        (i32.add (i32.load (i32.const 64)) (call $sleep (local.get 0)))))"#;
    let mut linker = Linker::<u32>::new();
    let sleep = |_: &mut Caller<'_, u32>, millis: i32| async move {
        tokio::time::sleep(Duration::from_millis(millis as u64)).await;
        millis
    };
    let fetch = |caller: &mut Caller<'_, u32>, to: u32| {
        let number = *caller.data();
        async move {
            tokio::task::yield_now().await;
            Complete(move |caller: &mut Caller<'_, u32>| {
                *caller.data_mut() += 1;
                Ok(caller.write(to, &number.to_le_bytes())?)
            })
        }
    };
    let defined = linker
        .func_wrap_async("host", "sleep", sleep)
        .and_then(|linker| linker.func_wrap_async("host", "fetch", fetch))
        .and_then(|linker| linker.func_wrap_async("host", "ready", |_: &mut Caller<'_, u32>| async {}));
    defined.expect("new names");
    linker.instantiate_pre(&wasmaot_tests::module(text)).expect("all imports are defined")
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().expect("two threads")
}

#[test]
fn thousands_of_futures_wait_on_two_threads() {
    const COUNT: u32 = 2000;
    let linked = asynchronous();
    let run = linked.get_typed_func::<i32, i32>("run").expect("an export");
    let pool = Pool::new(PoolConfig { slots: COUNT, ..PoolConfig::default() }).expect("a pool");
    runtime().block_on(async {
        let tasks: Vec<_> = (0..COUNT)
            .map(|number| {
                let mut instance = pool.start(&linked, number).expect("a free slot: all wait at once");
                tokio::spawn(async move {
                    let result = run.call_async(&mut instance, 300 + (number % 7) as i32).await;
                    (result.expect("it returns"), instance.finish_with_data().0)
                })
            })
            .collect();
        for (number, task) in (0..COUNT).zip(tasks) {
            let sum = number + 300 + number % 7;
            assert_eq!(task.await.expect("it does not panic"), (sum as i32, number + 1));
        }
    });
}

/// A host function that waits for ever, and counts how often it was given up.
fn endless() -> (InstancePre<Arc<AtomicU32>>, Pool) {
    struct GivenUp(Arc<AtomicU32>);
    impl Drop for GivenUp {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    let mut linker = Linker::<Arc<AtomicU32>>::new();
    let wait = |caller: &mut Caller<'_, Arc<AtomicU32>>| {
        let given_up = GivenUp(caller.data().clone());
        async move {
            std::future::pending::<()>().await;
            drop(given_up);
        }
    };
    linker.func_wrap_async("host", "wait", wait).expect("a new name");
    let text = r#"(module (import "host" "wait" (func $wait)) (func (export "run") (call $wait)) (func (export "quick")))"#;
    let module = wasmaot_tests::module(text);
    let pool = Pool::new(PoolConfig { slots: 2, ..PoolConfig::default() }).expect("a pool");
    (linker.instantiate_pre(&module).expect("all imports are defined"), pool)
}

/// The task sleeps, and the future that it waits for wakes it never.
#[test]
fn deadlines_and_kills_wake_a_call_that_waits_for_a_future() {
    let (linked, pool) = endless();
    let run = linked.get_typed_func::<(), ()>("run").expect("an export");
    let quick = linked.get_typed_func::<(), ()>("quick").expect("an export");
    let count = Arc::new(AtomicU32::new(0));
    let check = |result: Result<(), CallError>, code, number| {
        match result {
            Err(CallError::Trap(trap)) => {
                assert_eq!(trap.code, code);
                assert_eq!(trap.backtrace.len(), 1, "where the guest waited");
            }
            other => panic!("expected a trap, got {other:?}"),
        }
        assert_eq!(count.load(Relaxed), number, "the future is dropped");
    };
    runtime().block_on(async {
        let mut instance = pool.start(&linked, count.clone()).expect("a free slot");
        // Neither the store next to it nor a wait that was given up is woken in its place.
        let mut other = pool.start(&linked, Arc::default()).expect("a free slot");
        _ = other.interrupt_handle().expect("a watchdog");
        let call = run.call_async(&mut other, ());
        assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
        for round in 0..3 {
            instance.set_deadline(Instant::now() + Duration::from_millis(20)).expect("a watchdog");
            check(run.call_async(&mut instance, ()).await, TrapCode::DeadlineExceeded, round + 1);
            instance.set_deadline(None).expect("a watchdog");
            quick.call(&mut instance, ()).expect("it runs again");
        }
        let handle = instance.interrupt_handle().expect("a watchdog");
        let killer = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            handle.kill();
        });
        check(run.call_async(&mut instance, ()).await, TrapCode::Killed, 4);
        killer.await.expect("it does not panic");
        quick.call(&mut other, ()).expect("it was not killed");
    });
}

#[test]
fn a_future_that_is_dropped_gives_its_call_up() {
    let linked = asynchronous();
    let run = linked.get_typed_func::<i32, i32>("run").expect("an export");
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    runtime().block_on(async {
        let mut instance = pool.start(&linked, 1).expect("a free slot");
        let call = run.call_async(&mut instance, 100_000);
        assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err());
        assert_eq!(run.call_async(&mut instance, 1).await.expect("it runs again"), 3);
    });
}

#[test]
fn an_asynchronous_host_function_needs_an_asynchronous_call() {
    let linked = asynchronous();
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    let mut instance = pool.start(&linked, 1).expect("a free slot");
    let error = instance.call("run", &[Val::I32(1)]).expect_err("it is suspended");
    assert!(matches!(error, CallError::CannotSuspend), "{error}");
    // And the other way round.
    let (pool, linked) = self::pool(1);
    let twice = linked.get_typed_func::<i32, i32>("twice").expect("an export");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let error = runtime().block_on(twice.call_async(&mut instance, 1)).expect_err("there is no future");
    assert!(matches!(error, CallError::NotAsync), "{error}");
    assert_eq!(instance.call("quick", &[]).expect("it runs"), [Val::I32(5)]);
}

/// However a waiting call ends, the future of its host function has been dropped by then and the slot is
/// reusable.
#[test]
fn nothing_of_a_call_outlives_it() {
    let (linked, pool) = endless();
    let run = linked.get_typed_func::<(), ()>("run").expect("an export");
    let quick = linked.get_typed_func::<(), ()>("quick").expect("an export");
    let count = Arc::new(AtomicU32::new(0));
    runtime().block_on(async {
        for _ in 0..10 {
            let mut instance = pool.start(&linked, count.clone()).expect("a free slot");
            // A future of the host function has the counter, too.
            let futures = || Arc::strong_count(&count) - 2;
            let call = run.call_async(&mut instance, ());
            assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
            assert_eq!(futures(), 0, "dropped with the call's future");
            quick.call(&mut instance, ()).expect("it runs again");
            instance.set_deadline(Instant::now() + Duration::from_millis(20)).expect("a watchdog");
            assert_eq!(trap_code(run.call_async(&mut instance, ()).await), TrapCode::DeadlineExceeded);
            assert_eq!(futures(), 0, "dropped at the deadline");
            let (data, usage) = instance.finish_with_data();
            // This one's, and that of `count`.
            assert_eq!(Arc::strong_count(&data), 2);
            assert!(usage.reset.is_some(), "the slot was not emptied");
        }
    });
    // On a slow machine a deadline may pass before its call begins to wait.
    assert!(count.load(Relaxed) > 10, "{count:?} futures were given up");
    assert_eq!((pool.stats().made, Arc::strong_count(&count)), (1, 1));
}
