//! The whole state of an instance, as a snapshot of it needs: also what it does not export.
//!
//! **Invariant: what is read belongs together**: the store is borrowed as long as the view exists, and none
//! of its guests is running or suspended.

use crate::api::func::Func;
use crate::api::instance::Instance;
use crate::api::memory_data::MemoryData;
use crate::api::store::{self, AsStore};
use crate::api::val::Val;
use crate::code::module::Module;
use crate::code::raw_value::RawValue;
use crate::run::store::StoreCore;
use crate::state::error::WrongStore;
use crate::state::instance::InstanceCore;

/// Why the state of an instance cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The instance is of another store.
    #[error("the instance: {0}")]
    WrongStore(#[from] WrongStore),
    /// A guest of the store is running: this is inside a host function.
    #[error("a guest of the store is running")]
    Running,
    /// A call in the store is suspended.
    #[error("a call in the store is suspended")]
    Suspended,
}

/// The state of an instance between two calls: its memories, globals, tables and dropped segments, exported
/// or not. Made by [`Instance::state`].
///
/// ```
/// # use wasmaot_runtime::{Linker, Module, Store, Val};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let wasm = wat::parse_str("(module (global (mut i32) (i32.const 7)))")?;
/// # let artifact = wasmaot_compiler::compile(&wasm, &Default::default(), &|_| ())?.bytes;
/// # // SAFETY: the compiler has written it.
/// # let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let mut store = Store::new(());
/// let instance = Linker::new().instantiate(&mut store, &module)?;
/// assert_eq!(instance.state(&store)?.global(0), Some(Val::I32(7)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct InstanceState<'a> {
    core: &'a StoreCore,
    instance: &'a InstanceCore,
}

impl Instance {
    /// Returns a view of the instance's state.
    ///
    /// # Errors
    /// A guest of the store is running or suspended, or the instance is of another store.
    pub fn state<'a>(&self, store: &'a impl AsStore) -> Result<InstanceState<'a>, StateError> {
        let core = store::core(store);
        let instance = self.core(core)?;
        if !core.current.is_null() {
            return Err(StateError::Running);
        }
        if core.suspension.is_some() {
            return Err(StateError::Suspended);
        }
        Ok(InstanceState { core, instance })
    }
}

impl<'a> InstanceState<'a> {
    /// Returns the module that it is an instance of.
    pub fn module(&self) -> &'a Module {
        self.instance.module()
    }

    /// Returns a memory by its index in the module, imported ones first.
    pub fn memory(&self, index: u32) -> Option<MemoryData<'a>> {
        let count = self.instance.module().layout().counts().memories;
        (index < count).then(|| MemoryData::new(self.instance.memory(index)))
    }

    /// Returns the value of a global by its index in the module, imported ones first.
    pub fn global(&self, index: u32) -> Option<Val> {
        let global = self.core.global(self.instance, index)?;
        Some(Val::from_raw(global.value(self.core)?, self.core, global.ty().value))
    }

    /// Returns the elements of a table by its index in the module, imported ones first. Of a table that the
    /// module cannot change, an instance holds nothing, so there is `None`, as for an index that is out of
    /// range.
    pub fn table(&self, index: u32) -> Option<impl Iterator<Item = Val> + use<'a>> {
        let (core, body) = (self.core, self.instance.tables().get(index as usize)?.as_ref()?);
        let ty = body.ty().element;
        let elements = body.range(0, body.size())?.iter();
        Some(elements.map(move |element| Val::from_raw(RawValue::new(element.get().bits()), core, ty)))
    }

    /// Returns the index in the module of a function, or `None` if it is a function of another instance.
    pub fn function_index(&self, func: Func) -> Option<u32> {
        let record = func.record(self.core).ok()?;
        let entry = self.instance.entry_at(record.address())?;
        Some(self.instance.module().descriptor().entries.get(entry)?.func)
    }

    /// Returns whether a data segment is dropped. Active segments are, once they have been written.
    pub fn is_data_dropped(&self, segment: u32) -> bool {
        self.instance.is_data_dropped(segment)
    }

    /// Returns whether an element segment is dropped. Active and declared segments are.
    pub fn is_elem_dropped(&self, segment: u32) -> bool {
        self.instance.is_elem_dropped(segment)
    }
}
