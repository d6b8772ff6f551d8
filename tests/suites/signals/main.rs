//! Hosts in Rust with signal handlers of their own, as crates install them. Each case is a process, since
//! handlers are the process's.
//!
//! **Invariant: whatever signals arrive while guests run, guests end as they would without, and every handler
//! runs to its end.** (Hosts in C are in `runtime-shim/capi/tests/c/hosts.rs`.)

mod stress;

use std::cell::RefCell;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};
use wasmaot_runtime::{
    CallError, Caller, HostError, HostSignals, InstancePre, Linker, Outcome, Pool, PoolConfig,
    PooledInstance, Store, Suspend, TrapCode, Val,
};
use wasmaot_tests::trap_code;

/// The variable that says which case a child process runs.
const CASE: &str = "WASMAOT_TEST_SIGNALS";

/// Recursion to a given depth, where it spins.
const TEXT: &str = include_str!("../../guests/signals.wat");

struct Host {
    pool: Pool,
    linked: InstancePre<()>,
}

impl Host {
    fn new() -> Self {
        let module = wasmaot_tests::module(TEXT);
        let pool = Pool::new(PoolConfig::default()).expect("a pool");
        Self { pool, linked: Linker::new().instantiate_pre(&module).expect("it imports nothing") }
    }

    /// Whether there is room for this number of levels.
    fn near(&self, levels: i32, count: i32) -> bool {
        let mut instance = self.pool.start(&self.linked, ()).expect("a free slot");
        let ended = instance.call("near", &[Val::I32(levels), Val::I32(count)]);
        ended.is_ok() || {
            assert_eq!(trap_code(ended), TrapCode::StackOverflow);
            false
        }
    }

    /// Whether an access out of bounds is a trap.
    fn load_traps(&self) -> bool {
        let mut instance = self.pool.start(&self.linked, ()).expect("a free slot");
        trap_code(instance.call("load", &[])) == TrapCode::MemoryOutOfBounds
    }

    /// The most levels that there is room for.
    fn deepest(&self) -> i32 {
        let (mut fits, mut fails) = (1, 10_000_000);
        while fails - fits > 1 {
            let middle = fits + (fails - fits) / 2;
            if self.near(middle, 1) { fits = middle } else { fails = middle }
        }
        fits
    }

    fn traps(&self) {
        let mut instance = self.pool.start(&self.linked, ()).expect("a free slot");
        assert_eq!(trap_code(instance.call("load", &[])), TrapCode::MemoryOutOfBounds);
        instance.set_deadline(Instant::now() + Duration::from_millis(3)).expect("a watchdog");
        assert_eq!(trap_code(instance.call("forever", &[])), TrapCode::DeadlineExceeded);
    }

    /// Runs at the end of the stack while signals arrive, until a handler has run often enough.
    fn runs_beside_signals(&self, number: i32, handled: &AtomicU64) {
        let deepest = self.deepest();
        let (enough, end) = (handled.load(SeqCst) + 20, Instant::now() + Duration::from_secs(60));
        while handled.load(SeqCst) < enough {
            assert!(Instant::now() < end, "signal {number} was handled {} times", handled.load(SeqCst));
            // SAFETY: the signal has a handler.
            unsafe { libc::kill(libc::getpid(), number) };
            // Where the kernel finds no room for the handler, the guest traps.
            self.near(deepest, 1_000_000);
            self.traps();
        }
    }
}

const NUMBERS: [i32; 5] = [libc::SIGUSR1, libc::SIGALRM, libc::SIGCHLD, libc::SIGPROF, libc::SIGURG];

/// Registers handlers that count, three before those of the runtime and two after them, and runs guests
/// beside each signal.
fn before_and_after(register: impl Fn(i32), handled: &AtomicU64) {
    let (before, after) = NUMBERS.split_at(3);
    before.iter().copied().for_each(&register);
    let host = Host::new();
    after.iter().copied().for_each(&register);
    for number in NUMBERS {
        host.runs_beside_signals(number, handled);
    }
}

