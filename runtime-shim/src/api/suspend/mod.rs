//! Calls that a host function leaves half done, to be resumed later and on any thread.
//!
//! A host function suspends its caller by returning [`Suspend`]. Its own frames are gone then; the guest's
//! stay on the stack of their slot, which needs no thread to exist. Resuming the call passes what the
//! host function would have returned.
//!
//! **Invariants.** A store has at most one suspended call, and runs nothing else until that is resumed or
//! given up. A suspension is resumed at most once. Only the outermost call of a thread can be suspended: no
//! host frame ever lies on a suspended stack.

mod future;

pub(crate) use future::finish;
pub use future::{AsyncResults, Complete, IntoAsyncHostFunc};

use crate::api::caller::Caller;
use crate::api::error::{CallError, HostError};
use crate::api::host;
use crate::api::store::{self, AsStore};
use crate::api::val::{Val, WasmValues};
use crate::code::raw_value::RawValue;
use crate::os::trace::event;
use crate::run::activation::Suspends;
use crate::run::end::Failed;
use crate::run::invoke::{self, Plain, Progress, Signature};
use crate::run::store::{InStore, StoreCore, StoreInner};
use crate::run::store_id::StoreId;
use crate::state::error::WrongStore;
use crate::state::instance::InstanceCore;
use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::types::{FuncType, ValType};

/// What a host function returns, as a [`HostError`], to suspend its caller. The value is for the maker of the
/// call.
///
/// ```
/// # use wasmaot_runtime::{Caller, HostError, Linker, LinkError, Suspend};
/// # fn define(linker: &mut Linker<()>) -> Result<(), LinkError> {
/// linker.func_wrap("host", "read_line", |_: &mut Caller<'_, ()>, max: i32| -> Result<i32, HostError> {
///     Err(Suspend::new(max).into())
/// })?;
/// # Ok(())
/// # }
/// ```
pub struct Suspend {
    /// In a lock that is never taken, because an error is to be `Sync` and the value need not be.
    value: Mutex<Box<dyn Any + Send>>,
}

impl fmt::Debug for Suspend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suspend").finish_non_exhaustive()
    }
}

impl Suspend {
    /// Suspends the caller and hands this value to the maker of the call.
    pub fn new(value: impl Any + Send) -> Self {
        Self { value: Mutex::new(Box::new(value)) }
    }

    /// Returns the value.
    pub fn into_value(self) -> Box<dyn Any + Send> {
        self.value.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Suspend> for HostError {
    fn from(suspend: Suspend) -> Self {
        HostError::Suspend(suspend)
    }
}

/// How a call came back that can be resumed.
///
/// ```
/// use wasmaot_runtime::{Caller, HostError, Linker, Module, Outcome, Store, Suspend};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (import "host" "ask" (func (result i32))) (export "ask" (func 0)))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let mut linker = Linker::new();
/// linker.func_wrap("host", "ask", |_: &mut Caller<'_, ()>| -> Result<i32, HostError> {
///     Err(Suspend::new("the question").into())
/// })?;
/// let mut store = Store::new(());
/// let instance = linker.instantiate(&mut store, &module)?;
/// let ask = instance.get_typed_func::<(), i32>(&store, "ask")?;
/// let Outcome::Suspended(call) = ask.call_resumable(&mut store, ())? else { panic!("it waits") };
/// assert_eq!(call.value().downcast_ref(), Some(&"the question"));
/// // Later, on any thread: what the host function returns.
/// let Outcome::Returned(answer) = call.resume(&mut store, 42)? else { panic!("it goes on") };
/// assert_eq!(answer, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub enum Outcome<R> {
    /// It is over, with these results.
    Returned(R),
    /// A host function suspended it.
    Suspended(Suspended<R>),
}

/// A suspended call with results of type `R`. If it is dropped, its store runs nothing any more; a
/// [`PooledInstance`](crate::PooledInstance) may simply be finished.
///
/// ```
/// use wasmaot_runtime::{AsStore, CallError, Outcome, Suspended};
///
/// /// Goes on until the call is over: each time that it waits, the host has a number for it.
/// fn finish<R>(
///     store: &mut impl AsStore,
///     mut call: Suspended<R>,
///     mut next: impl FnMut() -> i32,
/// ) -> Result<R, CallError> {
///     loop {
///         match call.resume(store, next())? {
///             Outcome::Returned(results) => return Ok(results),
///             Outcome::Suspended(again) => call = again,
///         }
///     }
/// }
/// ```
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
pub(crate) struct Reader<R> {
    ty: Option<Signature>,
    read: fn(Option<&FuncType>, &StoreCore, &[RawValue]) -> R,
}

impl<R> Reader<R> {
    fn read(&self, core: &StoreCore, cells: &[RawValue]) -> R {
        (self.read)(self.ty.as_ref().map(Signature::ty), core, cells)
    }
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
    ///
    /// # Errors
    /// The values are not of the type that the host function returns, and the call is given up; the store is
    /// another one; otherwise how the call ended.
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn resume<V: WasmValues>(self, store: &mut impl AsStore, values: V) -> Result<Outcome<R>, CallError> {
        self.resume_with(store, |_| Ok(values))
    }

