//! Tables, memories and globals as handles, and what the host makes of them itself.
//!
//! **Invariant: a handle is used with its own store only**; the store keeps what it names.

use crate::api::error::{AccessValueError, InstantiateError};
use crate::api::exception::Tag;
use crate::api::func::Func;
use crate::api::store::{self, AsStore};
use crate::api::val::{Val, ValueError};
use crate::code::raw_value::RawValue;
use crate::code::types;
use crate::run::store::StoreCore;
use crate::run::store_id::StoreId;
use crate::state::error::AccessError;
use crate::state::instance::ImportedMemory;
use crate::state::instance::Imports;
use crate::state::memory::MemoryBody;
use crate::state::shared::SharedMemory;
use crate::state::table::TableBody;
use std::cell::UnsafeCell;
use std::rc::Rc;
use wasmaot_abi::types::{
    DEFAULT_PAGE_LOG2, FuncType, GlobalType, IndexType, Limits, MemoryType, TableType, ValType,
};

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
    /// Its type, with the sizes that tables and memories have now; `None` in another store.
    pub(crate) fn ty(&self, core: &StoreCore) -> Option<ExternType> {
        Some(match self {
            Extern::Func(func) => {
                let number = func.in_store(core)?.type_id;
                ExternType::Func { number, ty: (*types::lookup(number)).clone() }
            }
            Extern::Global(global) => ExternType::Global(global.in_store(core)?.ty),
            Extern::Tag(tag) => {
                let record = tag.record(core)?;
                ExternType::Tag { number: record.number, ty: record.ty.clone() }
            }
            Extern::Table(table) => {
                let body = table.body(core)?;
                let limits = Limits { min: body.size(), ..body.ty().limits };
                ExternType::Table(TableType { limits, ..body.ty() })
            }
            Extern::Memory(memory) => {
                let body = memory.body(core)?;
                ExternType::of_memory(body.ty(), body.size())
            }
        })
    }

    /// Adds it to an instance's imports. It belongs to the store, see [`Extern::ty`].
    pub(crate) fn add(&self, core: &StoreCore, imports: &mut Imports) {
        match self {
            Extern::Func(func) => imports.functions.extend(func.import(core)),
            Extern::Table(table) => imports.tables.extend(table.body(core).cloned()),
            Extern::Memory(memory) => {
                imports.memories.extend(memory.body(core).cloned().map(ImportedMemory::Own));
            }
            Extern::Global(global) => imports.globals.extend(global.in_store(core).map(|global| global.cell)),
            Extern::Tag(tag) => imports.tags.extend(tag.shared(core)),
        }
    }

    /// The function, if it is one.
    pub fn func(self) -> Option<Func> {
        if let Extern::Func(func) = self { Some(func) } else { None }
    }

    /// The table, if it is one.
    pub fn table(self) -> Option<Table> {
        if let Extern::Table(table) = self { Some(table) } else { None }
    }

    /// The memory, if it is one.
    pub fn memory(self) -> Option<Memory> {
        if let Extern::Memory(memory) = self { Some(memory) } else { None }
    }

    /// The tag, if it is one.
    pub fn tag(self) -> Option<Tag> {
        if let Extern::Tag(tag) = self { Some(tag) } else { None }
    }

    /// The global, if it is one.
    pub fn global(self) -> Option<Global> {
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
        // SAFETY: the memory keeps its own length.
        let body = unsafe { MemoryBody::reserve(core.memories.len(), ty, None, u64::MAX)? };
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
        Self { store: core.id, index: body.index() }
    }

    /// What it names, in its own store.
    pub(crate) fn body<'a>(&self, core: &'a StoreCore) -> Option<&'a Rc<MemoryBody>> {
        if core.id == self.store { core.memories.get(self.index) } else { None }
    }

    fn get<'a>(
        &self,
        store: &'a impl AsStore,
        address: u64,
        length: usize,
    ) -> Result<&'a MemoryBody, AccessError> {
        let outside = AccessError::OutOfBounds { address, length: length as u64, size: 0 };
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

    /// Copies out of the memory.
    pub fn read(&self, store: &impl AsStore, address: u64, into: &mut [u8]) -> Result<(), AccessError> {
        self.get(store, address, into.len())?.read(address, into)
    }

    /// Copies into the memory.
    pub fn write(&self, store: &mut impl AsStore, address: u64, bytes: &[u8]) -> Result<(), AccessError> {
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
        // SAFETY: the table keeps its own length.
        let body = unsafe { TableBody::new(core.tables.len(), ty, None, u64::MAX, None)? };
        for element in body.range(0, body.size()).unwrap_or_default() {
            element.set(init);
        }
        let table = Self::of(core, &body);
        core.tables.push(Rc::new(body));
        Ok(table)
    }

    pub(crate) fn of(core: &StoreCore, body: &TableBody) -> Self {
        Self { store: core.id, index: body.index() }
    }

    /// What it names, in its own store.
    pub(crate) fn body<'a>(&self, core: &'a StoreCore) -> Option<&'a Rc<TableBody>> {
        if core.id == self.store { core.tables.get(self.index) } else { None }
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
        let body = self.body(store::core(store)).ok_or(AccessValueError::WrongStore)?;
        let length = body.size();
        let element = body.element(index).ok_or(AccessValueError::OutOfBounds { index, length })?;
        // SAFETY: elements of the store's tables are of their type and belong to the store.
        Ok(unsafe { Val::from_raw(RawValue::new(element.get()), self.store, body.ty().element) })
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
pub struct Global {
    store: StoreId,
    cell: *mut RawValue,
    ty: GlobalType,
}

