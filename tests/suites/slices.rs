//! Time slices of asynchronous calls: a guest that is interrupted anywhere goes on as if it had not been.
//!
//! `WASMAOT_YIELDS` is how often the guests of the first test yield, 4,000 times in all unless given.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use wasmaot_compiler::Options;
use wasmaot_runtime::{
    CallError, Caller, HostError, InstancePre, Linker, Outcome, Pool, PoolConfig, PooledInstance, Trap,
    TrapCode, Val,
};
use wasmaot_tests::slices::in_slices;
use wasmaot_tests::{options, report, variable, variants};

const TEXT: &str = include_str!("../guests/slices.wat");

/// Exports that give a number for a number of iterations, and that for some 100 microseconds.
const LOOPS: [(&str, i32); 8] = [
    ("spin", 20_000),
    ("vectors", 5_000),
    ("calls", 5_000),
    ("host", 500),
    ("bulk", 100),
    ("throws", 30),
    ("waits", 20),
    ("nested", 10),
];

/// A slice that is over at once.
const SLICE: Duration = Duration::from_nanos(1);

fn linker() -> Linker<()> {
    let mut linker = Linker::new();
    let wait = |_: &mut Caller<'_, ()>, n: i32| async move {
        tokio::task::yield_now().await;
        n ^ 5
    };
    let back = |caller: &mut Caller<'_, ()>, n: i32| -> Result<i32, HostError> {
        match caller.call("inner", &[Val::I32(n)])?[..] {
            [Val::I64(result)] => Ok(result as i32),
            _ => Err(HostError::Exit(1)),
        }
    };
    let defined = linker
        .func_wrap("host", "f", |_: &mut Caller<'_, ()>, n: i32| n.wrapping_mul(77))
        .and_then(|linker| linker.func_wrap("host", "back", back))
        .and_then(|linker| linker.func_wrap_async("host", "wait", wait));
    defined.expect("new names");
    linker
}

fn linked_with(options: &Options) -> InstancePre<()> {
    let wasm = wat::parse_str(TEXT).expect("it is sound");
    let output = wasmaot_compiler::compile(&wasm, options, &|_| {}).expect("it is sound");
    linker()
        .instantiate_pre(&wasmaot_tests::load(&output.bytes).expect("sound"))
        .expect("all imports are defined")
}

fn linked() -> InstancePre<()> {
    linked_with(&options())
}

fn pool(slots: u32) -> Pool {
    Pool::new(PoolConfig { slots, ..PoolConfig::default() }).expect("a pool")
}

fn start(pool: &Pool, linked: &InstancePre<()>) -> PooledInstance<()> {
    let mut instance = pool.start(linked, ()).expect("a free slot");
    instance.yield_every(SLICE).expect("a watchdog");
    instance
}

/// What a loop gives without slices: by an executor, as some wait for futures.
fn whole(pool: &Pool, linked: &InstancePre<()>, name: &str, n: i32) -> (i64, Option<u64>) {
    let run = linked.get_typed_func::<i32, i64>(name).expect("an export");
    let mut instance = pool.start(linked, ()).expect("a free slot");
    let (result, _) = in_slices(run.call_async(&mut instance, n));
    (result.expect("it returns"), instance.operators())
}

/// All kinds of code, at every level of optimisation, for every kind of processor, with a meter and without.
#[test]
fn calls_go_on_where_they_were_interrupted() {
    let wanted = variable("WASMAOT_YIELDS", 4_000);
    let variants: Vec<_> = std::iter::once(("default".to_string(), options())).chain(variants()).collect();
    let each = wanted / (variants.len() * 2 * LOOPS.len()) as u64 + 1;
    let (pool, mut total) = (pool(2), 0);
    for ((variant, options), meter) in variants.iter().flat_map(|variant| [(variant, false), (variant, true)])
    {
        let linked = linked_with(&Options { meter, ..options.clone() });
        for (name, n) in LOOPS {
            let run = linked.get_typed_func::<i32, i64>(name).expect("an export");
            let mut yields = 0;
            let expected = whole(&pool, &linked, name, n);
            while yields < each {
                let mut instance = start(&pool, &linked);
                let (result, count) = in_slices(run.call_async(&mut instance, n));
                let found = (result.expect("it returns"), instance.operators());
                assert_eq!(found, expected, "{name}, {variant}, metered: {meter}");
                assert_eq!(found.1.is_some(), meter);
                yields += count;
            }
            total += yields;
        }
    }
    report(format_args!("slices: {total} yields"));
}

fn names(trap: &Trap) -> Vec<&str> {
    trap.backtrace.iter().map(|frame| frame.name.as_deref().unwrap_or("")).collect()
}

fn trap<R: std::fmt::Debug>(result: Result<R, CallError>) -> Trap {
    match result {
        Err(CallError::Trap(trap)) => trap,
        other => panic!("expected a trap, got {other:?}"),
    }
}

