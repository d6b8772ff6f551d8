//! Deadlines and the kill switch: whatever an instance does, it is stopped, and no other is.
//!
//! `WASMAOT_KILLS` says how often the last test fires at a random moment; without it, that is as often as a
//! minute has room for, up to a number that takes seconds where two cores are idle.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, mpsc};
use std::thread::sleep;
use std::time::{Duration, Instant};
use wasmaot_runtime::{
    CallError, Caller, HostError, Instance, InstancePre, InterruptHandle, Linker, Module, ModuleLimits, Pool,
    PoolConfig, PooledInstance, ResourceLimits, Store, TrapCode, Val, check_interrupt,
};
use wasmaot_tests::{Random, report, stopped_while_running, trap_code, variable};

/// Ways to run for ever, and some that end.
const TEXT: &str = include_str!("../guests/interrupt.wat");

/// Exports that never return.
const ENDLESS: [&str; 9] = [
    "large_copies",
    "spin",
    "spin_host",
    "spin_builtin",
    "spin_grow",
    "spin_calls",
    "spin_nested",
    "nested_spin",
    "wait",
];

/// Those of them that touch little memory.
const SHORT_STEPS: &[&str] = ENDLESS.split_at(1).1;

fn linker() -> Linker<()> {
    let mut linker = Linker::new();
    let wait = |_: &mut Caller<'_, ()>| {
        loop {
            sleep(Duration::from_micros(100));
            check_interrupt()?;
        }
        #[expect(unreachable_code, reason = "gives the closure its type")]
        Ok::<(), HostError>(())
    };
    let call = |caller: &mut Caller<'_, ()>, endless: i32| {
        let name = if endless == 1 { "spin" } else { "quick" };
        // Swallowing the error of a nested call does not save its caller.
        _ = caller.call(name, &[]);
    };
    let defined = linker
        .func_wrap("host", "nothing", |_: &mut Caller<'_, ()>| {})
        .and_then(|linker| linker.func_wrap("host", "wait", wait))
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

fn runs(instance: &mut PooledInstance<()>) {
    assert_eq!(instance.call("quick_host", &[]).expect("it runs"), []);
}

#[test]
fn a_deadline_ends_whatever_runs() {
    let (pool, linked) = pool(1);
    for name in ENDLESS {
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        instance.set_deadline(Instant::now() + Duration::from_secs(3600)).expect("a watchdog");
        runs(&mut instance);
        let trap = stopped_while_running(|deadline| {
            instance.set_deadline(deadline).expect("a watchdog");
            instance.call(name, &[])
        });
        assert!(trap.backtrace.iter().any(|frame| frame.func_index >= 3), "{name}: {trap:?}");
        // It stays over.
        assert_eq!(trap_code(instance.call("quick", &[])), TrapCode::DeadlineExceeded);
        instance.set_deadline(None).expect("a watchdog");
        runs(&mut instance);
        drop(instance);
        let mut next = pool.start(&linked, ()).expect("the slot is free again");
        runs(&mut next);
        let count = next.get_global("count").expect("a global");
        assert_eq!(count.get(&next), Ok(Val::I64(0)));
    }
    assert_eq!(pool.stats().made, 1);
}

/// Each operation takes its time, and would leave its mark last: on `fill`'s and `copy`'s element 9,999,999
/// and 1, on `grow`'s length.
const TABLES: &str = include_str!("../guests/interrupt_tables.wat");

#[test]
fn a_deadline_ends_an_operation_on_a_table_half_way() {
    let module = wasmaot_tests::module(TABLES);
    for name in ["fill", "copy", "grow"] {
        let mut store = Store::new(());
        let mut linker = Linker::new();
        linker.set_module_limits(ModuleLimits { total_elements: 20_000_000, ..ModuleLimits::default() });
        let instance = linker.instantiate(&mut store, &module).expect("it is sound");
        stopped_while_running(|deadline| {
            store.set_deadline(deadline).expect("a watchdog");
            instance.call(&mut store, name, &[])
        });
        let table = |name| instance.get_table(&store, name).expect("a table");
        let last = if name == "copy" { 1 } else { 9_999_999 };
        let element = table("table").get(&store, last).expect("inside");
        assert!(matches!(element, Val::FuncRef(None)), "{name} was done first: {element:?}");
        assert_eq!(table("small").size(&store), Ok(1), "{name}");
    }
}

#[test]
fn a_deadline_ends_bulk_work() {
    let module = wasmaot_tests::module(include_str!("../guests/interrupt_bulk.wat"));
    let mut linker = Linker::new();
    linker.set_module_limits(ModuleLimits { total_elements: 10_000_000, ..ModuleLimits::default() });
    let exports = ["fill", "copy", "table_fill", "table_copy", "grow_by_nothing", "grow"];
    for name in exports {
        let mut store = Store::new(());
        let instance = linker.instantiate(&mut store, &module).expect("it is sound");
        stopped_while_running(|deadline| {
            store.set_deadline(deadline).expect("a watchdog");
            instance.call(&mut store, name, &[])
        });
    }
}

/// CPU time is that of all calls together, also in host functions; what only waits uses none.
#[test]
fn cpu_time_is_limited_beside_the_wall_clock() {
    const SHORT: Duration = Duration::from_millis(20);
    let (pool, linked) = pool(1);
    for name in SHORT_STEPS.iter().filter(|name| **name != "wait") {
        let limits = ResourceLimits { cpu_time: Some(SHORT), ..ResourceLimits::default() };
        let mut instance = pool.start_with(&linked, (), &limits).expect("a free slot");
        assert_eq!(trap_code(instance.call(name, &[])), TrapCode::CpuTimeExceeded, "{name}");
        assert_eq!(trap_code(instance.call("quick", &[])), TrapCode::CpuTimeExceeded, "nothing is left");
        instance.set_cpu_time(Duration::from_secs(3600)).expect("a watchdog");
        runs(&mut instance);
        // The deadline holds as well, and hardly any CPU time is used in the meantime.
        instance.set_deadline(Instant::now() + SHORT).expect("a watchdog");
        assert_eq!(trap_code(instance.call("wait", &[])), TrapCode::DeadlineExceeded);
        drop(instance);
        runs(&mut pool.start(&linked, ()).expect("the slot is free again"));
    }
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    instance.set_cpu_time(SHORT).expect("a watchdog");
    let ended = loop {
        match instance.call("spin_a_while", &[]) {
            Ok(_) => sleep(Duration::from_millis(1)),
            ended => break trap_code(ended),
        }
    };
    assert_eq!(ended, TrapCode::CpuTimeExceeded);
}

#[test]
fn waiting_takes_no_cpu_time() {
    let mut linker = Linker::new();
    let nap = |_: &mut Caller<'_, ()>| sleep(Duration::from_millis(300));
    linker.func_wrap("host", "nap", nap).expect("a new name");
    let text = r#"(module (import "host" "nap" (func $nap)) (func (export "nap") (call $nap)))"#;
    let module = wasmaot_tests::module(text);
    let mut store = Store::new(());
    let instance = linker.instantiate(&mut store, &module).expect("all imports are defined");
    store.set_cpu_time(Duration::from_millis(100)).expect("a watchdog");
    instance.call(&mut store, "nap", &[]).expect("it has slept, and not run");
}

#[test]
fn a_store_has_a_deadline_too() {
    let mut store = Store::new(());
    let instance = linker().instantiate(&mut store, &module()).expect("it is sound");
    store.set_deadline(Instant::now() + Duration::from_millis(5)).expect("a watchdog");
    assert_eq!(trap_code(instance.call(&mut store, "spin", &[])), TrapCode::DeadlineExceeded);
    store.set_deadline(None).expect("a watchdog");
    instance.call(&mut store, "quick", &[]).expect("it runs");
    store.interrupt_handle().expect("a watchdog").kill();
    assert_eq!(trap_code(instance.call(&mut store, "quick", &[])), TrapCode::Killed);
}

#[test]
fn a_kill_ends_whatever_runs() {
    let (pool, linked) = pool(1);
    for name in ENDLESS {
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        let handle = instance.interrupt_handle().expect("a watchdog");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                sleep(Duration::from_millis(5));
                handle.kill();
            });
            assert_eq!(trap_code(instance.call(name, &[])), TrapCode::Killed, "{name}");
        });
        // For good.
        assert_eq!(trap_code(instance.call("quick", &[])), TrapCode::Killed);
        drop(instance);
        let mut next = pool.start(&linked, ()).expect("the slot is free again");
        handle.kill();
        runs(&mut next);
    }
}

