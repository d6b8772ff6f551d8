//! Stopping a run from outside: deadlines, limits of CPU time and the kill switch, which compiled code does
//! not pay for.
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
//! Time slices of asynchronous calls are watched for like deadlines: the signal that comes at the end of one
//! makes the guest leave its stack as it is, with its registers in the store (see [`slices`](super::slices)).
//!
//! A call that waits for a host function's future is on no thread. It leaves its task's waker with the
//! watchdog instead, and looks for itself whenever it is polled.
//!
//! **A poke is only a hint.** Whether a run ends is decided on its own thread, from what belongs to that very
//! run: the clock against its deadline, its thread's CPU time against what it may use, the kill word against
//! its number. So it does not matter how late a signal arrives, or what the thread does by then.
//! **Invariants.** A due run is poked until it has left its thread. A run that is not watched costs nothing
//! here; one that is costs a fence, a look at the clock if it has a deadline, and a system call at its start
//! and end if its CPU time is limited.

mod by_id;
pub(crate) mod causes;
pub(crate) mod error;
pub(crate) mod runs;
mod sleepers;
pub(crate) mod thread;
mod watchdog;

use crate::os::clock;
use crate::run::activation::Activation;
use crate::run::end::{Failed, Failure};
use crate::run::slices::Slices;
use crate::run::store::{Changes, StoreCore};
use crate::run::store_id::StoreId;
use causes::{Announcement, Causes, KILLABLE, KillWord, NEVER, SLICED, Watch};
use error::InterruptError;
use runs::Announced;
use std::sync::Arc;
use std::sync::atomic::{Ordering::SeqCst, fence};
use std::task::Waker;
use std::time::{Duration, Instant};
use thread::{Thread, current};
use wasmaot_abi::trap::TrapCode;

/// Stops one instance, from any thread, outside of signal handlers. Made by
/// [`PooledInstance::interrupt_handle`](crate::PooledInstance::interrupt_handle) and
/// [`Store::interrupt_handle`](crate::Store::interrupt_handle).
///
/// ```
/// use wasmaot_runtime::{CallError, Linker, Module, Store, TrapCode};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (func (export "spin") (loop $again (br $again))))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let mut store = Store::new(());
/// let instance = Linker::new().instantiate(&mut store, &module)?;
/// let handle = store.interrupt_handle()?;
/// std::thread::spawn(move || handle.kill());
/// let error = instance.call(&mut store, "spin", &[]).expect_err("it is stopped");
/// assert!(matches!(error, CallError::Trap(trap) if trap.code == TrapCode::Killed));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct InterruptHandle {
    word: Arc<KillWord>,
    id: StoreId,
}

impl InterruptHandle {
    /// Ends whatever the instance runs with [`TrapCode::Killed`], and all that it would run later. Does not
    /// wait for that. A host function that is running is not ended; its caller is, on return. An instance
    /// that has finished is not affected, nor is the one that has its slot now.
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

    /// Sets the CPU time that runs may use from now on.
    pub(crate) fn set_cpu_time(&mut self, cpu_time: Option<Duration>) -> Result<(), InterruptError> {
        if cpu_time.is_some() {
            watchdog::start()?;
        }
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(NEVER);
        self.cpu_time = cpu_time.map_or(NEVER, nanos);
        Ok(())
    }

    /// Has asynchronous calls give their thread back after each such time, or not.
    pub(crate) fn set_slices(&mut self, length: Option<Duration>) -> Result<(), InterruptError> {
        let Some(length) = length else {
            self.flags &= !SLICED;
            return Ok(());
        };
        watchdog::start()?;
        self.slices.get_or_insert_with(|| Box::new(Slices::new())).set_length(length);
        self.flags |= SLICED;
        Ok(())
    }

    pub(crate) fn handle(&mut self, id: StoreId) -> Result<InterruptHandle, InterruptError> {
        watchdog::start()?;
        self.flags |= KILLABLE;
        Ok(InterruptHandle { word: self.word.clone(), id })
    }
}

/// What stops the runs of a store.
impl Changes<'_> {
    /// Sets when its runs end.
    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) -> Result<(), InterruptError> {
        self.0.watch.set_deadline(deadline)
    }

    /// Sets the CPU time that its runs may use.
    pub(crate) fn set_cpu_time(&mut self, cpu_time: Option<Duration>) -> Result<(), InterruptError> {
        self.0.watch.set_cpu_time(cpu_time)
    }

    /// Sets the time slices of its asynchronous calls.
    pub(crate) fn set_slices(&mut self, length: Option<Duration>) -> Result<(), InterruptError> {
        self.0.watch.set_slices(length)
    }

    /// A handle by which its runs can be stopped.
    pub(crate) fn interrupt_handle(&mut self) -> Result<InterruptHandle, InterruptError> {
        let id = self.0.id();
        self.0.watch.handle(id)
    }
}

