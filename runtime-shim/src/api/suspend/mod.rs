//! Calls that a host function leaves half done, to be resumed later and on any thread.
//!
//! A host function suspends its caller by returning [`Suspend`]. Its own frames are gone then; the guest's stay on the stack of
//! their slot, which needs no thread to exist. Whoever resumes the call gives what the host function would have returned.
//!
//! **Invariants.** A store has at most one suspended call, and runs nothing else until that is resumed or given up. A suspension is
//! resumed at most once. Only the outermost call of a thread can be suspended: no host frame ever lies on a suspended stack.

mod future;

pub(crate) use future::finish;
pub use future::{AsyncResults, Complete, IntoAsyncHostFunc};

use crate::api::caller::Caller;
use crate::api::error::{CallError, HostError};
use crate::api::host;
use crate::api::store::{self, AsStore, StoreInner};
use crate::api::val::{Val, WasmValues};
use crate::code::raw_value::RawValue;
use crate::run::call;
use crate::run::end::Ended;
use crate::run::store_id::StoreId;
use crate::run::suspension::Suspension;
use crate::state::instance::InstanceCore;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::types::{FuncType, ValType};

/// What a host function returns, as a [`HostError`], to suspend its caller. The value is for whoever made the call.
///
/// ```
/// # use wasmaot_runtime::{Caller, HostError, Linker, LinkError, Suspend};
/// # fn define(linker: &mut Linker<()>) -> Result<(), LinkError> {
/// linker.func("host", "read_line", |_: &mut Caller<'_, ()>, max: i32| -> Result<i32, HostError> {
///     Err(Suspend::new(max).into())
/// })?;
/// # Ok(())
/// # }
/// ```
pub struct Suspend {
    value: Box<dyn Any + Send>,
}

// SAFETY: nothing looks at the value through a shared reference.
unsafe impl Sync for Suspend {}

impl fmt::Debug for Suspend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suspend").finish_non_exhaustive()
    }
}

impl Suspend {
    /// Suspends the caller and hands this value to whoever made the call.
    pub fn new(value: impl Any + Send) -> Self {
        Self { value: Box::new(value) }
    }

    pub(crate) fn into_value(self) -> Box<dyn Any + Send> {
        self.value
    }
}

impl From<Suspend> for HostError {
    fn from(suspend: Suspend) -> Self {
        HostError::Suspend(suspend)
    }
}

/// How a call came back that can be resumed.
#[derive(Debug)]
pub enum Outcome<R> {
    /// It is over, with these results.
    Returned(R),
    /// A host function suspended it.
    Suspended(Suspended<R>),
}

/// A suspended call with results of type `R`. If it is dropped, its store runs nothing any more; a
/// [`PooledInstance`](crate::PooledInstance) may simply be finished.
#[must_use = "its store runs nothing until the call is resumed or given up"]
pub struct Suspended<R> {
    store: StoreId,
    value: Box<dyn Any + Send>,
    reader: Reader<R>,
}

impl<R> fmt::Debug for Suspended<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suspended").field("store", &self.store).finish_non_exhaustive()
    }
}

/// How results are read out of their cells.
struct Reader<R> {
    ty: Option<Arc<FuncType>>,
    read: fn(Option<&FuncType>, StoreId, &[RawValue]) -> R,
}

impl<R> Suspended<R> {
    /// What the host function gave.
    pub fn value(&self) -> &(dyn Any + Send) {
        &*self.value
    }

    /// What the host function gave.
    pub fn value_mut(&mut self) -> &mut (dyn Any + Send) {
        &mut *self.value
    }

    /// Goes on with the call, on this thread, as if the host function returned these values now.
    ///
    /// If they are not of its type, that is an error and the call is given up.
    pub fn resume<V: WasmValues>(self, store: &mut impl AsStore, values: V) -> Result<Outcome<R>, CallError> {
        self.resume_with(store, |_| Ok(values))
    }

