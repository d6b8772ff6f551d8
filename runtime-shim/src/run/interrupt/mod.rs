//! Stopping a run from outside: deadlines and the kill switch, which compiled code does not pay for.
//!
//! ```text
//!  runs on thread T                          watchdog thread                another thread
//!  ---------------------------------------   ---------------------------    --------------------------
//!  entry: T.running, T.deadline := ours      looks at all T, now and then   handle.kill(): killed := id
//!         already due? do not enter            due? poke T, every ms      <--- wakes the watchdog
//!  guest code  <-- signal: due? leave
//!  host code   <-- signal: due? EINTR; on return to the guest: poked and due? leave
//! ```
//!
//! A call that waits for a host function's future is on no thread. It leaves its task's waker with the watchdog instead, and looks for
//! itself whenever it is polled.
//!
//! **A poke is only a hint.** Whether a run ends is decided on its own thread, from what belongs to that very run: the
//! clock against its deadline, the kill word against its number. So it does not matter how late a signal arrives, or what
//! the thread does by then. **Invariants.** A due run is poked until it has left its thread. A run that is not watched
//! costs nothing here; one that is costs a fence, and a look at the clock if it has a deadline.

mod by_id;
pub(crate) mod causes;
pub(crate) mod error;
mod sleepers;
pub(crate) mod thread;
mod watchdog;

use crate::os::clock;
use crate::run::end::Failure;
use crate::run::signal;
use crate::run::store_id::StoreId;
use causes::{Causes, KillWord, NEVER, Watch};
use error::InterruptError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering::Relaxed, Ordering::SeqCst, fence};
use std::task::Waker;
use std::time::Instant;
use thread::{Thread, current};
use wasmaot_abi::trap::TrapCode;

/// Stops one instance, from any thread, outside of signal handlers. Made by
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

impl Watch {
    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) -> Result<(), InterruptError> {
        if deadline.is_some() {
            watchdog::start()?;
        }
        self.deadline = deadline.map_or(NEVER, clock::at);
        Ok(())
    }

    pub(crate) fn handle(&mut self, id: StoreId) -> Result<InterruptHandle, InterruptError> {
        watchdog::start()?;
        self.killable = true;
        Ok(InterruptHandle { word: self.word.clone(), id })
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
    pub(crate) fn begin(thread: &'a Thread, causes: &Causes) -> Result<Option<Self>, Failure> {
        if causes.is_watched() { Self::announce(thread, causes).map(Some) } else { Ok(None) }
    }

    #[cold]
    fn announce(thread: &'a Thread, causes: &Causes) -> Result<Self, Failure> {
        thread.let_pokes_through().map_err(Failure::Thread)?;
        thread.take_poke();
        let outer = thread.watch(Some(*causes), causes.id.number());
        thread.deadline.store(causes.deadline, Relaxed);
        // Either the watchdog sees what was just stored, or what follows sees what the watchdog stored.
        fence(SeqCst);
        let watched = Self { thread, outer };
        watchdog::expect(causes.deadline).map_err(Failure::Interrupt)?;
        match causes.due() {
            Some(code) => Err(Failure::trap(code)),
            None => Ok(watched),
        }
    }
}

impl Watched<'_> {
    /// The thread goes on with the run around this one. Nobody poked that meanwhile, nor noted a kill of it, for it was not found running.
    #[cold]
    fn go_on(&self, outer: &Causes) {
        self.thread.deadline.store(outer.deadline, Relaxed);
        self.thread.watch(Some(*outer), outer.id.number());
        self.thread.set_poked();
        // As when it began: who does not see what was just stored has stored what follows sees.
        fence(SeqCst);
        // Without a watchdog, which only a child of a fork can lack, the run is stopped when its host function returns.
        _ = watchdog::expect(outer.deadline);
        if outer.due() == Some(TrapCode::Killed) {
            watchdog::look_for(outer.id);
        }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        match &self.outer {
            Some(outer) => self.go_on(outer),
            None => _ = self.thread.watch(None, 0),
        }
    }
}

/// Prepares the thread for going on with the guest that called the host, where that has its thread checked.
pub(crate) fn check_after_host() -> io::Result<()> {
    match current() {
        Some(thread) if thread.is_checked() => signal::check_thread(),
        _ => Ok(()),
    }
}

/// Has the task that waits for a suspended call's host function woken when the call is to be stopped. Returns why, if that is so already.
pub(crate) fn wake_when_due(causes: &Causes, waker: &Waker) -> Result<Option<TrapCode>, Failure> {
    if !causes.is_watched() {
        return Ok(None);
    }
    watchdog::add_sleeper(causes.id, causes.deadline, waker).map_err(Failure::Interrupt)?;
    Ok(causes.due())
}

/// The call of this store does not wait any more.
pub(crate) fn forget_waker(id: StoreId) {
    watchdog::remove_sleeper(id);
}

/// Why the run that called the host is not to go on, if it was poked since it did.
pub(crate) fn due_after_poke() -> Option<TrapCode> {
    let thread = current().filter(|thread| thread.take_poke())?;
    // SAFETY: a thread's current activation is alive.
    let causes = unsafe { thread.activation.get().as_ref() }?.causes();
    causes.due().or_else(|| {
        // After a fork there may be no watchdog any more that expects it. If none can be started, the next return tries again.
        if watchdog::expect(causes.deadline).is_err() {
            thread.set_poked();
        }
        None
    })
}

/// Why the run that called the host is not to go on; `None` outside of host functions. Once it has said so, the host function's
/// return ends the run, whatever it returns.
pub(crate) fn due() -> Option<TrapCode> {
    let thread = current()?;
    // SAFETY: a thread's current activation is alive.
    let code = unsafe { thread.activation.get().as_ref() }?.causes().due()?;
    thread.set_poked();
    Some(code)
}
