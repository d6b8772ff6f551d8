//! Threads that run compiled code, as the watchdog sees them.
//!
//! **Invariants.** A thread's record is listed from before its first run until the thread ends. Only the thread itself writes what
//! it runs; others only poke it.

use super::Causes;
use crate::activation::Activation;
use crate::sys::signal;
use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A thread that runs compiled code.
#[derive(Debug)]
pub(crate) struct Thread {
    kernel_id: signal::ThreadId,
    /// Number of the watched store that runs, or 0.
    pub(super) running: AtomicU64,
    /// Its deadline. Stays as it is when the run ends.
    pub(super) deadline: AtomicU64,
    /// The deadline that the watchdog saw last.
    pub(super) seen: AtomicU64,
    /// It was signalled, and whatever runs here may be due.
    pub(super) poked: AtomicBool,
    /// What stops the watched store that runs. Only its own thread looks at it.
    pub(super) watched: Cell<Option<Causes>>,
    /// The innermost activation, or null. Only its own thread looks at it.
    pub(crate) activation: Cell<*mut Activation>,
}

// SAFETY: `watched` and `activation` are only used by the thread itself.
unsafe impl Sync for Thread {}
// SAFETY: as above.
unsafe impl Send for Thread {}

static THREADS: Mutex<Vec<Arc<Thread>>> = Mutex::new(Vec::new());

/// The list of threads, locked.
pub(crate) type Threads = MutexGuard<'static, Vec<Arc<Thread>>>;

pub(super) fn threads() -> Threads {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at every thread.
pub(super) fn for_each(look: impl FnMut(&Thread)) {
    threads().iter().map(|thread| &**thread).for_each(look);
}

/// Forgets all threads but the calling one, which is another to the kernel now: this is the child of a fork.
pub(super) fn keep_current(threads: &mut Threads) {
    let current = CURRENT.get();
    threads.retain(|thread| Arc::as_ptr(thread) == current);
    for thread in threads.iter() {
        thread.kernel_id.renew();
        // No watchdog looks at what it runs, if anything, until it asks for one.
        thread.poked.store(true, Relaxed);
    }
}

impl Thread {
    /// Makes the thread ask itself whether its run is due.
    pub(super) fn poke(&self) {
        self.poked.store(true, Relaxed);
        signal::poke(&self.kernel_id);
    }

    /// Whether it was poked since the poke was last taken.
    #[inline]
    pub(crate) fn is_poked(&self) -> bool {
        self.poked.load(Relaxed)
    }

    /// Whether it was poked since the last time.
    pub(crate) fn take_poke(&self) -> bool {
        self.is_poked() && {
            self.poked.store(false, Relaxed);
            true
        }
    }
}

/// Takes the record off the list when the thread ends.
struct Listed(Arc<Thread>);

impl Drop for Listed {
    fn drop(&mut self) {
        CURRENT.set(std::ptr::null());
        threads().retain(|thread| !Arc::ptr_eq(thread, &self.0));
    }
}

thread_local! {
    static CURRENT: Cell<*const Thread> = const { Cell::new(std::ptr::null()) };
    static LISTED: Cell<Option<Listed>> = const { Cell::new(None) };
}

/// The calling thread, if it was prepared.
#[inline]
pub(crate) fn current<'a>() -> Option<&'a Thread> {
    // SAFETY: the record lives until the thread ends, and is not `Send` behind this reference: callers use it at once.
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

#[cold]
fn prepare<'a>() -> io::Result<&'a Thread> {
    signal::prepare_thread()?;
    let thread = Arc::new(Thread {
        kernel_id: signal::ThreadId::current(),
        running: AtomicU64::new(0),
        deadline: AtomicU64::new(super::NEVER),
        seen: AtomicU64::new(super::NEVER),
        poked: AtomicBool::new(false),
        watched: Cell::new(None),
        activation: Cell::new(std::ptr::null_mut()),
    });
    threads().push(thread.clone());
    let record = Arc::as_ptr(&thread);
    LISTED.set(Some(Listed(thread)));
    CURRENT.set(record);
    // SAFETY: the thread's own storage keeps it until the thread ends.
    Ok(unsafe { &*record })
}