#[test]
fn traps_after_a_yield_name_all_functions() {
    let (pool, linked) = (pool(1), linked());
    let first = linked.get_typed_func::<i32, ()>("first").expect("an export");
    let mut yields = 0;
    while yields < 20 {
        let mut instance = start(&pool, &linked);
        let (result, count) = in_slices(first.call_async(&mut instance, 20_000));
        let trap = trap(result);
        assert_eq!(trap.code, TrapCode::Unreachable);
        assert_eq!(names(&trap), ["third", "second", "first"]);
        yields += count;
    }
}

/// Wherever it was interrupted: before a function has its frame, inside, or when that is gone.
#[test]
fn what_is_stopped_between_two_slices_names_all_functions() {
    let (pool, linked) = (pool(1), linked());
    let outermost = linked.get_typed_func::<(), ()>("outermost").expect("an export");
    let mut deepest = 0;
    for _ in 0..400 {
        let mut instance = start(&pool, &linked);
        let handle = instance.interrupt_handle().expect("a watchdog");
        let mut call = Box::pin(outermost.call_async(&mut instance, ()));
        poll_until(call.as_mut(), 1);
        handle.kill();
        let trap = trap(in_slices(call).0);
        assert_eq!(trap.code, TrapCode::Killed);
        // Without a gap, however far it had come.
        let names = names(&trap);
        assert!(["idle", "loops", "around", "outermost"].ends_with(&names), "{names:?}");
        deepest = deepest.max(names.len());
    }
    assert!(deepest > 2, "it hardly ran");
}

/// A yield takes nothing of the stack, so it ends where it would have ended.
#[test]
fn the_stack_ends_where_it_would() {
    let (pool, linked) = (pool(1), linked());
    let deep = linked.get_typed_func::<(), ()>("deep").expect("an export");
    let depth = |instance: &mut PooledInstance<()>| {
        instance.get_global("depth").expect("a global").get(instance).expect("of this store")
    };
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    assert_eq!(trap(deep.call(&mut instance, ())).code, TrapCode::StackOverflow);
    let expected = depth(&mut instance);
    drop(instance);
    let mut yields = 0;
    while yields < 300 {
        let mut instance = start(&pool, &linked);
        let (result, count) = in_slices(deep.call_async(&mut instance, ()));
        assert_eq!(trap(result).code, TrapCode::StackOverflow);
        assert_eq!(depth(&mut instance), expected);
        yields += count;
    }
}

/// Deadlines, kills, limits of CPU time and fuel end what yields, wherever they find it.
#[test]
fn what_yields_can_be_stopped() {
    let pool = pool(1);
    let metered = Options { meter: true, ..options() };
    let mut yields = 0;
    for (linked, name) in
        [linked(), linked_with(&metered)].iter().zip(["forever", "forever_host"].iter().cycle())
    {
        for name in [name, &"forever"] {
            let forever = linked.get_typed_func::<(), ()>(name).expect("an export");
            let mut stopped = |code, prepare: fn(&mut PooledInstance<()>)| {
                let mut instance = start(&pool, linked);
                prepare(&mut instance);
                let (result, count) = in_slices(forever.call_async(&mut instance, ()));
                let trap = trap(result);
                assert_eq!(trap.code, code);
                // It may be over before it has begun.
                assert!(trap.backtrace.is_empty() || names(&trap) == [*name], "{trap:?}");
                yields += count;
                // And the instance can be used again.
                instance.set_deadline(None).expect("a watchdog");
                instance.set_cpu_time(None).expect("a watchdog");
                if code != TrapCode::Killed && code != TrapCode::OutOfFuel {
                    let spin = linked.get_typed_func::<i32, i64>("spin").expect("an export");
                    let whole = spin.call(&mut instance, 1).expect("it runs");
                    let (again, _) = in_slices(spin.call_async(&mut instance, 1));
                    assert_eq!(again.expect("it runs"), whole);
                }
            };
            stopped(TrapCode::DeadlineExceeded, |instance| {
                instance.set_deadline(Instant::now() + Duration::from_millis(20)).expect("a watchdog");
            });
            stopped(TrapCode::CpuTimeExceeded, |instance| {
                instance.set_cpu_time(Duration::from_millis(20)).expect("a watchdog");
            });
            stopped(TrapCode::Killed, |instance| {
                let handle = instance.interrupt_handle().expect("a watchdog");
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(20));
                    handle.kill();
                });
            });
            if linked.module().is_metered() {
                stopped(TrapCode::OutOfFuel, |instance| instance.set_fuel(3_000_000).expect("it counts"));
            }
        }
    }
    assert!(yields > 100, "{yields}");
}

/// Polls a call that has no end until it has yielded so often.
fn poll_until<F: Future>(mut call: Pin<&mut F>, count: u64) {
    for _ in 0..count {
        let once = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
        assert!(in_slices(once).0.is_pending(), "it runs for ever");
    }
}

