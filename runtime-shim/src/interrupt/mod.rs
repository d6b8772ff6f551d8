//! Stopping a run from outside: deadlines and the kill switch, which compiled code does not pay for.
//!
//! ```text
//!  runs on thread T                          watchdog thread                another thread
//!  ---------------------------------------   ---------------------------    --------------------------
//!  entry: T.running, T.deadline := ours      looks at all T, now and then   handle.kill(): killed := id
//!         already due? do not enter            due? poke T, every ms      <--- wakes the watchdog
//!  guest code  <-- signal: due? leave
//!  host code   <-- signal: EINTR; on return to the guest: poked and due? leave
//! ```
//!
//! **A poke is only a hint.** Whether a run ends is decided on its own thread, from what belongs to that very run: the
//! clock against its deadline, the kill word against its number. So it does not matter how late a signal arrives, or what
//! the thread does by then. **Invariants.** A due run is poked until it has left its thread. A run that is not watched
//! costs nothing here; one that is costs a fence, and a look at the clock if it has a deadline.

mod thread;
mod watchdog;

pub(crate) use thread::{Thread, current, prepared};

use crate::run::store_id::StoreId;
use crate::sys::clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::time::Instant;
use wasmaot_abi::trap::TrapCode;

/// All locks of this module, in the order in which the watchdog takes them.
pub(crate) type Locks = (watchdog::Kills, thread::Threads);

/// Takes them.
pub(crate) fn lock() -> Locks {
    (watchdog::kills(), thread::threads())
}

/// Forgets the watchdog and all threads but the calling one: this is the child of a fork.
pub(crate) fn keep_current((mut kills, mut threads): Locks) {
    watchdog::forget(&mut kills);
    thread::keep_current(&mut threads);
}

/// The deadline of a run that has none, in the clock's nanoseconds.
const NEVER: u64 = u64::MAX;

/// The highest number of an instance in this place that was killed. Numbers of one place ascend, so those before it are gone.
#[derive(Debug, Default)]
struct KillWord(AtomicU64);

/// Stops one instance, from any thread and at any time. Made by
/// [`PooledInstance::interrupt_handle`](crate::PooledInstance::interrupt_handle) and
/// [`Store::interrupt_handle`](crate::Store::interrupt_handle).
#[derive(Debug, Clone)]
pub struct InterruptHandle {
    word: Arc<KillWord>,
    id: StoreId,
}

impl InterruptHandle {
    /// Ends whatever the instance runs with [`TrapCode::Killed`], and all that it would run later. Does not wait for that. A
    /// host function that is running is not ended; its caller is, on return. An instance that has finished is not affected,
    /// nor is the one that has its slot now.
    pub fn kill(&self) {
        self.word.0.fetch_max(self.id.number(), SeqCst);
        watchdog::look_for(self.id);
    }
}

/// When a store's runs are to be stopped.
#[derive(Debug)]
pub(crate) struct Watch {
    deadline: u64,
    word: Arc<KillWord>,
    /// A handle was given out, so the kill word may change.
    killable: bool,
}

impl Default for Watch {
    fn default() -> Self {
        Self { deadline: NEVER, word: Arc::default(), killable: false }
    }
}

impl Watch {
    /// Forgets the deadline; handles that were given out are for another number from now on.
    pub(crate) fn reset(&mut self) {
        (self.deadline, self.killable) = (NEVER, false);
    }

    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline.map_or(NEVER, clock::at);
        watchdog::start();
    }

    pub(crate) fn handle(&mut self, id: StoreId) -> InterruptHandle {
        self.killable = true;
        watchdog::start();
        InterruptHandle { word: self.word.clone(), id }
    }

    /// What a run of the store with this number is stopped by.
    pub(crate) fn causes(&self, id: StoreId) -> Causes {
        let word = if self.killable { Arc::as_ptr(&self.word) } else { std::ptr::null() };
        Causes { deadline: self.deadline, word, id }
    }
}

/// What one run is stopped by. Does not change while it runs, so that the signal handler may look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Causes {
    deadline: u64,
    /// Null if nobody has a handle. The store keeps it.
    word: *const KillWord,
    id: StoreId,
}

impl Causes {
    fn is_watched(&self) -> bool {
        self.deadline != NEVER || !self.word.is_null()
    }

    /// Why the run has to end now, if it has to. Callable in a signal handler.
    pub(crate) fn due(&self) -> Option<TrapCode> {
        // SAFETY: the store outlives its runs and keeps the word.
        let killed =
            unsafe { self.word.as_ref() }.is_some_and(|word| word.0.load(SeqCst) == self.id.number());
        let late = || self.deadline != NEVER && clock::now() >= self.deadline;
        match killed {
            true => Some(TrapCode::Killed),
            false => late().then_some(TrapCode::DeadlineExceeded),
        }
    }
}

/// A watched run, from its entry to its end.
pub(crate) struct Watched<'a> {
    thread: &'a Thread,
    /// What stops the run around it, as a host function of that called into another store.
    outer: Option<Causes>,
}

impl<'a> Watched<'a> {
    /// Announces a run on this thread; none if nobody watches it. The error says why it must not begin.
    #[inline]
    pub(crate) fn begin(thread: &'a Thread, causes: &Causes) -> Result<Option<Self>, TrapCode> {
        if causes.is_watched() { Self::announce(thread, causes).map(Some) } else { Ok(None) }
    }

    #[cold]
    fn announce(thread: &'a Thread, causes: &Causes) -> Result<Self, TrapCode> {
        let outer = thread.watched.replace(Some(*causes));
        thread.poked.store(false, Relaxed);
        thread.running.store(causes.id.number(), Relaxed);
        thread.deadline.store(causes.deadline, Relaxed);
        // Either the watchdog sees what was just stored, or what follows sees what the watchdog stored.
        fence(SeqCst);
        watchdog::expect(causes.deadline);
        let watched = Self { thread, outer };
        causes.due().map_or(Ok(watched), Err)
    }
}

impl Watched<'_> {
    /// The thread goes on with the run around this one. Nobody poked that meanwhile, nor noted a kill of it, for it was not found running.
    #[cold]
    fn go_on(&self, outer: &Causes) {
        self.thread.deadline.store(outer.deadline, Relaxed);
        self.thread.running.store(outer.id.number(), Relaxed);
        self.thread.poked.store(true, Relaxed);
        // As when it began: who does not see what was just stored has stored what follows sees.
        fence(SeqCst);
        watchdog::expect(outer.deadline);
        if outer.due() == Some(TrapCode::Killed) {
            watchdog::look_for(outer.id);
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.thread.watched.set(self.outer);
        match &self.outer {
            Some(outer) => self.go_on(outer),
            None => self.thread.running.store(0, Relaxed),
        }
    }
}

/// Why the run that called the host is not to go on, if it was poked since it did.
pub(crate) fn due_after_poke() -> Option<TrapCode> {
    let thread = current().filter(|thread| thread.take_poke())?;
    // SAFETY: a thread's current activation is alive.
    let causes = unsafe { thread.activation.get().as_ref() }?.causes();
    // After a fork there may be no watchdog any more that expects it.
    causes.due().or_else(|| {
        watchdog::expect(causes.deadline);
        None
    })
}

/// Why the run that called the host is not to go on; `None` outside of host functions.
pub(crate) fn due() -> Option<TrapCode> {
    // SAFETY: a thread's current activation is alive.
    let activation = unsafe { current()?.activation.get().as_ref() };
    activation?.causes().due()
}
