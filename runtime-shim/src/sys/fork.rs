//! Forks of the process, as the C library announces them.

/// Has three functions called at every fork from now on: before it, and after it in the parent and in the child. They run on the thread
/// that forks, the only one that the child has.
pub(crate) fn around(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) {
    // SAFETY: the functions may be called at any time, and are as long there as their caller.
    let failed = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    assert!(failed == 0, "pthread_atfork: out of memory");
}
