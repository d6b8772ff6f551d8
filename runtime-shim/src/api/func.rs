//! Functions as values, and calls to them.
//!
//! A function is one of a store, or one of a module: that is looked up by name and compared with its type
//! once, and found by its position in each instance.
//!
//! **Invariant: a function is called in its own store only**, which keeps its record; a function of a module
//! in a store that has one instance of it.

use crate::api::error::{CallError, ExportError};
use crate::api::instance::Instance;
use crate::api::store::{self, AsStore};
use crate::api::suspend::{self, Outcome, Step};
use crate::api::val::{MAX_VALUES, Val, WasmValues, in_cells};
use crate::code::module::Module;
use crate::code::raw_value::RawValue;
use crate::run::invoke::{self, Plain, Signature};
use crate::run::store::{InStore, StoreCore, StoreInner};
use crate::state::error::WrongStore;
use std::marker::PhantomData;
use wasmaot_abi::descriptor::ExportKind;
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::types::{FuncType, ValType};

/// A function of an instance ([`Instance::get_func`]), or of every instance of a module
/// ([`Module::get_func`]).
///
/// ```
/// use wasmaot_runtime::{Linker, Module, Pool, PoolConfig, Store, Val};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(
///     r#"(module (func (export "swap") (param i32 i64) (result i64 i32) local.get 1 local.get 0))"#,
/// )?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let pre = Linker::<()>::new().instantiate_pre(&module)?;
/// let swap = pre.get_func("swap")?;
///
/// let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() })?;
/// let mut pooled = pool.start(&pre, ())?;
/// let mut results = [Val::I32(0); 2];
/// swap.call(&mut pooled, &[Val::I32(1), Val::I64(2)], &mut results)?;
/// assert_eq!(results, [Val::I64(2), Val::I32(1)]);
///
/// let mut store = Store::new(());
/// pre.instantiate(&mut store)?;
/// swap.call(&mut store, &[Val::I32(3), Val::I64(4)], &mut results)?;
/// assert_eq!(results, [Val::I64(4), Val::I32(3)]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Func(Place);

/// Where a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Store(InStore<FuncRef>),
    /// The module's number, and the position in its list of entries.
    Module {
        module: u64,
        entry: u32,
    },
}

impl Module {
    /// Returns an exported function, to be called in any store that has one instance of the module, and in
    /// any pooled instance of it.
    ///
    /// # Errors
    /// There is no such export, or it is no function.
    pub fn get_func(&self, name: &str) -> Result<Func, ExportError> {
        self.func_entry(name).map(|entry| Func(Place::Module { module: self.id(), entry: entry as u32 }))
    }

    /// Returns an exported function with parameters and results of these Rust types, to be called where one
    /// from
    /// [`Module::get_func`] can be.
    ///
    /// # Errors
    /// There is no such export, or it is no function of this type.
    pub fn get_typed_func<P: WasmValues, R: WasmValues>(
        &self,
        name: &str,
    ) -> Result<TypedFunc<P, R>, ExportError> {
        let func = self.get_func(name)?;
        let number = self.func_entry(name).map(|entry| self.entry_type(entry))?.map(|(number, _)| number);
        let signature = Signature::of(number.expect("an entry has a type"));
        func.typed_as(&signature).map_err(|(expected, found)| ExportError::Type {
            name: name.to_string(),
            expected,
            found,
        })
    }

    /// The position of an exported function in the list of entries.
    fn func_entry(&self, name: &str) -> Result<usize, ExportError> {
        let not_found = || ExportError::NotFound { name: name.to_string() };
        match self.export(name).ok_or_else(not_found)? {
            ExportKind::Func { index } => {
                let entries = &self.descriptor().entries;
                entries.binary_search_by_key(&index, |entry| entry.func).map_err(|_| not_found())
            }
            _ => Err(ExportError::Kind { name: name.to_string(), expected: "function" }),
        }
    }
}

impl Func {
    pub(crate) fn of(record: InStore<FuncRef>) -> Self {
        Self(Place::Store(record))
    }

    /// Its record in this store, which [`InStore::get`] compares.
    #[inline]
    pub(crate) fn record(self, core: &StoreCore) -> Result<InStore<FuncRef>, WrongStore> {
        match self.0 {
            Place::Store(record) => Ok(record),
            Place::Module { module, entry } => core.func_of_module(module, entry as usize),
        }
    }

    /// The process-wide number of its type.
    pub(crate) fn type_number(self, core: &StoreCore) -> Result<u32, WrongStore> {
        Ok(self.record(core)?.get(core).ok_or(WrongStore::Other)?.type_id)
    }

