//! Stopping instances from outside, as C does it.
//!
//! **Invariant: a handle is of one instance**, and does nothing once that is finished.

use crate::boundary::{Out, Result, at, fallible, infallible, take};
use crate::error::wasmaot_error_t;
use crate::instance::{wasmaot_instance_t, within};
use wasmaot_runtime::InterruptHandle;

/// A handle, as C holds it.
pub struct wasmaot_interrupt_t {
    handle: InterruptHandle,
}

/// Implements `wasmaot_instance_interrupt` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_interrupt(
    instance: *mut wasmaot_instance_t,
    out: *mut *mut wasmaot_interrupt_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`, and NULL or a place to
        // write as `out`.
        let (instance, out) = unsafe { (at(instance, "instance")?, Out::at(out)?) };
        let handle = within!(instance, |store, _handle| Result::Ok(store.interrupt_handle()?))?;
        out.give(wasmaot_interrupt_t { handle });
        Ok(())
    })
}

/// Implements `wasmaot_interrupt_kill` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_interrupt_kill(interrupt: *const wasmaot_interrupt_t) {
    infallible((), || {
        // SAFETY: C passes NULL or an object that it has not deleted as `interrupt`.
        unsafe { at(interrupt, "interrupt") }.ok()?.handle.kill();
        None
    });
}

/// Implements `wasmaot_interrupt_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_interrupt_delete(interrupt: *mut wasmaot_interrupt_t) {
    // SAFETY: C passes NULL, or an object that it was given as `interrupt` and does not use any more.
    unsafe { take(interrupt) };
}
