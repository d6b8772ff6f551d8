//! An instance that stays in its slot from one start to the next, and everything needed to reset it.
//!
//! **Invariant: after [`Kept::reset`] the instance is as it was when it was made**: memories, tables,
//! globals, lengths and dropped segments. The native stack is left as it is, since no guest reads what it has
//! not written.

use super::owner::{Owner, Tenant};
use super::reserved::Reserved;
use super::reset::{Failed, ResetMemory, drop_growth};
use super::tables::ResetTables;
use super::tenants::{HotSets, Shared};
use super::{LinkedCore, PoolInner, ResetWay, StartError};
use crate::api::error::InstantiateError;
use crate::api::trap::Trap;
use crate::code::module::Module;
use crate::os::map::Mapping;
use crate::os::pagemap::Pagemap;
use crate::run::meter::Meter;
use crate::run::store::StoreCore;
use crate::space::registry::Published;
use crate::space::tracker::Tracker;
use crate::state::demand::addresses;
use crate::state::instance::{InstanceCore, SavedState};
use crate::state::limits::ResourceLimits;
use crate::state::memory::MemoryBody;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use wasmaot_abi::slot::{HOST_PAGE, STRIDE};

/// See the module's description.
pub(crate) struct Kept {
    // Declared first, so dropped first: the handlers of signals forget the slot before the instance goes.
    _published: Published,
    /// The instance's store while it waits; with the embedder's data while it runs.
    pub(crate) core: Option<Box<StoreCore>>,
    pub(crate) instance: Rc<InstanceCore>,
    pub(crate) linked: Arc<LinkedCore>,
    /// Whom it is kept for.
    pub(crate) owner: Owner,
    shared: Arc<Shared>,
    memory: Option<ResetMemory>,
    /// Memories that it defines outside of the slot, with their initial bytes in whole pages.
    memories: Vec<(Rc<MemoryBody>, usize)>,
    /// Memories of the store in all: those, the first one, and imported ones.
    memory_count: usize,
    /// Tables that can change.
    tables: ResetTables,
    /// The initial writable part of the state.
    state: SavedState,
    /// This run's limits are not the pool's.
    has_own_limits: Cell<bool>,
    pub(crate) slot: u32,
    _addresses: Addresses,
}

/// Why a slot is emptied instead of reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emptied {
    /// Its reset failed.
    Failed,
    /// The instance defines a shared memory that others still use: the next one needs another.
    Shared,
}

impl<E: Into<Failed>> From<E> for Emptied {
    fn from(error: E) -> Self {
        let Failed = error.into();
        Emptied::Failed
    }
}

impl Kept {
    /// Makes an instance in a slot of the pool, whose mapping is inaccessible and empty.
    pub(crate) fn make(
        pool: &PoolInner,
        slot: u32,
        mapping: Mapping,
        linked: &Arc<LinkedCore>,
        tenant: Option<Tenant>,
    ) -> Result<Box<Self>, StartError> {
        let map_error = |error| InstantiateError::Map { what: "a slot of the pool", error };
        let (owner, shared) = (linked.owner(tenant), linked.hot_sets.get(pool.hot_sets, tenant));
        let addresses = Addresses::reserve(pool, &linked.module)?;
        let made = StoreCore::with_instance(mapping, pool.stack, &linked.imports, pool.limits, pool.policy);
        let (mut core, instance) = made.map_err(InstantiateError::from)?;
        core.host_signals = pool.host_signals;
        let opened = instance.slot();
        let tracker = Arc::new(Tracker::new(opened.memory_pages(), opened.stack().low));
        instance.write_elems().map_err(|code| InstantiateError::Run(Trap::new(code).into()))?;
        let tables = ResetTables::new(&instance);
        let (first, rest): (Vec<_>, Vec<_>) =
            instance.defined_memories().iter().cloned().partition(|body| body.is_in_slot());
        let first = first.into_iter().next().map(|body| {
            ResetMemory::new(body, tracker.clone(), linked.image.clone(), &shared, pool).map_err(map_error)
        });
        let rest = rest.into_iter().map(|body| {
            let bytes = body.size().next_multiple_of(HOST_PAGE) as usize;
            (body, bytes)
        });
        let state = instance.save_state();
        let (memory, memories) = (first.transpose()?, rest.collect());
        let published = pool.slots.publish(slot as usize, tracker);
        let linked = linked.clone();
        let memory_count = core.memories.len();
        let core = Some(core);
        Ok(Box::new(Self {
            core,
            instance,
            linked,
            owner,
            shared,
            memory,
            memories,
            memory_count,
            tables,
            state,
            has_own_limits: Cell::new(false),
            slot,
            _addresses: addresses,
            _published: published,
        }))
    }

    /// Gives this run limits of its own, until the next reset.
    pub(crate) fn set_limits(&self, limits: &ResourceLimits) -> Result<(), InstantiateError> {
        self.has_own_limits.set(true);
        Ok(self.instance.set_limits(limits)?)
    }

    /// Keeps the instance, which has been reset, for another tenant from now on: nothing of the memory
    /// or the stack that it used is present any more, and pages are hot that are hot for that
    /// tenant.
    pub(crate) fn hand_over(&mut self, tenant: Option<Tenant>, sets: HotSets) -> Result<(), Failed> {
        let owner = self.linked.owner(tenant);
        if owner == self.owner {
            return Ok(());
        }
        let shared = self.linked.hot_sets.get(sets, tenant);
        self.instance.slot().discard_stack()?;
        if let Some(memory) = &mut self.memory {
            memory.forget(&shared)?;
        }
        (self.owner, self.shared) = (owner, shared);
        Ok(())
    }

    /// Resets the instance. `core` is its store.
    pub(crate) fn reset(
        &mut self,
        core: &mut StoreCore,
        pagemap: Option<&Pagemap>,
    ) -> Result<ResetWay, Emptied> {
        core.renew();
        core.watch.reset();
        core.suspension = None;
        if self.has_own_limits.take() {
            self.instance.set_limits(&core.limits).map_err(|_| Failed)?;
        }
        core.meter = Meter::new(core.limits.fuel);
        core.host_calls = 0;
        core.nesting = core.limits.nesting;
        core.exceptions.set_limit(core.limits.exceptions);
        // What the host made in the store meanwhile.
        core.memories.truncate(self.memory_count);
        core.tables.truncate(self.tables.len());
        let way = match &mut self.memory {
            Some(memory) => memory.reset(&self.shared, pagemap)?,
            None => ResetWay::Copy,
        };
        for (body, bytes) in &self.memories {
            if body.is_held_elsewhere() {
                return Err(Emptied::Shared);
            }
            drop_growth(body, *bytes)?;
            body.pages().discard(0, *bytes)?;
            // The length of one that is not shared is part of the state.
            body.restore_size();
        }
        self.tables.reset(&self.instance)?;
        self.state.restore();
        Ok(way)
    }
}

/// The addresses that an instance reserves outside of its slot, as its pool counts them.
struct Addresses {
    bytes: u64,
    reserved: Arc<Reserved>,
}

impl Addresses {
    /// Counts those of an instance that is about to be made.
    fn reserve(pool: &PoolInner, module: &Module) -> Result<Self, InstantiateError> {
        let bytes = addresses(module.descriptor(), &pool.limits) - STRIDE;
        pool.reserved.add(bytes)?;
        Ok(Self { bytes, reserved: pool.reserved.clone() })
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        self.reserved.remove(self.bytes);
    }
}
