//! The thread that watches deadlines and carries out kills, for the whole process.
//!
//! It says in [`NEXT_LOOK`] until when it sleeps. Arming an earlier deadline wakes it; all others only
//! store theirs, and it finds them when it looks. While requests keep coming it looks often enough that
//! it needs no waking, so the steady state makes no system call on the threads that serve them.
//!
//! **Invariants.** `NEXT_LOOK` is stored before the threads are looked at, and is only lowered afterwards, so
//! a deadline is either seen or its owner sees that it has to wake the watchdog. A kill is dropped only when,
//! after the kill word was stored, no thread was found that runs what is to be killed: a run that enters
//! later sees the word. A call that waits for a future is added before it looks at the word and the clock for
//! the last time.

use super::causes::NEVER;
use super::error::InterruptError;
use super::sleepers::Sleepers;
use super::thread::{self, Thread};
use crate::os::clock;
use crate::os::fork::{self, List};
use crate::os::map::Here;
use crate::os::schedule;
use crate::os::trace::event;
use crate::run::signal;
use crate::run::store_id::StoreId;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::sync::mpsc;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// Nanoseconds from one poke of a due run to the next.
const REPEAT: u64 = 1_000_000;

/// Nanoseconds from one look to the next at least, where nothing is due.
const LEAST: u64 = 100_000;

/// Nanoseconds from one look to the next while deadlines come and go.
const INTERVAL: u64 = 10_000_000;

/// Nanoseconds from one check of the process's handlers to the next, while it does not sleep.
const CHECK_INTERVAL: u64 = 100_000_000;

/// Looks in a row that find nothing new, after which it sleeps until it is woken.
const IDLE_LOOKS: u32 = 20;

/// How long its maker waits until it is scheduled as it has to be. It takes longer only where the maker holds
/// what every new thread needs, such as the lock of the dynamic linker.
const START_WAIT: Duration = Duration::from_secs(1);

/// Bytes of its stack, on which the embedder's wakers run.
const STACK: usize = 256 << 10;

/// When the watchdog looks next, in the clock's nanoseconds.
static NEXT_LOOK: AtomicU64 = AtomicU64::new(NEVER);

/// What the watchdog is to do.
struct Tasks {
    /// What is to be killed and was found running.
    kills: Vec<StoreId>,
    /// Calls that wait for a future.
    sleepers: Sleepers,
}

/// Its lock is held whenever the watchdog neither sleeps nor calls wakers, after which it looks again.
static TASKS: Mutex<Tasks> = Mutex::new(Tasks { kills: Vec::new(), sleepers: Sleepers::new() });
static WAKE: Condvar = Condvar::new();

/// Marks the process in which [`STARTED`] holds; `None` where the kernel does not know copies from originals.
static HERE: OnceLock<Option<Here>> = OnceLock::new();

/// There is a watchdog in this process. Changes while the lock of [`TASKS`] is held.
static STARTED: AtomicBool = AtomicBool::new(false);

/// The tasks, locked.
type Locked = MutexGuard<'static, Tasks>;