#[test]
fn a_kill_before_the_first_call_is_not_lost() {
    let (pool, linked) = pool(1);
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    instance.interrupt_handle().expect("a watchdog").kill();
    assert_eq!(trap_code(instance.call("quick", &[])), TrapCode::Killed);
}

/// While an instance runs inside a host function of another's, each has its own deadline.
#[test]
fn an_inner_store_is_not_stopped_for_the_outer_ones_sake() {
    let mut linker = Linker::new();
    // The data of the outer one is its deadline.
    let call = |caller: &mut Caller<'_, Instant>| {
        let (pool, linked) = pool(1);
        let mut inner = pool.start(&linked, ()).expect("a free slot");
        let deadline = *caller.data() + Duration::from_millis(40);
        inner.set_deadline(deadline).expect("a watchdog");
        assert_eq!(trap_code(inner.call("spin", &[])), TrapCode::DeadlineExceeded);
        assert!(Instant::now() >= deadline, "it was stopped for the outer one's sake");
    };
    linker.func_wrap("host", "call", call).expect("a new name");
    let text =
        r#"(module (import "host" "call" (func $call)) (func (export "run") (loop (call $call) (br 0))))"#;
    let module = wasmaot_tests::module(text);
    let mut store = Store::new(Instant::now());
    let outer = linker.instantiate(&mut store, &module).expect("it is sound");
    stopped_while_running(|deadline| {
        *store.data_mut() = deadline;
        store.set_deadline(deadline).expect("a watchdog");
        outer.call(&mut store, "run", &[])
    });
}