    /// Goes on with the call, on this thread, as if what is left of the host function were this. It may write to the memory of the
    /// instance that waits, or fail.
    pub fn resume_with<S: AsStore, V: WasmValues>(
        self,
        store: &mut S,
        complete: impl FnOnce(&mut Caller<'_, S::Data>) -> Result<V, HostError>,
    ) -> Result<Outcome<R>, CallError> {
        self.go_on(store, V::TYPES, |caller, cells| complete(caller).map(|values| values.store(cells)))
    }

    fn go_on<S: AsStore>(
        self,
        store: &mut S,
        types: &[ValType],
        complete: impl FnOnce(&mut Caller<'_, S::Data>, &mut [RawValue]) -> Result<(), HostError>,
    ) -> Result<Outcome<R>, CallError> {
        let core = store::core_mut(store);
        if core.id != self.store {
            return Err(CallError::NotSuspended);
        }
        let suspension = core.suspension.take().ok_or(CallError::NotSuspended)?;
        // SAFETY: the instance that waits keeps the host function.
        let found = unsafe { &*suspension.ty };
        if found.results != types {
            let expected = FuncType { params: found.params.clone(), results: types.to_vec() };
            return Err(CallError::Signature { expected, found: found.clone() });
        }
        let inner = store.store_mut();
        // SAFETY: the store is valid.
        let core = unsafe { &raw mut *(*inner).core };
        let complete = |cells: &mut [RawValue]| {
            // SAFETY: the instance belongs to the store, which is not otherwise in use now.
            let mut caller = unsafe { Caller::new(inner, InstanceCore::from_vmctx(suspension.caller)) };
            // SAFETY: the store is valid, and in use by what is run only; this is called by the activation that goes on.
            unsafe { host::finish(core, || complete(&mut caller, cells)) }
        };
        // SAFETY: the store is valid, and the suspension was taken out of it.
        let ended = unsafe { call::resume(inner.cast(), core, &suspension, complete)? };
        // SAFETY: the store is valid, and the call was the suspended one.
        Ok(unsafe { outcome(inner, ended, suspension.results, self.reader) })
    }

    /// Gives the call up: nothing of it runs any more, and the store can be used for others.
    pub fn abandon(self, store: &mut impl AsStore) {
        let core = store::core_mut(store);
        if core.id == self.store {
            core.suspension = None;
        }
    }
}

/// # Safety
/// The store is valid; the run that ended so has its results in these cells.
unsafe fn outcome<T, R>(
    store: *mut StoreInner<T>,
    ended: Ended,
    results: (*mut RawValue, usize),
    reader: Reader<R>,
) -> Outcome<R> {
    // SAFETY: as the caller states.
    let core = unsafe { &mut *(*store).core };
    match ended {
        Ended::Returned => {
            // SAFETY: as the caller states.
            let cells = unsafe { std::slice::from_raw_parts(results.0, results.1) };
            Outcome::Returned((reader.read)(reader.ty.as_deref(), core.id, cells))
        }
        Ended::Suspended(value, suspension) => {
            core.suspension = Some(Suspension { results, ..suspension });
            Outcome::Suspended(Suspended { store: core.id, value, reader })
        }
    }
}

/// Calls a function that may be suspended.
///
/// # Safety
/// The function belongs to the store, and `cells` is the number of its parameters or results, whichever are more. The reader is for
/// its results.
unsafe fn call<T, R>(
    store: *mut StoreInner<T>,
    func: *const FuncRef,
    cells: usize,
    write: impl FnOnce(&mut [RawValue]),
    reader: Reader<R>,
) -> Result<Outcome<R>, CallError> {
    // SAFETY: the store is valid; the rest as the caller states.
    let (ended, values) =
        unsafe { call::call_suspendable(store.cast(), &raw mut *(*store).core, func, cells, write)? };
    // SAFETY: as the caller states.
    Ok(unsafe { outcome(store, ended, (values, cells), reader) })
}

/// Calls a function with parameters and results of Rust types.
///
/// # Safety
/// The function belongs to the store and has these types.
pub(crate) unsafe fn call_typed<T, P: WasmValues, R: WasmValues>(
    store: *mut StoreInner<T>,
    func: *const FuncRef,
    params: P,
) -> Result<Outcome<R>, CallError> {
    let reader = Reader { ty: None, read: |_, _, cells| R::load(cells) };
    let cells = P::TYPES.len().max(R::TYPES.len());
    // SAFETY: as the caller states.
    unsafe { call(store, func, cells, |cells| params.store(cells), reader) }
}

/// Calls a function with the parameters in these cells.
///
/// # Safety
/// The function belongs to the store and has this type; there are as many cells as it has parameters or results.
pub(crate) unsafe fn call_dynamic<T>(
    store: *mut StoreInner<T>,
    func: *const FuncRef,
    ty: Arc<FuncType>,
    params: &[RawValue],
) -> Result<Outcome<Vec<Val>>, CallError> {
    let read = |ty: Option<&FuncType>, store, cells: &[RawValue]| {
        let types = ty.map_or(&[][..], |ty| &ty.results);
        // SAFETY: the function left results of its type.
        types.iter().zip(cells).map(|(&ty, cell)| unsafe { Val::from_raw(*cell, store, ty) }).collect()
    };
    let reader = Reader { ty: Some(ty), read };
    // SAFETY: as the caller states.
    unsafe { call(store, func, params.len(), |cells| cells.copy_from_slice(params), reader) }
}
