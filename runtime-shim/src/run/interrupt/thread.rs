//! Threads that run compiled code, as the watchdog sees them.
//!
//! **Invariants.** A thread's record is listed from before its first run until the thread ends. Only the
//! thread itself writes what it runs; others only poke it.

use super::by_id;
use super::causes::{Announcement, Causes, NEVER};
use super::runs::{Announced, Runs};
use crate::os::fork::{self, List};
use crate::os::stack;
use crate::os::{clock, schedule};
use crate::run::activation::Activation;
use crate::run::signal::thread_id::ThreadId;
use crate::run::signal::{number, threads as signals};
use std::cell::Cell;
use std::ffi::c_int;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, compiler_fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// It was signalled, and whatever runs here may be due.
const POKED: u8 = 1;

/// What runs here has its thread checked whenever it is entered or returned to, see
/// [`HostSignals`](crate::HostSignals).
const CHECKED: u8 = 2;

/// There are runs beside the current one.
const ASIDE: u8 = 4;

/// A thread that runs compiled code.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(super) kernel_id: ThreadId,
    /// Number of the watched store that runs, or 0.
    pub(super) running: AtomicU64,
    /// Its deadline, or the end of its time slice. Stays as it is when the run ends.
    pub(super) deadline: AtomicU64,
    /// What its clock of CPU time shows when the run has used its own. Stays likewise.
    pub(super) cpu_until: AtomicU64,
    /// What its clock of CPU time showed when it ended, if runs outlive it; 0 before that.
    ended_at: AtomicU64,
    /// The sum of both that the watchdog saw last.
    pub(super) seen: AtomicU64,
    /// Why a host function's return is not just that: [`POKED`], [`CHECKED`], [`ASIDE`].
    attention: AtomicU8,
    /// What stops the watched store that runs. Only its own thread looks at it, in the handler of pokes while
    /// `running` is not 0.
    watched: Cell<Announced>,
    pub(super) runs: Runs,
    /// The poke signal that the thread was seen to let through.
    unblocked: Cell<c_int>,
    /// Start and size of the alternate stack that the thread was seen to have.
    alternate: Cell<(usize, usize)>,
}

// SAFETY: the cells are only used by the thread itself.
unsafe impl Sync for Thread {}
// SAFETY: the record is dropped by whichever thread has its last reference, and its cells hold numbers, which
// belong to no thread.
unsafe impl Send for Thread {}

static THREADS: Mutex<Vec<Arc<Thread>>> = Mutex::new(Vec::new());

/// The list of threads, locked.
pub(super) type Threads = MutexGuard<'static, Vec<Arc<Thread>>>;

