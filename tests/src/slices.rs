//! Calls whose time slices end every few microseconds.
//!
//! **Invariant: a signal arrives at most once in a poll**, on the thread that polls. So there is progress
//! however slow the machine is.

use crate::Random;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Nanoseconds from the start of a poll to its poke, at least and at most. What comes while the guest is not
/// yet entered is lost, and the watchdog ends that slice.
const DELAY: [u64; 2] = [2_000, 60_000];

/// The signal that the runtime pokes threads by where the host does not handle it.
const POKE: i32 = libc::SIGURG;

/// A clock that pokes the thread that has made it.
struct Pokes(libc::timer_t);

impl Pokes {
    fn new() -> Self {
        let mut timer = std::ptr::null_mut();
        // SAFETY: all-zero bytes are a valid event, whose fields are set; the place of the timer is valid.
        let made = unsafe {
            let mut event: libc::sigevent = std::mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = POKE;
            event.sigev_notify_thread_id = libc::gettid();
            libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer)
        };
        assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
        Self(timer)
    }

    /// Pokes once, after this time in nanoseconds, or not at all for 0.
    fn set(&self, delay: u64) {
        let time = |nanoseconds| libc::timespec { tv_sec: 0, tv_nsec: nanoseconds };
        let times = libc::itimerspec { it_interval: time(0), it_value: time(delay.cast_signed()) };
        // SAFETY: the timer exists, and the times are valid.
        let set = unsafe { libc::timer_settime(self.0, 0, &raw const times, std::ptr::null_mut()) };
        assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    }
}

impl Drop for Pokes {
    fn drop(&mut self) {
        // SAFETY: the timer was made with this value, which deletes it once.
        unsafe { libc::timer_delete(self.0) };
    }
}

thread_local! {
    static POKES: Pokes = Pokes::new();
}

/// Polls a call to its end, on this thread, with a poke some microseconds later each time. Returns how often
/// it gave the thread back, too.
pub fn in_slices<R>(call: impl Future<Output = R>) -> (R, u64) {
    let mut call = pin!(call);
    let mut context = Context::from_waker(Waker::noop());
    let mut random = Random::new(0);
    let mut pending = 0;
    POKES.with(|pokes| {
        loop {
            pokes.set(DELAY[0] + random.below((DELAY[1] - DELAY[0]) as usize) as u64);
            let polled = call.as_mut().poll(&mut context);
            pokes.set(0);
            match polled {
                Poll::Ready(result) => return (result, pending),
                Poll::Pending => pending += 1,
            }
        }
    })
}
