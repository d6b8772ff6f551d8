//! Making instances in a store.
//!
//! **Invariant: the store keeps an instance, and what it defines, before any of its state refers to
//! them**, whatever fails later: what they share with others may soon be in use.

use crate::code::module::Module;
use crate::code::policy::{ModulePolicy, PolicyError};
use crate::os::map::Mapping;
use crate::run::asm::stubs;
use crate::run::imports::{Imports, Lists, Unowned};
use crate::run::meter::MeterError;
use crate::run::store::{StoreCore, StoreInner};
use crate::space::slot::Slot;
use crate::state::error::ResourceError;
use crate::state::instance::{ImportedMemory, InstanceCore, Parts};
use crate::state::limits::ResourceLimits;
use crate::state::memory::MemoryBody;
use std::io;
use std::rc::Rc;
use wasmaot_abi::slot::DEFAULT_STACK;

/// Why an instance cannot be made.
#[derive(Debug)]
pub(crate) enum MakeError {
    /// A part of it cannot be.
    Resource(ResourceError),
    /// Its code counts and that of the store's others does not, or the other way round.
    Meter(MeterError),
    /// The store's policy does not allow the module.
    Policy(PolicyError),
}

fn map_error(error: io::Error) -> ResourceError {
    ResourceError::Map { what: "an instance's state", error }
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

impl From<PolicyError> for MakeError {
    fn from(error: PolicyError) -> Self {
        MakeError::Policy(error)
    }
}

impl<T: 'static> StoreInner<T> {
    /// Makes an instance in a slot of its own. Its segments are not written yet.
    ///
    /// # Panics
    /// The imports are not complete, or belong to another store.
    pub(crate) fn instantiate(&mut self, imports: Imports<T>) -> Result<Rc<InstanceCore>, MakeError> {
        let core = self.core_mut();
        let (module, lists) = imports.for_store(core).expect("imports are complete, and the store's");
        let needs = InstanceCore::needs(&module, DEFAULT_STACK, core.limits.memory);
        let slot = Slot::new(needs).map_err(map_error)?;
        // SAFETY: the lists are those of imports of this module that belong to this store, and whose host
        // functions work on its data; the slot is new, and has what the module needs.
        unsafe { core.instantiate_in(slot, &module, lists) }
    }
}

impl StoreCore {
    /// Makes a store with an instance in an inaccessible, empty slot, which the caller registers. It gets
    /// these limits and this policy.
    pub(crate) fn with_instance(
        mapping: Mapping,
        stack: u64,
        imports: &Unowned,
        limits: ResourceLimits,
        policy: ModulePolicy,
    ) -> Result<(Box<Self>, Rc<InstanceCore>), MakeError> {
        let mut core = Box::<Self>::default();
        (core.limits, core.nesting) = (limits, limits.nesting);
        core.policy = policy;
        core.exceptions.set_limit(limits.exceptions);
        let module = imports.module();
        let needs = InstanceCore::needs(module, stack, limits.memory);
        let slot = Slot::open(mapping, needs).map_err(map_error)?;
        // SAFETY: the lists are those of imports of this module that belong to no store; the slot has what
        // the module needs, and nothing else has its addresses, as it has the mapping.
        let instance = unsafe { core.instantiate_in(slot, module, imports.lists())? };
        Ok((core, instance))
    }

    /// Makes an instance in this slot.
    ///
    /// # Safety
    /// The lists have the types that the module asks for, and belong to the store, or to none; host functions
    /// among them work on the data that the store has whenever its guests run. The slot was opened with what
    /// the module
    /// [needs](InstanceCore::needs) and not used since.
    unsafe fn instantiate_in(
        &mut self,
        slot: Slot,
        module: &Module,
        lists: Lists,
    ) -> Result<Rc<InstanceCore>, MakeError> {
        self.check_metering(module)?;
        self.policy.check(module, self.instances().iter().map(|other| other.module()))?;
        self.counts = module.is_metered();
        let Lists { functions, tables, memories, globals, tags, hosts, total_elements } = lists;
        let memories: Vec<_> = memories.into_iter().map(|memory| self.body(memory)).collect();
        let next = (self.memories.len(), self.tables.len());
        let (index, limits) = (self.instances().count(), self.limits);
        let parts = Parts { memories, tables, tags, hosts, index, next, limits, total_elements };
        // SAFETY: the imports are of the types that the module asks for and the slot is unused, as the caller
        // states. The store keeps what is imported, and keeps the instance from here on, whatever fails.
        let instance = unsafe { InstanceCore::new(module, slot, parts)? };
        self.memories.extend(instance.defined_memories().iter().cloned());
        self.tables.extend(instance.defined_tables().cloned());
        self.add_instance(instance.clone());
        // SAFETY: the functions and the cells of globals are of the types that the module asks for, as the
        // caller states, and the store keeps them.
        unsafe { instance.set_up(stubs::builtins(self.counts), &functions, &globals)? };
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