    fn signature(self, store: &impl AsStore) -> Result<Signature, WrongStore> {
        self.type_number(store::core(store)).map(Signature::of)
    }

    /// Returns the type of the function.
    ///
    /// # Errors
    /// It is not of this store.
    pub fn ty(&self, store: &impl AsStore) -> Result<FuncType, WrongStore> {
        self.signature(store).map(|ty| ty.ty().clone())
    }

    /// Returns the function of one instance, if this is one of the instance's module; for stores with several
    /// instances of it.
    ///
    /// # Errors
    /// The instance is not of this store, or of another module. Functions of a store are not of any module.
    pub fn in_instance(&self, store: &impl AsStore, instance: Instance) -> Result<Self, WrongStore> {
        let core = store::core(store);
        let instance = instance.core(core)?;
        match self.0 {
            Place::Module { module, entry } if instance.module().id() == module => {
                core.func(instance, entry as usize).map(Func::of).ok_or(WrongStore::Other)
            }
            _ => Err(WrongStore::Other),
        }
    }

    /// Calls the function with these arguments. `results` has as many values as the function has results;
    /// what they were does not matter. Allocates nothing for a function of a module, unless it fails or has
    /// more than [`MAX_VALUES`] of either.
    ///
    /// # Errors
    /// The arguments are not of its type, or it or a reference among them is of another store; otherwise how
    /// the call ended.
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn call(&self, store: &mut impl AsStore, args: &[Val], results: &mut [Val]) -> Result<(), CallError> {
        match args.len().max(results.len()) {
            0..=MAX_VALUES => self.call_with(store, args, results, &mut [RawValue::default(); MAX_VALUES]),
            count => self.call_with(store, args, results, &mut vec![RawValue::default(); count]),
        }
    }

