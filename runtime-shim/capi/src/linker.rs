//! Linkers and linked modules as C sees them, and host functions that are C's.
//!
//! **Invariants.** A host function's environment is dropped once, when nothing can call the function any
//! more. An exception that is thrown in one ends the process before it reaches a guest's frames.

use crate::boundary::{Out, Result, at, at_mut, fallible, infallible, new, take, text, usage};
use crate::caller::wasmaot_caller_t;
use crate::error::wasmaot_error_t;
use crate::func::{wasmaot_func_t, write};
use crate::limits::wasmaot_module_limits_t;
use crate::module::wasmaot_module_t;
use crate::place::Data;
use crate::value::{wasmaot_functype_t, wasmaot_value_t, with_place};
use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use wasmaot_runtime::{Caller, FuncType, HostError, InstancePre, Linker, Val};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// A linker, as C holds it.
pub struct wasmaot_linker_t {
    pub(crate) linker: Linker<Data>,
}

/// A linked module, as C holds it.
pub struct wasmaot_linked_t {
    pub(crate) linked: InstancePre<Data>,
}

/// Defines `wasmaot_function_t` of `wasmaot.h`. Rust does not catch a C++ exception from it:
/// the process ends.
pub type wasmaot_function_t = unsafe extern "C-unwind" fn(
    environment: *mut c_void,
    caller: *mut wasmaot_caller_t<'_, '_>,
    args: *const wasmaot_value_t,
    results: *mut wasmaot_value_t,
) -> *mut wasmaot_error_t;

/// What a host function of C's is called with.
struct Environment {
    pointer: *mut c_void,
    drop: Option<unsafe extern "C" fn(*mut c_void)>,
}

// SAFETY: the header says that any thread may get it.
unsafe impl Send for Environment {}
// SAFETY: the header says that many threads may use it at a time.
unsafe impl Sync for Environment {}

impl Drop for Environment {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: the header has C pass a function that deletes this pointer, on any thread, and it is
            // called once.
            unsafe { drop(self.pointer) };
        }
    }
}

/// A host function of C's.
struct Host {
    function: wasmaot_function_t,
    environment: Environment,
}

impl Host {
    fn call(
        &self,
        caller: &mut Caller<'_, Data>,
        args: &[Val],
        results: &mut [Val],
    ) -> std::result::Result<(), HostError> {
        with_place(args.len(), wasmaot_value_t::ZERO, |c_args| {
            with_place(results.len(), wasmaot_value_t::ZERO, |c_results| {
                let references = &mut caller.data_mut().references;
                write(args, c_args, references);
                write(results, c_results, references);
                let mut lent = wasmaot_caller_t::new(caller);
                let (args, into) = (c_args.as_ptr(), c_results.as_mut_ptr());
                // SAFETY: the header says what C makes of these; the values are those of the function's type.
                let error = unsafe { (self.function)(self.environment.pointer, &mut lent, args, into) };
                if !error.is_null() {
                    // SAFETY: errors come from this crate, and a returned one is the runtime's.
                    return Err(HostError::from(*unsafe { Box::from_raw(error) }));
                }
                let references = &caller.data().references;
                results.iter_mut().zip(c_results).try_for_each(|(value, c)| {
                    *value = c.to_val(references)?;
                    Ok(())
                })
            })
        })
    }
}

fn wasi_of(data: &mut Data) -> &mut WasiCtx {
    data.wasi.get_or_insert_with(|| WasiCtxBuilder::new().build())
}

impl wasmaot_linker_t {
    fn func(&mut self, module: &str, name: &str, ty: FuncType, host: Host) -> Result<()> {
        let call = move |caller: &mut Caller<'_, Data>, args: &[Val], results: &mut [Val]| {
            host.call(caller, args, results)
        };
        self.linker.func_new(module, name, ty, call)?;
        Ok(())
    }
}

/// Implements `wasmaot_linker_set_module_limits` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_set_module_limits(
    linker: *mut wasmaot_linker_t,
    limits: *const wasmaot_module_limits_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `limits`, and NULL or an object that
        // it has not deleted, and that no other thread uses, as `linker`.
        let (linker, limits) = unsafe { (at_mut(linker, "linker")?, at(limits, "limits")?) };
        linker.linker.set_module_limits(limits.read());
        Ok(())
    })
}

/// Implements `wasmaot_linker_new` of `wasmaot.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_linker_new() -> *mut wasmaot_linker_t {
    infallible(null_mut(), || Some(new(wasmaot_linker_t { linker: Linker::new() })))
}

/// Implements `wasmaot_linker_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_delete(linker: *mut wasmaot_linker_t) {
    // SAFETY: C passes NULL, or an object that it was given as `linker` and does not use any more.
    unsafe { take(linker) };
}

/// Implements `wasmaot_linker_func` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_func(
    linker: *mut wasmaot_linker_t,
    module: *const c_char,
    name: *const c_char,
    ty: *const wasmaot_functype_t,
    function: Option<wasmaot_function_t>,
    environment: *mut c_void,
    drop: Option<unsafe extern "C" fn(*mut c_void)>,
) -> *mut wasmaot_error_t {
    fallible(|| {
        let environment = Environment { pointer: environment, drop };
        // SAFETY: C passes NULL or an object that it has not deleted as `ty`, NULL or an object that it has
        // not deleted, and that no other thread uses, as `linker`, and NULL or a string that ends with NUL as
        // `module` and `name`.
        let (linker, module, name, ty) = unsafe {
            let (module, name) = (text(module, "module")?, text(name, "name")?);
            (at_mut(linker, "linker")?, module, name, at(ty, "type")?.read()?)
        };
        let function = function.ok_or_else(|| usage("`function` is NULL"))?;
        linker.func(module, name, ty, Host { function, environment })
    })
}

/// Implements `wasmaot_linker_wasi` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_wasi(linker: *mut wasmaot_linker_t) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as
        // `linker`.
        let linker = unsafe { at_mut(linker, "linker")? };
        Ok(wasmaot_wasi::add_to_linker(&mut linker.linker, wasi_of)?)
    })
}

/// Implements `wasmaot_linker_link` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_link(
    linker: *const wasmaot_linker_t,
    module: *const wasmaot_module_t,
    out: *mut *mut wasmaot_linked_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `linker` and `module`, and NULL or a
        // place to write as `out`.
        let (linker, module, out) = unsafe { (at(linker, "linker")?, at(module, "module")?, Out::at(out)?) };
        out.give(wasmaot_linked_t { linked: linker.linker.instantiate_pre(&module.module)? });
        Ok(())
    })
}

/// Implements `wasmaot_linked_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linked_delete(linked: *mut wasmaot_linked_t) {
    // SAFETY: C passes NULL, or an object that it was given as `linked` and does not use any more.
    unsafe { take(linked) };
}

/// Implements `wasmaot_linked_func` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linked_func(
    linked: *const wasmaot_linked_t,
    name: *const c_char,
    out: *mut *mut wasmaot_func_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `linked`, NULL or a string that ends
        // with NUL as `name`, and NULL or a place to write as `out`.
        let (linked, name, out) = unsafe { (at(linked, "linked")?, text(name, "name")?, Out::at(out)?) };
        out.give(wasmaot_func_t::find(&linked.linked, name)?);
        Ok(())
    })
}

/// Implements `wasmaot_linked_freeze_hot_set` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linked_freeze_hot_set(
    linked: *const wasmaot_linked_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `linked`.
        unsafe { at(linked, "linked")? }.linked.freeze_hot_set();
        Ok(())
    })
}
