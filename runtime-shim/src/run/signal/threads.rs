//! What a thread needs to run compiled code: an alternate stack, and a mask that lets the runtime's signals through.
//!
//! **Invariant: both hold from a thread's first entry on**, whatever mask it has inherited. What the host changes later can be seen
//! only by asking the kernel, see [`HostSignals`](crate::HostSignals).

use super::number;
use crate::os::map::{Access, Mapping};
use std::cell::Cell;
use std::ffi::c_void;
use std::io;

/// Bytes of an alternate stack that the runtime makes. Pages of it exist once they are used: by the kernel's frame (some 12 KiB with
/// the largest register files), and by handlers of the host's that set `SA_ONSTACK`.
const ALTERNATE_STACK: usize = 256 << 10;

/// The least bytes of an alternate signal stack that the runtime leaves in place. A thread that has a smaller one, or none, gets one of
/// the runtime's when it first runs compiled code.
pub const LEAST_ALTERNATE_STACK: usize = 64 << 10;

const _: () = assert!(ALTERNATE_STACK >= LEAST_ALTERNATE_STACK, "the runtime takes its own for large enough");

/// An alternate stack that this thread made.
struct AlternateStack(Mapping);

impl AlternateStack {
    fn new() -> io::Result<Self> {
        let page = wasmaot_abi::slot::HOST_PAGE as usize;
        let mapping = Mapping::reserve(page + ALTERNATE_STACK, page)?;
        mapping.protect(page, ALTERNATE_STACK, Access::ReadWrite)?;
        Ok(Self(mapping))
    }

    /// Makes it the calling thread's.
    fn set(&self) -> io::Result<()> {
        let stack = libc::stack_t {
            ss_sp: (self.0.range().end - ALTERNATE_STACK) as *mut c_void,
            ss_flags: 0,
            ss_size: ALTERNATE_STACK,
        };
        // SAFETY: the range is mapped and belongs to this thread until it ends.
        match unsafe { libc::sigaltstack(&raw const stack, std::ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        // SAFETY: asks for and, if it is still this one, switches off the thread's alternate stack, before it is unmapped.
        unsafe {
            let mut current: libc::stack_t = std::mem::zeroed();
            let asked = libc::sigaltstack(std::ptr::null(), &raw mut current) == 0;
            if asked && self.0.range().contains(&(current.ss_sp as usize)) {
                current.ss_flags = libc::SS_DISABLE;
                libc::sigaltstack(&raw const current, std::ptr::null_mut());
            }
        }
    }
}

thread_local! {
    static OWN: Cell<Option<AlternateStack>> = const { Cell::new(None) };
}

/// Lets the signals through that guests trap by and are stopped by. One system call.
fn unblock() {
    // SAFETY: the set is initialised before it is used.
    unsafe {
        let mut needed = std::mem::zeroed();
        libc::sigemptyset(&raw mut needed);
        for number in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, number::get()] {
            // It refuses the 0 of a signal that was not chosen yet.
            libc::sigaddset(&raw mut needed, number);
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const needed, std::ptr::null_mut());
    }
}

/// Whether the calling thread has an alternate stack that is large enough. One system call.
fn has_stack() -> io::Result<bool> {
    // SAFETY: asks for the current alternate stack.
    unsafe {
        let mut current: libc::stack_t = std::mem::zeroed();
        match libc::sigaltstack(std::ptr::null(), &raw mut current) {
            0 => Ok(current.ss_flags & libc::SS_DISABLE == 0 && current.ss_size >= LEAST_ALTERNATE_STACK),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Unblocks the signals, and makes sure that the calling thread has an alternate stack: two system calls where nothing was changed.
pub(crate) fn check_thread() -> io::Result<()> {
    unblock();
    if has_stack()? {
        return Ok(());
    }
    let own = OWN.take().map_or_else(AlternateStack::new, Ok)?;
    let done = own.set();
    OWN.set(Some(own));
    done
}

/// Leaves all signals of the process to its other threads until it is dropped. Threads that are made meanwhile inherit that.
pub(crate) struct BlockAll(libc::sigset_t);

impl BlockAll {
    pub(crate) fn new() -> Self {
        // SAFETY: both sets are initialised before they are used.
        unsafe {
            let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for BlockAll {
    fn drop(&mut self) {
        // SAFETY: the set is the thread's mask of before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}
