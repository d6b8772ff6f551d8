//! Calls that host functions of C's leave half done.
//!
//! **Invariant: a call is resumed in its own instance only**: another one is refused, and the call goes on
//! waiting.

use crate::boundary::{Out, Result, at, at_mut, fallible, infallible, new, slice, slice_mut, take, usage};
use crate::error::{Value, wasmaot_error_t};
use crate::func::{Values, read, wasmaot_func_t, write};
use crate::instance::{wasmaot_instance_t, within};
use crate::place::Place;
use crate::value::{wasmaot_value_t, with_place};
use std::ffi::c_void;
use std::ptr::null_mut;
use wasmaot_runtime::{CallError, Outcome, Suspended, Val};

/// A call that waits, as C holds it.
pub struct wasmaot_suspended_t {
    /// The number of its instance.
    instance: u64,
    /// None once it has ended.
    call: Option<Suspended<Vec<Val>>>,
}

/// How a host function ends, in place of which a call goes on.
enum End<'a> {
    Returns(&'a [Val]),
    Fails(wasmaot_error_t),
}

type Ended = std::result::Result<Outcome<Vec<Val>>, CallError>;

/// The results of a call go to C, unless it waits.
fn settle(
    place: &mut impl Place,
    ended: Ended,
    results: &mut [wasmaot_value_t],
) -> Result<Option<Suspended<Vec<Val>>>> {
    match ended? {
        Outcome::Suspended(call) => Ok(Some(call)),
        Outcome::Returned(values) if values.len() == results.len() => {
            write(&values, results, &mut place.data().references);
            Ok(None)
        }
        Outcome::Returned(values) => {
            Err(CallError::ResultCount { expected: values.len(), found: results.len() }.into())
        }
    }
}

impl wasmaot_suspended_t {
    /// Takes the call out, to go on with it in its instance.
    fn take_out(&mut self, place: &mut impl Place) -> Result<Suspended<Vec<Val>>> {
        if place.data().references.number() != self.instance {
            return Err(usage("the call waits in another instance"));
        }
        self.call.take().ok_or_else(|| usage("the call does not wait"))
    }

    /// Goes on with the call, as if the host function ended like this.
    fn resume(
        &mut self,
        place: &mut impl Place,
        results: &mut [wasmaot_value_t],
        end: End<'_>,
    ) -> Result<()> {
        let call = self.take_out(place)?;
        let ended = call.resume_new(place, |_, into| match end {
            End::Fails(error) => Err(error.into()),
            End::Returns(values) if into.len() == values.len() => {
                into.copy_from_slice(values);
                Ok(())
            }
            End::Returns(values) => {
                Err(CallError::ResultCount { expected: into.len(), found: values.len() }.into())
            }
        });
        self.call = settle(place, ended, results)?;
        Ok(())
    }
}

/// Implements `wasmaot_func_call_resumable` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_func_call_resumable(
    func: *const wasmaot_func_t,
    instance: *mut wasmaot_instance_t,
    args: *const wasmaot_value_t,
    args_count: usize,
    results: *mut wasmaot_value_t,
    results_count: usize,
    out: *mut *mut wasmaot_suspended_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (func, instance, values, out) = unsafe {
            let values = Values::at(args, args_count, results, results_count)?;
            (at(func, "func")?, at(instance, "instance")?, values, Out::at(out)?)
        };
        let (number, call) = within!(instance, |store, _handle| {
            let call = with_place(values.args.len(), Val::I32(0), |args| {
                read(values.args, args, &store.data().references)?;
                let ended = func.func.call_resumable(store, args);
                settle(store, ended, values.results)
            })?;
            Result::Ok((store.data_mut().references.number(), call))
        })?;
        out.set(match call {
            Some(call) => new(wasmaot_suspended_t { instance: number, call: Some(call) }),
            None => null_mut(),
        });
        Ok(())
    })
}

/// Implements `wasmaot_suspended_is_waiting` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_suspended_is_waiting(suspended: *const wasmaot_suspended_t) -> bool {
    // SAFETY: C passes NULL or an object that it has not deleted as `suspended`.
    infallible(false, || Some(unsafe { at(suspended, "suspended") }.ok()?.call.is_some()))
}

/// Implements `wasmaot_suspended_value` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_suspended_value(suspended: *const wasmaot_suspended_t) -> *mut c_void {
    infallible(null_mut(), || {
        // SAFETY: C passes NULL or an object that it has not deleted as `suspended`.
        let call = unsafe { at(suspended, "suspended") }.ok()?.call.as_ref()?;
        call.value().downcast_ref::<Value>().map(|value| value.0)
    })
}

/// Implements `wasmaot_suspended_resume` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_suspended_resume(
    suspended: *mut wasmaot_suspended_t,
    instance: *mut wasmaot_instance_t,
    values: *const wasmaot_value_t,
    values_count: usize,
    results: *mut wasmaot_value_t,
    results_count: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, and the call is used by nothing else, as
        // the header states.
        let (suspended, instance, values, results) = unsafe {
            let results = slice_mut(results, results_count, "results")?;
            let values = slice(values, values_count, "values")?;
            (at_mut(suspended, "suspended")?, at(instance, "instance")?, values, results)
        };
        within!(instance, |store, _handle| {
            let mut given = vec![Val::I32(0); values.len()];
            read(values, &mut given, &store.data().references)?;
            suspended.resume(store, results, End::Returns(&given))
        })
    })
}

/// Implements `wasmaot_suspended_fail` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_suspended_fail(
    suspended: *mut wasmaot_suspended_t,
    instance: *mut wasmaot_instance_t,
    error: *mut wasmaot_error_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        if error.is_null() {
            return Err(usage("`error` is NULL"));
        }
        // SAFETY: errors come from this crate, and this one is the runtime's from now on, as the header
        // states.
        let error = *unsafe { Box::from_raw(error) };
        // SAFETY: null or valid, and the call is used by nothing else, as the header states.
        let (suspended, instance) = unsafe { (at_mut(suspended, "suspended")?, at(instance, "instance")?) };
        within!(instance, |store, _handle| suspended.resume(store, &mut [], End::Fails(error)))
    })
}

/// Implements `wasmaot_suspended_abandon` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_suspended_abandon(
    suspended: *mut wasmaot_suspended_t,
    instance: *mut wasmaot_instance_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: null or valid, and the call is used by nothing else, as the header states.
        let (suspended, instance) = unsafe { (at_mut(suspended, "suspended")?, at(instance, "instance")?) };
        within!(instance, |store, _handle| {
            suspended.take_out(store)?.abandon(store)?;
            Ok(())
        })
    })
}

/// Implements `wasmaot_suspended_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_suspended_delete(suspended: *mut wasmaot_suspended_t) {
    // SAFETY: null, or an object of this crate's that is not used any more, as the header states.
    unsafe { take(suspended) };
}
