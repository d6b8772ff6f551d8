//! Tables, memories and globals as handles, and what the host makes of them itself.
//!
//! **Invariant: a handle is used with its own store only**; the store keeps what it names.

use crate::api::error::{AccessValueError, InstantiateError};
use crate::api::exception::Tag;
use crate::api::func::Func;
use crate::api::store::{self, AsStore};
use crate::api::val::{Val, ValueError};
use crate::code::raw_value::RawValue;
use crate::run::imports::Item;
use crate::run::store::{GlobalRef, StoreCore};
use crate::run::store_id::StoreId;
use crate::state::error::MemoryError;
use crate::state::memory::MemoryBody;
use crate::state::shared::SharedMemory;
use crate::state::table::TableBody;
use std::rc::Rc;
use wasmaot_abi::types::{GlobalType, Limits, MemoryType, TableType, ValType};

/// Something that instances export and import.
#[derive(Debug, Clone, Copy)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
    /// A tag of exceptions.
    Tag(Tag),
}

impl Extern {
    /// What an instance imports with it.
    pub(crate) fn item<T>(self) -> Item<'static, T> {
        match self {
            Extern::Func(func) => Item::Func(func.record()),
            Extern::Table(table) => Item::Table(table.index),
            Extern::Memory(memory) => Item::Memory(memory.index),
            Extern::Global(global) => Item::Global(global.0),
            Extern::Tag(tag) => Item::Tag(tag.record()),
        }
    }

    /// The store that it belongs to.
    pub(crate) fn store(self) -> StoreId {
        match self {
            Extern::Func(func) => func.record().store(),
            Extern::Table(table) => table.store,
            Extern::Memory(memory) => memory.store,
            Extern::Global(global) => global.0.store(),
            Extern::Tag(tag) => tag.record().store(),
        }
    }

    /// The function, if it is one.
    pub fn into_func(self) -> Option<Func> {
        if let Extern::Func(func) = self { Some(func) } else { None }
    }

    /// The table, if it is one.
    pub fn into_table(self) -> Option<Table> {
        if let Extern::Table(table) = self { Some(table) } else { None }
    }

    /// The memory, if it is one.
    pub fn into_memory(self) -> Option<Memory> {
        if let Extern::Memory(memory) = self { Some(memory) } else { None }
    }

    /// The tag, if it is one.
    pub fn into_tag(self) -> Option<Tag> {
        if let Extern::Tag(tag) = self { Some(tag) } else { None }
    }

    /// The global, if it is one.
    pub fn into_global(self) -> Option<Global> {
        if let Extern::Global(global) = self { Some(global) } else { None }
    }
}

/// A linear memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    store: StoreId,
    index: usize,
}

impl Memory {
    /// Makes a memory of zeros, with addresses of 32 bits and pages of 64 KiB.
    pub fn new(store: &mut impl AsStore, limits: Limits) -> Result<Self, InstantiateError> {
        Self::of_type(store, MemoryType::new(limits))
    }

    /// Makes a memory of zeros of any type. One with addresses of 64 bits can have 64 GiB.
    pub fn of_type(store: &mut impl AsStore, ty: MemoryType) -> Result<Self, InstantiateError> {
        let core = store::core_mut(store);
        let body = MemoryBody::standalone(core.memories.len(), ty, u64::MAX)?;
        let memory = Self::of(core, &body);
        core.memories.push(Rc::new(body));
        Ok(memory)
    }

    /// A memory that other stores use, too, for instances of this one.
    pub fn from_shared(store: &mut impl AsStore, shared: SharedMemory) -> Self {
        let core = store::core_mut(store);
        let body = core.add_shared(shared);
        Self::of(core, &body)
    }

    /// The memory for other stores, if it is a shared one.
    pub fn shared(&self, store: &impl AsStore) -> Option<SharedMemory> {
        self.body(store::core(store))?.shared()
    }

    pub(crate) fn of(core: &StoreCore, body: &MemoryBody) -> Self {
        Self { store: core.id(), index: body.index() }
    }

    /// What it names, in its own store.
    pub(crate) fn body<'a>(&self, core: &'a StoreCore) -> Option<&'a Rc<MemoryBody>> {
        if core.id() == self.store { core.memories.get(self.index) } else { None }
    }

    fn get<'a>(
        &self,
        store: &'a impl AsStore,
        address: u64,
        length: usize,
    ) -> Result<&'a MemoryBody, MemoryError> {
        let outside = MemoryError::OutOfBounds { address, length: length as u64, size: 0 };
        self.body(store::core(store)).map(|body| &**body).ok_or(outside)
    }

    /// Its type, with the limits as declared.
    pub fn ty(&self, store: &impl AsStore) -> Option<MemoryType> {
        self.body(store::core(store)).map(|body| body.ty())
    }

    /// Its bytes; 0 in another store.
    pub fn size(&self, store: &impl AsStore) -> u64 {
        self.body(store::core(store)).map_or(0, |body| body.size())
    }

    /// Adds pages. The old number of pages, or `None` if there is no room.
    pub fn grow(&self, store: &mut impl AsStore, pages: u64) -> Option<u64> {
        self.body(store::core(store))?.grow(pages, |_| true).ok()
    }

    /// Checks a range and returns its native address, to be read by other code than Rust's. It is valid as long as the instances that use the
    /// memory are, as a memory never moves.
    ///
    /// The pages behind it may go away if the artifact's file is truncated: then what accesses them is killed, but for the kernel, which
    /// reports `EFAULT`. Guests of a shared memory may write to it at any time.
    ///
    /// # Errors
    /// The range is not inside the memory.
    pub fn read_address(
        &self,
        store: &impl AsStore,
        address: u64,
        length: u64,
    ) -> Result<*const u8, MemoryError> {
        Ok(self.get(store, address, length as usize)?.address(address, length)?)
    }

    /// Checks a range, makes its pages writable and returns its native address, on the terms of [`Memory::read_address`]. Pages that
    /// this was not called for may be write-protected.
    ///
    /// # Errors
    /// The range is not inside the memory, or the kernel refuses to make its pages writable.
    pub fn address(
        &self,
        store: &mut impl AsStore,
        address: u64,
        length: u64,
    ) -> Result<*mut u8, MemoryError> {
        self.get(store, address, length as usize)?.writable_address(address, length)
    }

    /// Copies out of the memory.
    pub fn read(&self, store: &impl AsStore, address: u64, into: &mut [u8]) -> Result<(), MemoryError> {
        self.get(store, address, into.len())?.read(address, into)
    }

    /// Copies into the memory.
    pub fn write(&self, store: &mut impl AsStore, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        self.get(store, address, bytes.len())?.write(address, bytes)
    }
}

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    store: StoreId,
    index: usize,
}

