//! Host functions as closures of the embedder's.
//!
//! **Invariant: a closure sees the guest through its [`Caller`] only**, and its values in cells of its type.

use crate::api::caller::Caller;
use crate::api::error::{CallError, HostError};
use crate::api::val::{Val, WasmValue, WasmValues, for_each_arity};
use crate::code::raw_value::RawValue;
use crate::run::end::Pending;
use crate::run::host::{CellCount, Ends, HostFunc, OfRecord};
use crate::run::interrupt;
use crate::run::store::{StoreCore, StoreInner};
use crate::state::instance::InstanceCore;
use std::any::Any;
use std::marker::PhantomData;
use wasmaot_abi::types::FuncType;

/// The cells of a function with these parameters and results.
struct OfTypes<P, R>(PhantomData<(P, R)>);

impl<P: WasmValues, R: WasmValues> CellCount for OfTypes<P, R> {
    const COUNT: Option<usize> =
        Some(if P::TYPES.len() < R::TYPES.len() { R::TYPES.len() } else { P::TYPES.len() });
}

/// A function with these parameters and results, by a closure that gets its caller and the cells of its
/// values.
pub(crate) fn typed<T, P, R, B>(body: B) -> HostFunc<T>
where
    P: WasmValues,
    R: WasmValues,
    B: Fn(&mut Caller<'_, T>, &mut [RawValue]) -> Result<(), HostError> + Send + Sync + 'static,
{
    let ty = FuncType { params: P::TYPES.to_vec(), results: R::TYPES.to_vec() };
    of::<T, OfTypes<P, R>, B>(ty, body)
}

fn of<T, C, B>(ty: FuncType, body: B) -> HostFunc<T>
where
    C: CellCount,
    B: Fn(&mut Caller<'_, T>, &mut [RawValue]) -> Result<(), HostError> + Send + Sync + 'static,
{
    let body = move |store: &mut StoreInner<T>, instance: &InstanceCore, cells: &mut [RawValue]| {
        body(&mut Caller::new(store, instance), cells)
    };
    HostFunc::new::<C, _, _>(ty, body)
}

/// A function that takes and gives values of any types.
pub(crate) fn dynamic<T, F>(ty: FuncType, f: F) -> HostFunc<T>
where
    F: Fn(&mut Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), HostError> + Send + Sync + 'static,
{
    let signature = ty.clone();
    of::<T, OfRecord, _>(ty, move |caller: &mut Caller<'_, T>, cells: &mut [RawValue]| {
        let params = Val::all_from_raw(cells, caller.core(), &signature.params);
        in_values(&signature, caller, cells, |caller, results| f(caller, &params, results))
    })
}

/// The values of a call of a host function, as the bits of numbers: its parameters first, then its results.
#[derive(Debug)]
pub struct Cells<'a> {
    cells: &'a mut [RawValue],
}

impl<'a> Cells<'a> {
    pub(crate) fn new(cells: &'a mut [RawValue]) -> Self {
        Self { cells }
    }

    /// Returns the bits of a parameter. Those above the ones of its type mean nothing.
    ///
    /// # Panics
    /// There is no such parameter.
    #[inline]
    pub fn get(&self, index: usize) -> u64 {
        self.cells[index].low
    }

    /// Sets the bits of a result, zero-extended.
    ///
    /// # Panics
    /// There is no such result.
    #[inline]
    pub fn set(&mut self, index: usize, bits: u64) {
        self.cells[index] = RawValue::new(bits);
    }
}

/// A function of numbers by a closure over its cells.
pub(crate) fn in_cells<T, F>(ty: FuncType, f: F) -> HostFunc<T>
where
    F: Fn(&mut Caller<'_, T>, &mut Cells<'_>) -> Result<(), HostError> + Send + Sync + 'static,
{
    of::<T, OfRecord, _>(ty, move |caller: &mut Caller<'_, T>, cells: &mut [RawValue]| {
        f(caller, &mut Cells::new(cells))
    })
}

/// Has a host function of a type give its results, which are zero or null until it sets them, and writes them
/// to cells.
pub(crate) fn in_values<T>(
    ty: &FuncType,
    caller: &mut Caller<'_, T>,
    cells: &mut [RawValue],
    f: impl FnOnce(&mut Caller<'_, T>, &mut [Val]) -> Result<(), HostError>,
) -> Result<(), HostError> {
    let defaults = ty.results.iter().map(|&ty| Val::default_of(ty));
    let mut results: Vec<Val> = defaults.map(|value| value.unwrap_or(Val::I32(0))).collect();
    f(caller, &mut results)?;
    let store = caller.core();
    for (position, ((&ty, value), cell)) in ty.results.iter().zip(results).zip(cells).enumerate() {
        *cell = value.to_raw(store, ty).map_err(|error| CallError::Value { position, error })?;
    }
    Ok(())
}

impl Ends for HostError {
    fn suspends(self) -> Result<Box<dyn Any + Send>, Self> {
        match self {
            HostError::Suspend(what) => Ok(what.into_value()),
            error => Err(error),
        }
    }

    fn pending(self, core: &StoreCore) -> Pending {
        match self {
            HostError::Exit(status) => Pending::Exit(status),
            HostError::Trap(code) => Pending::Trap(code),
            HostError::Suspend(_) => Pending::CannotSuspend,
            HostError::Other(error) => Pending::Error(error),
            HostError::Exception(exception) => match exception.thrown(core) {
                Ok(thrown) => Pending::Throw(thrown),
                Err(error) => Pending::Error(Box::new(error)),
            },
        }
    }
}

/// For host functions that wait or compute for long: the error with which to return if the instance that
/// called is to be stopped.
///
/// Once an instance is to be stopped, the system call that its host function waits in fails with `EINTR`, and
/// so does each one after that, a millisecond later at most. Host functions that retry such a call ask here
/// first. System calls of other threads, and those of this one before, are restarted by the kernel. (Calls
/// that it never restarts, such as `poll` and `nanosleep`, may fail with `EINTR` once more when the instance
/// has just left the thread.) Outside of host functions there is nothing to stop.
///
/// # Errors
/// The instance is to be stopped. The host function returns the error; whatever else it returns, its guest
/// does not go on.
pub fn check_interrupt() -> Result<(), HostError> {
    interrupt::due().map_or(Ok(()), |code| Err(HostError::Trap(code)))
}

/// A closure that can be a host function: up to 12 parameters, after the [`Caller`].
pub trait IntoHostFunc<T, P, R>: Send + Sync + 'static {
    /// Converts the closure to a host function record.
    #[doc(hidden)]
    fn into_host_func(self) -> HostFunc<T>;
}

/// What a typed host function returns: nothing, a value, a tuple of values, or a `Result` of those.
pub trait HostResults {
    /// Values that the function returns.
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
                typed::<T, ($($name,)*), R::Values, _>(body)
            }
        }
    };
}

for_each_arity!(closures);