fn signal_hook_before_and_after() {
    let handled = Arc::new(AtomicU64::new(0));
    let register = |number| {
        let handled = handled.clone();
        // SAFETY: the action does nothing but add to an atomic, which a handler may.
        let registered = unsafe {
            signal_hook::low_level::register(number, move || {
                handled.fetch_add(1, SeqCst);
            })
        };
        registered.expect("registered");
    };
    before_and_after(register, &handled);
}

fn tokio_before_and_after() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let handled = Arc::new(AtomicU64::new(0));
    let listen = |number| {
        let handled = handled.clone();
        let kind = tokio::signal::unix::SignalKind::from_raw(number);
        let entered = runtime.enter();
        let mut stream = tokio::signal::unix::signal(kind).expect("a stream");
        drop(entered);
        runtime.spawn(async move {
            while stream.recv().await.is_some() {
                handled.fetch_add(1, SeqCst);
            }
        });
    };
    before_and_after(listen, &handled);
}

/// What is left of a host function blocks all signals, whereupon the guest traps.
fn rest_that_blocks() {
    let text = r#"(module
      (import "host" "ask" (func $ask (result i32)))
      (memory 1)
      (func (export "load") (result i32) (i32.load (call $ask))))"#;
    let module = wasmaot_tests::module(text);
    let mut linker = Linker::new();
    let ask = |_: &mut Caller<'_, ()>| Err::<i32, HostError>(Suspend::new(()).into());
    linker.func_wrap("host", "ask", ask).expect("no other has the name");
    let mut store = Store::new(());
    store.set_host_signals(HostSignals::Checked);
    let instance = linker.instantiate(&mut store, &module).expect("it starts");
    let load = instance.get_typed_func::<(), i32>(&store, "load").expect("an export");
    let Ok(Outcome::Suspended(waiting)) = load.call_resumable(&mut store, ()) else {
        panic!("the host function suspends it")
    };
    let ended = waiting.resume_with(&mut store, |_| {
        // SAFETY: the set is filled before it is used.
        unsafe {
            let mut all = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
        }
        Ok(-4)
    });
    assert_eq!(trap_code(ended), TrapCode::MemoryOutOfBounds);
}

/// Does nothing unless it is run by one of the others.
#[test]
fn child() {
    match std::env::var(CASE).as_deref() {
        Ok("signal-hook") => signal_hook_before_and_after(),
        Ok("tokio") => tokio_before_and_after(),
        Ok("rest") => rest_that_blocks(),
        Ok("stress") => stress::run(),
        _ => {}
    }
}

/// Calls a guest when its thread gives its storage up, and says how that ended.
struct Late {
    instance: PooledInstance<()>,
    ended: Sender<Result<Vec<Val>, CallError>>,
}

impl Drop for Late {
    fn drop(&mut self) {
        self.ended.send(self.instance.call("load", &[])).expect("the other thread waits");
    }
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
}

/// Storage is given up in the opposite order of its first use.
fn call_late(is_used_first: bool) -> Result<Vec<Val>, CallError> {
    let (ended, how) = mpsc::channel();
    let run = move || {
        let host = Host::new();
        let traps = || assert!(host.load_traps());
        if !is_used_first {
            traps();
        }
        let instance = host.pool.start(&host.linked, ()).expect("a free slot");
        LATE.set(Some(Late { instance, ended }));
        traps();
    };
    std::thread::spawn(run).join().expect("it ends");
    how.recv().expect("it was called")
}

#[test]
fn destructors_of_a_threads_storage_may_call_guests_as_long_as_it_is_prepared() {
    assert_eq!(trap_code(call_late(false)), TrapCode::MemoryOutOfBounds);
    let refused = call_late(true).expect_err("the thread has given up its record");
    assert!(
        matches!(&refused, CallError::Thread(error) if error.to_string().contains("is ending")),
        "{refused}"
    );
}

fn works(case: &str) {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "child", "--nocapture"]).env(CASE, case);
    let output = child.output().expect("it starts");
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {}\n{printed}", output.status);
}

#[test]
fn handlers_of_signal_hook_run() {
    works("signal-hook");
}

#[test]
fn streams_of_tokio_receive() {
    works("tokio");
}

#[test]
fn signals_at_random_moments_change_nothing() {
    works("stress");
}

#[test]
fn the_rest_of_a_host_function_is_checked() {
    works("rest");
}