    /// Goes on with the call, on this thread, as if what is left of the host function were this. It may write
    /// to the memory of the instance that waits, fail, or suspend the call once more.
    ///
    /// # Errors
    /// As for [`Suspended::resume`], or what `complete` returns.
    ///
    /// # Panics
    /// A host function, or `complete`, panics.
    pub fn resume_with<S: AsStore, V: WasmValues>(
        self,
        store: &mut S,
        complete: impl FnOnce(&mut Caller<'_, S::Data>) -> Result<V, HostError>,
    ) -> Result<Outcome<R>, CallError> {
        let complete = |caller: &mut Caller<'_, S::Data>, cells: &mut [RawValue]| {
            complete(caller).map(|values| values.store(cells))
        };
        self.go_on(store, Suspends::ForHost, Some(V::TYPES), complete).map(Step::outcome)
    }

    /// Goes on with the call as [`Suspended::resume_with`] does, where the types of the values are known only
    /// when the program runs: the host function's results are zero or null until `complete` sets them.
    ///
    /// # Errors
    /// Those of the call. [`CallError::NotSuspended`] if the store is another one, or the call was given up.
    pub fn resume_new<S: AsStore>(
        self,
        store: &mut S,
        complete: impl FnOnce(&mut Caller<'_, S::Data>, &mut [Val]) -> Result<(), HostError>,
    ) -> Result<Outcome<R>, CallError> {
        let suspension = store::core(store).suspension.as_ref();
        let ty = suspension.and_then(|suspension| suspension.ty()).ok_or(CallError::NotSuspended)?.clone();
        let complete = |caller: &mut Caller<'_, S::Data>, cells: &mut [RawValue]| {
            host::in_values(&ty, caller, cells, complete)
        };
        self.go_on(store, Suspends::ForHost, Some(&ty.results), complete).map(Step::outcome)
    }

    /// Goes on with the call. `types` are those of the results that `complete` writes; with `None` they are
    /// numbers.
    fn go_on<S: AsStore>(
        self,
        store: &mut S,
        suspends: Suspends,
        types: Option<&[ValType]>,
        complete: impl FnOnce(&mut Caller<'_, S::Data>, &mut [RawValue]) -> Result<(), HostError>,
    ) -> Result<Step<R>, CallError> {
        let mut core = store::changes(store);
        if core.id() != self.store {
            return Err(WrongStore::Other.into());
        }
        let waiting = core.take_suspended();
        let suspension = waiting.ok_or(CallError::NotSuspended)?;
        let found = suspension.ty().ok_or(CallError::NotSuspended)?;
        let are_right = match types {
            Some(types) => found.results == types,
            None => found.results.iter().all(|ty| ty.is_number()),
        };
        if !are_right {
            let expected = FuncType { params: found.params.clone(), results: types.unwrap_or(&[]).to_vec() };
            return Err(CallError::Signature { expected, found: found.clone() });
        }
        let complete = |store: &mut StoreInner<S::Data>, instance: &InstanceCore, cells: &mut [RawValue]| {
            complete(&mut Caller::new(store, instance), cells)
        };
        let (inner, reader) = (store.store_mut(), self.reader);
        let read = |core: &StoreCore, cells: &[RawValue]| reader.read(core, cells);
        let ended = invoke::resume(inner, suspension, suspends, complete, read);
        step(inner, ended, reader)
    }

    /// Gives the call up: nothing of it runs any more, and the store can be used for others.
    ///
    /// # Errors
    /// It is of another store, in which nothing changes.
    pub fn abandon(self, store: &mut impl AsStore) -> Result<(), WrongStore> {
        let mut core = store::changes(store);
        if core.id() != self.store {
            return Err(WrongStore::Other);
        }
        core.give_up();
        Ok(())
    }
}

/// How a call came back.
pub(crate) enum Step<R> {
    Returned(R),
    Suspended(Suspended<R>),
    /// Its time slice is over.
    Yielded(Reader<R>),
}

impl<R> Step<R> {
    /// Of a call that has no time slices.
    fn outcome(self) -> Outcome<R> {
        match self {
            Step::Returned(results) => Outcome::Returned(results),
            Step::Suspended(suspended) => Outcome::Suspended(suspended),
            Step::Yielded(_) => unreachable!("only calls that wait for futures have time slices"),
        }
    }
}

fn step<T, R>(
    store: &mut StoreInner<T>,
    ended: Result<Progress<R>, Failed>,
    reader: Reader<R>,
) -> Result<Step<R>, CallError> {
    match ended {
        Ok(Progress::Returned(results)) => Ok(Step::Returned(results)),
        Ok(Progress::Suspended(value)) => {
            event!(DEBUG, store = store.core().id().number(), "call suspended");
            Ok(Step::Suspended(Suspended { store: store.core().id(), value, reader }))
        }
        Ok(Progress::Yielded) => {
            event!(TRACE, store = store.core().id().number(), "time slice over");
            Ok(Step::Yielded(reader))
        }
        Err(failure) => Err(CallError::of(*failure, &mut store.changes())),
    }
}

/// Calls a function with parameters and results of Rust types, which are those of `ty`.
pub(crate) fn call_typed<T, P: WasmValues, R: WasmValues>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    ty: Plain,
    params: P,
) -> Result<Outcome<R>, CallError> {
    begin_typed(store, func, ty, Suspends::ForHost, params).map(Step::outcome)
}

/// The same for a call that waits for futures, and in time slices.
pub(crate) fn begin_typed_async<T, P: WasmValues, R: WasmValues>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    ty: Plain,
    params: P,
) -> Result<Step<R>, CallError> {
    begin_typed(store, func, ty, Suspends::ForSlices, params)
}