/// Announces a run on this thread, which has become its current one, if it is watched. Returns whether it is.
/// The error says why it must not begin.
#[inline]
pub(crate) fn begin(
    thread: &Thread,
    causes: &Causes,
    begin_slice: impl FnOnce() -> Announcement,
) -> Result<bool, Failed> {
    if causes.is_watched() { announce(thread, causes, begin_slice).map(|()| true) } else { Ok(false) }
}

#[cold]
fn announce(
    thread: &Thread,
    causes: &Causes,
    begin_slice: impl FnOnce() -> Announcement,
) -> Result<(), Failed> {
    thread.let_pokes_through().map_err(Failure::Thread)?;
    thread.take_poke();
    let announcement = begin_slice();
    thread.note_limits(&announcement);
    thread.announce(Some(announcement));
    // Either the watchdog sees what was just stored, or what follows sees what the watchdog stored.
    fence(SeqCst);
    watchdog::expect(announcement.first_look()).map_err(Failure::Interrupt)?;
    causes.due().map_or(Ok(()), |code| Err(Failure::trap(code).into()))
}

/// The run is over, or did not begin.
#[inline]
pub(crate) fn end(thread: &Thread) {
    thread.announce(None);
}

impl Thread {
    /// The thread goes on with another run. That was not poked meanwhile, nor was a kill of it noted, for it
    /// was not found running.
    fn announce_again(&self, announced: Announced) {
        let Some(announcement) = announced else { return self.announce(None) };
        // A thread that cannot be prepared is refused when its host function returns.
        _ = self.let_pokes_through();
        self.note_limits(&announcement);
        self.announce(announced);
        self.set_poked();
        // As when it began: who does not see what was just stored has stored what follows sees.
        fence(SeqCst);
        // Without a watchdog, which only a child of a fork can lack, the run is stopped when its host
        // function returns.
        _ = watchdog::expect(announcement.first_look());
        let causes = announcement.causes;
        if causes.due() == Some(TrapCode::Killed) {
            watchdog::look_for(causes.id);
        }
    }
}

/// Has the task that waits for a suspended call's host function woken when the call is to be stopped. Returns
/// why, if that is so already.
pub(crate) fn wake_when_due(core: &StoreCore, waker: &Waker) -> Result<Option<TrapCode>, Failure> {
    let (watch, id) = (&core.watch, core.id());
    if !watch.is_watched() {
        return Ok(None);
    }
    watchdog::add_sleeper(id, watch.deadline, waker).map_err(Failure::Interrupt)?;
    Ok(watch.due(id))
}

/// The call of this store does not wait any more.
pub(crate) fn forget_waker(id: StoreId) {
    watchdog::remove_sleeper(id);
}

/// How a run goes on that has called the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It does.
    GoOn,
    /// Later, as its time slice is over.
    Yield,
    /// It does not, for this reason.
    Stop(TrapCode),
}

/// How the run goes on that has called the host, if its thread was poked since it did.
pub(crate) fn after_poke() -> Next {
    let Some(thread) = current().filter(|thread| thread.take_poke()) else { return Next::GoOn };
    let Some(announcement) = thread.announcement_here() else { return Next::GoOn };
    if let Some(code) = announcement.causes.due() {
        return Next::Stop(code);
    }
    if clock::now() >= announcement.slice {
        return Next::Yield;
    }
    // After a fork there may be no watchdog any more that expects it. If none can be started, the next return
    // tries again.
    if watchdog::expect(announcement.first_look()).is_err() {
        thread.set_poked();
    }
    Next::GoOn
}

/// Why the run that called the host is not to go on, if its thread was poked since it did. The end of its
/// time slice is no reason.
pub(crate) fn due_after_poke() -> Option<TrapCode> {
    match after_poke() {
        Next::Stop(code) => Some(code),
        Next::GoOn => None,
        Next::Yield => {
            // Where the host returns to the guest is another place to look.
            if let Some(thread) = current() {
                thread.set_poked();
            }
            None
        }
    }
}

/// Changes the record of the run that called the host on this thread, and the core of its store. Nothing
/// happens outside of builtins and host functions.
pub(crate) fn with_run_around(change: impl FnOnce(&mut Activation, &mut StoreCore)) {
    if let Some(mut run) = current().and_then(Thread::running_here) {
        let (activation, core) = run.parts();
        change(activation, core);
    }
}

/// Why the run that called the host is not to go on; `None` outside of host functions. Once it has said so,
/// the host function's return ends the run, whatever it returns.
pub(crate) fn due() -> Option<TrapCode> {
    let thread = current()?;
    let code = thread.announcement_here()?.causes.due()?;
    thread.set_poked();
    Some(code)
}
