//! Tables, memories and globals as handles, and what the host makes of them itself.
//!
//! **Invariant: a handle is used with its own store only**; the store keeps what it names.

use crate::api::address::Address;
use crate::api::error::{CreateError, GlobalError, TableError};
use crate::api::exception::Tag;
use crate::api::func::Func;
use crate::api::memory_data::MemoryData;
use crate::api::store::{self, AsStore};
use crate::api::val::{Val, ValueError};
use crate::code::raw_value::RawValue;
use crate::run::imports::Item;
use crate::run::store::{GlobalRef, StoreCore};
use crate::run::store_id::StoreId;
use crate::state::error::{MemoryError, WrongStore};
use crate::state::memory::MemoryBody;
use crate::state::shared::SharedMemory;
use crate::state::table::TableBody;
use std::rc::Rc;
use wasmaot_abi::types::{GlobalType, MemoryType, TableType, ValType};

/// Something that instances export and import.
///
/// ```
/// use wasmaot_runtime::{Extern, Linker, Module, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (memory (export "memory") 1) (func (export "run")))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let mut store = Store::new(());
/// let instance = Linker::new().instantiate(&mut store, &module)?;
/// let run = instance.get_export(&store, "run")?.into_func().expect("it is a function");
/// run.call(&mut store, &[], &mut [])?;
/// // What an instance exports, others import.
/// let memory = instance.get_export(&store, "memory")?;
/// assert!(matches!(memory, Extern::Memory(_)));
/// Linker::<()>::new().define("env", "memory", memory)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Extern {
    /// Handle of a function.
    Func(Func),
    /// Handle of a table.
    Table(Table),
    /// Handle of a memory.
    Memory(Memory),
    /// Handle of a global.
    Global(Global),
    /// A tag of exceptions.
    Tag(Tag),
}

impl Extern {
    /// What an instance imports with it; `None` in another store.
    pub(crate) fn item<T>(self, core: &StoreCore) -> Option<Item<'static, T>> {
        Some(match self {
            Extern::Func(func) => Item::Func(func.record(core).ok()?),
            Extern::Table(table) => Item::Table(table.body(core).ok()?.index()),
            Extern::Memory(memory) => Item::Memory(memory.body(core).ok()?.index()),
            Extern::Global(global) => Item::Global(global.0),
            Extern::Tag(tag) => Item::Tag(tag.record()),
        })
    }

    /// Returns the function, if it is one.
    pub fn into_func(self) -> Option<Func> {
        if let Extern::Func(func) = self { Some(func) } else { None }
    }

    /// Returns the table, if it is one.
    pub fn into_table(self) -> Option<Table> {
        if let Extern::Table(table) = self { Some(table) } else { None }
    }

    /// Returns the memory, if it is one.
    pub fn into_memory(self) -> Option<Memory> {
        if let Extern::Memory(memory) = self { Some(memory) } else { None }
    }

    /// Returns the tag, if it is one.
    pub fn into_tag(self) -> Option<Tag> {
        if let Extern::Tag(tag) = self { Some(tag) } else { None }
    }

    /// Returns the global, if it is one.
    pub fn into_global(self) -> Option<Global> {
        if let Extern::Global(global) = self { Some(global) } else { None }
    }
}

/// Handle of a linear memory in a store.
///
/// Its bytes are reached by checked copies, [`read`](Memory::read) and [`write`](Memory::write), and by
/// [`MemoryData`], which borrows the store: there are no references to them, since other threads may write to
/// a shared memory, and since pages that come from the artifact's file go away if that is truncated.
///
/// ```
/// use wasmaot_runtime::{Limits, Memory, MemoryError, MemoryType, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(());
/// let memory = Memory::new(&mut store, MemoryType::new(Limits { min: 1, max: Some(2) }))?;
/// memory.write(&mut store, 8, b"hello")?;
/// assert_eq!(memory.data(&store)?.read_u8(9)?, b'e');
/// assert_eq!(memory.grow(&mut store, 1)?, 1);
/// assert_eq!((memory.size(&store)?, memory.data_size(&store)?), (2, 131_072));
/// assert_eq!(memory.grow(&mut store, 1), Err(MemoryError::Grow { pages: 1 }));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    store: StoreId,
    index: usize,
}

impl Memory {
    /// Makes a memory of zeros. One with addresses of 64 bits can have 64 GiB.
    ///
    /// # Errors
    /// Its initial size is too large, there are no pages of its size, or the kernel has no addresses for it.
    pub fn new(store: &mut impl AsStore, ty: MemoryType) -> Result<Self, CreateError> {
        let mut core = store::changes(store);
        let body = MemoryBody::standalone(core.memories.len(), ty, u64::MAX)?;
        let memory = Self::of(&core, &body);
        core.add_memory(body);
        Ok(memory)
    }

