//! Hosts that fork: what was there before goes on working in the child, which has one thread and no watchdog.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed, Ordering::SeqCst};
use std::time::{Duration, Instant};
use wasmaot_runtime::{
    CallError, Caller, InstancePre, InterruptError, Limits, Linker, Loader, MemoryType, Pool, PoolConfig,
    SharedMemory, Store, Tenant, TrapCode, Val,
};
use wasmaot_tests::{Guest, compile_wat, trap_code, waiting};

/// Runs for ever, by itself or after the host has forked; or writes some of its memory and says what was
/// there before.
const TEXT: &str = include_str!("../guests/fork.wat");

/// What the fork gave that a host function makes; -1 before it.
static CHILD: AtomicI32 = AtomicI32::new(-1);

fn linked() -> InstancePre<()> {
    load(&compile_wat(TEXT))
}

fn load(artifact: &[u8]) -> InstancePre<()> {
    let module = wasmaot_tests::load(artifact).expect("the module is sound");
    linker().instantiate_pre(&module).expect("all imports are defined")
}

fn linker() -> Linker<()> {
    let mut linker = Linker::new();
    let fork = |_: &mut Caller<'_, ()>| {
        let child = fork();
        CHILD.store(child, SeqCst);
        child
    };
    linker.func_wrap("host", "fork", fork).expect("a new name");
    linker
}

fn pool(slots: u32) -> Pool {
    Pool::new(PoolConfig { slots, ..PoolConfig::default() }).expect("a pool")
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(5)
}

/// Forks. A child that hangs is ended after a minute, whatever becomes of its parent.
fn fork() -> libc::pid_t {
    // SAFETY: the child runs what is tested here, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: takes a number; the signal has no handler.
        unsafe { libc::alarm(60) };
    }
    child
}

/// Runs `check` in a child, and fails if that does not give `true` within a minute.
#[track_caller]
fn in_child(check: impl FnOnce() -> bool) {
    let child = fork();
    if child == 0 {
        finish(std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).unwrap_or(false));
    }
    expect_success(child);
}

/// The end of a child.
fn finish(success: bool) -> ! {
    // SAFETY: takes a number, and ends the process without running anything of it.
    unsafe { libc::_exit(i32::from(!success)) }
}

/// Waits for a child.
#[track_caller]
fn expect_success(child: libc::pid_t) {
    assert!(child > 0, "fork: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: `child` is a child of this process that no other thread waits for.
    while unsafe { libc::waitpid(child, &mut status, 0) } < 0 {
        let error = std::io::Error::last_os_error();
        assert_eq!(error.kind(), std::io::ErrorKind::Interrupted, "waitpid: {error}");
    }
    let status = ExitStatus::from_raw(status);
    assert!(status.success(), "the child failed, or was ended because it hung: {status}");
}

/// Whether a deadline and a kill end an endless run.
fn stops(pool: &Pool, linked: &InstancePre<()>) -> bool {
    let mut instance = pool.start(linked, ()).expect("a free slot");
    instance.set_deadline(soon()).expect("a watchdog");
    let late = trap_code(instance.call("spin", &[]));
    drop(instance);
    let mut instance = pool.start(linked, ()).expect("a free slot");
    let handle = instance.interrupt_handle().expect("a watchdog");
    let killer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(5));
        handle.kill();
    });
    let killed = trap_code(instance.call("spin", &[]));
    killer.join().expect("it ends");
    (late, killed) == (TrapCode::DeadlineExceeded, TrapCode::Killed)
}

#[test]
fn deadlines_and_kills_work_in_children_and_their_children() {
    let (pool, linked) = (pool(2), linked());
    assert!(stops(&pool, &linked));
    in_child(|| {
        let here = stops(&pool, &linked);
        in_child(|| stops(&pool, &linked));
        here
    });
    assert!(stops(&pool, &linked));
}