    /// Calls it with these cells, of which there are as many as arguments and results.
    fn call_with(
        &self,
        store: &mut impl AsStore,
        args: &[Val],
        results: &mut [Val],
        cells: &mut [RawValue],
    ) -> Result<(), CallError> {
        match self.0 {
            Place::Store(record) => {
                let signature = self.signature(store)?;
                write(store::core(store), signature.ty(), args, results.len(), cells)?;
                call(store.store_mut(), record, &signature, cells)?;
                read(store::core(store), signature.ty(), cells, results);
            }
            Place::Module { module, entry } => {
                let core = store::core(store);
                let instance = core.instance_of_module(module)?;
                let (index, entry) = (instance.index(), entry as usize);
                let ty = |core: &StoreCore, run: &mut dyn FnMut(&FuncType) -> Result<(), CallError>| {
                    let instance = core.instances().get(index).ok_or(WrongStore::Other)?;
                    run(instance.module().entry_type(entry).ok_or(WrongStore::Other)?.1)
                };
                ty(core, &mut |ty| write(core, ty, args, results.len(), cells))?;
                let called = invoke::call_entry(store.store_mut(), index, entry, cells);
                called.map_err(|failure| CallError::of(*failure, &mut store::changes(store)))?;
                let core = store::core(store);
                ty(core, &mut |ty| {
                    read(core, ty, cells, results);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// Calls it with parameters and results as the bits of numbers, zero-extended; those of results above the
    /// ones of their types mean nothing. Allocates nothing for up to [`MAX_VALUES`] of either, unless it
    /// fails.
    ///
    /// # Errors
    /// Its type has another number of either, or vectors or references; otherwise as for [`Func::call`].
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn call_in_cells(
        &self,
        store: &mut impl AsStore,
        params: &[u64],
        results: &mut [u64],
    ) -> Result<(), CallError> {
        let (record, signature) = self.of_numbers(store, params.len(), results.len())?;
        let plain = signature.plain().expect("numbers are no references");
        let mut few = [RawValue::default(); MAX_VALUES];
        let mut many = Vec::new();
        let count = params.len().max(results.len());
        let cells = match count {
            0..=MAX_VALUES => &mut few[..],
            count => {
                many.resize(count, RawValue::default());
                &mut many[..]
            }
        };
        cells.iter_mut().zip(params).for_each(|(cell, &bits)| *cell = RawValue::new(bits));
        call_plain(store.store_mut(), record, plain, cells)?;
        results.iter_mut().zip(cells).for_each(|(result, cell)| *result = cell.low);
        Ok(())
    }

    /// Its record and type, which passes this many numbers and nothing else.
    fn of_numbers(
        &self,
        store: &impl AsStore,
        params: usize,
        results: usize,
    ) -> Result<(InStore<FuncRef>, Signature), CallError> {
        let record = self.record(store::core(store))?;
        let signature = self.signature(store)?;
        let ty = signature.ty();
        if params != ty.params.len() {
            return Err(CallError::ArgumentCount { expected: ty.params.len(), found: params });
        }
        if results != ty.results.len() {
            return Err(CallError::ResultCount { expected: ty.results.len(), found: results });
        }
        if !ty.params.iter().chain(&ty.results).all(|ty| ty.is_number()) {
            let expected = FuncType { params: vec![ValType::I64; params], results: Vec::new() };
            return Err(CallError::Signature { expected, found: ty.clone() });
        }
        Ok((record, signature))
    }

    /// Calls it as [`Func::call_in_cells`] does, and waits as [`Func::call_async`] does.
    ///
    /// # Errors
    /// As for [`Func::call_in_cells`].
    ///
    /// # Panics
    /// A host function panics.
    pub async fn call_in_cells_async<S: AsStore<Data: 'static>>(
        &self,
        store: &mut S,
        params: &[u64],
        results: &mut [u64],
    ) -> Result<(), CallError> {
        let (record, signature) = self.of_numbers(store, params.len(), results.len())?;
        let mut cells = vec![RawValue::default(); params.len().max(results.len())];
        cells.iter_mut().zip(params).for_each(|(cell, &bits)| *cell = RawValue::new(bits));
        let returned = match suspend::begin_in_cells_async(store.store_mut(), record, signature, &cells)? {
            Step::Returned(returned) => returned,
            step => suspend::finish(store, step).await?,
        };
        results.copy_from_slice(&returned);
        Ok(())
    }

    /// Calls it so that host functions can suspend it. Its results come with the [`Outcome`], now or when the
    /// call is resumed, so no place for them is borrowed meanwhile.
    ///
    /// # Errors
    /// As for [`Func::call`].
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn call_resumable(
        &self,
        store: &mut impl AsStore,
        args: &[Val],
    ) -> Result<Outcome<Vec<Val>>, CallError> {
        let results = self.signature(store)?.ty().results.len();
        let (record, signature, cells) = self.cells(store, args, results)?;
        suspend::call_dynamic(store.store_mut(), record, signature, &cells)
    }

    /// Its record and type, and the cells of a call with these arguments and room for results.
    fn cells(
        &self,
        store: &impl AsStore,
        args: &[Val],
        results: usize,
    ) -> Result<(InStore<FuncRef>, Signature, Vec<RawValue>), CallError> {
        let (core, signature) = (store::core(store), self.signature(store)?);
        let ty = signature.ty();
        let mut cells = vec![RawValue::default(); ty.params.len().max(ty.results.len())];
        write(core, ty, args, results, &mut cells)?;
        Ok((self.record(core)?, signature, cells))
    }

    /// Calls it; while an asynchronous host function waits, so does this, and between the time slices of the
    /// store, if it [has any](AsStore::yield_every). `results` has as many values as the function has
    /// results. If the future is dropped before it is ready, the call is given up.
    ///
    /// # Errors
    /// As for [`Func::call`].
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub async fn call_async<S: AsStore<Data: 'static>>(
        &self,
        store: &mut S,
        args: &[Val],
        results: &mut [Val],
    ) -> Result<(), CallError> {
        let (record, signature, cells) = self.cells(store, args, results.len())?;
        let returned = match suspend::begin_dynamic_async(store.store_mut(), record, signature, &cells)? {
            Step::Returned(returned) => returned,
            step => suspend::finish(store, step).await?,
        };
        results.copy_from_slice(&returned);
        Ok(())
    }

    /// Returns the function with parameters and results of these Rust types.
    ///
    /// # Errors
    /// It is of another type, or of another store.
    pub fn typed<P: WasmValues, R: WasmValues>(
        &self,
        store: &impl AsStore,
    ) -> Result<TypedFunc<P, R>, CallError> {
        let signature = self.signature(store)?;
        self.typed_as(&signature).map_err(|(expected, found)| CallError::Signature { expected, found })
    }

    /// The same with its signature, or what was expected and found.
    pub(crate) fn typed_as<P: WasmValues, R: WasmValues>(
        self,
        signature: &Signature,
    ) -> Result<TypedFunc<P, R>, (FuncType, FuncType)> {
        let typed = signature.plain().filter(|_| signature.is(P::TYPES, R::TYPES));
        let ty = typed.ok_or_else(|| {
            let expected = FuncType { params: P::TYPES.to_vec(), results: R::TYPES.to_vec() };
            (expected, signature.ty().clone())
        })?;
        Ok(TypedFunc { func: self, ty, types: PhantomData })
    }
}

/// Writes arguments to the cells of a call, and compares the room for results.
fn write(
    core: &StoreCore,
    ty: &FuncType,
    args: &[Val],
    results: usize,
    cells: &mut [RawValue],
) -> Result<(), CallError> {
    if args.len() != ty.params.len() {
        return Err(CallError::ArgumentCount { expected: ty.params.len(), found: args.len() });
    }
    if results != ty.results.len() {
        return Err(CallError::ResultCount { expected: ty.results.len(), found: results });
    }
    for (position, ((&ty, arg), cell)) in ty.params.iter().zip(args).zip(cells).enumerate() {
        *cell = arg.to_raw(core, ty).map_err(|error| CallError::Value { position, error })?;
    }
    Ok(())
}

/// Reads the results of a call.
fn read(core: &StoreCore, ty: &FuncType, cells: &[RawValue], results: &mut [Val]) {
    for ((&ty, result), cell) in ty.results.iter().zip(results).zip(cells) {
        *result = Val::from_raw(*cell, core, ty);
    }
}

/// Calls a function with its parameters in these cells, which get its results.
fn call<T>(
    store: &mut StoreInner<T>,
    func: InStore<FuncRef>,
    signature: &Signature,
    cells: &mut [RawValue],
) -> Result<(), CallError> {
    let called = invoke::call(store, func, signature, cells);
    called.map_err(|failure| CallError::of(*failure, &mut store.changes()))
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
    called.map_err(|failure| CallError::of(*failure, &mut store.changes()))
}

/// A [`Func`] whose type was compared once, so that calls need not: of one instance
/// ([`Instance::get_typed_func`]), or of every instance of a module ([`Module::get_typed_func`]), pooled ones
/// included.
///
/// ```
/// use wasmaot_runtime::{Linker, Module, Pool, PoolConfig, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(
///     r#"(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#,
/// )?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let add = module.get_typed_func::<(i32, i32), i32>("add")?;
///
/// let pre = Linker::new().instantiate_pre(&module)?;
/// let mut store = Store::new(());
/// pre.instantiate(&mut store)?;
/// assert_eq!(add.call(&mut store, (1, 2))?, 3);
///
/// let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() })?;
/// assert_eq!(add.call(&mut pool.start(&pre, ())?, (3, 4))?, 7);
/// # Ok(())
/// # }
/// ```
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
    /// Calls the function with these arguments. Allocates nothing unless it fails.
    ///
    /// # Errors
    /// It is of another store, or how the call ended.
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn call(&self, store: &mut impl AsStore, params: P) -> Result<R, CallError> {
        let record = self.func.record(store::core(store))?;
        in_cells(params, |cells| call_plain(store.store_mut(), record, self.ty, cells))
    }

    /// Calls it so that host functions can suspend it.
    ///
    /// # Errors
    /// As for [`TypedFunc::call`].
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub fn call_resumable(&self, store: &mut impl AsStore, params: P) -> Result<Outcome<R>, CallError> {
        let record = self.func.record(store::core(store))?;
        suspend::call_typed(store.store_mut(), record, self.ty, params)
    }

    /// Calls it; while an asynchronous host function waits, so does this, and between the time slices of the
    /// store, if it
    /// [has any](AsStore::yield_every). If the future is dropped before it is ready, the call is given up.
    ///
    /// # Errors
    /// As for [`TypedFunc::call`].
    ///
    /// # Panics
    /// Panics if a host function panics.
    pub async fn call_async<S: AsStore<Data: 'static>>(
        &self,
        store: &mut S,
        params: P,
    ) -> Result<R, CallError> {
        let record = self.func.record(store::core(store))?;
        match suspend::begin_typed_async(store.store_mut(), record, self.ty, params)? {
            Step::Returned(results) => Ok(results),
            step => suspend::finish(store, step).await,
        }
    }

    /// Returns the function of one instance, see [`Func::in_instance`].
    ///
    /// # Errors
    /// As for that.
    pub fn in_instance(&self, store: &impl AsStore, instance: Instance) -> Result<Self, WrongStore> {
        Ok(Self { func: self.func.in_instance(store, instance)?, ..*self })
    }

    /// Returns the function without its Rust types.
    pub fn func(&self) -> Func {
        self.func
    }
}