/// A store that another one's host function runs, and so on. The innermost is watched, the outermost has a
/// handle to itself.
struct Nested {
    outermost: Option<InterruptHandle>,
    /// Stores to be run inside.
    depth: u32,
    /// What the innermost does.
    innermost: fn(&InterruptHandle),
}

/// Calls the host once; and then is busy for ever, until the host has had enough of it.
const NESTED: &str = r#"(module
  (import "host" "call" (func $call))
  (import "host" "busy" (func $busy))
  (func (export "once") (call $call))
  (func (export "on") (call $call) (loop $on (call $busy) (br $on))))"#;

fn nested(depth: u32, innermost: fn(&InterruptHandle)) -> (Store<Nested>, Instance) {
    static MODULE: LazyLock<Module> = LazyLock::new(|| wasmaot_tests::module(NESTED));
    let mut linker = Linker::new();
    let call = |caller: &mut Caller<'_, Nested>| {
        let &Nested { ref outermost, depth, innermost } = caller.data();
        let outermost = outermost.as_ref().expect("it was given");
        if depth == 0 {
            return innermost(outermost);
        }
        let (mut store, instance) = nested(depth - 1, innermost);
        store.data_mut().outermost = Some(outermost.clone());
        if depth == 1 {
            // Watched, and not about to end.
            _ = store.interrupt_handle().expect("a watchdog");
        }
        instance.call(&mut store, "once", &[]).expect("nothing stops it");
    };
    let late = Instant::now() + Duration::from_secs(60);
    let busy = move |_: &mut Caller<'_, Nested>| match Instant::now() < late {
        true => Ok(()),
        false => Err(HostError::other("nothing stopped it")),
    };
    let defined =
        linker.func_wrap("host", "call", call).and_then(|linker| linker.func_wrap("host", "busy", busy));
    defined.expect("new names");
    let mut store = Store::new(Nested { outermost: None, depth, innermost });
    let instance = linker.instantiate(&mut store, &MODULE).expect("all imports are defined");
    (store, instance)
}

/// What stops a store is not forgotten because it comes while another one runs inside, even if there is one
/// between the two that nothing watches.
#[test]
fn what_comes_while_another_store_runs_inside_is_not_forgotten() {
    for depth in [1, 2, 3] {
        let (mut store, instance) = nested(depth, InterruptHandle::kill);
        store.data_mut().outermost = Some(store.interrupt_handle().expect("a watchdog"));
        assert_eq!(trap_code(instance.call(&mut store, "on", &[])), TrapCode::Killed, "{depth}");

        // By then nothing is expected of the watchdog any more.
        let (mut store, instance) = nested(depth, |_| sleep(Duration::from_millis(600)));
        store.data_mut().outermost = Some(store.interrupt_handle().expect("a watchdog"));
        store.set_deadline(Instant::now() + Duration::from_millis(300)).expect("a watchdog");
        let code = trap_code(instance.call(&mut store, "on", &[]));
        assert_eq!(code, TrapCode::DeadlineExceeded, "{depth}");
    }
}

