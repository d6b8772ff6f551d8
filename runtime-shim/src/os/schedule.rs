//! How the kernel schedules threads: for how long it has run each, and how it runs the runtime's own, which
//! inherits that from the thread of the host's that makes it.
//!
//! **Invariant: the runtime's own runs in time beside a thread that occupies the processor on which the host
//! wants that one to be.**

/// The kernel's default of how late timers may be, in nanoseconds.
const TIMER_SLACK: libc::c_ulong = 50_000;

/// Nanoseconds for which a thread of the process has run, by the kernel's number; `None` if it is gone.
pub(crate) fn cpu_time_of(thread: i32) -> Option<u64> {
    // The kernel's number of the clock of what a thread has been scheduled for.
    let clock = (!thread << 3) | 6;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes to `time`, which is a local; a number that is no clock's is refused.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    (result == 0).then(|| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

/// Gives the calling thread the usual policy and timers, and all processors that it or the main thread may
/// use. What the kernel refuses stays as it was inherited.
pub(crate) fn reset() {
    // SAFETY: the calls concern the calling thread only; the parameters are valid, and those of this policy
    // are all 0.
    unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_OTHER, &raw const parameters);
        libc::prctl(libc::PR_SET_TIMERSLACK, TIMER_SLACK, 0, 0, 0);
    }
    let (Some(own), Some(main)) =
        (processors(0), processors(rustix::process::getpid().as_raw_nonzero().get()))
    else {
        return;
    };
    // SAFETY: the sets are valid, and indices are below their size.
    unsafe {
        let mut all = own;
        for processor in
            (0..libc::CPU_SETSIZE as usize).filter(|&processor| libc::CPU_ISSET(processor, &main))
        {
            libc::CPU_SET(processor, &mut all);
        }
        libc::sched_setaffinity(0, size_of_val(&all), &raw const all);
    }
}

/// The processors that a thread may use; 0 stands for the calling one.
fn processors(thread: libc::pid_t) -> Option<libc::cpu_set_t> {
    // SAFETY: all-zero bytes are a valid set, and the call fills it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        (libc::sched_getaffinity(thread, size_of_val(&set), &raw mut set) == 0).then_some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::clock::cpu_time;

    #[test]
    fn a_threads_cpu_time_is_the_same_for_all() {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        let before = cpu_time();
        let seen = std::thread::scope(|scope| scope.spawn(|| cpu_time_of(thread)).join()).unwrap().unwrap();
        assert!((before..=cpu_time()).contains(&seen));
        assert_eq!(cpu_time_of(i32::MAX >> 4), None);
    }
}
