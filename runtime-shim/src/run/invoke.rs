//! Calls of functions by the host, checked here as far as memory safety depends on it.
//!
//! **Invariants.** A function is called in the store that keeps it, with at least as many cells as its type
//! has parameters or results. Where a parameter is a reference to a function, its cell names one of the
//! store's that has the right type. All other cells may hold anything: what the bits of a number mean is the
//! guest's business.

use crate::code::raw_value::RawValue;
use crate::code::types;
use crate::run::activation::Suspends;
use crate::run::call;
use crate::run::end::{Ended, Failed, Failure};
use crate::run::host::{self, Ends};
use crate::run::store::{InStore, StoreCore, StoreInner};
use crate::run::suspension::{Place, Suspension};
use crate::state::instance::InstanceCore;
use std::any::Any;
use std::sync::Arc;
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::types::{FuncType, ValType};

/// The type of functions that pass no references.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain {
    /// Process-wide number.
    number: u32,
    /// Parameters or results, whichever are more.
    cells: u32,
}

/// The type of any functions.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    /// Process-wide number.
    number: u32,
    ty: Arc<FuncType>,
}

impl Plain {
    fn check(self, record: &FuncRef, cells: usize) {
        assert!(
            record.type_id == self.number && cells >= self.cells as usize,
            "a function is called as what it is"
        );
    }
}

impl Signature {
    /// That with this process-wide number.
    pub(crate) fn of(number: u32) -> Self {
        Self { number, ty: types::lookup(number) }
    }

    /// The type.
    pub(crate) fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// Whether parameters and results are of these types.
    pub(crate) fn is(&self, params: &[ValType], results: &[ValType]) -> bool {
        self.ty.params == params && self.ty.results == results
    }

    /// What is needed of it for calls; `None` if it has references.
    pub(crate) fn plain(&self) -> Option<Plain> {
        let FuncType { params, results } = &*self.ty;
        let has_references = params.iter().chain(results).any(|ty| ty.is_ref());
        let cells = params.len().max(results.len()) as u32;
        (!has_references).then_some(Plain { number: self.number, cells })
    }

    fn check(&self, core: &StoreCore, record: &FuncRef, cells: &[RawValue]) {
        check((self.number, &self.ty), core, record, cells);
    }
}

#[cold]
fn other_store() -> Failed {
    Failure::WrongStore.into()
}

/// Checks that a function is of the type with this number, and that the cells are right for a call of it.
fn check((number, ty): (u32, &FuncType), core: &StoreCore, record: &FuncRef, cells: &[RawValue]) {
    let FuncType { params, results } = ty;
    let is_right = record.type_id == number && cells.len() >= params.len().max(results.len());
    assert!(is_right && admits_all(core, params, cells), "a function is called as what it is");
}

/// Whether the first cells hold values of these types.
pub(super) fn admits_all(core: &StoreCore, types: &[ValType], cells: &[RawValue]) -> bool {
    types.iter().zip(cells).all(|(&ty, &cell)| core.admits(ty, cell))
}

/// Whether a call is over.
pub(crate) enum Progress<R> {
    /// It is, with what was made of its results.
    Returned(R),
    /// A host function has suspended it, and this value is for its caller. The store has what it
    /// takes to go on.
    Suspended(Box<dyn Any + Send>),
    /// Its time slice is over. The store has what it takes to go on.
    Yielded,
}

/// Calls a function that passes no references, with its parameters in these cells, which get its results.
///
/// # Panics
/// The function is of another type, there are too few cells, or a host function panics.
#[inline]
pub(crate) fn call_plain<T>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    ty: Plain,
    cells: &mut [RawValue],
) -> Result<(), Failed> {
    let record = func.get(store.core()).ok_or_else(other_store)?;
    ty.check(record, cells.len());
    let (record, inner): (*const FuncRef, *mut StoreInner<T>) = (record, store);
    // SAFETY: `inner` is the store, borrowed mutably and so used by nothing else, and `core` is its own. The
    // store keeps the function, as `get` has found. `check` has compared the number of cells with that of the
    // function's type, which has no references.
    unsafe { call::call(inner.cast(), (*inner).core_mut(), record, cells.as_mut_ptr()) }
}

