//! Instances and host functions as C sees them.

use crate::error::{Kind, give, give_error, wasmaot_error_t};
use crate::value::{type_of, wasmaot_value_t};
use crate::{slice, slice_mut, wasmaot_module_t};
use std::ffi::{CStr, c_char, c_void};
use wasmaot_runtime::{
    AccessError, Caller, Extern, FuncType, HostError, Instance, Linker, Store, Val, ValType,
};

/// An instance with its store, as C holds it.
#[expect(non_camel_case_types, reason = "the name in C")]
pub struct wasmaot_instance_t {
    store: Store<()>,
    instance: Instance,
}

/// A [`Caller`], as C is lent it.
#[expect(non_camel_case_types, reason = "the name in C")]
pub struct wasmaot_caller_t<'a, 'b>(&'a mut Caller<'b, ()>);

/// See the header.
#[expect(non_camel_case_types, reason = "the name in C")]
pub type wasmaot_function_t = unsafe extern "C" fn(
    environment: *mut c_void,
    caller: *mut wasmaot_caller_t<'_, '_>,
    args: *const wasmaot_value_t,
    results: *mut wasmaot_value_t,
) -> *mut wasmaot_error_t;

/// See the header.
#[repr(C)]
pub struct wasmaot_import_t {
    /// First name.
    pub module: *const c_char,
    /// Second name.
    pub name: *const c_char,
    /// Types of the parameters.
    pub params: *const u8,
    /// Their number.
    pub params_count: usize,
    /// Types of the results.
    pub results: *const u8,
    /// Their number.
    pub results_count: usize,
    /// The function.
    pub function: wasmaot_function_t,
    /// Passed to the function.
    pub environment: *mut c_void,
}

/// What a host function of C's is called with.
struct Environment(*mut c_void);

// SAFETY: only the instance passes it on, in the thread that uses the instance, as the header states.
unsafe impl Send for Environment {}
// SAFETY: as above.
unsafe impl Sync for Environment {}

fn types(numbers: &[u8]) -> Result<Vec<ValType>, wasmaot_error_t> {
    numbers.iter().map(|&number| type_of(number)).collect()
}

/// # Safety
/// The record is as the header states.
unsafe fn define(linker: &mut Linker<()>, import: &wasmaot_import_t) -> Result<(), wasmaot_error_t> {
    // SAFETY: names are strings, and types as many as their counts say.
    let (module, name, params, results) = unsafe {
        let string = |start| CStr::from_ptr(start).to_str();
        let params = slice(import.params, import.params_count);
        (string(import.module), string(import.name), params, slice(import.results, import.results_count))
    };
    let utf8 =
        |error| wasmaot_error_t::new(Kind::Instantiate, format!("an import's name is not UTF-8: {error}"));
    let (module, name) = (module.map_err(utf8)?, name.map_err(utf8)?);
    let ty = FuncType { params: types(params)?, results: types(results)? };
    let (function, environment) = (import.function, Environment(import.environment));
    let call = move |caller: &mut Caller<'_, ()>, args: &[Val], results: &mut [Val]| {
        let Environment(environment) = &environment;
        // SAFETY: the function and its environment are as the header states.
        unsafe { call_host(function, *environment, caller, args, results) }
    };
    let defined = linker.func_dynamic(module, name, ty, call);
    defined.map(|_| ()).map_err(|error| wasmaot_error_t::new(Kind::Instantiate, error))
}

