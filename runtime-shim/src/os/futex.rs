//! Waiting for a word to change.

use rustix::thread::futex::{self, Flags, Timespec};
use std::sync::atomic::AtomicU32;

const NANOS: u64 = 1_000_000_000;

/// Waits for as long as `word` is `value`, at most this number of nanoseconds. Also returns after a signal,
/// and now and then for no reason.
pub(crate) fn wait(word: &AtomicU32, value: u32, nanos: Option<u64>) {
    let timeout =
        nanos.map(|nanos| Timespec { tv_sec: (nanos / NANOS) as i64, tv_nsec: (nanos % NANOS) as i64 });
    // Whatever ended it, the caller looks again.
    _ = futex::wait(word, Flags::PRIVATE, value, timeout.as_ref());
}

/// Wakes the threads that wait at `word`.
pub(crate) fn wake(word: &AtomicU32) {
    // The only error is a bad address, which a reference is not.
    _ = futex::wake(word, Flags::PRIVATE, u32::MAX >> 1);
}
