//! Host functions: closures of the embedder's, with the record that compiled code calls them through.
//!
//! **Invariants.** A panic in a closure never unwinds through guest frames: it is caught here and goes on in the caller of the
//! instance. Values are read and written within the cells that the function's type gives.

use crate::api::caller::Caller;
use crate::api::error::{CallError, HostError};
use crate::api::store::StoreInner;
use crate::api::val::{Val, WasmValue, WasmValues, for_each_arity};
use crate::code::raw_value::RawValue;
use crate::code::types::{self, TypeLease};
use crate::run::activation::Activation;
use crate::run::asm;
use crate::run::end::Pending;
use crate::run::interrupt;
use crate::run::protocol::answer;
use crate::run::store::StoreCore;
use crate::run::store_id::StoreId;
use crate::run::suspension::Suspension;
use crate::state::instance::{InstanceCore, KeepAlive};
use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wasmaot_abi::state::ImportedFunction;
use wasmaot_abi::types::FuncType;

type Dispatch<T> =
    unsafe extern "C" fn(*const HostFunc<T>, *mut RawValue, caller: u64, *mut Activation) -> u32;

/// How many cells a host function's values take: as many as it has parameters or results, whichever are more.
trait CellCount {
    /// The count, where the type of the host function's body states it: then no access to them needs a check.
    const COUNT: Option<usize>;
}

/// Those of a function whose type is known at run time only.
struct OfRecord;

impl CellCount for OfRecord {
    const COUNT: Option<usize> = None;
}

/// Those of a function with these parameters and results.
struct OfTypes<P, R>(PhantomData<(P, R)>);

impl<P: WasmValues, R: WasmValues> CellCount for OfTypes<P, R> {
    const COUNT: Option<usize> =
        Some(if P::TYPES.len() < R::TYPES.len() { R::TYPES.len() } else { P::TYPES.len() });
}

/// The record of a host function.
#[repr(C)]
pub struct HostFunc<T> {
    /// What its array entry continues with; the first word, see [`asm::host_entry`]. It knows the type of the body, so that a call
    /// goes straight to it.
    dispatch: Dispatch<T>,
    ty: FuncType,
    /// That type's process-wide number, as long as there is the lease.
    number: (u32, TypeLease),
    cells: usize,
    body: Box<dyn Send + Sync>,
    data: PhantomData<fn(T)>,
}

impl<T> KeepAlive for HostFunc<T> {}