/// # Safety
/// The function is one of C's for these types of arguments and results.
unsafe fn call_host(
    function: wasmaot_function_t,
    environment: *mut c_void,
    caller: &mut Caller<'_, ()>,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), HostError> {
    let to_c = |values: &[Val]| values.iter().map(|&value| wasmaot_value_t::from_val(value)).collect();
    let args: Result<Vec<_>, _> = to_c(args);
    let cells: Result<Vec<_>, _> = to_c(results);
    let (args, mut cells) = (args?, cells?);
    let mut caller = wasmaot_caller_t(caller);
    // SAFETY: as the caller states.
    let error = unsafe { function(environment, &mut caller, args.as_ptr(), cells.as_mut_ptr()) };
    if !error.is_null() {
        // SAFETY: errors come from `give_error`, and a returned one is the runtime's.
        return Err((*unsafe { Box::from_raw(error) }).into());
    }
    for (result, cell) in results.iter_mut().zip(cells) {
        *result = cell.to_val()?;
    }
    Ok(())
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_new(
    module: *const wasmaot_module_t,
    imports: *const wasmaot_import_t,
    imports_count: usize,
    out: *mut *mut wasmaot_instance_t,
) -> *mut wasmaot_error_t {
    // SAFETY: there are so many imports, each as the header states; module and `out` are valid.
    unsafe {
        let make = || {
            let mut linker = Linker::new();
            for import in slice(imports, imports_count) {
                define(&mut linker, import)?;
            }
            let mut store = Store::new(());
            let instance = linker.instantiate(&mut store, &(*module).module)?;
            Ok(wasmaot_instance_t { store, instance })
        };
        give(make(), out)
    }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_delete(instance: *mut wasmaot_instance_t) {
    if !instance.is_null() {
        // SAFETY: it came from `give`.
        drop(unsafe { Box::from_raw(instance) });
    }
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
    // SAFETY: the instance is valid and the arguments and results are as many as their counts say.
    let (instance, name, args, results) = unsafe {
        let (args, results) = (slice(args, args_count), slice_mut(results, results_count));
        (&mut *instance, CStr::from_ptr(name), args, results)
    };
    give_error(instance.call(name, args, results))
}

impl wasmaot_instance_t {
    fn call(
        &mut self,
        name: &CStr,
        args: &[wasmaot_value_t],
        results: &mut [wasmaot_value_t],
    ) -> Result<(), wasmaot_error_t> {
        let name = name.to_string_lossy();
        let func = match self.instance.export(&self.store, &name) {
            Some(Extern::Func(func)) => func,
            _ => {
                return Err(wasmaot_error_t::new(Kind::Call, format!("no function is exported as {name:?}")));
            }
        };
        let expected = func.ty(&self.store)?.results.len();
        if expected != results.len() {
            let message = format!("expected room for {expected} result(s), found {}", results.len());
            return Err(wasmaot_error_t::new(Kind::Call, message));
        }
        let args: Result<Vec<Val>, _> = args.iter().map(|arg| arg.to_val()).collect();
        let values = func.call(&mut self.store, &args?)?;
        for (cell, value) in results.iter_mut().zip(values) {
            *cell = wasmaot_value_t::from_val(value)?;
        }
        Ok(())
    }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_read(
    instance: *const wasmaot_instance_t,
    address: u32,
    into: *mut c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    // SAFETY: the instance is valid, and there is room for `length` bytes.
    let (instance, into) = unsafe { (&*instance, slice_mut(into.cast::<u8>(), length)) };
    give_error(instance.instance.read(&instance.store, address, into).map_err(Into::into))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_write(
    instance: *mut wasmaot_instance_t,
    address: u32,
    bytes: *const c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    // SAFETY: the instance is valid, and there are `length` bytes.
    let (instance, bytes) = unsafe { (&mut *instance, slice(bytes.cast::<u8>(), length)) };
    give_error(instance.instance.write(&mut instance.store, address, bytes).map_err(Into::into))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_read(
    caller: *const wasmaot_caller_t<'_, '_>,
    address: u32,
    into: *mut c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    // SAFETY: the caller is valid, and there is room for `length` bytes.
    let (caller, into) = unsafe { (&*caller, slice_mut(into.cast::<u8>(), length)) };
    give_error(caller.0.read(address, into).map_err(|error: AccessError| error.into()))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_write(
    caller: *mut wasmaot_caller_t<'_, '_>,
    address: u32,
    bytes: *const c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    // SAFETY: the caller is valid, and there are `length` bytes.
    let (caller, bytes) = unsafe { (&mut *caller, slice(bytes.cast::<u8>(), length)) };
    give_error(caller.0.write(address, bytes).map_err(|error: AccessError| error.into()))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_caller_memory_size(caller: *const wasmaot_caller_t<'_, '_>) -> u64 {
    // SAFETY: the caller is valid.
    unsafe { (*caller).0.memory_size() }
}