fn threads() -> Threads {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at every thread.
pub(super) fn for_each(look: impl FnMut(&Thread)) {
    threads().iter().map(|thread| &**thread).for_each(look);
}

/// Locks the list for a fork. Its child has no thread but the calling one, which is another to the
/// kernel now.
fn lock_for_fork() -> Box<dyn FnOnce()> {
    let mut threads = threads();
    Box::new(move || {
        let current = CURRENT.get();
        threads.retain(|thread| Arc::as_ptr(thread) == current);
        by_id::renew(&threads, current);
        for thread in threads.iter() {
            thread.kernel_id.renew();
            // No watchdog looks at what it runs, if anything, until it asks for one.
            thread.set_poked();
        }
    })
}

impl Thread {
    /// Whether a host function's return needs more than returning.
    #[inline]
    pub(crate) fn needs_attention(&self) -> bool {
        self.attention.load(Relaxed) != 0
    }

    pub(super) fn set_poked(&self) {
        self.attention.fetch_or(POKED, Relaxed);
    }

    /// Notes when the run that is about to be announced is due.
    pub(super) fn note_limits(&self, announcement: &Announcement) {
        self.deadline.store(announcement.deadline(), Relaxed);
        self.cpu_until.store(announcement.causes.cpu_until, Relaxed);
    }

    /// What its clock of CPU time shows, or showed last.
    pub(crate) fn cpu_time(&self) -> u64 {
        match self.ended_at.load(SeqCst) {
            0 => schedule::cpu_time_of(self.kernel_id.kernel()).unwrap_or(0),
            ended_at => ended_at,
        }
    }

    /// When what runs here may be due at the earliest. For the watchdog.
    pub(super) fn due_at(&self, now: u64) -> u64 {
        let (deadline, cpu_until) = (self.deadline.load(SeqCst), self.cpu_until.load(SeqCst));
        if cpu_until == NEVER {
            return deadline;
        }
        deadline.min(now.saturating_add(cpu_until.saturating_sub(self.cpu_time())))
    }

    /// Whether it was poked since the last time.
    pub(super) fn take_poke(&self) -> bool {
        self.attention.fetch_and(!POKED, Relaxed) & POKED != 0
    }

    /// Whether what runs here has its thread checked.
    pub(super) fn is_checked(&self) -> bool {
        self.attention.load(Relaxed) & CHECKED != 0
    }

    fn set_attention(&self, why: u8, holds: bool) {
        match holds {
            true => self.attention.fetch_or(why, Relaxed),
            false => self.attention.fetch_and(!why, Relaxed),
        };
    }

    /// Says whether what runs here has its thread checked from now on.
    pub(crate) fn set_checked(&self, checked: bool) {
        self.set_attention(CHECKED, checked);
    }

    /// Whether there are runs beside the current one.
    #[inline]
    pub(super) fn has_runs_aside(&self) -> bool {
        self.attention.load(Relaxed) & ASIDE != 0
    }

    pub(super) fn set_runs_aside(&self, there_are: bool) {
        self.set_attention(ASIDE, there_are);
    }

    /// Notes what is watched now, if anything is. Its own thread's handler of pokes may look at any time.
    pub(super) fn announce(&self, announced: Announced) {
        self.running.store(0, Relaxed);
        compiler_fence(SeqCst);
        if let Some(announcement) = announced {
            self.watched.set(announced);
            compiler_fence(SeqCst);
            self.running.store(announcement.causes.id.number(), Relaxed);
        }
    }

    /// What is watched now.
    pub(super) fn announced(&self) -> Announced {
        self.watched.get().filter(|_| self.running.load(Relaxed) != 0)
    }

    /// Watches the run with this number no more.
    pub(super) fn stop_announcing(&self, number: u64) {
        _ = self.running.compare_exchange(number, 0, Relaxed, Relaxed);
    }

    /// Makes sure that the thread lets the poke signal through, which is not always the same.
    #[inline]
    pub(super) fn let_pokes_through(&self) -> io::Result<()> {
        let number = number::get();
        if self.unblocked.get() != number {
            self.check()?;
            self.unblocked.set(number);
        }
        Ok(())
    }

    /// Prepares the calling thread, whose record this is, again.
    pub(crate) fn check(&self) -> io::Result<()> {
        let stack = signals::check_thread()?;
        self.alternate.set((stack.start, stack.len()));
        Ok(())
    }

    /// Whether an address is on the alternate stack.
    #[inline]
    pub(crate) fn is_on_alternate_stack(&self, address: usize) -> bool {
        let (start, size) = self.alternate.get();
        address.wrapping_sub(start) < size
    }
}

/// The record of the calling thread. For handlers of signals.
fn in_handler<'a>() -> Option<&'a Thread> {
    // SAFETY: the record lives until the thread ends, which removes it first.
    unsafe { by_id::find().as_ref() }
}

/// For the handler of pokes: notes that one has arrived.
pub(crate) fn received() {
    if let Some(thread) = in_handler() {
        thread.kernel_id.received();
    }
}

/// For the handlers of signals: whether another signal than that of pokes was sent to the calling thread as
/// one.
pub(crate) fn was_insisted() -> bool {
    in_handler().is_some_and(|thread| thread.kernel_id.was_insisted())
}

/// For the handlers of signals: whether the run is due in whose host function the calling thread was
/// interrupted at this stack pointer.
pub(crate) fn is_due_at(stack_pointer: usize) -> bool {
    let Some(thread) = in_handler() else { return false };
    let number = thread.running.load(Relaxed);
    compiler_fence(SeqCst);
    let Some(Announcement { causes, at, .. }) = thread.watched.get().filter(|_| number != 0) else {
        return false;
    };
    if thread.runs.is_left(at, stack_pointer) {
        thread.stop_announcing(number);
        return false;
    }
    thread.runs.may_be_inside(at, stack_pointer) && causes.due().is_some()
}

/// For the handlers of signals: pokes are blocked until the interrupted handler of the host's returns. If it
/// never does, the thread's next run lets them through.
pub(crate) fn masks_pokes() {
    if let Some(thread) = in_handler() {
        thread.unblocked.set(0);
    }
}

/// Takes the record off the list when the thread ends.
struct Listed(Arc<Thread>);

impl Drop for Listed {
    fn drop(&mut self) {
        CURRENT.set(std::ptr::null());
        by_id::remove();
        threads().retain(|thread| !Arc::ptr_eq(thread, &self.0));
        if self.0.outlives_its_thread() {
            // Such a run sees that it is on another thread, which looks at this record for the last time.
            self.0.ended_at.store(clock::cpu_time(), SeqCst);
            self.0.set_runs_aside(true);
            std::mem::forget(self.0.clone());
        }
    }
}

thread_local! {
    static CURRENT: Cell<*const Thread> = const { Cell::new(std::ptr::null()) };
    static LISTED: Cell<Option<Listed>> = const { Cell::new(None) };
}

/// The calling thread, if it was prepared.
#[inline]
pub(crate) fn current<'a>() -> Option<&'a Thread> {
    // SAFETY: the record lives until the thread ends, and is not `Send` behind this reference: callers use it
    // at once.
    unsafe { CURRENT.get().as_ref() }
}

/// The calling thread, ready to run compiled code.
#[inline]
pub(crate) fn prepared<'a>() -> io::Result<&'a Thread> {
    match current() {
        Some(thread) => Ok(thread),
        None => prepare(),
    }
}

/// Takes a run away from the thread that it was on before it moved to the calling one.
pub(crate) fn take_away(from: &Thread, run: *mut Activation, causes: &Causes) {
    // The thread may be about to end.
    let threads = threads();
    from.forget(run, causes.id.number());
    drop(threads);
}

#[cold]
fn prepare<'a>() -> io::Result<&'a Thread> {
    let number = number::get();
    let own_stack = stack::of_thread();
    stack::check_size(&own_stack)?;
    let alternate = signals::check_thread()?;
    LISTED.try_with(|_| ()).map_err(|_| signals::ending())?;
    let thread = Arc::new(Thread {
        kernel_id: ThreadId::current(),
        running: AtomicU64::new(0),
        deadline: AtomicU64::new(NEVER),
        cpu_until: AtomicU64::new(NEVER),
        ended_at: AtomicU64::new(0),
        seen: AtomicU64::new(NEVER),
        attention: AtomicU8::new(0),
        watched: Cell::new(None),
        runs: Runs::on(own_stack),
        unblocked: Cell::new(number),
        alternate: Cell::new((alternate.start, alternate.len())),
    });
    fork::attend(List::Threads, lock_for_fork);
    let record = Arc::as_ptr(&thread);
    let mut threads = threads();
    threads.push(thread.clone());
    by_id::add(&threads, record);
    drop(threads);
    LISTED.set(Some(Listed(thread)));
    CURRENT.set(record);
    // SAFETY: the thread's own storage keeps it until the thread ends.
    Ok(unsafe { &*record })
}
