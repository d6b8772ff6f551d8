//! What C uses by one function at a time.
//!
//! **Invariant: a second use is refused.** C holds nothing but pointers and can use an instance inside a host
//! function of its own, or from two threads.

use crate::boundary::{Result, usage};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};

/// Something that C uses by one function at a time.
pub(crate) struct Guarded<T> {
    /// It is in use.
    entered: AtomicBool,
    held: UnsafeCell<T>,
}

// SAFETY: the flag lets one thread at a time reach what is held, which may go from thread to thread.
unsafe impl<T: Send> Sync for Guarded<T> {}

/// The right to use it, until this is dropped.
pub(crate) struct Entered<'a, T>(&'a Guarded<T>);

impl<T> Guarded<T> {
    pub(crate) fn new(held: T) -> Self {
        Self { entered: AtomicBool::new(false), held: UnsafeCell::new(held) }
    }

    /// Refused while it is in use.
    pub(crate) fn enter(&self) -> Result<Entered<'_, T>> {
        if self.entered.swap(true, Acquire) {
            let hint = "a host function uses it through `caller`";
            return Err(usage(format!("the instance is in use, by a call or by another thread; {hint}")));
        }
        Ok(Entered(self))
    }

    /// What is held.
    pub(crate) fn into_inner(self) -> T {
        self.held.into_inner()
    }
}

impl<T> Entered<'_, T> {
    pub(crate) fn get(&mut self) -> &mut T {
        // SAFETY: only the one that set the flag has this value, and it is borrowed for as long as the
        // result.
        unsafe { &mut *self.0.held.get() }
    }
}

impl<T> Drop for Entered<'_, T> {
    fn drop(&mut self) {
        self.0.entered.store(false, Release);
    }
}