/// Calls a function with its parameters in these cells, which get its results.
///
/// # Panics
/// The function is of another type, the cells do not hold values of that, or a host function panics.
pub(crate) fn call<T>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    ty: &Signature,
    cells: &mut [RawValue],
) -> Result<(), Failed> {
    let record = func.get(store.core()).ok_or_else(other_store)?;
    ty.check(store.core(), record, cells);
    let (record, inner): (*const FuncRef, *mut StoreInner<T>) = (record, store);
    // SAFETY: `inner` is the store, borrowed mutably and so used by nothing else, and `core` is its own. The
    // store keeps the function, as `get` has found. `check` has compared number and references of the cells
    // with the function's type.
    unsafe { call::call(inner.cast(), (*inner).core_mut(), record, cells.as_mut_ptr()) }
}

/// Calls a function of an instance, by its position in the list of entries, with its parameters in these
/// cells, which get its results. Its type is the one that its module states, so that it need not be looked
/// up.
///
/// # Panics
/// There is no such entry, the cells do not hold values of its type, or a host function panics.
pub(crate) fn call_entry<T>(
    store: &mut StoreInner<T>,
    instance: usize,
    entry: usize,
    cells: &mut [RawValue],
) -> Result<(), Failed> {
    let core = store.core();
    let instance = core.instances().get(instance).ok_or_else(other_store)?;
    let func = core.func(instance, entry).ok_or_else(other_store)?;
    let record = func.get(core).ok_or_else(other_store)?;
    let ty = instance.module().entry_type(entry).expect("an entry has a type");
    check(ty, core, record, cells);
    let (record, inner): (*const FuncRef, *mut StoreInner<T>) = (record, store);
    // SAFETY: `inner` is the store, borrowed mutably and so used by nothing else, and `core` is its own. The
    // store keeps the function, as `get` has found. `check` has compared number and references of the cells
    // with the function's type.
    unsafe { call::call(inner.cast(), (*inner).core_mut(), record, cells.as_mut_ptr()) }
}

/// Calls a function that passes no references, and that `suspends`. `write` sets its parameters, `read` makes
/// something of its results.
///
/// # Panics
/// As for [`call_plain`].
pub(crate) fn call_plain_suspendable<T, R>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    ty: Plain,
    suspends: Suspends,
    write: impl FnOnce(&mut [RawValue]),
    read: impl FnOnce(&StoreCore, &[RawValue]) -> R,
) -> Result<Progress<R>, Failed> {
    let record = func.get(store.core()).ok_or_else(other_store)?;
    let cells = ty.cells as usize;
    ty.check(record, cells);
    let (record, inner): (*const FuncRef, *mut StoreInner<T>) = (record, store);
    // SAFETY: `inner` is the store, borrowed mutably and so used by nothing else, and `core` is its own. The
    // store keeps the function, as `get` has found. There are as many cells as its type has, as `check` has
    // compared, none of them a reference.
    let (ended, values) =
        unsafe { call::call_suspendable(inner.cast(), (*inner).core_mut(), record, cells, suspends, write)? };
    // SAFETY: nothing has run since the call returned these cells, which are on the guest's stack.
    Ok(unsafe { progress(store, ended, (values, cells), read) })
}

/// Calls a function that `suspends`, with these parameters. `read` makes something of its results.
///
/// # Panics
/// As for [`call`]. The cells are as many as the function has parameters or results.
pub(crate) fn call_suspendable<T, R>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    ty: &Signature,
    params: &[RawValue],
    suspends: Suspends,
    read: impl FnOnce(&StoreCore, &[RawValue]) -> R,
) -> Result<Progress<R>, Failed> {
    let record = func.get(store.core()).ok_or_else(other_store)?;
    ty.check(store.core(), record, params);
    let write = |cells: &mut [RawValue]| cells.copy_from_slice(params);
    let (record, inner): (*const FuncRef, *mut StoreInner<T>) = (record, store);
    // SAFETY: `inner` is the store, borrowed mutably and so used by nothing else, and `core` is its own. The
    // store keeps the function, as `get` has found. `check` has compared number and references of the
    // parameters with the function's type.
    let (ended, values) = unsafe {
        call::call_suspendable(inner.cast(), (*inner).core_mut(), record, params.len(), suspends, write)?
    };
    // SAFETY: nothing has run since the call returned these cells, which are on the guest's stack.
    Ok(unsafe { progress(store, ended, (values, params.len()), read) })
}

