//! Making instances in a store.
//!
//! **Invariant: the store keeps an instance, and what it defines, before any of its state refers to
//! them**, whatever fails later: what they share with others may soon be in use.

use crate::code::module::Module;
use crate::run::asm::stubs;
use crate::run::meter::MeterError;
use crate::run::store::StoreCore;
use crate::space::slot::Slot;
use crate::state::error::ResourceError;
use crate::state::instance::{ImportedMemory, Imports, InstanceCore, Parts};
use crate::state::memory::MemoryBody;
use std::rc::Rc;
use wasmaot_abi::slot::DEFAULT_STACK;

/// Why an instance cannot be made.
#[derive(Debug)]
pub(crate) enum MakeError {
    /// A part of it cannot be.
    Resource(ResourceError),
    /// Its code counts and that of the store's others does not, or the other way round.
    Meter(MeterError),
}

impl From<ResourceError> for MakeError {
    fn from(error: ResourceError) -> Self {
        MakeError::Resource(error)
    }
}

impl From<MeterError> for MakeError {
    fn from(error: MeterError) -> Self {
        MakeError::Meter(error)
    }
}

impl StoreCore {
    /// Makes an instance in a slot of its own. Its segments are not written yet.
    ///
    /// # Safety
    /// The imports belong to the store and have the types that the module asks for.
    pub(crate) unsafe fn instantiate(
        &mut self,
        module: &Module,
        imports: Imports,
    ) -> Result<Rc<InstanceCore>, MakeError> {
        let needs = InstanceCore::needs(module, DEFAULT_STACK, self.limits.memory);
        let map_error = |error| ResourceError::Map { what: "an instance's state", error };
        let slot = Slot::new(needs).map_err(map_error)?;
        // SAFETY: the imports are as they have to be, and the slot is new.
        unsafe { self.instantiate_in(slot, module, imports) }
    }

    /// Makes an instance in this slot.
    ///
    /// # Safety
    /// The imports belong to the store and have the types that the module asks for; the slot was
    /// opened with what the module [needs](InstanceCore::needs) and not used since.
    pub(crate) unsafe fn instantiate_in(
        &mut self,
        slot: Slot,
        module: &Module,
        imports: Imports,
    ) -> Result<Rc<InstanceCore>, MakeError> {
        self.check_metering(module)?;
        self.counts = module.is_metered();
        let Imports { functions, tables, memories, globals, tags, hosts, total_elements } = imports;
        let memories: Vec<_> = memories.into_iter().map(|memory| self.body(memory)).collect();
        let next = (self.memories.len(), self.tables.len());
        let (index, limits) = (self.instances.count(), self.limits);
        let parts = Parts { memories, tables, tags, hosts, index, next, limits, total_elements };
        // SAFETY: the store keeps what it imports, and the instance itself; the slot is new.
        let instance = unsafe { InstanceCore::new(module, slot, parts)? };
        self.memories.extend(instance.defined_memories().iter().cloned());
        self.tables.extend(instance.defined_tables().cloned());
        self.instances.push(instance.clone());
        instance.set_up(stubs::builtins(self.counts), &functions, &globals)?;
        Ok(instance)
    }

    /// Adds an imported memory to the store, if need be.
    fn body(&mut self, memory: ImportedMemory) -> Rc<MemoryBody> {
        match memory {
            ImportedMemory::Own(body) => body,
            ImportedMemory::Shared(shared) => self.add_shared(shared),
        }
    }
}
