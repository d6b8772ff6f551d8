//! Signals that a guest's writing raises on the thread that writes for it: `SIGPIPE` when no reader is left
//! to read, and `SIGXFSZ` above the process's limit for the size of files. Each would end a host that has not
//! taken care.
//!
//! **Invariant.** Such a signal is never delivered: the guest gets the error that comes with it. A signal
//! that was pending for other reasons stays so, and the thread's mask is as before afterwards.

use crate::errno::Errno;

/// Makes a call that writes, with the signals held back that it may raise. `is_whole` says whether it did all
/// that it was asked for: the kernel raises a signal with an error, and also where it gives what it has done
/// before instead.
pub(crate) fn held_back<R>(
    call: impl FnOnce() -> Result<R, Errno>,
    is_whole: impl FnOnce(&R) -> bool,
) -> Result<R, Errno> {
    let mask = Mask::block();
    let result = call();
    if !result.as_ref().is_ok_and(is_whole) {
        RAISED.iter().for_each(|&signal| mask.discard(signal));
    }
    result
}

/// Blocks all signals in a thread of the library, so that the process's other threads receive them.
pub(crate) fn block_all() {
    let mut all = set([]);
    // SAFETY: a valid set; that the mask before is not written is allowed.
    unsafe {
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut());
    }
}

/// Signals that a write may raise.
const RAISED: [i32; 2] = [libc::SIGPIPE, libc::SIGXFSZ];

/// Blocks both signals in the calling thread; restores the previous mask on drop.
struct Mask {
    before: libc::sigset_t,
    pending: libc::sigset_t,
}

impl Mask {
    fn block() -> Self {
        let (mut before, mut pending) = (set([]), set([]));
        let blocked = set(RAISED);
        // SAFETY: all three are valid sets.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const blocked, &raw mut before) };
        // What was not blocked can hardly be pending.
        if RAISED.iter().any(|&signal| contains(&before, signal)) {
            // SAFETY: `pending` is an initialised set, which the call overwrites.
            unsafe { libc::sigpending(&raw mut pending) };
        }
        Self { before, pending }
    }

    /// Takes the signal that came with the call, if it did, unless there was one already.
    fn discard(&self, signal: i32) {
        if contains(&self.pending, signal) {
            return;
        }
        let (only, at_once) = (set([signal]), libc::timespec { tv_sec: 0, tv_nsec: 0 });
        // SAFETY: a valid set and time; that nothing is written about the signal is allowed.
        unsafe { libc::sigtimedwait(&raw const only, std::ptr::null_mut(), &raw const at_once) };
    }
}

impl Drop for Mask {
    fn drop(&mut self) {
        // SAFETY: a valid set; that the mask before is not written is allowed.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

fn set<const N: usize>(signals: [i32; N]) -> libc::sigset_t {
    // SAFETY: all-zero bytes are a valid set, which the first call empties; the signals exist.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

fn contains(set: &libc::sigset_t, signal: i32) -> bool {
    // SAFETY: the set is a reference to an initialised one, which is only read.
    unsafe { libc::sigismember(std::ptr::from_ref(set), signal) == 1 }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Whether `check` holds in a child of this process, which what it does may end.
    pub(crate) fn succeeds_in_child(check: impl FnOnce() -> bool) -> bool {
        // SAFETY: the child has one thread, which ends it.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let status = i32::from(!check());
            // SAFETY: takes a number, and ends the process without running anything of it.
            unsafe { libc::_exit(status) }
        }
        let mut status = 0;
        // SAFETY: waits for a child of this process.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        status == 0
    }

    static DELIVERED: AtomicU32 = AtomicU32::new(0);

    extern "C" fn count(_: i32) {
        DELIVERED.fetch_add(1, Ordering::Relaxed);
    }

    fn is_pending(signal: i32) -> bool {
        let mut pending = set([]);
        // SAFETY: `pending` is an initialised set, which the call overwrites.
        unsafe { libc::sigpending(&raw mut pending) };
        contains(&pending, signal)
    }

    /// A write into a pipe without readers.
    fn break_a_pipe() -> Result<(), Errno> {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        held_back(|| rustix::io::write(&writer, b"x").map(drop).map_err(Errno::from), |()| true)
    }

    /// A write of more than the pipe holds, whose reader goes away meanwhile.
    fn break_a_full_pipe() -> usize {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        // Far more than a pipe has room for.
        let bytes = vec![0; 4 << 20];
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while rustix::io::ioctl_fionread(&reader).expect("a pipe") == 0 {
                    std::thread::yield_now();
                }
            });
            held_back(
                || rustix::io::write(&writer, &bytes).map_err(Errno::from),
                |&count| count == bytes.len(),
            )
            .expect("what fits")
        })
    }

    /// One test, for the handler is the process's.
    #[test]
    fn a_broken_pipe_is_an_error_and_no_signal() {
        // SAFETY: the handler does nothing but add to an atomic, which a handler may.
        let before = unsafe { libc::signal(libc::SIGPIPE, count as *const () as usize) };
        assert_eq!(break_a_pipe(), Err(Errno::Pipe));
        assert!(break_a_full_pipe() > 0, "what was written before");
        assert_eq!(DELIVERED.load(Ordering::Relaxed), 0);

        let (blocked, mut mask) = (set([libc::SIGPIPE]), set([]));
        // SAFETY: both are initialised sets, of which the call reads one and writes the other.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const blocked, &raw mut mask) };
        assert_eq!(break_a_pipe(), Err(Errno::Pipe));
        assert!(!is_pending(libc::SIGPIPE), "blocked by the host, but not the host's");
        // SAFETY: raises a signal that is blocked.
        unsafe { libc::raise(libc::SIGPIPE) };
        assert_eq!(break_a_pipe(), Err(Errno::Pipe));
        assert!(is_pending(libc::SIGPIPE), "the host's own stays");
        // SAFETY: a valid set, and what was there before; the handler is still the counting one when the
        // signal comes.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut());
            libc::signal(libc::SIGPIPE, before);
        }
        assert_eq!(DELIVERED.load(Ordering::Relaxed), 1);
    }
}