/// Threads that prove are none of the child's, and neither is a lock that one of the parent's holds.
#[test]
fn modules_are_proven_in_children() {
    let artifact = |number: usize| {
        let functions: String = (0..2000)
            .map(|at| format!("(func (export \"f{at}\") (result i64) (i64.const {}))", number << 32 | at))
            .collect();
        wasmaot_tests::compile_wat(&format!("(module {functions})"))
    };
    let proves = |artifact: &[u8]| Loader { jobs: 3, ..Loader::default() }.from_bytes(artifact).is_ok();
    let (before, after) = (artifact(1), artifact(2));
    assert!(proves(&before));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                assert!(proves(&before));
            }
        });
        for _ in 0..20 {
            in_child(|| proves(&before) && proves(&after));
        }
        stop.store(true, Relaxed);
    });
}

#[test]
fn a_thread_that_ran_without_any_deadline_may_fork() {
    let (pool, linked) = (pool(1), linked());
    let write = linked.get_typed_func::<i32, i32>("write").expect("its type");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    assert_eq!(write.call(&mut instance, 1).expect("no trap"), 0);
    drop(instance);
    in_child(|| stops(&pool, &linked));
}

#[test]
fn a_deadline_that_was_set_before_the_fork_holds() {
    let module = linked().module().clone();
    let mut store = Store::new(());
    let instance = linker().instantiate(&mut store, &module).expect("it is sound");
    store.set_deadline(Instant::now() + Duration::from_millis(50)).expect("a watchdog");
    in_child(|| trap_code(instance.call(&mut store, "spin", &[])) == TrapCode::DeadlineExceeded);
}

#[test]
fn a_run_that_forks_is_stopped_in_the_child() {
    let (pool, linked) = (pool(1), linked());
    let run = linked.get_typed_func::<(), i32>("fork_and_spin").expect("its type");
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let mut time = Duration::from_millis(100);
    let ended = loop {
        instance.set_deadline(Instant::now() + time).expect("a watchdog");
        let ended = run.call(&mut instance, ());
        if CHILD.load(SeqCst) != -1 {
            break ended;
        }
        // On a busy machine the deadline may pass before the fork.
        assert_eq!(trap_code(ended), TrapCode::DeadlineExceeded);
        time *= 4;
    };
    if CHILD.load(SeqCst) == 0 {
        finish(matches!(ended, Err(CallError::Trap(trap)) if trap.code == TrapCode::DeadlineExceeded));
    }
    assert!(matches!(ended, Ok(7)) || trap_code(ended) == TrapCode::DeadlineExceeded);
    expect_success(CHILD.load(SeqCst));
}

/// What a pool knows of its memory's pages is not the parent's.
#[test]
fn instances_of_a_child_start_as_new() {
    let (pool, linked) = (pool(1), linked());
    let write = linked.get_typed_func::<i32, i32>("write").expect("its type");
    let fresh = |times: i32| {
        (0..times).all(|_| {
            let mut instance = pool.start(&linked, ()).expect("a free slot");
            write.call(&mut instance, 1).expect("no trap") == 0
        })
    };
    assert!(fresh(1));
    in_child(|| fresh(20));
    assert!(fresh(20));
    in_child(|| fresh(20));
}

/// Ends threads that run until then, whatever happens.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Waits for and notifies address 0, which is that of a shared memory.
const WAITING: &str = r#"(module
    (import "host" "memory" (memory 1 1 shared))
    (func (export "wait") (param i64) (result i32)
        (memory.atomic.wait32 (i32.const 0) (i32.const 0) (local.get 0)))
    (func (export "notify") (result i32) (memory.atomic.notify (i32.const 0) (i32.const -1))))"#;

fn waiting_guest(memory: &SharedMemory) -> Guest {
    let mut linker = Linker::new();
    linker.define_shared("host", "memory", memory.clone()).expect("a new name");
    Guest::with_linker(WAITING, &linker)
}