fn tasks() -> Locked {
    TASKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the watchdog, once per process. A failed start is tried again the next time.
pub(super) fn start() -> Result<(), InterruptError> {
    if STARTED.load(Relaxed) {
        // A copy of the process without the handlers of forks has no watchdog, and may have locked tasks.
        let is_here = HERE.get().and_then(Option::as_ref).is_none_or(Here::is_here);
        return if is_here { Ok(()) } else { Err(InterruptError::Copied) };
    }
    fork::attend(List::Kills, lock_for_fork);
    start_locked(&tasks())
}

fn start_locked(_: &Locked) -> Result<(), InterruptError> {
    if STARTED.load(Relaxed) {
        return Ok(());
    }
    if !signal::poke::is_usable() {
        return Err(InterruptError::NoSignal);
    }
    let builder = std::thread::Builder::new().name("wasmaot-watchdog".into()).stack_size(STACK);
    // No handler of the host's runs on its small stack.
    let blocked = signal::BlockAll::new();
    let (scheduling, scheduled) = mpsc::channel::<()>();
    let watch = || {
        schedule::reset();
        drop(scheduling);
        watch();
    };
    builder.spawn(watch).map_err(InterruptError::Watchdog)?;
    drop(blocked);
    // With the inherited real-time policy and processor it might not even start once this thread runs the
    // guest.
    _ = scheduled.recv_timeout(START_WAIT);
    if let Some(here) = HERE.get_or_init(|| Here::mark().ok()) {
        here.renew();
    }
    STARTED.store(true, Relaxed);
    Ok(())
}

/// Locks the tasks for a fork. Its child has no watchdog: a run that needs one finds that it sleeps, and
/// starts it in order to wake it. A call that waits for a future is added again when its future is polled
/// there.
fn lock_for_fork() -> Box<dyn FnOnce()> {
    let mut tasks = tasks();
    Box::new(move || {
        tasks.kills.clear();
        tasks.sleepers.forget();
        NEXT_LOOK.store(NEVER, SeqCst);
        STARTED.store(false, Relaxed);
    })
}

/// Makes sure that the watchdog looks when a deadline passes.
pub(super) fn expect(deadline: u64) -> Result<(), InterruptError> {
    if deadline < NEXT_LOOK.load(SeqCst) && deadline != NEVER { wake(tasks()) } else { Ok(()) }
}

/// Pokes whatever thread runs the store with this number, until none does, and wakes its call if that waits
/// for a future. The kill word was stored before.
pub(super) fn look_for(id: StoreId) {
    fence(SeqCst);
    let mut tasks = tasks();
    let sleeper = tasks.sleepers.take(id);
    if poke_runner(id) {
        tasks.kills.push(id);
        // The owner of a handle had a watchdog. In the child of a fork it may be missing: then this poke is
        // the only one until one starts.
        _ = wake(tasks);
    } else {
        drop(tasks);
    }
    if let Some(waker) = sleeper {
        waker.wake();
    }
}

/// Wakes a task when a deadline passes, or when the store with this number is killed. The caller
/// looks at both afterwards.
pub(super) fn add_sleeper(id: StoreId, deadline: u64, waker: &Waker) -> Result<(), InterruptError> {
    let unneeded = tasks().sleepers.add(id, deadline, waker.clone());
    drop(unneeded);
    fence(SeqCst);
    expect(deadline)
}

/// Forgets the call of a store that waited for a future.
pub(super) fn remove_sleeper(id: StoreId) {
    let waker = tasks().sleepers.take(id);
    drop(waker);
}

/// Makes a thread ask itself whether its run is due.
fn poke(thread: &Thread) {
    thread.set_poked();
    signal::poke::send(&thread.kernel_id);
}

fn poke_runner(id: StoreId) -> bool {
    let mut found = false;
    thread::for_each(|thread| {
        if thread.running.load(SeqCst) == id.number() {
            poke(thread);
            found = true;
        }
    });
    found
}

fn wake(tasks: Locked) -> Result<(), InterruptError> {
    start_locked(&tasks)?;
    // No other thread needs to.
    NEXT_LOOK.store(0, SeqCst);
    drop(tasks);
    WAKE.notify_one();
    Ok(())
}

fn watch() {
    event!(DEBUG, "watchdog started");
    let mut tasks = tasks();
    let (mut unchanged, mut next_check) = (0, 0);
    loop {
        let now = clock::now();
        if now >= next_check {
            // What cannot be repaired, `prepare_thread` reports.
            _ = signal::check();
            next_check = now + CHECK_INTERVAL;
        }
        let bound = if unchanged < IDLE_LOOKS { now + INTERVAL } else { NEVER };
        NEXT_LOOK.store(bound, SeqCst);
        fence(SeqCst);
        let due = tasks.sleepers.take_due(now);
        if !due.is_empty() {
            drop(tasks);
            event!(DEBUG, calls = due.len(), "watchdog wakes calls that wait");
            due.into_iter().for_each(wake_task);
            tasks = self::tasks();
            continue;
        }
        let look = Look::at(now, &mut tasks);
        unchanged = if look.changed { 0 } else { unchanged.saturating_add(1) };
        // While there are deadlines the handlers are checked, too.
        let next = if look.next == NEVER { bound } else { look.next.min(bound).min(next_check) };
        NEXT_LOOK.store(next, SeqCst);
        #[cfg(feature = "tracing")]
        if look.poked > 0 {
            drop(tasks);
            event!(DEBUG, runs = look.poked, "watchdog interrupts runs");
            tasks = self::tasks();
            // What came meanwhile notified no one.
            if NEXT_LOOK.load(SeqCst) == 0 {
                continue;
            }
        }
        tasks = if next == NEVER {
            WAKE.wait(tasks).unwrap_or_else(PoisonError::into_inner)
        } else {
            let timeout = Duration::from_nanos(next - now);
            WAKE.wait_timeout(tasks, timeout).unwrap_or_else(PoisonError::into_inner).0
        };
    }
}

/// Calls a waker. What it panics with is the executor's affair, and no reason to stop watching.
fn wake_task(waker: Waker) {
    _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}

/// What a look at all threads found.
struct Look {
    /// When the next one is needed.
    next: u64,
    /// A thread has another deadline than at the last look.
    changed: bool,
    /// Threads whose run was interrupted.
    #[cfg(feature = "tracing")]
    poked: usize,
}

impl Look {
    /// Pokes what is due, and drops the kills that nothing runs for.
    fn at(now: u64, tasks: &mut Tasks) -> Self {
        let Tasks { kills, sleepers } = tasks;
        let mut look = Self {
            next: sleepers.next(),
            changed: false,
            #[cfg(feature = "tracing")]
            poked: 0,
        };
        let mut found = Vec::new();
        thread::for_each(|thread| {
            let running = thread.running.load(SeqCst);
            let limits = thread.deadline.load(SeqCst).wrapping_add(thread.cpu_until.load(SeqCst));
            look.changed |= thread.seen.swap(limits, Relaxed) != limits;
            if running == 0 {
                return;
            }
            let due_at = thread.due_at(now);
            let killed = kills.iter().copied().find(|kill| kill.number() == running);
            found.extend(killed);
            if killed.is_some() || due_at <= now {
                poke(thread);
                #[cfg(feature = "tracing")]
                {
                    look.poked += 1;
                }
                look.next = look.next.min(now + REPEAT);
            } else {
                look.next = look.next.min(due_at.max(now + LEAST));
            }
        });
        kills.retain(|kill| found.contains(kill));
        look.changed |= !kills.is_empty();
        look
    }
}
