//! Exports of the instance that called a host function.
//!
//! **Invariant: the caller does not wait for a call that it made**, see `wasmaot_caller_t::within`.

use crate::boundary::{Out, at, fallible, text};
use crate::caller::wasmaot_caller_t;
use crate::error::wasmaot_error_t;
use crate::exports;
use crate::func::Values;
use crate::value::wasmaot_value_t;
use std::ffi::{c_char, c_void};

/// Implements `wasmaot_caller_global_get` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_global_get(
    caller: *const wasmaot_caller_t<'_, '_>,
    name: *const c_char,
    out: *mut wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, out) = unsafe { (text(name, "name")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        unsafe { at(caller, "caller")? }
            .within(|caller, handle| exports::global_get(caller, handle, name).map(|value| out.set(value)))
    })
}

/// Implements `wasmaot_caller_global_set` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_global_set(
    caller: *mut wasmaot_caller_t<'_, '_>,
    name: *const c_char,
    value: *const wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, value) = unsafe { (text(name, "name")?, *at(value, "value")?) };
        // SAFETY: null or valid, as the header states; null is refused.
        unsafe { at(caller, "caller")? }
            .within(|caller, handle| exports::global_set(caller, handle, name, value))
    })
}

/// Implements `wasmaot_caller_table_size` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_table_size(
    caller: *const wasmaot_caller_t<'_, '_>,
    name: *const c_char,
    out: *mut u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, out) = unsafe { (text(name, "name")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        unsafe { at(caller, "caller")? }
            .within(|caller, handle| exports::table_size(caller, handle, name).map(|size| out.set(size)))
    })
}

/// Implements `wasmaot_caller_table_get` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_table_get(
    caller: *const wasmaot_caller_t<'_, '_>,
    name: *const c_char,
    index: u64,
    out: *mut wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, out) = unsafe { (text(name, "name")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        unsafe { at(caller, "caller")? }.within(|caller, handle| {
            exports::table_get(caller, handle, name, index).map(|value| out.set(value))
        })
    })
}

/// Implements `wasmaot_caller_table_set` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_table_set(
    caller: *mut wasmaot_caller_t<'_, '_>,
    name: *const c_char,
    index: u64,
    value: *const wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, value) = unsafe { (text(name, "name")?, *at(value, "value")?) };
        // SAFETY: null or valid, as the header states; null is refused.
        unsafe { at(caller, "caller")? }
            .within(|caller, handle| exports::table_set(caller, handle, name, index, value))
    })
}

/// Implements `wasmaot_caller_table_grow` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_table_grow(
    caller: *mut wasmaot_caller_t<'_, '_>,
    name: *const c_char,
    count: u64,
    init: *const wasmaot_value_t,
    out: *mut u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, init, out) = unsafe { (text(name, "name")?, *at(init, "init")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        unsafe { at(caller, "caller")? }.within(|caller, handle| {
            exports::table_grow(caller, handle, name, count, init).map(|before| out.set(before))
        })
    })
}

/// Implements `wasmaot_caller_memory_grow` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_memory_grow(
    caller: *mut wasmaot_caller_t<'_, '_>,
    name: *const c_char,
    pages: u64,
    out: *mut u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, out) = unsafe { (text(name, "name")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        unsafe { at(caller, "caller")? }.within(|caller, handle| {
            exports::memory_grow(caller, handle, name, pages).map(|before| out.set(before))
        })
    })
}

/// Implements `wasmaot_caller_memory_data` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_memory_data(
    caller: *mut wasmaot_caller_t<'_, '_>,
    name: *const c_char,
    address: u64,
    length: usize,
    writable: bool,
    out: *mut *mut c_void,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, out) = unsafe { (text(name, "name")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        unsafe { at(caller, "caller")? }.within(|caller, handle| {
            exports::memory_data(caller, handle, name, address, length, writable).map(|data| out.set(data))
        })
    })
}

/// Implements `wasmaot_caller_call_ref` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_call_ref(
    caller: *mut wasmaot_caller_t<'_, '_>,
    func: *const wasmaot_value_t,
    args: *const wasmaot_value_t,
    args_count: usize,
    results: *mut wasmaot_value_t,
    results_count: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (func, values) =
            unsafe { (*at(func, "func")?, Values::at(args, args_count, results, results_count)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        unsafe { at(caller, "caller")? }.with(|caller| exports::call_ref(caller, func, values))
    })
}
