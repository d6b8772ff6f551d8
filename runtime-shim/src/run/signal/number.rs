//! The signal that stops runs.
//!
//! **Invariant: it is stored once its handler is installed.**

use std::ffi::c_int;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// The signal that is sent, or 0 as long as none was chosen.
static NUMBER: AtomicI32 = AtomicI32::new(0);

/// The signal that is sent, or 0 as long as none was chosen. Callable anywhere.
#[inline]
pub(crate) fn get() -> c_int {
    NUMBER.load(Relaxed)
}

/// Notes another one.
pub(super) fn set(number: c_int) {
    NUMBER.store(number, Relaxed);
}