    /// Makes a memory that other stores use, too, one of this store.
    pub fn from_shared(store: &mut impl AsStore, shared: SharedMemory) -> Self {
        let mut core = store::changes(store);
        let body = core.add_shared(shared);
        Self::of(&core, &body)
    }

    /// Returns the memory for other stores, if it is a shared one.
    ///
    /// # Errors
    /// It is of another store.
    pub fn shared(&self, store: &impl AsStore) -> Result<Option<SharedMemory>, WrongStore> {
        Ok(self.body(store::core(store))?.shared())
    }

    pub(crate) fn of(core: &StoreCore, body: &MemoryBody) -> Self {
        Self { store: core.id(), index: body.index() }
    }

    /// What it names, in its own store.
    pub(crate) fn body<'a>(&self, core: &'a StoreCore) -> Result<&'a Rc<MemoryBody>, WrongStore> {
        let own = (core.id() == self.store).then(|| core.memories.get(self.index));
        own.flatten().ok_or(WrongStore::Other)
    }

    /// Returns its type, with the limits as declared.
    ///
    /// # Errors
    /// It is of another store.
    pub fn ty(&self, store: &impl AsStore) -> Result<MemoryType, WrongStore> {
        Ok(self.body(store::core(store))?.ty())
    }

    /// Returns its size in pages.
    ///
    /// # Errors
    /// It is of another store.
    pub fn size(&self, store: &impl AsStore) -> Result<u64, WrongStore> {
        let body = self.body(store::core(store))?;
        Ok(body.size() >> body.ty().page_log2)
    }

    /// Returns its size in bytes.
    ///
    /// # Errors
    /// It is of another store.
    pub fn data_size(&self, store: &impl AsStore) -> Result<u64, WrongStore> {
        Ok(self.body(store::core(store))?.size())
    }

    /// Adds pages, and returns how many there were.
    ///
    /// # Errors
    /// [`MemoryError::Grow`], and nothing has changed; or it is of another store.
    pub fn grow(&self, store: &mut impl AsStore, pages: u64) -> Result<u64, MemoryError> {
        let body = self.body(store::core(store))?;
        body.grow(pages, |_| true).map_err(|_| MemoryError::Grow { pages })
    }

    /// Copies out of the memory.
    ///
    /// # Errors
    /// The range is not inside the memory, or cannot be read; or it is of another store.
    pub fn read(
        &self,
        store: &impl AsStore,
        address: impl Address,
        into: &mut [u8],
    ) -> Result<(), MemoryError> {
        self.body(store::core(store))?.read(address.bytes(), into)
    }

    /// Copies into the memory.
    ///
    /// # Errors
    /// The range is not inside the memory, or cannot be written; or it is of another store.
    pub fn write(
        &self,
        store: &mut impl AsStore,
        address: impl Address,
        bytes: &[u8],
    ) -> Result<(), MemoryError> {
        self.body(store::core(store))?.write(address.bytes(), bytes)
    }

    /// Borrows its bytes from the store.
    ///
    /// # Errors
    /// It is of another store.
    pub fn data<'a>(&self, store: &'a impl AsStore) -> Result<MemoryData<'a>, WrongStore> {
        self.body(store::core(store)).map(|body| MemoryData::new(body))
    }

    /// Borrows its bytes together with the embedder's data.
    ///
    /// # Errors
    /// It is of another store.
    pub fn data_and_store_mut<'a, S: AsStore>(
        &self,
        store: &'a mut S,
    ) -> Result<(MemoryData<'a>, &'a mut S::Data), WrongStore> {
        let (core, data) = store.store_mut().parts();
        Ok((MemoryData::new(self.body(core)?), data))
    }
}

/// Handle of a table in a store.
///
/// ```
/// use wasmaot_runtime::{Limits, Store, Table, TableType, Val, ValType};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(());
/// let ty = TableType::new(ValType::EXTERNREF, Limits { min: 2, max: None });
/// let table = Table::new(&mut store, ty, Val::ExternRef(None))?;
/// table.set(&mut store, 1, Val::ExternRef(Some(7)))?;
/// assert_eq!(table.get(&store, 1)?, Val::ExternRef(Some(7)));
/// assert_eq!((table.grow(&mut store, 3, Val::ExternRef(None))?, table.size(&store)?), (2, 5));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    store: StoreId,
    index: usize,
}

impl Table {
    /// Makes a table whose elements are all `init`.
    ///
    /// # Errors
    /// `init` is no reference of its element type and of this store, the table is too large, or the kernel
    /// has no addresses for it.
    pub fn new(store: &mut impl AsStore, ty: TableType, init: Val) -> Result<Self, CreateError> {
        if !ty.element.is_ref() {
            return Err(ValueError::Type { expected: ValType::FUNCREF, found: ty.element }.into());
        }
        let mut core = store::changes(store);
        let init = core.element(ty.element, init.to_raw(&core, ty.element)?);
        let body = TableBody::standalone(core.tables.len(), ty, u64::MAX)?;
        for element in body.range(0, body.size()).unwrap_or_default() {
            element.set(init);
        }
        let table = Self::of(&core, &body);
        core.add_table(body);
        Ok(table)
    }