/// Nor is a host function that waits then left alone.
#[test]
fn a_host_function_that_waits_after_another_store_ran_is_interrupted() {
    for stop in [false, true] {
        let mut linker = Linker::new();
        let wait = move |caller: &mut Caller<'_, Nested>| {
            let outermost = caller.data().outermost.clone();
            let innermost: fn(&InterruptHandle) = if stop { InterruptHandle::kill } else { |_| () };
            let (mut store, instance) = nested(0, innermost);
            store.data_mut().outermost = outermost;
            _ = store.interrupt_handle().expect("a watchdog");
            instance.call(&mut store, "once", &[]).expect("nothing stops it");
            loop {
                // SAFETY: there are no descriptors to write about.
                let result = unsafe { libc::poll(std::ptr::null_mut(), 0, 60_000) };
                if result == 0 {
                    return Err::<(), _>(HostError::other("nothing interrupted it"));
                }
                check_interrupt()?;
            }
        };
        let busy = |_: &mut Caller<'_, Nested>| {};
        let defined =
            linker.func_wrap("host", "call", wait).and_then(|linker| linker.func_wrap("host", "busy", busy));
        defined.expect("new names");
        let module = wasmaot_tests::module(NESTED);
        let mut store = Store::new(Nested { outermost: None, depth: 0, innermost: |_| () });
        store.data_mut().outermost = Some(store.interrupt_handle().expect("a watchdog"));
        let instance = linker.instantiate(&mut store, &module).expect("all imports are defined");
        if !stop {
            store.set_deadline(Instant::now() + Duration::from_millis(300)).expect("a watchdog");
        }
        let expected = if stop { TrapCode::Killed } else { TrapCode::DeadlineExceeded };
        assert_eq!(trap_code(instance.call(&mut store, "once", &[])), expected);
    }
}

#[test]
fn many_deadlines_on_two_threads() {
    let (pool, linked) = pool(2);
    std::thread::scope(|scope| {
        for seed in 0..2 {
            let (pool, linked) = (&pool, &linked);
            scope.spawn(move || {
                let mut random = Random::new(seed);
                for _ in 0..100 {
                    let mut instance = pool.start(linked, ()).expect("a free slot");
                    let after = Duration::from_micros(random.below(3000) as u64);
                    instance.set_deadline(Instant::now() + after).expect("a watchdog");
                    let name = SHORT_STEPS[random.below(SHORT_STEPS.len())];
                    assert_eq!(trap_code(instance.call(name, &[])), TrapCode::DeadlineExceeded, "{name}");
                }
            });
        }
    });
}

/// Kills after having waited for about this number of turns of an empty loop.
fn fire(handles: mpsc::Receiver<(InterruptHandle, u64)>, fired: &AtomicU64) {
    for (handle, turns) in handles {
        (0..turns).for_each(|_| std::hint::spin_loop());
        handle.kill();
        fired.fetch_add(1, Relaxed);
    }
}

/// Kills the instance in compiled code, in a host function, between the two, while entering or leaving, or
/// after it has ended.
#[test]
fn kills_at_random_moments_stop_their_own_instance_and_no_other() {
    const MOST: u64 = 100_000;
    let wanted = variable("WASMAOT_KILLS", 0);
    let end = Instant::now() + Duration::from_secs(60);
    // Where one core has to do for both threads, each turn of theirs may take milliseconds.
    let goes_on = |kills| match wanted {
        0 => kills < MOST && Instant::now() < end,
        _ => kills < wanted,
    };
    let (pool, linked) = pool(2);
    let mut kills = 0;
    let (fired, mut stopped) = (AtomicU64::new(0), 0);
    std::thread::scope(|scope| {
        let (sender, handles) = mpsc::sync_channel(4);
        let fired = &fired;
        scope.spawn(move || fire(handles, fired));
        let mut random = Random::new(7);
        while goes_on(kills) {
            let round = kills;
            kills += 1;
            let mut instance = pool.start(&linked, ()).expect("a free slot");
            let most = 1 << random.below(11);
            let turns = random.below(most) as u64;
            sender
                .send((instance.interrupt_handle().expect("a watchdog"), turns))
                .expect("the other thread listens");
            for _ in 0..random.below(4) {
                match instance.call("quick_host", &[]) {
                    Ok(_) => {}
                    Err(CallError::Trap(trap)) if trap.code == TrapCode::Killed => stopped += 1,
                    Err(error) => panic!("round {round}: {error}"),
                }
            }
            if random.below(2) == 0 {
                let name = SHORT_STEPS[random.below(SHORT_STEPS.len())];
                assert_eq!(trap_code(instance.call(name, &[])), TrapCode::Killed, "round {round}: {name}");
                stopped += 1;
            }
            drop(instance);
            // A kill that comes late must not hit this one.
            runs(&mut pool.start(&linked, ()).expect("a free slot"));
        }
    });
    assert_eq!(fired.load(Relaxed), kills);
    report(format_args!("interrupt: {kills} kills at random moments, {stopped} calls stopped"));
    assert!(stopped >= kills / 3);
}
