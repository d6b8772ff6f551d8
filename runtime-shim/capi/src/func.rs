//! Calls from C, through a function that was looked up or by export name.
//!
//! **Invariant: either all results are written or none.**

use crate::boundary::{Result, at, fallible, infallible, slice, slice_mut, take, text, usage};
use crate::error::wasmaot_error_t;
use crate::instance::{wasmaot_instance_t, within};
use crate::place::{Data, Place};
use crate::references::References;
use crate::value::{wasmaot_functype_t, wasmaot_value_t, with_place};
use std::ffi::c_char;
use std::ptr::null;
use wasmaot_runtime::{CallError, ExternType, Func, InstancePre, Val};

/// A function, as C holds it.
pub struct wasmaot_func_t {
    pub(crate) func: Func,
    /// What C is lent of its type.
    ty: wasmaot_functype_t,
    /// What that points to.
    _lists: Vec<Box<[u8]>>,
}

impl wasmaot_func_t {
    pub(crate) fn find(linked: &InstancePre<Data>, name: &str) -> Result<Self> {
        let func = linked.get_func(name)?;
        let Some(ExternType::Func(ty)) = linked.module().get_export(name) else {
            return Err(usage(format!("the export {name:?} is not a function")));
        };
        let mut lists = Vec::new();
        let ty = wasmaot_functype_t::lend(&ty, |list| lists.push(list));
        Ok(Self { ty, func, _lists: lists })
    }
}

/// Arguments and results of a call, as C passes them.
pub(crate) struct Values<'a> {
    pub(crate) args: &'a [wasmaot_value_t],
    pub(crate) results: &'a mut [wasmaot_value_t],
}

impl<'a> Values<'a> {
    /// # Safety
    /// The arguments satisfy the contract stated in `wasmaot.h`.
    pub(crate) unsafe fn at(
        args: *const wasmaot_value_t,
        args_count: usize,
        results: *mut wasmaot_value_t,
        results_count: usize,
    ) -> Result<Self> {
        // SAFETY: C passes as many arguments and places for results as it says, or null and 0, which nothing
        // changes during the call.
        unsafe {
            Ok(Self {
                args: slice(args, args_count, "args")?,
                results: slice_mut(results, results_count, "results")?,
            })
        }
    }

    /// Makes a call that leaves as many results as there is room for.
    pub(crate) fn pass<P: Place>(
        self,
        place: &mut P,
        call: impl FnOnce(&mut P, &[Val], &mut [Val]) -> std::result::Result<(), CallError>,
    ) -> Result<()> {
        let Self { args: c_args, results: c_results } = self;
        with_place(c_args.len(), Val::I32(0), |args| {
            with_place(c_results.len(), Val::I32(0), |results| {
                read(c_args, args, &place.data().references)?;
                call(place, args, results)?;
                write(results, c_results, &mut place.data().references);
                Ok(())
            })
        })
    }

    /// Makes a call that gives its results as a list.
    pub(crate) fn pass_by_vec<P: Place>(
        self,
        place: &mut P,
        call: impl FnOnce(&mut P, &[Val]) -> std::result::Result<Vec<Val>, CallError>,
    ) -> Result<()> {
        self.pass(place, |place, args, results| {
            let values = call(place, args)?;
            if values.len() != results.len() {
                return Err(CallError::ResultCount { expected: values.len(), found: results.len() });
            }
            results.copy_from_slice(&values);
            Ok(())
        })
    }
}

/// Takes arguments of C's.
pub(crate) fn read(from: &[wasmaot_value_t], into: &mut [Val], references: &References) -> Result<()> {
    into.iter_mut().zip(from).enumerate().try_for_each(|(position, (value, c))| {
        *value = c.to_val(references).map_err(|error| usage(format!("argument {position}: {error}")))?;
        Ok(())
    })
}

/// Gives results to C.
pub(crate) fn write(from: &[Val], into: &mut [wasmaot_value_t], references: &mut References) {
    into.iter_mut().zip(from).for_each(|(c, &value)| *c = wasmaot_value_t::from_val(value, references));
}

/// Implements `wasmaot_func_type` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_func_type(func: *const wasmaot_func_t) -> *const wasmaot_functype_t {
    // SAFETY: C passes NULL or an object that it has not deleted as `func`.
    infallible(null(), || Some(&raw const unsafe { at(func, "func") }.ok()?.ty))
}

/// Implements `wasmaot_func_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_func_delete(func: *mut wasmaot_func_t) {
    // SAFETY: C passes NULL, or an object that it was given as `func` and does not use any more.
    unsafe { take(func) };
}

/// Implements `wasmaot_func_call` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_func_call(
    func: *const wasmaot_func_t,
    instance: *mut wasmaot_instance_t,
    args: *const wasmaot_value_t,
    args_count: usize,
    results: *mut wasmaot_value_t,
    results_count: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `func` and `instance`, and as many
        // arguments and places for results as it says.
        let (func, instance, values) = unsafe {
            let values = Values::at(args, args_count, results, results_count)?;
            (at(func, "func")?, at(instance, "instance")?, values)
        };
        within!(instance, |store, _handle| {
            values.pass(store, |store, args, results| func.func.call(store, args, results))
        })
    })
}

/// Implements `wasmaot_instance_call` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_call(
    instance: *mut wasmaot_instance_t,
    name: *const c_char,
    args: *const wasmaot_value_t,
    args_count: usize,
    results: *mut wasmaot_value_t,
    results_count: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`, NULL or a string that
        // ends with NUL as `name`, and as many arguments and places for results as it says.
        let (instance, name, values) = unsafe {
            let values = Values::at(args, args_count, results, results_count)?;
            (at(instance, "instance")?, text(name, "name")?, values)
        };
        within!(instance, |store, handle| {
            values.pass_by_vec(store, |store, args| handle.call(store, name, args))
        })
    })
}
