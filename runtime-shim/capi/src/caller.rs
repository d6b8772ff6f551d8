//! What a host function of C's sees of the instance that called it.
//!
//! **Invariant: while a call that a host function makes runs, its caller is not used**; an attempt is
//! refused.

use crate::boundary::{Result, at, fallible, infallible, slice, slice_mut, text, usage};
use crate::error::wasmaot_error_t;
use crate::func::Values;
use crate::place::Data;
use crate::value::wasmaot_value_t;
use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use wasmaot_runtime::{Caller, HostError, Instance, check_interrupt};

/// A [`Caller`], as C is lent it.
pub struct wasmaot_caller_t<'a, 'b> {
    host: *mut c_void,
    caller: RefCell<&'a mut Caller<'b, Data>>,
}

impl<'a, 'b> wasmaot_caller_t<'a, 'b> {
    pub(crate) fn new(caller: &'a mut Caller<'b, Data>) -> Self {
        Self { host: caller.data().host, caller: RefCell::new(caller) }
    }

    /// Uses the caller, unless it waits for a call that it made.
    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&mut Caller<'b, Data>) -> Result<R>) -> Result<R> {
        let mut caller = self.caller.try_borrow_mut();
        let caller = caller.as_mut().map_err(|_| usage("`caller` waits for a call that it made"))?;
        use_it(caller)
    }

    /// The same, with the instance that called the host function.
    pub(crate) fn within<R>(
        &self,
        use_it: impl FnOnce(&mut Caller<'b, Data>, Instance) -> Result<R>,
    ) -> Result<R> {
        self.with(|caller| {
            let instance = caller.instance();
            use_it(caller, instance)
        })
    }
}

/// Implements `wasmaot_caller_data` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_data(caller: *const wasmaot_caller_t<'_, '_>) -> *mut c_void {
    // SAFETY: C passes NULL or an object that it has not deleted as `caller`.
    infallible(null_mut(), || Some(unsafe { at(caller, "caller") }.ok()?.host))
}

/// Implements `wasmaot_caller_call` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_call(
    caller: *mut wasmaot_caller_t<'_, '_>,
    name: *const c_char,
    args: *const wasmaot_value_t,
    args_count: usize,
    results: *mut wasmaot_value_t,
    results_count: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `caller`, NULL or a string that ends
        // with NUL as `name`, and as many arguments and places for results as it says.
        let (caller, name, values) = unsafe {
            let values = Values::at(args, args_count, results, results_count)?;
            (at(caller, "caller")?, text(name, "name")?, values)
        };
        caller.with(|caller| values.pass_by_vec(caller, |caller, args| caller.call(name, args)))
    })
}

/// Implements `wasmaot_caller_check_interrupt` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_check_interrupt(
    caller: *const wasmaot_caller_t<'_, '_>,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `caller`.
        unsafe { at(caller, "caller")? }.with(|_| match check_interrupt() {
            Err(HostError::Trap(code)) => Err(code.into()),
            _ => Ok(()),
        })
    })
}

/// Implements `wasmaot_caller_memory_size` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_memory_size(caller: *const wasmaot_caller_t<'_, '_>) -> u64 {
    infallible(0, || {
        // SAFETY: C passes NULL or an object that it has not deleted as `caller`.
        let caller = unsafe { at(caller, "caller") }.ok()?;
        caller.with(|caller| Ok(caller.memory()?.data_size(caller)?)).ok()
    })
}

/// Implements `wasmaot_caller_read` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_read(
    caller: *const wasmaot_caller_t<'_, '_>,
    from: u64,
    into: *mut c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `caller`, and room for `length` bytes
        // as `into`.
        let (caller, into) =
            unsafe { (at(caller, "caller")?, slice_mut(into.cast::<u8>(), length, "into")?) };
        caller.with(|caller| Ok(caller.read(from, into)?))
    })
}

/// Implements `wasmaot_caller_write` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_write(
    caller: *mut wasmaot_caller_t<'_, '_>,
    to: u64,
    bytes: *const c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `caller`, and `length` bytes as
        // `bytes`.
        let (caller, bytes) = unsafe { (at(caller, "caller")?, slice(bytes.cast::<u8>(), length, "bytes")?) };
        caller.with(|caller| Ok(caller.write(to, bytes)?))
    })
}