impl<T> HostFunc<T> {
    fn new<C, B>(ty: FuncType, body: B) -> Self
    where
        C: CellCount,
        B: Fn(&mut Caller<'_, T>, &mut [RawValue]) -> Result<(), HostError> + Send + Sync + 'static,
    {
        let cells = ty.params.len().max(ty.results.len());
        let number = types::number_of(&ty);
        Self { dispatch: dispatch::<T, C, B>, ty, number, cells, body: Box::new(body), data: PhantomData }
    }

    /// A function with these parameters and results.
    pub(crate) fn typed<P, R, B>(body: B) -> Self
    where
        P: WasmValues,
        R: WasmValues,
        B: Fn(&mut Caller<'_, T>, &mut [RawValue]) -> Result<(), HostError> + Send + Sync + 'static,
    {
        let ty = FuncType { params: P::TYPES.to_vec(), results: R::TYPES.to_vec() };
        Self::new::<OfTypes<P, R>, B>(ty, body)
    }

    /// A function that takes and gives values of any types.
    pub(crate) fn dynamic<F>(ty: FuncType, f: F) -> Self
    where
        F: Fn(&mut Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), HostError> + Send + Sync + 'static,
    {
        let signature = ty.clone();
        let body = move |caller: &mut Caller<'_, T>, cells: &mut [RawValue]| {
            let store = caller.store_id();
            let params = read_params(&signature, store, cells);
            let defaults = signature.results.iter().map(|&ty| Val::default_of(ty));
            let mut results: Vec<Val> = defaults.map(|value| value.unwrap_or(Val::I32(0))).collect();
            f(caller, &params, &mut results)?;
            write_results(&signature, caller.core(), &results, cells)
        };
        Self::new::<OfRecord, _>(ty, body)
    }

    /// The process-wide number of its type.
    pub(crate) fn number(&self) -> u32 {
        self.number.0
    }

    /// Its type.
    pub(crate) fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// How code reaches it that counts its instructions, or that does not.
    pub(crate) fn import(self: &Arc<Self>, metered: bool) -> ImportedFunction {
        let array_entry = asm::host_entry(metered);
        ImportedFunction { array_entry, context: Arc::as_ptr(self) as u64, tail_entry: 0 }
    }
}

fn read_params(ty: &FuncType, store: StoreId, cells: &[RawValue]) -> Vec<Val> {
    let params = ty.params.iter().zip(cells);
    // SAFETY: the instance that calls belongs to the store, and its code passes values of the function's type.
    params.map(|(&ty, cell)| unsafe { Val::from_raw(*cell, store, ty) }).collect()
}

fn write_results(
    ty: &FuncType,
    store: &StoreCore,
    results: &[Val],
    cells: &mut [RawValue],
) -> Result<(), HostError> {
    for (position, ((&ty, value), cell)) in ty.results.iter().zip(results).zip(cells).enumerate() {
        *cell = value.to_raw(store, ty).map_err(|error| CallError::Value { position, error })?;
    }
    Ok(())
}

/// Runs a host function, on the host's stack. Gives one of [`answer`].
///
/// # Safety
/// Called by [`asm::host_entry`] on behalf of compiled code of an instance of a `Store<T>`. `B` is the type of the record's body, which is
/// called with `C` cells.
unsafe extern "C" fn dispatch<T, C, B>(
    record: *const HostFunc<T>,
    values: *mut RawValue,
    caller: u64,
    activation: *mut Activation,
) -> u32
where
    C: CellCount,
    B: Fn(&mut Caller<'_, T>, &mut [RawValue]) -> Result<(), HostError>,
{
    // SAFETY: the instance keeps its host functions, and nothing else refers to the activation when this is called.
    let stop = |why| unsafe { answer_of(why, &*record, values, caller, &mut *activation) };
    let run = || {
        // SAFETY: the instance keeps its host functions; `values` has the cells of the function's type; the activation is the
        // running one and its store a `Store<T>`, whose owner waits in `enter`.
        let (body, cells, instance, store) = unsafe {
            let func = &*record;
            let body = &*(&raw const *func.body).cast::<B>();
            let cells = std::slice::from_raw_parts_mut(values, C::COUNT.unwrap_or(func.cells));
            let store = (*activation).store().cast::<StoreInner<T>>();
            (*(*activation).core()).host_calls += 1;
            (body, cells, InstanceCore::from_vmctx(caller), store)
        };
        // SAFETY: the store is not otherwise in use while the host function runs.
        let mut host_caller = unsafe { Caller::new(store, instance) };
        match body(&mut host_caller, cells) {
            Ok(()) => answer::RETURN,
            Err(error) => stop(Some(Why::Error(error))),
        }
    };
    // An error is dealt with inside, so that all that comes out of here where nothing is wrong is a number.
    match catch_unwind(AssertUnwindSafe(run)) {
        // SAFETY: the running activation, which nothing refers to now.
        Ok(answer::RETURN) if unsafe { (*activation).needs_attention() } => stop(None),
        Ok(answer) => answer,
        Err(payload) => stop(Some(Why::Panic(payload))),
    }
}

/// Why a host function does not return to its caller.
enum Why {
    Error(HostError),
    Panic(Box<dyn Any + Send>),
}

impl Why {
    /// As the run knows it, in a store and where it cannot be suspended.
    fn pending(self, core: &StoreCore) -> Pending {
        match self {
            Why::Panic(payload) => Pending::Panic(payload),
            Why::Error(HostError::Exit(status)) => Pending::Exit(status),
            Why::Error(HostError::Trap(code)) => Pending::Trap(code),
            Why::Error(HostError::Suspend(_)) => Pending::CannotSuspend,
            Why::Error(HostError::Other(error)) => Pending::Error(error),
            Why::Error(HostError::Exception(exception)) => match exception.thrown(core) {
                Ok(thrown) => Pending::Throw(thrown),
                Err(error) => Pending::Error(Box::new(error)),
            },
        }
    }
}

/// What the stub of a host function is told that does not simply return, or was interrupted.
#[cold]
#[inline(never)]
fn answer_of<T>(
    why: Option<Why>,
    func: &HostFunc<T>,
    values: *mut RawValue,
    caller: u64,
    activation: &mut Activation,
) -> u32 {
    // SAFETY: the run waits for the host function, which is over, and nothing else refers to it.
    if let Err(error) = unsafe { interrupt::go_on_here(activation) } {
        activation.set_pending(Pending::Error(CallError::Thread(error).into()));
        return answer::EXIT;
    }
    let pending = match why {
        None => match interrupt::due_after_poke() {
            None => return answer::RETURN,
            Some(code) => Pending::Trap(code),
        },
        Some(Why::Error(HostError::Suspend(what))) if activation.can_suspend() => {
            let suspension = Suspension::new(activation.stack(), caller, values, func.cells, &func.ty);
            activation.set_pending(Pending::Suspend(what.into_value(), suspension));
            return answer::SUSPEND;
        }
        // SAFETY: the activation's store lives while it runs, and the host function that had it to itself is over.
        Some(why) => why.pending(unsafe { &*activation.core() }),
    };
    activation.set_pending(pending);
    if activation.throws() { answer::THROW } else { answer::EXIT }
}

/// Runs what is left of a host function of a store, and prepares the thread for the guest as after all of one. Says why it does
/// not return, if it does not.
///
/// # Safety
/// The store is valid, and not otherwise in use while this runs. The activation that goes on with the guest is the running one.
pub(crate) unsafe fn finish(
    core: *const StoreCore,
    run: impl FnOnce() -> Result<(), HostError>,
) -> Option<Pending> {
    // SAFETY: the store is valid, and has a running activation.
    let activation = unsafe { (*core).current };
    let ended = catch_unwind(AssertUnwindSafe(run));
    // SAFETY: the run waits for the host function, which is over, and nothing else refers to it.
    if let Err(error) = unsafe { interrupt::go_on_here(activation) } {
        return Some(Pending::Error(CallError::Thread(error).into()));
    }
    let why = match ended {
        Ok(Ok(())) => return interrupt::due_after_poke().map(Pending::Trap),
        Ok(Err(error)) => Why::Error(error),
        Err(payload) => Why::Panic(payload),
    };
    // SAFETY: the store is valid, and `run` is over.
    Some(why.pending(unsafe { &*core }))
}

/// For host functions that wait or compute for long: the error with which to return if the instance that called is to be stopped.
///
/// Once an instance is to be stopped, the system call that its host function waits in fails with `EINTR`, and so does each one after
/// that, a millisecond later at most. Host functions that retry such a call ask here first. System calls of other threads, and those of
/// this one before, are restarted by the kernel. (Calls that it never restarts, such as `poll` and `nanosleep`, may fail with `EINTR`
/// once more when the instance has just left the thread.) Outside of host functions there is nothing to stop.
///
/// # Errors
/// The instance is to be stopped. The host function returns the error; whatever else it returns, its guest does not go on.
pub fn check_interrupt() -> Result<(), HostError> {
    interrupt::due().map_or(Ok(()), |code| Err(HostError::Trap(code)))
}

/// A closure that can be a host function: up to 12 parameters, after the [`Caller`].
pub trait IntoHostFunc<T, P, R>: Send + Sync + 'static {
    /// Makes its record.
    #[doc(hidden)]
    fn into_host_func(self) -> HostFunc<T>;
}

/// What a typed host function returns: nothing, a value, a tuple of values, or a `Result` of those.
pub trait HostResults {
    /// The values.
    type Values: WasmValues;
    /// The values, or how it ends its caller.
    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Values, HostError>;
}

impl<R: WasmValues> HostResults for R {
    type Values = R;
    fn into_result(self) -> Result<R, HostError> {
        Ok(self)
    }
}

impl<R: WasmValues> HostResults for Result<R, HostError> {
    type Values = R;
    fn into_result(self) -> Result<R, HostError> {
        self
    }
}

macro_rules! closures {
    ($($name:ident $index:tt),*) => {
        impl<T, F, R, $($name),*> IntoHostFunc<T, ($($name,)*), R> for F
        where
            F: Fn(&mut Caller<'_, T>, $($name),*) -> R + Send + Sync + 'static,
            R: HostResults,
            $($name: WasmValue,)*
        {
            fn into_host_func(self) -> HostFunc<T> {
                let body = move |caller: &mut Caller<'_, T>, cells: &mut [RawValue]| {
                    self(caller, $($name::from_cell(cells[$index])),*).into_result()?.store(cells);
                    Ok(())
                };
                HostFunc::typed::<($($name,)*), R::Values, _>(body)
            }
        }
    };
}

for_each_arity!(closures);
