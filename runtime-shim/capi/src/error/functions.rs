//! The functions of the header that make, read and delete errors.

use super::{Kind, wasmaot_error_t, wasmaot_frame_t};
use crate::boundary::{Result, at, fallible, infallible, list, take, text, usage};
use crate::numbers::ERROR_KINDS;
use std::ffi::{c_char, c_void};
use std::ptr::null;
use wasmaot_runtime::{CallError, TrapCode};

/// Implements `wasmaot_error_new` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_new(message: *const c_char) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: the header requires `message` to be NULL or NUL-terminated.
        Err(wasmaot_error_t::new(Kind::Host, unsafe { text(message, "message")? }))
    })
}

/// Implements `wasmaot_error_new_exit` of `wasmaot.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_error_new_exit(status: i32) -> *mut wasmaot_error_t {
    fallible(|| Err(CallError::Exit(status).into()))
}

/// Implements `wasmaot_error_new_trap` of `wasmaot.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_error_new_trap(trap: u32) -> *mut wasmaot_error_t {
    fallible(|| Err(host_trap(trap)?))
}

/// Implements `wasmaot_error_new_suspend` of `wasmaot.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_error_new_suspend(value: *mut c_void) -> *mut wasmaot_error_t {
    fallible(|| Err(wasmaot_error_t::suspend(value)))
}

fn host_trap(number: u32) -> Result<wasmaot_error_t> {
    let code = u8::try_from(number).ok().and_then(TrapCode::from_u8);
    code.map(wasmaot_error_t::from).ok_or_else(|| usage(format!("{number} is no trap")))
}

/// Implements `wasmaot_error_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_delete(error: *mut wasmaot_error_t) {
    // SAFETY: C passes NULL, or an object that it was given as `error` and does not use any more.
    unsafe { take(error) };
}

/// What a function that only looks at an error gives, or `otherwise` without one.
///
/// # Safety
/// The error is null or valid.
unsafe fn look<R>(
    error: *const wasmaot_error_t,
    otherwise: R,
    look: impl FnOnce(&wasmaot_error_t) -> R,
) -> R {
    // SAFETY: the caller has passed on what C has passed: NULL or an error that it has not deleted.
    infallible(otherwise, || Some(look(unsafe { at(error, "error") }.ok()?)))
}

/// Implements `wasmaot_error_kind` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_kind(error: *const wasmaot_error_t) -> u32 {
    // SAFETY: C passes NULL or an error that it has not deleted.
    unsafe { look(error, 0, |error| ERROR_KINDS.number(error.kind)) }
}

/// Implements `wasmaot_error_message` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_message(error: *const wasmaot_error_t) -> *const c_char {
    // SAFETY: C passes NULL or an error that it has not deleted.
    unsafe { look(error, null(), |error| error.message.as_ptr()) }
}

/// Implements `wasmaot_error_exit_status` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_exit_status(error: *const wasmaot_error_t) -> i32 {
    // SAFETY: C passes NULL or an error that it has not deleted.
    unsafe { look(error, 0, |error| error.status) }
}

/// Implements `wasmaot_error_trap` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_trap(error: *const wasmaot_error_t) -> u32 {
    // SAFETY: C passes NULL or an error that it has not deleted.
    unsafe { look(error, 0, |error| error.code().map_or(0, |code| code as u32)) }
}

/// Implements `wasmaot_error_frames` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_error_frames(
    error: *const wasmaot_error_t,
    count: *mut usize,
) -> *const wasmaot_frame_t {
    // SAFETY: C passes NULL or an error that it has not deleted, and NULL or a place to write as `count`.
    infallible(null(), || unsafe { Some(list(at(error, "error").ok().map(wasmaot_error_t::frames), count)) })
}
