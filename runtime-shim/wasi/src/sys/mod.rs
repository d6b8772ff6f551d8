//! What goes to the kernel by libc: transfers on guest memory, signals that writing raises, and the numbers
//! that `rustix` has no names for.

use wasmaot_runtime::check_interrupt;

use crate::errno::Errno;

pub(crate) mod kernel;
pub(crate) mod signals;

/// A range of memory as the kernel takes it.
pub(crate) use libc::iovec as IoVec;

/// Leaves what was received where it is.
pub(crate) const MSG_PEEK: i32 = libc::MSG_PEEK;

/// Waits until all that was asked for is there.
pub(crate) const MSG_WAITALL: i32 = libc::MSG_WAITALL;

/// Synchronised data, the weaker kind.
pub(crate) const O_DSYNC: u32 = libc::O_DSYNC.cast_unsigned();

/// Makes a call again that a signal interrupted, as long as the instance may go on: then it is
/// [`Errno::Intr`].
#[inline]
pub(crate) fn again<R>(mut call: impl FnMut() -> Result<R, Errno>) -> Result<R, Errno> {
    loop {
        match call() {
            Err(Errno::Intr) => go_on()?,
            result => return result,
        }
    }
}

/// [`Errno::Intr`] if the instance is to be stopped.
pub(crate) fn go_on() -> Result<(), Errno> {
    check_interrupt().map_err(|_| Errno::Intr)
}

/// Whether something holds in a child of the process.
#[cfg(test)]
pub(crate) fn in_child(holds: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child has one thread, which looks and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: takes a number, and ends the process without running anything of it.
        unsafe { libc::_exit(i32::from(!holds())) };
    }
    let mut status = 0;
    // SAFETY: waits for a child of this process.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status == 0
}
