//! The C API of the runtime, as `include/wasmaot.h` declares it.
//!
//! **Invariants.** Every object that C holds is a `Box` that came from here and goes back here once. Pointers that C passes are
//! checked for null where the header allows it; for the rest the header is the contract. Errors own their message.
#![deny(unsafe_op_in_unsafe_fn)]

mod error;
mod instance;
mod value;

pub use error::{
    wasmaot_error_delete, wasmaot_error_exit_status, wasmaot_error_kind, wasmaot_error_message,
    wasmaot_error_new, wasmaot_error_new_exit, wasmaot_error_t, wasmaot_error_trap_code,
};
pub use instance::{
    wasmaot_caller_memory_size, wasmaot_caller_read, wasmaot_caller_t, wasmaot_caller_write,
    wasmaot_function_t, wasmaot_import_t, wasmaot_instance_call, wasmaot_instance_delete,
    wasmaot_instance_new, wasmaot_instance_read, wasmaot_instance_t, wasmaot_instance_write,
};
pub use value::wasmaot_value_t;

use error::give;
use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use wasmaot_runtime::{Module, OpenError};

/// A module, as C holds it.
#[expect(non_camel_case_types, reason = "the name in C")]
pub struct wasmaot_module_t {
    module: Module,
}

fn give_module(result: Result<Module, OpenError>, out: *mut *mut wasmaot_module_t) -> *mut wasmaot_error_t {
    let result = result.map(|module| wasmaot_module_t { module });
    // SAFETY: the header asks for a valid `out`.
    unsafe { give(result.map_err(wasmaot_error_t::from), out) }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_open(
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: `path` is a string.
    let path = unsafe { CStr::from_ptr(path) };
    give_module(Module::open(OsStr::from_bytes(path.to_bytes())), out)
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_from_bytes(
    bytes: *const u8,
    length: usize,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: there are `length` bytes.
    let bytes = unsafe { slice(bytes, length) };
    give_module(Module::from_bytes(bytes), out)
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_delete(module: *mut wasmaot_module_t) {
    if !module.is_null() {
        // SAFETY: it came from `give`.
        drop(unsafe { Box::from_raw(module) });
    }
}

/// What C passes as a pointer and a count; the pointer may be null if the count is 0.
///
/// # Safety
/// Otherwise it points to that many values, which do not change while they are borrowed.
unsafe fn slice<'a, T>(start: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: as the caller states.
    unsafe { std::slice::from_raw_parts(start, count) }
}

/// As [`slice`], to be written.
///
/// # Safety
/// As for [`slice`]; nothing else refers to the values.
unsafe fn slice_mut<'a, T>(start: *mut T, count: usize) -> &'a mut [T] {
    if count == 0 {
        return &mut [];
    }
    // SAFETY: as the caller states.
    unsafe { std::slice::from_raw_parts_mut(start, count) }
}