fn begin_typed<T, P: WasmValues, R: WasmValues>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    ty: Plain,
    suspends: Suspends,
    params: P,
) -> Result<Step<R>, CallError> {
    let reader = Reader { ty: None, read: |_, _, cells| R::load(cells) };
    let write = |cells: &mut [RawValue]| params.store(cells);
    let read = |core: &StoreCore, cells: &[RawValue]| reader.read(core, cells);
    let ended = invoke::call_plain_suspendable(store, func, ty, suspends, write, read);
    step(store, ended, reader)
}

/// Calls a function with the parameters in these cells, of which there are as many as it has parameters or
/// results.
pub(crate) fn call_dynamic<T>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    signature: Signature,
    params: &[RawValue],
) -> Result<Outcome<Vec<Val>>, CallError> {
    begin_dynamic(store, func, signature, Suspends::ForHost, params).map(Step::outcome)
}

/// The same for a call that waits for futures, and in time slices.
pub(crate) fn begin_dynamic_async<T>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    signature: Signature,
    params: &[RawValue],
) -> Result<Step<Vec<Val>>, CallError> {
    begin_dynamic(store, func, signature, Suspends::ForSlices, params)
}

/// The same with parameters and results as the bits of numbers.
pub(crate) fn begin_in_cells_async<T>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    signature: Signature,
    params: &[RawValue],
) -> Result<Step<Vec<u64>>, CallError> {
    let read = |ty: Option<&FuncType>, _: &StoreCore, cells: &[RawValue]| {
        cells.iter().take(ty.map_or(0, |ty| ty.results.len())).map(|cell| cell.low).collect()
    };
    let reader = Reader { ty: Some(signature.clone()), read };
    let read = |core: &StoreCore, cells: &[RawValue]| reader.read(core, cells);
    let ended = invoke::call_suspendable(store, func, &signature, params, Suspends::ForSlices, read);
    step(store, ended, reader)
}

fn begin_dynamic<T>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    signature: Signature,
    suspends: Suspends,
    params: &[RawValue],
) -> Result<Step<Vec<Val>>, CallError> {
    let read = |ty: Option<&FuncType>, core: &StoreCore, cells: &[RawValue]| {
        Val::all_from_raw(cells, core, ty.map_or(&[][..], |ty| &ty.results))
    };
    let reader = Reader { ty: Some(signature.clone()), read };
    let read = |core: &StoreCore, cells: &[RawValue]| reader.read(core, cells);
    let ended = invoke::call_suspendable(store, func, &signature, params, suspends, read);
    step(store, ended, reader)
}