/// Threads that wait at an address when the process forks do not wait in the child, where a notification
/// would be lost on them; nor do those that notify there just then keep others off.
#[test]
fn nobody_waits_in_the_child() {
    let memory = SharedMemory::new(MemoryType::new(Limits { min: 1, max: Some(1) })).expect("a valid type");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut waits = waiting_guest(&memory);
        // Also when a check fails that comes before its notification.
        waits.store.set_deadline(Instant::now() + Duration::from_secs(60)).expect("a watchdog");
        let forever = [Val::I64(-1)];
        let (_, thread) = waiting(scope, &[libc::SYS_futex], move || waits.call("wait", &forever));
        let mut guest = waiting_guest(&memory);
        in_child(|| guest.i32("notify", &[]) == 0);
        // It waits in the parent.
        while guest.i32("notify", &[]) == 0 && !thread.is_finished() {
            std::thread::yield_now();
        }
        assert_eq!(thread.join().expect("it does not panic").expect("no trap"), [Val::I32(0)]);

        let _done = Done(&done);
        let mut notifies = waiting_guest(&memory);
        let done = &done;
        scope.spawn(move || {
            while !done.load(SeqCst) {
                notifies.i32("notify", &[]);
            }
        });
        for _ in 0..50 {
            in_child(|| matches!(guest.call("wait", &[Val::I64(1000)]).as_deref(), Ok([Val::I32(2)])));
        }
    });
}

/// Other threads teach the same module's hot pages, and take slots of the same pool, when the process forks.
#[test]
fn a_pool_is_usable_in_a_child_whatever_others_did_with_it() {
    const FORKS: usize = 200;
    let (pool, linked, done) = (pool(64), linked(), AtomicBool::new(false));
    let touch = linked.get_typed_func::<i32, i32>("touch").expect("its type");
    let is_fresh = |turn: u64| {
        let pool = pool.for_tenant(Tenant(turn % 5));
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        touch.call(&mut instance, (turn * 7 % 64) as i32).expect("no trap") == 0
    };
    std::thread::scope(|scope| {
        let _done = Done(&done);
        for _ in 0..3 {
            scope.spawn(|| {
                for turn in (0..).take_while(|_| !done.load(SeqCst)) {
                    assert!(is_fresh(turn));
                }
            });
        }
        for _ in 0..FORKS {
            in_child(|| (0..20).all(is_fresh));
        }
    });
}

/// A copy of the process that no handler of forks knows of, as `_Fork` makes it.
fn copy_process() -> libc::pid_t {
    // SAFETY: the child has a copy of everything, and only runs what is tested here.
    unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as libc::pid_t }
}

#[test]
fn a_copy_without_handlers_of_forks_is_promised_no_deadlines() {
    let (pool, linked) = (pool(1), linked());
    assert!(stops(&pool, &linked));
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    instance.set_deadline(Instant::now() + Duration::from_secs(100)).expect("a watchdog");
    let child = copy_process();
    if child == 0 {
        let refused = [instance.set_deadline(soon()).err(), instance.interrupt_handle().err()];
        let all = refused.iter().all(|error| matches!(error, Some(InterruptError::Copied)));
        // SAFETY: takes a number, and ends the process without running anything of it.
        unsafe { libc::_exit(i32::from(!all)) };
    }
    let mut status = 0;
    // SAFETY: waits for a child of this process.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    instance.set_deadline(soon()).expect("a watchdog");
    assert_eq!(trap_code(instance.call("spin", &[])), TrapCode::DeadlineExceeded);
}

/// Forks at moments when other threads hold whatever locks there are.
#[test]
fn forks_come_at_any_moment() {
    const FORKS: usize = 50;
    let artifact = compile_wat(TEXT);
    let (pool, linked, done) = (pool(8), load(&artifact), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _done = Done(&done);
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    let mut instance = pool.start(&linked, ()).expect("a free slot");
                    instance.set_deadline(Instant::now() + Duration::from_micros(50)).expect("a watchdog");
                    let handle = instance.interrupt_handle().expect("a watchdog");
                    assert_eq!(trap_code(instance.call("spin", &[])), TrapCode::DeadlineExceeded);
                    handle.kill();
                }
            });
        }
        for _ in 0..FORKS {
            in_child(|| {
                // Others may be in the middle of whatever concerns their module.
                stops(&self::pool(1), &load(&artifact))
            });
        }
    });
}
