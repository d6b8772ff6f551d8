//! The embedder's handle to an instance.
//!
//! **Invariant: an instance is looked for in its own store only.**

use crate::api::address::Address;
use crate::api::error::CallError;
use crate::api::exception::Tag;
use crate::api::externs::{Extern, Global, Memory, Table};
use crate::api::func::{Func, TypedFunc};
use crate::api::store::{self, AsStore};
use crate::api::val::{Val, WasmValues};
use crate::code::module::Module;
use crate::run::store::StoreCore;
use crate::run::store_id::StoreId;
use crate::state::error::MemoryError;
use crate::state::instance::InstanceCore;
use crate::state::memory::MemoryBody;
use std::rc::Rc;
use wasmaot_abi::descriptor::ExportKind;

/// An instance of a module: a handle into its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    store: StoreId,
    index: usize,
}

impl Instance {
    pub(crate) fn new(store: StoreId, index: usize) -> Self {
        Self { store, index }
    }

    /// What it names, in its own store.
    pub(crate) fn core<'a>(&self, core: &'a StoreCore) -> Option<&'a Rc<InstanceCore>> {
        if core.id() == self.store { core.instances().get(self.index) } else { None }
    }

    /// The module that it is an instance of; `None` in another store.
    pub fn module<'a>(&self, store: &'a impl AsStore) -> Option<&'a Module> {
        self.core(store::core(store)).map(|instance| instance.module())
    }

    /// An export; `None` if there is none of this name, or in another store.
    pub fn get_export(&self, store: &impl AsStore, name: &str) -> Option<Extern> {
        let core = store::core(store);
        let instance = self.core(core)?;
        extern_of(core, instance, instance.module().export(name)?)
    }

    /// All exports, in the order of the module.
    pub fn exports<'a>(&self, store: &'a impl AsStore) -> impl Iterator<Item = (&'a str, Extern)> {
        let core = store::core(store);
        self.core(core).into_iter().flat_map(move |instance| {
            let exports = instance.module().exports().iter();
            exports.filter_map(move |export| Some((&*export.name, extern_of(core, instance, export.kind)?)))
        })
    }

    fn memory<'a>(&self, store: &'a impl AsStore) -> Option<&'a MemoryBody> {
        self.core(store::core(store))?.default_memory()
    }

    /// Bytes of the memory that the instance exports as "memory", or else its first one; 0 if there is none.
    pub fn memory_size(&self, store: &impl AsStore) -> u64 {
        self.memory(store).map_or(0, |memory| memory.size())
    }

    /// Copies out of the memory that the instance exports as "memory", or else its first one.
    pub fn read(
        &self,
        store: &impl AsStore,
        address: impl Address,
        into: &mut [u8],
    ) -> Result<(), MemoryError> {
        let (address, length) = (address.bytes(), into.len() as u64);
        let memory = self.memory(store).ok_or(MemoryError::OutOfBounds { address, length, size: 0 })?;
        memory.read(address, into)
    }

    /// Copies into the memory that the instance exports as "memory", or else its first one.
    pub fn write(
        &self,
        store: &mut impl AsStore,
        address: impl Address,
        bytes: &[u8],
    ) -> Result<(), MemoryError> {
        let (address, length) = (address.bytes(), bytes.len() as u64);
        let memory = self.memory(store).ok_or(MemoryError::OutOfBounds { address, length, size: 0 })?;
        memory.write(address, bytes)
    }

    fn func(&self, store: &impl AsStore, name: &str) -> Result<Func, CallError> {
        if store::core(store).id() != self.store {
            return Err(CallError::WrongStore);
        }
        match self.get_export(store, name) {
            Some(Extern::Func(func)) => Ok(func),
            Some(_) => Err(CallError::NotAFunction { name: name.to_string() }),
            None => Err(CallError::NoExport { name: name.to_string() }),
        }
    }

    /// Calls an exported function.
    pub fn call(&self, store: &mut impl AsStore, name: &str, args: &[Val]) -> Result<Vec<Val>, CallError> {
        self.func(store, name)?.call(store, args)
    }

    /// An exported function with parameters and results of these Rust types.
    pub fn get_typed_func<P: WasmValues, R: WasmValues>(
        &self,
        store: &impl AsStore,
        name: &str,
    ) -> Result<TypedFunc<P, R>, CallError> {
        self.func(store, name)?.typed(store)
    }
}

fn extern_of(core: &StoreCore, instance: &InstanceCore, kind: ExportKind) -> Option<Extern> {
    Some(match kind {
        ExportKind::Func { index } => {
            let entries = &instance.module().descriptor().entries;
            let position = entries.binary_search_by_key(&index, |entry| entry.func).ok()?;
            Extern::Func(Func::of(core.func(instance, position)?))
        }
        ExportKind::Table { index } => Extern::Table(Table::of(core, instance.table(index)?)),
        ExportKind::Memory { index } => Extern::Memory(Memory::of(core, instance.memory(index))),
        ExportKind::Tag { index } => Extern::Tag(Tag::of(core.tag(instance, index)?)),
        ExportKind::Global { index } => Extern::Global(Global::of(core.global(instance, index)?)),
    })
}
