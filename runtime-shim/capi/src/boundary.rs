//! Crossing between C and Rust: pointers that C passes, results that it is given, and panics, which stay on
//! this side.
//!
//! **Invariants.** Nothing that C passes is dereferenced before it was checked for null and, where it is an
//! array, for a size that an object can have. Every object that C holds is a `Box` that came from [`new`] and
//! goes back through [`take`] once. No panic leaves this crate.

use crate::error::{Kind, wasmaot_error_t};
use std::any::Any;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

/// What the body of a function of the C API gives.
pub(crate) type Result<T> = std::result::Result<T, wasmaot_error_t>;

/// Runs the body of a function that can fail, and gives its error to C; null for success.
pub(crate) fn fallible(body: impl FnOnce() -> Result<()>) -> *mut wasmaot_error_t {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => null_mut(),
        Ok(Err(error)) => new(error),
        Err(payload) => new(panicked(&*payload)),
    }
}

/// Runs the body of a function that gives `otherwise` where it is misused.
pub(crate) fn infallible<R>(otherwise: R, body: impl FnOnce() -> Option<R>) -> R {
    catch_unwind(AssertUnwindSafe(body)).ok().flatten().unwrap_or(otherwise)
}

fn panicked(payload: &(dyn Any + Send)) -> wasmaot_error_t {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message");
    wasmaot_error_t::new(Kind::Internal, format!("the runtime panicked: {text}"))
}

/// The error for wrong use.
pub(crate) fn usage(message: impl std::fmt::Display) -> wasmaot_error_t {
    wasmaot_error_t::new(Kind::Usage, message)
}

fn null(what: &str) -> wasmaot_error_t {
    usage(format!("`{what}` is NULL"))
}

/// What a pointer leads to.
///
/// # Safety
/// It is null, or valid for `'a` as the header states for its type.
pub(crate) unsafe fn at<'a, T>(pointer: *const T, what: &str) -> Result<&'a T> {
    // SAFETY: the pointer is null, or the caller says that what it leads to is valid for `'a`.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(what))
}

/// What a pointer leads to, to be changed.
///
/// # Safety
/// As for [`at`], and nothing else uses it for `'a`.
pub(crate) unsafe fn at_mut<'a, T>(pointer: *mut T, what: &str) -> Result<&'a mut T> {
    // SAFETY: the pointer is null, or the caller says that what it leads to is valid for `'a`, in which
    // nothing else uses it.
    unsafe { pointer.as_mut() }.ok_or_else(|| null(what))
}

/// A string.
///
/// # Safety
/// It is null, or ends with NUL and does not change for `'a`.
pub(crate) unsafe fn string<'a>(pointer: *const c_char, what: &str) -> Result<&'a CStr> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: the pointer is not null, so it leads to a string that ends with NUL and does not change for
    // `'a`, as the caller says.
    Ok(unsafe { CStr::from_ptr(pointer) })
}

/// Reads a C string that must be valid UTF-8.
///
/// # Safety
/// As for [`string`].
pub(crate) unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: the pointer is null, or leads to a string that ends with NUL and does not change for `'a`, as
    // the caller says.
    let string = unsafe { string(pointer, what)? };
    string.to_str().map_err(|error| usage(format!("`{what}` is not UTF-8: {error}")))
}

fn check_size<T>(start: *const T, count: usize, what: &str) -> Result<()> {
    if start.is_null() {
        return Err(usage(format!("`{what}` is NULL, but is to have {count} element(s)")));
    }
    match count.checked_mul(size_of::<T>()) {
        Some(bytes) if bytes <= isize::MAX as usize => Ok(()),
        _ => Err(usage(format!("`{what}` cannot have {count} elements"))),
    }
}

/// An array, which may be null if it is empty.
///
/// # Safety
/// It is null, or has `count` elements, which do not change for `'a`.
pub(crate) unsafe fn slice<'a, T>(start: *const T, count: usize, what: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    check_size(start, count, what)?;
    // SAFETY: the pointer is not null and the size that of an object, as was checked; the elements are there
    // and do not change for `'a`, as the caller says.
    Ok(unsafe { std::slice::from_raw_parts(start, count) })
}

/// An array to be written, which may be null if it is empty.
///
/// # Safety
/// As for [`slice`], and nothing else uses it for `'a`.
pub(crate) unsafe fn slice_mut<'a, T>(start: *mut T, count: usize, what: &str) -> Result<&'a mut [T]> {
    if count == 0 {
        return Ok(&mut []);
    }
    check_size(start, count, what)?;
    // SAFETY: the pointer is not null and the size that of an object, as was checked; the elements are there
    // and nothing else uses them for `'a`, as the caller says.
    Ok(unsafe { std::slice::from_raw_parts_mut(start, count) })
}

/// The place for what a function gives. It need not hold anything yet.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    /// It is null, or may be written until the function returns.
    pub(crate) unsafe fn at(pointer: *mut T) -> Result<Self> {
        if pointer.is_null() { Err(null("out")) } else { Ok(Self(pointer)) }
    }

    /// Gives a value.
    pub(crate) fn set(self, value: T) {
        // SAFETY: `at` was given a pointer that may be written until the function returns, and has refused
        // null.
        unsafe { self.0.write(value) };
    }
}

impl<T> Out<*mut T> {
    /// Gives an object.
    pub(crate) fn give(self, object: T) {
        self.set(new(object));
    }
}

/// Gives an object to C.
pub(crate) fn new<T>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// Deletes an object that C gives back.
///
/// # Safety
/// It is null, or came from [`new`] and is not used any more.
pub(crate) unsafe fn take<T>(object: *mut T) {
    infallible((), || {
        if !object.is_null() {
            // SAFETY: the pointer is not null, so it came from `new`, that is from a box, and is given back
            // once, as the caller says.
            drop(unsafe { Box::from_raw(object) });
        }
        None
    });
}

/// Gives a list: its start, which is null if it is empty, and its length through `count`, which may be null.
///
/// # Safety
/// `count` is null or may be written.
pub(crate) unsafe fn list<T>(list: Option<&[T]>, count: *mut usize) -> *const T {
    let list = list.unwrap_or_default();
    // SAFETY: `count` is null or may be written, as the caller says, and nothing else uses it during the
    // call.
    if let Some(count) = unsafe { count.as_mut() } {
        *count = list.len();
    }
    if list.is_empty() { std::ptr::null() } else { list.as_ptr() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let error = fallible(|| panic!("of the {}", "test"));
        // SAFETY: the error is valid, and deleted once.
        unsafe {
            assert_eq!((*error).to_string(), "the runtime panicked: of the test");
            take(error);
        }
        assert_eq!(infallible(7, || panic!("of the test")), 7);
    }

    #[test]
    fn sizes_that_no_object_has_are_refused() {
        let cell = 0u64;
        // SAFETY: the size is refused before the pointer is looked at.
        let found = unsafe { slice(&raw const cell, usize::MAX / 8, "cells") };
        assert!(found.unwrap_err().to_string().starts_with("`cells` cannot have"));
        // SAFETY: null is refused before anything is accessed.
        let found = unsafe { slice(std::ptr::null::<u64>(), 2, "cells") };
        assert_eq!(found.unwrap_err().to_string(), "`cells` is NULL, but is to have 2 element(s)");
    }
}