impl Table {
    /// Makes a table whose elements are all `init`.
    pub fn new(store: &mut impl AsStore, ty: TableType, init: Val) -> Result<Self, InstantiateError> {
        if !ty.element.is_ref() {
            return Err(ValueError::Type { expected: ValType::FUNCREF, found: ty.element }.into());
        }
        let core = store::core_mut(store);
        let init = init.to_raw(core, ty.element)?.low;
        let body = TableBody::standalone(core.tables.len(), ty, u64::MAX)?;
        for element in body.range(0, body.size()).unwrap_or_default() {
            element.set(init);
        }
        let table = Self::of(core, &body);
        core.tables.push(Rc::new(body));
        Ok(table)
    }

    pub(crate) fn of(core: &StoreCore, body: &TableBody) -> Self {
        Self { store: core.id(), index: body.index() }
    }

    /// What it names, in its own store.
    pub(crate) fn body<'a>(&self, core: &'a StoreCore) -> Option<&'a Rc<TableBody>> {
        if core.id() == self.store { core.tables.get(self.index) } else { None }
    }

    /// Its type, with the limits as declared.
    pub fn ty(&self, store: &impl AsStore) -> Option<TableType> {
        self.body(store::core(store)).map(|body| body.ty())
    }

    /// Its elements; 0 in another store.
    pub fn size(&self, store: &impl AsStore) -> u64 {
        self.body(store::core(store)).map_or(0, |body| body.size())
    }

    /// Adds elements of this value. The old length, or `None` if there is no room.
    pub fn grow(
        &self,
        store: &mut impl AsStore,
        count: u64,
        init: Val,
    ) -> Result<Option<u64>, AccessValueError> {
        let core = store::core(store);
        let body = self.body(core).ok_or(AccessValueError::WrongStore)?;
        let init = init.to_raw(core, body.ty().element)?.low;
        let grown = body.grow(count, |added| {
            added.iter().for_each(|element| element.set(init));
            true
        });
        Ok(grown.ok())
    }

    /// An element.
    pub fn get(&self, store: &impl AsStore, index: u64) -> Result<Val, AccessValueError> {
        let core = store::core(store);
        let body = self.body(core).ok_or(AccessValueError::WrongStore)?;
        let length = body.size();
        let element = body.element(index).ok_or(AccessValueError::OutOfBounds { index, length })?;
        Ok(Val::from_raw(RawValue::new(element.get()), core, body.ty().element))
    }

    /// Sets an element.
    pub fn set(&self, store: &mut impl AsStore, index: u64, value: Val) -> Result<(), AccessValueError> {
        let core = store::core(store);
        let body = self.body(core).ok_or(AccessValueError::WrongStore)?;
        let length = body.size();
        let value = value.to_raw(core, body.ty().element)?.low;
        body.element(index).ok_or(AccessValueError::OutOfBounds { index, length })?.set(value);
        Ok(())
    }
}

/// A global.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Global(GlobalRef);

impl Global {
    /// Makes a global.
    pub fn new(store: &mut impl AsStore, ty: GlobalType, init: Val) -> Result<Self, InstantiateError> {
        let core = store::core_mut(store);
        let value = init.to_raw(core, ty.value)?;
        Ok(Self(core.add_global(ty, value)))
    }

    pub(crate) fn of(global: GlobalRef) -> Self {
        Self(global)
    }

    /// Its type.
    pub fn ty(&self) -> GlobalType {
        self.0.ty()
    }

    /// Its value.
    pub fn get(&self, store: &impl AsStore) -> Result<Val, AccessValueError> {
        let core = store::core(store);
        let value = self.0.value(core).ok_or(AccessValueError::WrongStore)?;
        Ok(Val::from_raw(value, core, self.ty().value))
    }

    /// Sets its value.
    pub fn set(&self, store: &mut impl AsStore, value: Val) -> Result<(), AccessValueError> {
        let (core, ty) = (store::core(store), self.ty());
        self.0.value(core).ok_or(AccessValueError::WrongStore)?;
        if !ty.mutable {
            return Err(AccessValueError::Immutable(ty.value));
        }
        self.0.set(core, value.to_raw(core, ty.value)?);
        Ok(())
    }
}