/// Goes on with a suspended call of the store, which `suspends`. `complete` does what is left of the host
/// function that the instance called: it writes the results, or says why the host function does not return.
///
/// # Panics
/// The suspension is another store's, or waits for no host function.
pub(crate) fn resume<T, R, E: Ends>(
    store: &mut StoreInner<T>,
    suspension: Suspension,
    suspends: Suspends,
    complete: impl FnOnce(&mut StoreInner<T>, &InstanceCore, &mut [RawValue]) -> Result<(), E>,
    read: impl FnOnce(&StoreCore, &[RawValue]) -> R,
) -> Result<Progress<R>, Failed> {
    assert!(suspension.store == store.core().id(), "a call is resumed in its store");
    let Place::Host(called) = &suspension.at else { panic!("a call is resumed where it waits") };
    let inner: *mut StoreInner<T> = store;
    let complete = |cells: &mut [RawValue]| {
        // SAFETY: the store is borrowed mutably by `resume`, which does nothing with it while this runs. The
        // suspension names the vmctx of the instance that called, and its store is this one, which keeps its
        // instances.
        let (store, instance) = unsafe { (&mut *inner, InstanceCore::from_vmctx(called.caller)) };
        let again = || suspension.again(called);
        host::finish(store, again, |store| {
            complete(store, instance, cells)?;
            let are_right = admits_all(store.core(), &called.ty.results, cells);
            assert!(are_right, "a host function returns what it is to");
            Ok::<(), E>(())
        })
    };
    // SAFETY: `inner` is the store, borrowed mutably and so used by nothing else, and `core` is its own. The
    // suspension is of this store, as was compared, and cannot be resumed again, because it is taken by value
    // and is not `Clone`.
    let ended =
        unsafe { call::resume(inner.cast(), (*inner).core_mut(), &suspension, called, suspends, complete)? };
    // SAFETY: the cells are those of the call that was suspended, on its stack, and nothing has run since it
    // ended.
    Ok(unsafe { progress(store, ended, suspension.results, read) })
}

/// Goes on with the call of the store that waits for its next time slice.
///
/// # Panics
/// The store has no such call.
pub(crate) fn go_on<T, R>(
    store: &mut StoreInner<T>,
    read: impl FnOnce(&StoreCore, &[RawValue]) -> R,
) -> Result<Progress<R>, Failed> {
    let waiting = store.core_mut().suspension.take_if(|suspension| matches!(suspension.at, Place::Slice(_)));
    let suspension = waiting.expect("a call goes on that waits for a time slice");
    assert!(suspension.store == store.core().id(), "a call goes on in its store");
    let inner: *mut StoreInner<T> = store;
    // SAFETY: `inner` is the store, borrowed mutably and so used by nothing else, and `core` is its own. The
    // suspension is of this store, as was compared, and was taken, so nothing has run there since.
    let ended = unsafe { call::go_on(inner.cast(), (*inner).core_mut(), &suspension)? };
    // SAFETY: the cells are those of the call that was suspended, on its stack, and nothing has run since it
    // ended.
    Ok(unsafe { progress(store, ended, suspension.results, read) })
}

/// Reads the results of a run, or keeps what it takes to go on with it.
///
/// # Safety
/// If the run has returned, its results are in these cells, which are valid until something else runs in the
/// store.
unsafe fn progress<T, R>(
    store: &mut StoreInner<T>,
    ended: Ended,
    results: (*mut RawValue, usize),
    read: impl FnOnce(&StoreCore, &[RawValue]) -> R,
) -> Progress<R> {
    match ended {
        Ended::Returned => {
            // SAFETY: the cells are valid, as the caller states, until something runs in the store, which is
            // borrowed here.
            let cells = unsafe { std::slice::from_raw_parts(results.0, results.1) };
            Progress::Returned(read(store.core(), cells))
        }
        Ended::Suspended(value) => {
            store.core_mut().results_go_to(results);
            Progress::Suspended(value)
        }
        Ended::Yielded => {
            store.core_mut().results_go_to(results);
            Progress::Yielded
        }
    }
}
