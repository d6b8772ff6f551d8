//! What a thread needs to run compiled code: an alternate stack, and a mask that lets the runtime's signals
//! through.
//!
//! **Invariant: both hold from a thread's first entry on**, whatever mask it has inherited. What the host
//! changes later can be seen only by asking the kernel, see [`HostSignals`](crate::HostSignals).

use super::number;
use crate::os::map::{Access, Mapping};
use std::cell::Cell;
use std::ffi::c_void;
use std::io;
use std::ops::Range;

/// Bytes of an alternate stack that the runtime makes. Pages of it exist once they are used: by the kernel's
/// frame (some 12 KiB with the largest register files), and by handlers of the host's that set `SA_ONSTACK`.
const ALTERNATE_STACK: usize = 256 << 10;

/// The least bytes of an alternate signal stack that the runtime leaves in place. A thread that has a smaller
/// one, or none, gets one of the runtime's when it first runs compiled code.
pub const LEAST_ALTERNATE_STACK: usize = 64 << 10;

const _: () = assert!(ALTERNATE_STACK >= LEAST_ALTERNATE_STACK, "the runtime takes its own for large enough");

/// Why a guest cannot be called in a signal handler: its trap would start a handler over the frames of that
/// one.
const ON_ALTERNATE_STACK: &str = "a signal handler on the alternate stack cannot call a guest";

/// Why the last code that a thread runs may not be able to call a guest.
const ENDING: &str = "the thread is ending, and has given up what it needs to call a guest";

/// The error of a call on the alternate stack.
#[cold]
pub(crate) fn on_alternate_stack() -> io::Error {
    io::Error::other(ON_ALTERNATE_STACK)
}

/// The error of a call when the destructors of the thread's storage run.
#[cold]
pub(crate) fn ending() -> io::Error {
    io::Error::other(ENDING)
}

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
        // SAFETY: asks for and, if it is still this one, switches off the thread's alternate stack, before it
        // is unmapped.
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

/// The calling thread's alternate stack, if it has one that is large enough. One system call.
fn stack() -> io::Result<Option<Range<usize>>> {
    // SAFETY: all-zero bytes are a valid description, and the call fills it.
    let current = unsafe {
        let mut current: libc::stack_t = std::mem::zeroed();
        match libc::sigaltstack(std::ptr::null(), &raw mut current) {
            0 => current,
            _ => return Err(io::Error::last_os_error()),
        }
    };
    if current.ss_flags & libc::SS_ONSTACK != 0 {
        return Err(on_alternate_stack());
    }
    let is_usable = current.ss_flags & libc::SS_DISABLE == 0 && current.ss_size >= LEAST_ALTERNATE_STACK;
    let start = current.ss_sp as usize;
    Ok(is_usable.then_some(start..start + current.ss_size))
}

/// Unblocks the signals, and makes sure that the calling thread has an alternate stack, which is returned:
/// two system calls where nothing was changed.
///
/// # Errors
/// The kernel refuses the stack, the thread is on it, or the thread is ending.
pub(crate) fn check_thread() -> io::Result<Range<usize>> {
    unblock();
    if let Some(stack) = stack()? {
        return Ok(stack);
    }
    let own = OWN.try_with(Cell::take).map_err(|_| ending())?;
    let own = own.map_or_else(AlternateStack::new, Ok)?;
    let done = own.set().map(|()| own.0.range());
    OWN.set(Some(own));
    done
}

/// Leaves all signals of the process to its other threads until it is dropped. Threads that are made
/// meanwhile inherit that.
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
