//! Threads, as signals are addressed to them.
//!
//! **Invariant: a number is that of the thread that stored it**, which the child of a fork does anew.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::Relaxed};

/// How often in a row a real-time signal is taken for queued. Then it is sent again, as the kernel drops what is queued when the
/// host ignores the signal for a while.
const BELIEVED: u32 = 250;

/// A thread of this process, as signals are addressed.
#[derive(Debug)]
pub(crate) struct ThreadId {
    pub(super) kernel: AtomicI32,
    /// How often a real-time signal was to be sent since its handler has run. Unlike others, these are queued each time that they are sent.
    attempts: AtomicU32,
}

impl ThreadId {
    /// The calling thread's.
    pub(crate) fn current() -> Self {
        let id = Self { kernel: AtomicI32::new(0), attempts: AtomicU32::new(0) };
        id.renew();
        id
    }

    /// Makes it the calling thread's, which nothing was sent to yet.
    pub(crate) fn renew(&self) {
        self.kernel.store(rustix::thread::gettid().as_raw_nonzero().get(), Relaxed);
        self.received();
    }

    /// Whether a real-time signal is to be sent now, rather than queued already.
    pub(super) fn is_next_queued(&self) -> bool {
        self.attempts.fetch_add(1, Relaxed).is_multiple_of(BELIEVED)
    }

    /// Lets the next real-time signal be sent.
    pub(crate) fn received(&self) {
        self.attempts.store(0, Relaxed);
    }
}