// SAFETY: the cell is only accessed with access to the store that keeps it.
unsafe impl Send for Global {}
// SAFETY: as above.
unsafe impl Sync for Global {}

impl Global {
    /// Makes a global.
    pub fn new(store: &mut impl AsStore, ty: GlobalType, init: Val) -> Result<Self, InstantiateError> {
        let core = store::core_mut(store);
        let cell = Rc::new(UnsafeCell::new(init.to_raw(core, ty.value)?));
        let global = Self { store: core.id, cell: cell.get(), ty };
        core.globals.push(cell);
        Ok(global)
    }

    /// # Safety
    /// The store keeps the cell, which holds a value of this type.
    pub(crate) unsafe fn from_cell(store: StoreId, cell: *mut RawValue, ty: GlobalType) -> Self {
        Self { store, cell, ty }
    }

    /// Returns the global; `None` if `core` is not its own store.
    fn in_store(&self, core: &StoreCore) -> Option<&Self> {
        (core.id == self.store).then_some(self)
    }

    /// Its type.
    pub fn ty(&self) -> GlobalType {
        self.ty
    }

    /// Its value.
    pub fn get(&self, store: &impl AsStore) -> Result<Val, AccessValueError> {
        self.in_store(store::core(store)).ok_or(AccessValueError::WrongStore)?;
        // SAFETY: the store keeps the cell, which holds a value of the global's type.
        Ok(unsafe { Val::from_raw(self.cell.read(), self.store, self.ty.value) })
    }

    /// Sets its value.
    pub fn set(&self, store: &mut impl AsStore, value: Val) -> Result<(), AccessValueError> {
        let core = store::core(store);
        self.in_store(core).ok_or(AccessValueError::WrongStore)?;
        if !self.ty.mutable {
            return Err(AccessValueError::Immutable(self.ty.value));
        }
        let value = value.to_raw(core, self.ty.value)?;
        // SAFETY: the store keeps the cell, and no code of the store runs now.
        unsafe { self.cell.write(value) };
        Ok(())
    }
}

/// Type of a definition, for messages and comparison with an import's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExternType {
    /// The type and its process-wide number, by which types are compared.
    Func {
        number: u32,
        ty: FuncType,
    },
    Table(TableType),
    Memory(MemoryType),
    Global(GlobalType),
    /// Likewise.
    Tag {
        number: u32,
        ty: FuncType,
    },
}

impl std::fmt::Display for ExternType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limits = |f: &mut std::fmt::Formatter<'_>, limits: &Limits| match limits.max {
            Some(max) => write!(f, " {} to {max}", limits.min),
            None => write!(f, " {} or more", limits.min),
        };
        let width = |index| if index == IndexType::I64 { "64-bit " } else { "" };
        match self {
            ExternType::Func { ty, .. } => write!(f, "function {ty}"),
            ExternType::Tag { ty, .. } => write!(f, "tag {ty}"),
            ExternType::Table(ty) => {
                write!(f, "{}table of {}", width(ty.index), ty.element)?;
                limits(f, &ty.limits)
            }
            ExternType::Memory(ty) => {
                let shared = if ty.shared { "shared " } else { "" };
                write!(f, "{shared}{}memory of ", width(ty.index))?;
                match ty.page_log2 {
                    DEFAULT_PAGE_LOG2 => write!(f, "pages")?,
                    log2 => write!(f, "pages of 2^{log2} bytes")?,
                }
                limits(f, &ty.limits)
            }
            ExternType::Global(ty) => {
                write!(f, "{} global {}", if ty.mutable { "mutable" } else { "immutable" }, ty.value)
            }
        }
    }
}

impl ExternType {
    /// That of a memory with so many bytes.
    pub(crate) fn of_memory(ty: MemoryType, bytes: u64) -> Self {
        let limits = Limits { min: bytes >> ty.page_log2, ..ty.limits };
        ExternType::Memory(MemoryType { limits, ..ty })
    }

    /// Whether something of type `self` can be given where `wanted` is asked for.
    pub(crate) fn matches(&self, wanted: &ExternType) -> bool {
        match (self, wanted) {
            (ExternType::Func { number: a, .. }, ExternType::Func { number: b, .. })
            | (ExternType::Tag { number: a, .. }, ExternType::Tag { number: b, .. }) => a == b,
            (ExternType::Global(a), ExternType::Global(b)) => {
                let fits = if b.mutable { a.value == b.value } else { a.value.is_subtype_of(b.value) };
                a.mutable == b.mutable && fits
            }
            (ExternType::Table(a), ExternType::Table(b)) => {
                a.element == b.element && a.index == b.index && within(a.limits, b.limits)
            }
            (ExternType::Memory(a), ExternType::Memory(b)) => {
                let limits = Limits { min: 0, max: None };
                let same = MemoryType { limits, ..*a } == MemoryType { limits, ..*b };
                same && within(a.limits, b.limits)
            }
            _ => false,
        }
    }
}

fn within(found: Limits, wanted: Limits) -> bool {
    let max_fits = wanted.max.is_none_or(|most| found.max.is_some_and(|max| max <= most));
    found.min >= wanted.min && max_fits
}
