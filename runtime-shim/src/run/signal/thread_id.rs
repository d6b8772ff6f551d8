//! Threads, as signals are addressed to them.
//!
//! **Invariant: a number is that of the thread that stored it**, which the child of a fork does anew.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering::Relaxed};

/// A thread of this process, as signals are addressed.
#[derive(Debug)]
pub(crate) struct ThreadId {
    pub(super) kernel: AtomicI32,
    /// How often the thread was poked since the handler of pokes has run.
    attempts: AtomicU32,
    /// Another signal was sent in place of the poke signal, and its handler has not run yet.
    insisted: AtomicBool,
}

impl ThreadId {
    /// The calling thread's.
    pub(crate) fn current() -> Self {
        let id =
            Self { kernel: AtomicI32::new(0), attempts: AtomicU32::new(0), insisted: AtomicBool::new(false) };
        id.renew();
        id
    }

    /// Makes it the calling thread's, which nothing was sent to yet.
    pub(crate) fn renew(&self) {
        self.kernel.store(rustix::thread::gettid().as_raw_nonzero().get(), Relaxed);
        self.received();
        self.was_insisted();
    }

    /// The kernel's number of it.
    pub(crate) fn kernel(&self) -> i32 {
        self.kernel.load(Relaxed)
    }

    /// Counts another poke. Returns how many went before that were not received.
    pub(super) fn attempt(&self) -> u32 {
        self.attempts.fetch_add(1, Relaxed)
    }

    /// Notes that a poke has arrived.
    pub(crate) fn received(&self) {
        self.attempts.store(0, Relaxed);
    }

    /// Whether the poke signal is to be replaced, which it was not yet.
    pub(super) fn insist(&self) -> bool {
        !self.insisted.swap(true, Relaxed)
    }

    /// Whether the poke signal was replaced since the last time.
    pub(crate) fn was_insisted(&self) -> bool {
        self.insisted.swap(false, Relaxed)
    }
}
