//! Functions as values, and calls to them.
//!
//! **Invariant: a function is used with its own store only**, which keeps its record.

use crate::api::error::CallError;
use crate::api::store::{self, AsStore};
use crate::api::suspend::{self, Outcome};
use crate::api::val::{Val, WasmValues, in_cells};
use crate::code::raw_value::RawValue;
use crate::run::invoke::{self, Plain, Signature};
use crate::run::store::{InStore, StoreCore, StoreInner};
use std::marker::PhantomData;
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::types::FuncType;

/// A function of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Func(InStore<FuncRef>);

impl Func {
    pub(crate) fn of(record: InStore<FuncRef>) -> Self {
        Self(record)
    }

    /// Its record.
    pub(crate) fn record(self) -> InStore<FuncRef> {
        self.0
    }

    /// The process-wide number of its type; `None` if `core` is not the function's own store.
    pub(crate) fn type_number(self, core: &StoreCore) -> Option<u32> {
        Some(self.0.get(core)?.type_id)
    }

    fn check(&self, store: &impl AsStore) -> Result<Signature, CallError> {
        let number = self.type_number(store::core(store)).ok_or_else(|| CallError::WrongStore)?;
        Ok(Signature::of(number))
    }

    /// Its type.
    pub fn ty(&self, store: &impl AsStore) -> Result<FuncType, CallError> {
        self.check(store).map(|ty| ty.ty().clone())
    }

    /// Calls it.
    pub fn call(&self, store: &mut impl AsStore, args: &[Val]) -> Result<Vec<Val>, CallError> {
        let (signature, mut cells) = self.cells(store, args)?;
        call(store.store_mut(), self.0, &signature, &mut cells)?;
        Ok(Val::all_from_raw(&cells, store::core(store), &signature.ty().results))
    }

    /// Calls it so that host functions can suspend it.
    pub fn call_resumable(
        &self,
        store: &mut impl AsStore,
        args: &[Val],
    ) -> Result<Outcome<Vec<Val>>, CallError> {
        let (signature, cells) = self.cells(store, args)?;
        suspend::call_dynamic(store.store_mut(), self.0, signature, &cells)
    }

    /// Calls it; while an asynchronous host function waits, so does this, and between the time slices of the store, if it
    /// [has any](crate::Store::yield_every). If the future is dropped before it is ready, the call is given up.
    pub async fn call_async<S: AsStore<Data: 'static>>(
        &self,
        store: &mut S,
        args: &[Val],
    ) -> Result<Vec<Val>, CallError> {
        let (signature, cells) = self.cells(store, args)?;
        suspend::call_dynamic_async(store, self.0, signature, &cells).await
    }

    /// Its type, and the cells of it with these arguments.
    fn cells(&self, store: &impl AsStore, args: &[Val]) -> Result<(Signature, Vec<RawValue>), CallError> {
        let signature = self.check(store)?;
        let ty = signature.ty();
        if args.len() != ty.params.len() {
            return Err(CallError::ArgumentCount { expected: ty.params.len(), found: args.len() });
        }
        let mut cells = vec![RawValue::default(); ty.params.len().max(ty.results.len())];
        for (position, ((&ty, arg), cell)) in ty.params.iter().zip(args).zip(&mut cells).enumerate() {
            *cell =
                arg.to_raw(store::core(store), ty).map_err(|error| CallError::Value { position, error })?;
        }
        Ok((signature, cells))
    }

    /// The function with parameters and results of these Rust types.
    pub fn typed<P: WasmValues, R: WasmValues>(
        &self,
        store: &impl AsStore,
    ) -> Result<TypedFunc<P, R>, CallError> {
        let signature = self.check(store)?;
        let typed = signature.plain().filter(|_| signature.is(P::TYPES, R::TYPES));
        let ty = typed.ok_or_else(|| {
            let expected = FuncType { params: P::TYPES.to_vec(), results: R::TYPES.to_vec() };
            CallError::Signature { expected, found: signature.ty().clone() }
        })?;
        Ok(TypedFunc { func: *self, ty, types: PhantomData })
    }
}

/// Calls a function with its parameters in these cells, which get its results.
pub(crate) fn call<T>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    signature: &Signature,
    cells: &mut [RawValue],
) -> Result<(), CallError> {
    let called = invoke::call(store, func, signature, cells);
    called.map_err(|failure| CallError::of(failure, store.core_mut()))
}

/// Calls a function that passes no references, with its parameters in these cells, which get its results.
#[inline]
pub(crate) fn call_plain<T>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    ty: Plain,
    cells: &mut [RawValue],
) -> Result<(), CallError> {
    let called = invoke::call_plain(store, func, ty, cells);
    called.map_err(|failure| CallError::of(failure, store.core_mut()))
}

/// A function whose type was compared once, so that calls need not.
#[derive(Debug)]
pub struct TypedFunc<P, R> {
    func: Func,
    ty: Plain,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P: WasmValues, R: WasmValues> TypedFunc<P, R> {
    /// Calls it. Allocates nothing unless it fails.
    pub fn call(&self, store: &mut impl AsStore, params: P) -> Result<R, CallError> {
        in_cells(params, |cells| call_plain(store.store_mut(), self.func.0, self.ty, cells))
    }

    /// Calls it so that host functions can suspend it.
    pub fn call_resumable(&self, store: &mut impl AsStore, params: P) -> Result<Outcome<R>, CallError> {
        suspend::call_typed(store.store_mut(), self.func.0, self.ty, params)
    }

    /// Calls it; while an asynchronous host function waits, so does this, and between the time slices of the store, if it
    /// [has any](crate::Store::yield_every). If the future is dropped before it is ready, the call is given up.
    pub async fn call_async<S: AsStore<Data: 'static>>(
        &self,
        store: &mut S,
        params: P,
    ) -> Result<R, CallError> {
        suspend::call_typed_async(store, self.func.0, self.ty, params).await
    }

    /// The function without its Rust types.
    pub fn func(&self) -> Func {
        self.func
    }
}
