//! The contract about signals, as C sees it.

use crate::boundary::{fallible, infallible, usage};
use crate::error::{Kind, wasmaot_error_t};
use std::ffi::c_int;
use wasmaot_runtime::{interrupt_signal, prepare_thread, set_interrupt_signal};

/// Implements `wasmaot_prepare_thread` of `wasmaot.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_prepare_thread() -> *mut wasmaot_error_t {
    fallible(|| {
        let error = |error| wasmaot_error_t::new(Kind::System, format!("cannot prepare the thread: {error}"));
        prepare_thread().map_err(error)
    })
}

/// Implements `wasmaot_set_interrupt_signal` of `wasmaot.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_set_interrupt_signal(number: c_int) -> *mut wasmaot_error_t {
    fallible(|| set_interrupt_signal(number).map_err(usage))
}

/// Implements `wasmaot_interrupt_signal` of `wasmaot.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_interrupt_signal() -> c_int {
    infallible(0, interrupt_signal)
}
