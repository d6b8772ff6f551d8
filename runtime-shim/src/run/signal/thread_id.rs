//! Threads, as signals are addressed to them.
//!
//! **Invariant: a number is that of the thread that stored it**, which the child of a fork does anew.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed};

/// A thread of this process, as signals are addressed.
#[derive(Debug)]
pub(crate) struct ThreadId {
    pub(super) kernel: AtomicI32,
    /// A real-time signal was sent and its handler has not run yet. Unlike others, these are queued each time that they are sent.
    pub(super) is_queued: AtomicBool,
}

impl ThreadId {
    /// The calling thread's.
    pub(crate) fn current() -> Self {
        let id = Self { kernel: AtomicI32::new(0), is_queued: AtomicBool::new(false) };
        id.renew();
        id
    }

    /// Makes it the calling thread's, which nothing was sent to yet.
    pub(crate) fn renew(&self) {
        self.kernel.store(rustix::thread::gettid().as_raw_nonzero().get(), Relaxed);
        self.is_queued.store(false, Relaxed);
    }

    /// Lets the next real-time signal be sent.
    pub(crate) fn received(&self) {
        self.is_queued.store(false, Relaxed);
    }
}