    pub(crate) fn of(core: &StoreCore, body: &TableBody) -> Self {
        Self { store: core.id(), index: body.index() }
    }

    /// What it names, in its own store.
    pub(crate) fn body<'a>(&self, core: &'a StoreCore) -> Result<&'a Rc<TableBody>, WrongStore> {
        let own = (core.id() == self.store).then(|| core.tables.get(self.index));
        own.flatten().ok_or(WrongStore::Other)
    }

    /// Returns its type, with the limits as declared.
    ///
    /// # Errors
    /// It is of another store.
    pub fn ty(&self, store: &impl AsStore) -> Result<TableType, WrongStore> {
        Ok(self.body(store::core(store))?.ty())
    }

    /// Returns how many elements it has.
    ///
    /// # Errors
    /// It is of another store.
    pub fn size(&self, store: &impl AsStore) -> Result<u64, WrongStore> {
        Ok(self.body(store::core(store))?.size())
    }

    /// Adds elements of this value, and returns how many there were.
    ///
    /// # Errors
    /// [`TableError::Grow`], and nothing has changed; the value is not of its element type; or one of both is
    /// of another store.
    pub fn grow(&self, store: &mut impl AsStore, elements: u64, init: Val) -> Result<u64, TableError> {
        let core = store::core(store);
        let body = self.body(core)?;
        let ty = body.ty().element;
        let init = core.element(ty, init.to_raw(core, ty)?);
        let grown = body.grow(elements, |added| {
            added.iter().for_each(|element| element.set(init));
            true
        });
        grown.map_err(|_| TableError::Grow { elements })
    }

    /// Returns an element of the table.
    ///
    /// # Errors
    /// There is no such element, or the table is of another store.
    pub fn get(&self, store: &impl AsStore, index: u64) -> Result<Val, TableError> {
        let core = store::core(store);
        let body = self.body(core)?;
        let length = body.size();
        let element = body.element(index).ok_or(TableError::OutOfBounds { index, length })?;
        Ok(Val::from_raw(RawValue::new(element.get().bits()), core, body.ty().element))
    }

    /// Sets an element of the table.
    ///
    /// # Errors
    /// There is no such element, the value is not of its type, or one of both is of another store.
    pub fn set(&self, store: &mut impl AsStore, index: u64, value: Val) -> Result<(), TableError> {
        let core = store::core(store);
        let body = self.body(core)?;
        let (length, ty) = (body.size(), body.ty().element);
        let value = core.element(ty, value.to_raw(core, ty)?);
        body.element(index).ok_or(TableError::OutOfBounds { index, length })?.set(value);
        Ok(())
    }
}

/// Handle of a global in a store.
///
/// ```
/// use wasmaot_runtime::{Global, GlobalType, Store, Val, ValType};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(());
/// let global = Global::new(&mut store, GlobalType { value: ValType::I64, mutable: true }, Val::I64(1))?;
/// global.set(&mut store, Val::I64(2))?;
/// assert_eq!(global.get(&store)?, Val::I64(2));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Global(GlobalRef);

impl Global {
    /// Creates a global in the store.
    ///
    /// # Errors
    /// The value is not of its type, or of another store.
    pub fn new(store: &mut impl AsStore, ty: GlobalType, init: Val) -> Result<Self, CreateError> {
        let mut core = store::changes(store);
        let value = init.to_raw(&core, ty.value)?;
        Ok(Self(core.add_global(ty, value)))
    }

    pub(crate) fn of(global: GlobalRef) -> Self {
        Self(global)
    }

    /// Returns its type, which is known in any store.
    pub fn ty(&self) -> GlobalType {
        self.0.ty()
    }

    /// Returns the value of the global.
    ///
    /// # Errors
    /// It is of another store.
    pub fn get(&self, store: &impl AsStore) -> Result<Val, WrongStore> {
        let core = store::core(store);
        let value = self.0.value(core).ok_or(WrongStore::Other)?;
        Ok(Val::from_raw(value, core, self.ty().value))
    }

    /// Sets the value of the global.
    ///
    /// # Errors
    /// It is immutable, the value is not of its type, or one of both is of another store.
    pub fn set(&self, store: &mut impl AsStore, value: Val) -> Result<(), GlobalError> {
        let (core, ty) = (store::core(store), self.ty());
        self.0.value(core).ok_or(WrongStore::Other)?;
        if !ty.mutable {
            return Err(GlobalError::Immutable(ty.value));
        }
        self.0.set(core, value.to_raw(core, ty.value)?);
        Ok(())
    }
}
