//! Calls as C makes them: by a function that was looked up once, or by name.
//!
//! **Invariant: C gets either all results or none.**

use crate::boundary::{Result, at, fallible, infallible, slice, slice_mut, take, text, usage};
use crate::error::wasmaot_error_t;
use crate::instance::{Data, wasmaot_instance_t};
use crate::value::{wasmaot_functype_t, wasmaot_value_t, with_place};
use std::ffi::c_char;
use std::ptr::null;
use wasmaot_runtime::{CallError, DynamicFunc, InstancePre, Val};

/// A function, as C holds it.
pub struct wasmaot_func_t {
    func: DynamicFunc,
    /// What C is lent of its type.
    ty: wasmaot_functype_t,
    /// What that points to.
    _lists: Vec<Box<[u8]>>,
}

impl wasmaot_func_t {
    pub(crate) fn find(linked: &InstancePre<Data>, name: &str) -> Result<Self> {
        let func = linked.get_func(name)?;
        let mut lists = Vec::new();
        let ty = wasmaot_functype_t::lend(func.ty(), |list| lists.push(list));
        Ok(Self { ty, func, _lists: lists })
    }
}

/// Arguments and results of a call, as C passes them.
pub(crate) struct Values<'a> {
    args: &'a [wasmaot_value_t],
    results: &'a mut [wasmaot_value_t],
}

impl<'a> Values<'a> {
    /// # Safety
    /// As the header states.
    pub(crate) unsafe fn at(
        args: *const wasmaot_value_t,
        args_count: usize,
        results: *mut wasmaot_value_t,
        results_count: usize,
    ) -> Result<Self> {
        // SAFETY: as the caller states.
        unsafe {
            Ok(Self {
                args: slice(args, args_count, "args")?,
                results: slice_mut(results, results_count, "results")?,
            })
        }
    }

    /// Makes a call that leaves as many results as there is room for.
    pub(crate) fn pass(
        self,
        call: impl FnOnce(&[Val], &mut [Val]) -> std::result::Result<(), CallError>,
    ) -> Result<()> {
        with_place(self.args.len(), Val::I32(0), |args| {
            with_place(self.results.len(), Val::I32(0), |results| {
                for (position, (arg, c)) in args.iter_mut().zip(self.args).enumerate() {
                    *arg = c.to_val().map_err(|error| usage(format!("argument {position}: {error}")))?;
                }
                call(args, results)?;
                if let Some(value) = results.iter().find(|value| wasmaot_value_t::from_val(**value).is_err())
                {
                    return Err(usage(format!("C has no values of type {}", value.ty())));
                }
                self.results.iter_mut().zip(results).try_for_each(|(c, value)| {
                    *c = wasmaot_value_t::from_val(*value)?;
                    Ok(())
                })
            })
        })
    }

    /// Makes a call by name.
    pub(crate) fn pass_by_name(
        self,
        call: impl FnOnce(&[Val]) -> std::result::Result<Vec<Val>, CallError>,
    ) -> Result<()> {
        self.pass(|args, results| {
            let values = call(args)?;
            if values.len() != results.len() {
                return Err(CallError::ResultCount { expected: values.len(), found: results.len() });
            }
            results.copy_from_slice(&values);
            Ok(())
        })
    }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_func_type(func: *const wasmaot_func_t) -> *const wasmaot_functype_t {
    // SAFETY: as the header states.
    infallible(null(), || Some(&raw const unsafe { at(func, "func") }.ok()?.ty))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_func_delete(func: *mut wasmaot_func_t) {
    // SAFETY: as the header states.
    unsafe { take(func) };
}

/// See the header.
///
/// # Safety
/// As the header states.
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
        // SAFETY: as the header states.
        let (func, instance, values) = unsafe {
            let values = Values::at(args, args_count, results, results_count)?;
            (at(func, "func")?, at(instance, "instance")?, values)
        };
        let mut entered = instance.enter()?;
        values.pass(|args, results| func.func.call(entered.instance(), args, results))
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
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
        // SAFETY: as the header states.
        let (instance, name, values) = unsafe {
            let values = Values::at(args, args_count, results, results_count)?;
            (at(instance, "instance")?, text(name, "name")?, values)
        };
        let mut entered = instance.enter()?;
        values.pass_by_name(|args| entered.instance().call(name, args))
    })
}
