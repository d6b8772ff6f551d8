//! What threads share without locks is made of, and the lock beside it.
//!
//! **Invariant: a file that takes its atomics from here takes them only from here**, so that
//! `interleavings/`, which includes the file, can put those of a scheduler in their place.

pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread::yield_now;

use std::cell::Cell;

thread_local! {
    static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The calling thread's number, from 0 on in the order in which threads ask for it.
pub(crate) fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    THREAD.get().unwrap_or_else(|| {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        THREAD.set(Some(number));
        number
    })
}
