//! Stores as C sees them, and instances in them that import from each other.
//!
//! **Invariant: a store lives as long as a handle to it or to an instance of it.**

use crate::boundary::{Out, Result, at, at_mut, fallible, take, text};
use crate::error::wasmaot_error_t;
use crate::guarded::Guarded;
use crate::instance::{Held, wasmaot_instance_t, within};
use crate::linker::wasmaot_linker_t;
use crate::module::{wasmaot_globaltype_t, wasmaot_memorytype_t, wasmaot_module_t, wasmaot_tabletype_t};
use crate::numbers::MODULES;
use crate::place::Data;
use crate::pool::wasmaot_start_t;
use crate::value::wasmaot_value_t;
use crate::wasi::wasmaot_wasi_t;
use std::ffi::{c_char, c_void};
use std::ptr::null_mut;
use std::sync::Arc;
use wasmaot_runtime::{Extern, Global, Memory, Store, Table};

/// A store, as C holds it.
pub struct wasmaot_store_t {
    /// The host's own.
    host: *mut c_void,
    store: Arc<Guarded<Store<Data>>>,
}

/// Implements `wasmaot_store_new` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_store_new(
    start: *const wasmaot_start_t,
    out: *mut *mut wasmaot_store_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states.
        let (start, out) = unsafe { (start.as_ref(), Out::at(out)?) };
        let host = start.map_or(null_mut(), |start| start.data);
        // SAFETY: the context is null or valid until the function returns, as the header states.
        let wasi = start.and_then(|start| unsafe { start.wasi.as_ref() }).map(wasmaot_wasi_t::build);
        let mut store = Store::new(Data::new(host, wasi));
        if let Some(start) = start {
            store.set_limits(start.limits.read())?;
        }
        out.give(wasmaot_store_t { host, store: Arc::new(Guarded::new(store)) });
        Ok(())
    })
}

/// Implements `wasmaot_store_set_modules` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_store_set_modules(
    store: *mut wasmaot_store_t,
    modules: u32,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or a store that it has not deleted.
        let store = unsafe { at(store, "store")? };
        Ok(store.store.enter()?.get().set_policy(MODULES.read(modules)?)?)
    })
}

/// Implements `wasmaot_store_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_store_delete(store: *mut wasmaot_store_t) {
    // SAFETY: null, or an object of this crate's that is not used any more, as the header states.
    unsafe { take(store) };
}

/// Implements `wasmaot_linker_instantiate` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_instantiate(
    linker: *const wasmaot_linker_t,
    store: *mut wasmaot_store_t,
    module: *const wasmaot_module_t,
    out: *mut *mut wasmaot_instance_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (linker, store, module, out) =
            unsafe { (at(linker, "linker")?, at(store, "store")?, at(module, "module")?, Out::at(out)?) };
        let instance = linker.linker.instantiate(store.store.enter()?.get(), &module.module)?;
        out.give(wasmaot_instance_t::new(store.host, Held::Plain(store.store.clone(), instance)));
        Ok(())
    })
}

/// Implements `wasmaot_linker_instance` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_instance(
    linker: *mut wasmaot_linker_t,
    name: *const c_char,
    instance: *const wasmaot_instance_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, and the linker is used by nothing else,
        // as the header states.
        let (linker, name, instance) =
            unsafe { (at_mut(linker, "linker")?, text(name, "name")?, at(instance, "instance")?) };
        within!(instance, |store, handle| {
            linker.linker.instance(&*store, name, handle)?;
            Ok(())
        })
    })
}

/// Defines what the host makes in a store.
///
/// # Safety
/// As the header states for the functions below.
unsafe fn define(
    linker: *mut wasmaot_linker_t,
    store: *mut wasmaot_store_t,
    names: [*const c_char; 2],
    make: impl FnOnce(&mut Store<Data>) -> Result<Extern>,
) -> Result<()> {
    // SAFETY: each is null or valid, and the linker is used by nothing else, as the caller states; null is
    // refused.
    let (linker, store, module, name) = unsafe {
        let [module, name] = names;
        (at_mut(linker, "linker")?, at(store, "store")?, text(module, "module")?, text(name, "name")?)
    };
    let item = make(store.store.enter()?.get())?;
    linker.linker.define(module, name, item)?;
    Ok(())
}

/// Implements `wasmaot_linker_memory` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_memory(
    linker: *mut wasmaot_linker_t,
    store: *mut wasmaot_store_t,
    module: *const c_char,
    name: *const c_char,
    ty: *const wasmaot_memorytype_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: null or valid until the function returns, as the header states; null is refused.
        let ty = unsafe { at(ty, "type")? }.read()?;
        // SAFETY: C keeps what it passes valid until this function returns.
        unsafe { define(linker, store, [module, name], |store| Ok(Extern::Memory(Memory::new(store, ty)?))) }
    })
}

/// Implements `wasmaot_linker_table` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_table(
    linker: *mut wasmaot_linker_t,
    store: *mut wasmaot_store_t,
    module: *const c_char,
    name: *const c_char,
    ty: *const wasmaot_tabletype_t,
    init: *const wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (ty, init) = unsafe { (at(ty, "type")?.read()?, *at(init, "init")?) };
        // SAFETY: C keeps what it passes valid until this function returns.
        unsafe {
            define(linker, store, [module, name], |store| {
                let init = init.to_val(&store.data().references)?;
                Ok(Extern::Table(Table::new(store, ty, init)?))
            })
        }
    })
}

/// Implements `wasmaot_linker_global` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_global(
    linker: *mut wasmaot_linker_t,
    store: *mut wasmaot_store_t,
    module: *const c_char,
    name: *const c_char,
    ty: *const wasmaot_globaltype_t,
    init: *const wasmaot_value_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (ty, init) = unsafe { (at(ty, "type")?.read()?, *at(init, "init")?) };
        // SAFETY: C keeps what it passes valid until this function returns.
        unsafe {
            define(linker, store, [module, name], |store| {
                let init = init.to_val(&store.data().references)?;
                Ok(Extern::Global(Global::new(store, ty, init)?))
            })
        }
    })
}
