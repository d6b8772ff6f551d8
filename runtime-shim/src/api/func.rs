//! Functions as values, and calls to them.
//!
//! **Invariant: a [`Func`] points to a reference record of its store**, which lives as long as the
//! store. The record is read only through [`Func::in_store`], which asks for that store; using a
//! function with another store is an error.

use crate::api::error::CallError;
use crate::api::store::{self, AsStore, StoreInner};
use crate::api::suspend::{self, Outcome};
use crate::api::val::{Cells, Val, WasmValues};
use crate::code::raw_value::RawValue;
use crate::code::types;
use crate::run::call;
use crate::run::store::StoreCore;
use crate::run::store_id::StoreId;
use crate::state::instance::InstanceCore;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use wasmaot_abi::state::{FuncRef, ImportedFunction};
use wasmaot_abi::types::FuncType;

/// A function of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Func {
    store: StoreId,
    record: NonNull<FuncRef>,
}

// SAFETY: the record never changes, and is only read with access to its store.
unsafe impl Send for Func {}
// SAFETY: as above.
unsafe impl Sync for Func {}

impl Func {
    /// The function with this record; `None` for null.
    ///
    /// # Safety
    /// The record, if not null, belongs to the store.
    pub(crate) unsafe fn from_record(record: *const FuncRef, store: StoreId) -> Option<Self> {
        Some(Self { store, record: NonNull::new(record.cast_mut())? })
    }

    pub(crate) fn store(&self) -> StoreId {
        self.store
    }

    pub(crate) fn record(&self) -> *const FuncRef {
        self.record.as_ptr()
    }

    /// Returns the function's record; `None` if `core` is not the function's own store.
    pub(crate) fn in_store<'a>(&self, core: &'a StoreCore) -> Option<&'a FuncRef> {
        if core.id != self.store {
            return None;
        }
        // SAFETY: the record lives as long as its store, which is `core`.
        Some(unsafe { self.record.as_ref() })
    }

    fn check(&self, store: &impl AsStore) -> Result<Arc<FuncType>, CallError> {
        let record = self.in_store(store::core(store)).ok_or_else(|| CallError::WrongStore)?;
        Ok(types::lookup(record.type_id))
    }

    /// Returns how an importing instance of `core` reaches the function; `None` if that is not the
    /// function's own store.
    pub(crate) fn import(&self, core: &StoreCore) -> Option<ImportedFunction> {
        let record = self.in_store(core)?;
        // SAFETY: the instance that the record names lives as long as the store.
        let instance = unsafe { InstanceCore::from_vmctx(record.vmctx) };
        Some(instance.import_of(record))
    }

    /// Its type.
    pub fn ty(&self, store: &impl AsStore) -> Result<FuncType, CallError> {
        self.check(store).map(|ty| (*ty).clone())
    }

    /// Calls it.
    pub fn call(&self, store: &mut impl AsStore, args: &[Val]) -> Result<Vec<Val>, CallError> {
        let (ty, mut cells) = self.cells(store, args)?;
        // SAFETY: the function belongs to the store and the cells are those of its type.
        unsafe { enter(store.store_mut(), self.record(), cells.as_mut_ptr())? };
        let results = ty.results.iter().zip(&cells);
        // SAFETY: the function left results of its type.
        Ok(results.map(|(&ty, cell)| unsafe { Val::from_raw(*cell, self.store, ty) }).collect())
    }

    /// Calls it so that host functions can suspend it.
    pub fn call_resumable(
        &self,
        store: &mut impl AsStore,
        args: &[Val],
    ) -> Result<Outcome<Vec<Val>>, CallError> {
        let (ty, cells) = self.cells(store, args)?;
        // SAFETY: the function belongs to the store and the cells are those of its type.
        unsafe { suspend::call_dynamic(store.store_mut(), self.record(), ty, &cells) }
    }

    /// Calls it; while an asynchronous host function waits, so does this. If the future is dropped before it is ready, the call is
    /// given up.
    pub async fn call_async<S: AsStore<Data: 'static>>(
        &self,
        store: &mut S,
        args: &[Val],
    ) -> Result<Vec<Val>, CallError> {
        let outcome = self.call_resumable(store, args)?;
        suspend::finish(store, outcome).await
    }

    /// Its type, and the cells of it with these arguments.
    fn cells(&self, store: &impl AsStore, args: &[Val]) -> Result<(Arc<FuncType>, Vec<RawValue>), CallError> {
        let ty = self.check(store)?;
        if args.len() != ty.params.len() {
            return Err(CallError::ArgumentCount { expected: ty.params.len(), found: args.len() });
        }
        let mut cells = vec![RawValue::default(); ty.params.len().max(ty.results.len())];
        for (position, ((&ty, arg), cell)) in ty.params.iter().zip(args).zip(&mut cells).enumerate() {
            *cell =
                arg.to_raw(store::core(store), ty).map_err(|error| CallError::Value { position, error })?;
        }
        Ok((ty, cells))
    }

    /// The function with parameters and results of these Rust types.
    pub fn typed<P: WasmValues, R: WasmValues>(
        &self,
        store: &impl AsStore,
    ) -> Result<TypedFunc<P, R>, CallError> {
        let found = self.check(store)?;
        if found.params != P::TYPES || found.results != R::TYPES {
            let expected = FuncType { params: P::TYPES.to_vec(), results: R::TYPES.to_vec() };
            return Err(CallError::Signature { expected, found: (*found).clone() });
        }
        Ok(TypedFunc { func: *self, types: PhantomData })
    }
}

/// # Safety
/// As for [`call::call`].
pub(crate) unsafe fn enter<T>(
    store: *mut StoreInner<T>,
    func: *const FuncRef,
    values: *mut RawValue,
) -> Result<(), CallError> {
    // SAFETY: the store is valid; the rest as the caller states.
    unsafe { call::call(store.cast(), &raw mut *(*store).core, func, values)? };
    Ok(())
}

/// A function whose type was compared once, so that calls need not.
#[derive(Debug)]
pub struct TypedFunc<P, R> {
    func: Func,
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
        self.func.in_store(store::core(store)).ok_or_else(|| CallError::WrongStore)?;
        let mut cells = Cells::with::<P, R>(params);
        let cells = cells.as_mut_slice();
        // SAFETY: the function belongs to the store, and the cells are those of its type.
        unsafe { enter(store.store_mut(), self.func.record(), cells.as_mut_ptr())? };
        Ok(R::load(cells))
    }

    /// Calls it so that host functions can suspend it.
    pub fn call_resumable(&self, store: &mut impl AsStore, params: P) -> Result<Outcome<R>, CallError> {
        self.func.in_store(store::core(store)).ok_or_else(|| CallError::WrongStore)?;
        // SAFETY: the function belongs to the store, and its type was compared.
        unsafe { suspend::call_typed(store.store_mut(), self.func.record(), params) }
    }

    /// Calls it; while an asynchronous host function waits, so does this. If the future is dropped before it is ready, the call is
    /// given up.
    pub async fn call_async<S: AsStore<Data: 'static>>(
        &self,
        store: &mut S,
        params: P,
    ) -> Result<R, CallError> {
        let outcome = self.call_resumable(store, params)?;
        suspend::finish(store, outcome).await
    }

    /// The function without its Rust types.
    pub fn func(&self) -> Func {
        self.func
    }
}
