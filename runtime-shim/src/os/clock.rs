//! The clock of deadlines, as a number that fits an atomic.
//!
//! **Invariant: reading it makes no system call** where the kernel offers its monotonic clock to programs,
//! and it may be read in a signal handler.

use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

const NANOS: u64 = 1_000_000_000;

/// Nanoseconds on the monotonic clock.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * NANOS + time.tv_nsec as u64
}

/// Nanoseconds for which the calling thread has run, in the process and in the kernel. May be called in a
/// signal handler.
pub(crate) fn cpu_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * NANOS + time.tv_nsec as u64
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
    fn instants_become_numbers_of_the_same_clock() {
        let (before, start) = (now(), Instant::now());
        let later = at(start + Duration::from_secs(5));
        assert!((before..=now()).contains(&(later - 5 * NANOS)), "{before} {later}");
        assert!(at(start) >= before && at(start) <= now());
    }
}
