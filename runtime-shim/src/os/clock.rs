//! The clock of deadlines, as a number that fits an atomic.
//!
//! **Invariant: reading it makes no system call** where the kernel offers its monotonic clock to programs, and it may be read in
//! a signal handler.

use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

const NANOS: u64 = 1_000_000_000;

/// Nanoseconds on the monotonic clock.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * NANOS + time.tv_nsec as u64
}

/// Nanoseconds for which the calling thread has run, in the process and in the kernel. May be called in a signal handler.
pub(crate) fn cpu_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * NANOS + time.tv_nsec as u64
}

/// The same of another thread of the process, by the kernel's number; `None` if it is gone.
pub(crate) fn cpu_time_of(thread: i32) -> Option<u64> {
    // The kernel's number of the clock of what a thread has been scheduled for.
    let clock = (!thread << 3) | 6;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place; the kernel checks the clock.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    (result == 0).then(|| time.tv_sec as u64 * NANOS + time.tv_nsec as u64)
}

/// Nanoseconds on the monotonic clock at an instant; now if it has passed.
pub(crate) fn at(instant: Instant) -> u64 {
    let left = instant.saturating_duration_since(Instant::now());
    now().saturating_add(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_threads_cpu_time_is_the_same_for_all() {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        let before = cpu_time();
        let seen = std::thread::scope(|scope| scope.spawn(|| cpu_time_of(thread)).join()).unwrap().unwrap();
        assert!((before..=cpu_time()).contains(&seen));
        assert_eq!(cpu_time_of(i32::MAX >> 4), None);
    }

    #[test]
    fn instants_become_numbers_of_the_same_clock() {
        let (before, start) = (now(), Instant::now());
        let later = at(start + Duration::from_secs(5));
        assert!((before..=now()).contains(&(later - 5 * NANOS)), "{before} {later}");
        assert!(at(start) >= before && at(start) <= now());
    }
}