/// A call that is given up between two slices leaves nothing behind: neither in its instance nor in the slot.
#[test]
fn a_future_that_is_dropped_gives_its_call_up() {
    let (pool, linked) = (pool(1), linked());
    let forever = linked.get_typed_func::<(), ()>("forever").expect("an export");
    let spin = linked.get_typed_func::<i32, i64>("spin").expect("an export");
    let (expected, _) = whole(&pool, &linked, "spin", 500);
    for _ in 0..20 {
        let mut instance = start(&pool, &linked);
        for _ in 0..3 {
            {
                let mut call = pin!(forever.call_async(&mut instance, ()));
                poll_until(call.as_mut(), 3);
            }
            assert_eq!(spin.call(&mut instance, 500).expect("it runs"), expected);
        }
        let mut call = Box::pin(forever.call_async(&mut instance, ()));
        poll_until(call.as_mut(), 1);
        drop(call);
        drop(instance);
        // The next one in the slot has no slices, unless it is given some.
        let mut next = pool.start(&linked, ()).expect("a free slot");
        let (result, yields) = in_slices(spin.call_async(&mut next, 500));
        assert_eq!((result.expect("it runs"), yields), (expected, 0));
    }
    assert_eq!(pool.stats().made, 1, "the slot was never emptied");
}

/// While a call waits for its slice, its store runs nothing else; a future that is forgotten keeps it so
/// until it is finished.
#[test]
fn a_store_between_two_slices_runs_nothing_else() {
    let (pool, linked) = (pool(1), linked());
    let forever = linked.get_typed_func::<(), ()>("forever").expect("an export");
    let spin = linked.get_typed_func::<i32, i64>("spin").expect("an export");
    let mut instance = start(&pool, &linked);
    let mut call = Box::pin(forever.call_async(&mut instance, ()));
    poll_until(call.as_mut(), 1);
    std::mem::forget(call);
    let error = spin.call(&mut instance, 1).expect_err("a call waits");
    assert!(matches!(error, CallError::Suspended), "{error}");
    drop(instance);
    assert!(spin.call(&mut start(&pool, &linked), 1).is_ok());
}

#[test]
fn a_call_goes_on_on_other_threads() {
    let (pool, linked) = (pool(1), linked());
    let run = linked.get_typed_func::<i32, i64>("vectors").expect("an export");
    let n = 3_000_000;
    let (expected, _) = whole(&pool, &linked, "vectors", n);
    let mut instance = start(&pool, &linked);
    let mut call = Box::pin(run.call_async(&mut instance, n));
    let mut threads = 0;
    let result = loop {
        threads += 1;
        let once = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context)));
        let polled = std::thread::scope(|scope| scope.spawn(|| in_slices(once).0).join());
        match polled.expect("it does not panic") {
            Poll::Ready(result) => break result,
            Poll::Pending => {}
        }
    };
    assert_eq!(result.expect("it returns"), expected);
    assert!(threads > 10, "{threads}");
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Wakes(AtomicU64);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// The watchdog ends slices by itself, and a task whose slice is over wakes itself, so that an executor polls
/// it again after the others.
#[test]
fn a_guest_that_spins_lets_others_run() {
    let (pool, linked) = (pool(1), linked());
    let forever = linked.get_typed_func::<(), ()>("forever").expect("an export");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    instance.yield_every(Duration::from_millis(1)).expect("a watchdog");
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut context = Context::from_waker(&waker);
    {
        let mut call = pin!(forever.call_async(&mut instance, ()));
        for slice in 1..=20 {
            let begin = Instant::now();
            assert!(call.as_mut().poll(&mut context).is_pending());
            assert!(
                begin.elapsed() >= Duration::from_millis(1),
                "slices are not shorter than they are to be"
            );
            assert_eq!(wakes.0.load(Relaxed), slice, "it wakes its task once");
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a thread");
    let spinning = async {
        tokio::time::timeout(Duration::from_millis(20), forever.call_async(&mut instance, ())).await
    };
    assert!(runtime.block_on(spinning).is_err(), "the timer had its turn");
}

/// Slices are of asynchronous calls only.
#[test]
fn other_calls_do_not_yield() {
    let (pool, linked) = (pool(1), linked());
    let spin = linked.get_typed_func::<i32, i64>("spin").expect("an export");
    let (expected, _) = whole(&pool, &linked, "spin", 100_000);
    let mut instance = start(&pool, &linked);
    let (result, _) = in_slices(async { spin.call(&mut instance, 100_000) });
    assert_eq!(result.expect("it returns"), expected);
    let (outcome, _) = in_slices(async { spin.call_resumable(&mut instance, 100_000) });
    assert!(matches!(outcome, Ok(Outcome::Returned(result)) if result == expected));
    // Nor do asynchronous ones, once they are told not to.
    instance.yield_every(None).expect("nothing is needed");
    let (result, yields) = in_slices(spin.call_async(&mut instance, 100_000));
    assert_eq!((result.expect("it returns"), yields), (expected, 0));
}
