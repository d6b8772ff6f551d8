//! Exports of an instance, from outside.
//!
//! **Invariant: the instance is used by nothing else meanwhile**, see `Guarded`.

use crate::boundary::{Out, at, fallible, text};
use crate::error::wasmaot_error_t;
use crate::exports;
use crate::func::Values;
use crate::instance::{wasmaot_instance_t, within};
use crate::value::wasmaot_value_t;
use std::ffi::{c_char, c_void};

/// Implements `wasmaot_instance_global_get` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_global_get(
    instance: *const wasmaot_instance_t,
    name: *const c_char,
    out: *mut wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, out) = unsafe { (text(name, "name")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, handle| exports::global_get(store, handle, name)
            .map(|value| out.set(value)))
    })
}

/// Implements `wasmaot_instance_global_set` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_global_set(
    instance: *mut wasmaot_instance_t,
    name: *const c_char,
    value: *const wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, value) = unsafe { (text(name, "name")?, *at(value, "value")?) };
        // SAFETY: null or valid, as the header states; null is refused.
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, handle| exports::global_set(store, handle, name, value))
    })
}

/// Implements `wasmaot_instance_table_size` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_table_size(
    instance: *const wasmaot_instance_t,
    name: *const c_char,
    out: *mut u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, out) = unsafe { (text(name, "name")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, handle| exports::table_size(store, handle, name).map(|size| out.set(size)))
    })
}

/// Implements `wasmaot_instance_table_get` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_table_get(
    instance: *const wasmaot_instance_t,
    name: *const c_char,
    index: u64,
    out: *mut wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, out) = unsafe { (text(name, "name")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, handle| exports::table_get(store, handle, name, index)
            .map(|value| out.set(value)))
    })
}

/// Implements `wasmaot_instance_table_set` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_table_set(
    instance: *mut wasmaot_instance_t,
    name: *const c_char,
    index: u64,
    value: *const wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, value) = unsafe { (text(name, "name")?, *at(value, "value")?) };
        // SAFETY: null or valid, as the header states; null is refused.
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, handle| exports::table_set(store, handle, name, index, value))
    })
}

/// Implements `wasmaot_instance_table_grow` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_table_grow(
    instance: *mut wasmaot_instance_t,
    name: *const c_char,
    count: u64,
    init: *const wasmaot_value_t,
    out: *mut u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, init, out) = unsafe { (text(name, "name")?, *at(init, "init")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, handle| exports::table_grow(store, handle, name, count, init)
            .map(|before| out.set(before)))
    })
}

/// Implements `wasmaot_instance_memory_grow` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_memory_grow(
    instance: *mut wasmaot_instance_t,
    name: *const c_char,
    pages: u64,
    out: *mut u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (name, out) = unsafe { (text(name, "name")?, Out::at(out)?) };
        // SAFETY: null or valid, as the header states; null is refused.
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, handle| exports::memory_grow(store, handle, name, pages)
            .map(|before| out.set(before)))
    })
}

/// Implements `wasmaot_instance_memory_data` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_memory_data(
    instance: *mut wasmaot_instance_t,
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
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, handle| exports::memory_data(
            store, handle, name, address, length, writable
        )
        .map(|data| out.set(data)))
    })
}

/// Implements `wasmaot_instance_call_ref` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_call_ref(
    instance: *mut wasmaot_instance_t,
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
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, _handle| exports::call_ref(store, func, values))
    })
}
