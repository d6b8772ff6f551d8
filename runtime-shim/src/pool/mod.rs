//! Pools: reusable slots that give each request its own instance.
//!
//! ```text
//!  Linker::instantiate_pre ──▶ InstancePre ──┐
//!                            ├─ Pool::start ─▶ PooledInstance ─ calls ─▶ finish: reset ─▶ free list of its module
//!  Pool::new ─────▶ Pool  ───┘        ▲                                                        │
//!                                     └──────────────────── the slot keeps its instance ◀──────┘
//! ```
//!
//! A slot keeps the instance that it last ran. When that has been reset (see [`reset`]), starting it again is
//! taking it off a list. **Invariants.** A slot is owned by its list's next taker, or by one
//! [`PooledInstance`]. Between `start` and `finish` nothing is locked or allocated, and no system call is
//! made, unless the slot is new to the module, or the run wrote pages that the module does not usually write,
//! or grew its memory.

mod config;
mod free;
mod hot;
mod image;
mod instance;
mod kept;
mod linked;
mod owner;
mod reserved;
mod reset;
mod tables;
mod tenants;

#[cfg(test)]
mod refused;
#[cfg(test)]
mod stress;
#[cfg(test)]
pub(crate) mod tests;

pub use config::{PoolConfig, PoolError, ResetWay};
pub use instance::{PooledInstance, Usage};
pub use linked::InstancePre;
pub use owner::Tenant;
pub use tenants::HotSets;

use crate::api::error::{CallError, InstantiateError};
use crate::api::func;
use crate::api::store::sealed::Access;
use crate::api::trap::Trap;
use crate::code::policy::ModulePolicy;
use crate::os::map::Mapping;
use crate::os::pagemap::Pagemap;
use crate::os::trace::event;
use crate::run::signal;
use crate::run::store::{StoreCore, StoreInner};
use crate::space::registry::{Kind, PoolSlots, Region, Registration};
use crate::space::reserve;
use crate::state::error::WrongStore;
use crate::state::host_signals::HostSignals;
use crate::state::limits::ResourceLimits;
use free::FreeSlots;
use kept::{Emptied, Kept};
use linked::LinkedCore;
use reserved::Reserved;
use std::cell::UnsafeCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use wasmaot_abi::slot::{STACK_WINDOW, STRIDE};

/// Gauges and event counters of a pool at one moment: a snapshot by [`Pool::stats`].
///
/// Each number is exact where no other thread uses the pool meanwhile. Otherwise slots that change hands
/// while the snapshot is taken are counted as they were before or as they are after it.
///
/// ```
/// use wasmaot_runtime::{Pool, PoolConfig};
///
/// # fn main() -> Result<(), wasmaot_runtime::PoolError> {
/// let pool = Pool::new(PoolConfig { slots: 3, ..PoolConfig::default() })?;
/// let stats = pool.stats();
/// assert_eq!((stats.slots, stats.in_use, stats.free, stats.made), (3, 0, 3, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Total number of slots.
    pub slots: u64,
    /// Slots whose instance is in use now.
    pub in_use: u64,
    /// Slots available to the next start.
    pub free: u64,
    /// Instances that were started.
    pub started: u64,
    /// Starts that failed because all slots were in use.
    pub exhausted: u64,
    /// Instances that were made in a slot that held none of their module.
    pub made: u64,
    /// Number of resets by [`ResetWay::Copy`].
    pub copied: u64,
    /// Number of resets by [`ResetWay::Scan`].
    pub scanned: u64,
    /// Number of resets by [`ResetWay::Drop`].
    pub dropped: u64,
    /// Resets that failed, so that the slot was emptied.
    pub failed: u64,
    /// Slots that were emptied because the instance defines a shared memory which others still used
    /// when it was finished.
    pub removed: u64,
    /// Slots whose instance was handed over from one tenant to another, all pages dropped.
    pub moved: u64,
}

/// An instance that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// All slots are in use.
    #[error("all {slots} slots of the pool are in use")]
    Exhausted {
        /// Slots of the pool.
        slots: u32,
    },
    /// The instance cannot be made, or its start function failed.
    #[error(transparent)]
    Instantiate(#[from] InstantiateError),
}

impl From<CallError> for StartError {
    fn from(error: CallError) -> Self {
        StartError::Instantiate(InstantiateError::Run(error))
    }
}

/// A pool of slots for instances. Cloning it gives another handle to the same slots.
///
/// ```
/// use wasmaot_runtime::{Linker, Module, Pool, PoolConfig, StartError};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (memory (export "memory") 1))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let pre = Linker::new().instantiate_pre(&module)?;
/// let pool = Pool::new(PoolConfig { slots: 1, memory: 1 << 20, ..PoolConfig::default() })?;
/// let mut instance = pool.start(&pre, "data of the host's")?;
/// instance.write(0, b"a request's")?;
/// assert!(matches!(pool.start(&pre, ""), Err(StartError::Exhausted { slots: 1 })));
/// assert_eq!(instance.finish().memory, 65_536);
///
/// // The next instance has the same slot, and sees nothing of that.
/// let mut bytes = [1; 11];
/// pool.start(&pre, "")?.read(0, &mut bytes)?;
/// assert_eq!(bytes, [0; 11]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Pool {
    handle: Arc<Handle>,
    /// Whose requests are started by this handle.
    tenant: Option<Tenant>,
}

/// What all clones of a [`Pool`] share: when it goes, so do the instances that wait in free slots.
struct Handle {
    inner: Arc<PoolInner>,
}

/// A slot's place in the pool.
#[repr(align(128))]
struct Cell {
    /// Owned by the owner of the slot.
    content: UnsafeCell<Content>,
    /// Threads that are putting the slot back: they use the pool although they no longer keep it alive.
    returning: AtomicU32,
    started: AtomicU64,
    made: AtomicU64,
    copied: AtomicU64,
    scanned: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    removed: AtomicU64,
    moved: AtomicU64,
}

#[derive(Default)]
struct Content {
    kept: Option<Box<Kept>>,
    /// What the slot's next instance will keep the pool alive by.
    ticket: Option<Arc<PoolInner>>,
    /// An instance was to be made in the slot since it was last emptied.
    used: bool,
    /// That mapped parts of files.
    has_files: bool,
}

/// What lives as long as the pool or any of its instances.
pub(crate) struct PoolInner {
    // Declared first, so dropped first: see `Registration::new`.
    _registration: Registration,
    mapping: Arc<Mapping>,
    pub(crate) slots: Arc<PoolSlots>,
    cells: Box<[Cell]>,
    free: FreeSlots,
    /// Starts that found no free slot.
    exhausted: AtomicU64,
    closed: AtomicBool,
    pagemap: Option<Pagemap>,
    pub(crate) stack: u64,
    pub(crate) limits: ResourceLimits,
    /// Addresses outside of slots.
    pub(crate) reserved: Arc<Reserved>,
    pub(crate) way: ResetWay,
    pub(crate) hot_sets: HotSets,
    pub(crate) host_signals: HostSignals,
    pub(crate) policy: ModulePolicy,
    /// Mappings that the first memory of each slot may take: where slots are many, cold pages cannot be
    /// protected.
    pub(crate) mappings: u64,
}

// SAFETY: an instance is not tied to a thread, and neither is what remembers its parts to reset it: the `Rc`s
// here lead to what the store in `core` keeps, or will keep again, and that goes where this goes.
unsafe impl Send for Kept {}

// SAFETY: a cell's content is only used by the owner of its slot, and goes from one to the next through the
// free lists. What it holds is not tied to a thread, as with `Store`.
unsafe impl Sync for PoolInner {}
// SAFETY: what it holds is not tied to a thread: contents of cells go from owner to owner through the free
// lists, and a kept instance goes where its store goes.
unsafe impl Send for PoolInner {}

impl Pool {
    /// Creates a pool and reserves its slots.
    ///
    /// # Errors
    /// A value of the configuration is out of range, the kernel allows too few mappings or has too few
    /// addresses, or faults of guests cannot be handled.
    pub fn new(config: PoolConfig) -> Result<Self, PoolError> {
        config.check()?;
        signal::install().map_err(PoolError::Handlers)?;
        let slots = config.slots;
        let reserve = |error| PoolError::Reserve { slots, error };
        let mapping =
            Mapping::reserve(slots as usize * STRIDE as usize, STACK_WINDOW as usize).map_err(reserve)?;
        let mapping = Arc::new(mapping);
        let pool_slots = Arc::new(PoolSlots::new(mapping.start(), slots));
        let region = Region { range: mapping.range(), kind: Kind::Pool(pool_slots.clone()) };
        // SAFETY: the mapping is kept beside the registration and dropped after it.
        let registration = unsafe { Registration::new(region) };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let inner = Arc::new(PoolInner {
            _registration: registration,
            mapping,
            slots: pool_slots,
            cells: (0..slots).map(|_| Cell::new()).collect(),
            free: FreeSlots::new(slots, threads.min(64)),
            exhausted: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            pagemap: (config.reset != ResetWay::Drop).then(Pagemap::open).flatten(),
            stack: config.stack,
            limits: ResourceLimits {
                memory: config.memory,
                table: config.table,
                addresses: config.addresses,
                nesting: config.nesting,
                exceptions: config.exceptions,
                ..ResourceLimits::default()
            },
            reserved: Arc::new(Reserved::new(config.total_addresses)),
            way: config.reset,
            hot_sets: config.hot_sets,
            host_signals: config.host_signals,
            policy: config.modules,
            mappings: config.mappings_of_memory(),
        });
        for cell in &inner.cells {
            // SAFETY: the pool was made here and nothing else refers to it.
            unsafe { (*cell.content.get()).ticket = Some(inner.clone()) };
        }
        Ok(Self { handle: Arc::new(Handle { inner }), tenant: None })
    }

    /// Returns a handle to the same slots that starts requests of one tenant, see [`HotSets`]. It
    /// costs the counting of one reference.
    #[must_use]
    pub fn for_tenant(&self, tenant: Tenant) -> Self {
        let is_told_apart = self.handle.inner.hot_sets != HotSets::Shared;
        Self { handle: self.handle.clone(), tenant: is_told_apart.then_some(tenant) }
    }

    /// Makes slots ready for a module and the tenant of this handle, so that this many starts at the same
    /// time are as fast as later ones. Otherwise the first start in a slot makes it, which takes some 50
    /// microseconds, and 2 milliseconds for a module that asks for all that
    /// [`ModuleLimits`](crate::ModuleLimits) allows by default. Slots that are ready already count; no start
    /// function runs. Slots do not stay ready if other modules or tenants find no others.
    ///
    /// # Errors
    /// Fewer slots are free, or the kernel refuses what an instance needs. Those that were made stay ready.
    pub fn prepare<T>(&self, linked: &InstancePre<T>, slots: u32) -> Result<(), StartError> {
        self.handle.inner.prepare(&linked.core, self.tenant, slots)
    }

    /// A fresh instance, its start function run.
    ///
    /// # Errors
    /// All slots are in use, the kernel refuses what the instance needs, or the start function fails.
    ///
    /// # Panics
    /// A host function that the start function calls panics.
    pub fn start<T>(&self, linked: &InstancePre<T>, data: T) -> Result<PooledInstance<T>, StartError> {
        begin(&linked.core, self.handle.inner.take(linked, self.tenant, data)?)
    }

    /// A fresh instance with limits of its own, its start function run. None is beyond the pool's, from which
    /// also follows what addresses it reserves.
    ///
    /// # Errors
    /// As for [`Pool::start`]; or the module needs more than a limit allows, or a limit cannot be enforced.
    ///
    /// # Panics
    /// A host function that the start function calls panics.
    pub fn start_with<T>(
        &self,
        linked: &InstancePre<T>,
        data: T,
        limits: &ResourceLimits,
    ) -> Result<PooledInstance<T>, StartError> {
        let pool = &*self.handle.inner;
        let mut instance = pool.take(linked, self.tenant, data)?;
        let (memory, table) = (limits.memory.min(pool.limits.memory), limits.table.min(pool.limits.table));
        instance.kept().set_limits(&ResourceLimits { memory, table, ..*limits })?;
        if let Some(fuel) = limits.fuel {
            instance.set_fuel(fuel).map_err(InstantiateError::from)?;
        }
        let exceptions = limits.exceptions.min(pool.limits.exceptions);
        instance.set_limits(limits.nesting.min(pool.limits.nesting), exceptions);
        if limits.cpu_time.is_some() {
            instance.set_cpu_time(limits.cpu_time).map_err(CallError::from)?;
        }
        if limits.deadline.is_some() {
            instance.set_deadline(limits.deadline).map_err(CallError::from)?;
        }
        begin(&linked.core, instance)
    }

    /// Returns the gauges and event counters of the pool. It takes no lock, and reads a few words of each
    /// slot.
    pub fn stats(&self) -> PoolStats {
        let pool = &*self.handle.inner;
        let mut stats = PoolStats {
            slots: pool.cells.len() as u64,
            exhausted: pool.exhausted.load(Relaxed),
            ..PoolStats::default()
        };
        pool.cells.iter().for_each(|cell| cell.add_to(&mut stats));
        stats.free = stats.slots - stats.in_use;
        stats
    }
}

/// Carries out what a module asks for at each start.
fn begin<T>(linked: &LinkedCore, mut instance: PooledInstance<T>) -> Result<PooledInstance<T>, StartError> {
    if linked.writes_data {
        let written = instance.kept().instance.write_data();
        written.map_err(|code| CallError::Trap(Trap::new(code)))?;
    }
    if let Some((entry, ty)) = linked.start {
        let record = instance.core().func(&instance.kept().instance, entry);
        func::call_plain(
            instance.store_mut(),
            record.ok_or(CallError::from(WrongStore::Other))?,
            ty,
            &mut [],
        )?;
    }
    Ok(instance)
}

impl Cell {
    fn new() -> Self {
        let count = || AtomicU64::new(0);
        let content = UnsafeCell::new(Content::default());
        let returning = AtomicU32::new(0);
        Self {
            content,
            returning,
            started: count(),
            made: count(),
            copied: count(),
            scanned: count(),
            dropped: count(),
            failed: count(),
            removed: count(),
            moved: count(),
        }
    }

    /// Adds what happened in the slot, and whether it is in use.
    fn add_to(&self, stats: &mut PoolStats) {
        let numbers = [&self.copied, &self.scanned, &self.dropped, &self.failed, &self.removed]
            .map(|n| n.load(Relaxed));
        let [copied, scanned, dropped, failed, removed] = numbers;
        // Read last, so that each reset that was counted is of a start that is.
        let started = self.started.load(Relaxed);
        stats.started += started;
        stats.in_use += u64::from(started > numbers.iter().sum());
        stats.made += self.made.load(Relaxed);
        stats.copied += copied;
        stats.scanned += scanned;
        stats.dropped += dropped;
        stats.failed += failed;
        stats.removed += removed;
        stats.moved += self.moved.load(Relaxed);
    }

    /// Counts a reset.
    fn count(&self, way: Result<ResetWay, Emptied>) {
        add_one(match way {
            Ok(ResetWay::Copy) => &self.copied,
            Ok(ResetWay::Scan) => &self.scanned,
            Ok(ResetWay::Drop) => &self.dropped,
            Err(Emptied::Failed) => &self.failed,
            Err(Emptied::Shared) => &self.removed,
        });
    }
}

/// Counts an event of a slot. Only the slot's owner writes, so no locked instruction is needed.
fn add_one(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

impl PoolInner {
    /// The addresses of a slot.
    ///
    /// # Safety
    /// The caller owns the slot, which is inaccessible and empty, and the pool outlives the result.
    unsafe fn slot_mapping(&self, slot: u32) -> Mapping {
        // SAFETY: the caller owns the slot, so nothing else uses its pages before the instance that it makes
        // there is gone.
        unsafe { Mapping::part(&self.mapping, slot as usize * STRIDE as usize, STRIDE as usize) }
    }

    /// # Safety
    /// The caller owns the slot.
    #[expect(clippy::mut_from_ref, reason = "the owner of a slot is the only one to use its content")]
    unsafe fn content(&self, slot: u32) -> &mut Content {
        // SAFETY: the slot has one owner, which is the caller, and no one else reaches its content.
        unsafe { &mut *self.cells[slot as usize].content.get() }
    }

    /// A fresh instance, before its start function runs.
    fn take<T>(
        &self,
        linked: &InstancePre<T>,
        tenant: Option<Tenant>,
        data: T,
    ) -> Result<PooledInstance<T>, StartError> {
        let slot = match self.free.take_kept(linked.core.owner(tenant)) {
            Some(slot) => slot,
            None => self.make(&linked.core, tenant)?,
        };
        // SAFETY: the slot was taken off a list, or filled by `make`, which takes it off one: it has one
        // owner, which is this.
        let content = unsafe { self.content(slot) };
        let (mut kept, pool) =
            content.kept.take().zip(content.ticket.take()).expect("a free slot is complete");
        let core = kept.core.take().expect("a kept instance has its store");
        assert!(
            kept.linked.id == linked.core.id && core.keeps(&kept.instance),
            "a slot keeps an instance for its owner"
        );
        // SAFETY: the number that was compared is unique, and was given to what this `InstancePre<T>` shares
        // with its clones only: so the instance imports what that imports, whose host functions work on data
        // of type `T`. It is the core's, as was compared, too, and the only one there, as a pool makes no
        // other.
        let store = unsafe { StoreInner::with_core(core, data) };
        add_one(&self.cells[slot as usize].started);
        event!(
            DEBUG,
            slot,
            module = linked.module().id(),
            store = store.core().id().number(),
            "instance started"
        );
        Ok(PooledInstance::new(kept, store, pool))
    }

    /// Makes this many slots keep an instance for an owner, and be free.
    fn prepare(
        &self,
        linked: &Arc<LinkedCore>,
        tenant: Option<Tenant>,
        slots: u32,
    ) -> Result<(), StartError> {
        let owner = linked.owner(tenant);
        let mut ready = Vec::new();
        let prepared = (0..slots).try_for_each(|_| {
            let kept = self.free.take_kept(owner);
            ready.push(kept.map_or_else(|| self.make(linked, tenant), Ok)?);
            Ok(())
        });
        ready.into_iter().for_each(|slot| self.free.put_kept(slot, owner));
        prepared
    }

    /// Takes a slot that is free, or keeps an instance for another owner, and gives it an instance
    /// of this module. The caller owns it.
    #[cold]
    fn make(&self, linked: &Arc<LinkedCore>, tenant: Option<Tenant>) -> Result<u32, StartError> {
        let (slot, is_handed_over) = self.take_other(linked, tenant)?;
        if is_handed_over {
            return Ok(slot);
        }
        // SAFETY: the slot was taken off a list, so this owns it until it is put back.
        let content = unsafe { self.content(slot) };
        content.used = true;
        content.has_files = linked.has_image();
        // SAFETY: the slot was taken off a list, so this owns it, and it is empty.
        let mapping = unsafe { self.slot_mapping(slot) };
        match Kept::make(self, slot, mapping, linked, tenant) {
            Ok(kept) => content.kept = Some(kept),
            Err(error) => {
                // SAFETY: the slot was taken off a list, so this owns it. If it fails, the next start that
                // takes the slot tries again.
                _ = unsafe { self.empty(slot) };
                self.free.put_empty(slot);
                return Err(error);
            }
        }
        add_one(&self.cells[slot as usize].made);
        event!(DEBUG, slot, module = linked.module.id(), "instance made");
        Ok(slot)
    }

    /// Takes any free slot, hands its instance over to a tenant, if it is one of this module, and
    /// otherwise empties the slot. Returns which of the two happened. Slots that the kernel refuses
    /// to empty stay free, for a later try.
    fn take_other(&self, linked: &LinkedCore, tenant: Option<Tenant>) -> Result<(u32, bool), StartError> {
        let mut error = StartError::Exhausted { slots: self.cells.len() as u32 };
        let mut refused = Vec::new();
        let found = loop {
            let Some(slot) = self.free.take_any() else { break None };
            // SAFETY: the slot was taken off a list, so this owns it until it is put back.
            if unsafe { self.hand_over(slot, linked, tenant) } {
                break Some((slot, true));
            }
            // SAFETY: the slot was taken off a list, so this owns it.
            match unsafe { self.empty(slot) } {
                Ok(()) => break Some((slot, false)),
                Err(reason) => {
                    error = InstantiateError::Map { what: "a slot of the pool", error: reason }.into();
                    refused.push(slot);
                }
            }
        };
        refused.into_iter().for_each(|slot| self.free.put_empty(slot));
        found.ok_or_else(|| {
            if let StartError::Exhausted { .. } = error {
                self.exhausted.fetch_add(1, Relaxed);
                event!(WARN, slots = self.cells.len(), "pool exhausted");
            }
            error
        })
    }

    /// Keeps the instance in a slot for another tenant, if it is one of this module. Returns
    /// whether it does; if not, the slot is to be emptied.
    ///
    /// # Safety
    /// The caller owns the slot.
    unsafe fn hand_over(&self, slot: u32, linked: &LinkedCore, tenant: Option<Tenant>) -> bool {
        // SAFETY: the caller owns the slot, and does not use its content meanwhile.
        let kept = unsafe { self.content(slot) }.kept.as_mut();
        let is_done = kept
            .filter(|kept| kept.linked.id == linked.id)
            .is_some_and(|kept| kept.hand_over(tenant, self.hot_sets).is_ok());
        if is_done {
            add_one(&self.cells[slot as usize].moved);
        }
        is_done
    }

    /// Drops the instance that a slot keeps, and makes the slot inaccessible and empty.
    ///
    /// # Errors
    /// The kernel refused. The slot may hold former contents, and is emptied before it is used again.
    ///
    /// # Safety
    /// The caller owns the slot.
    unsafe fn empty(&self, slot: u32) -> io::Result<()> {
        // SAFETY: the caller owns the slot, and does not use its content meanwhile.
        let content = unsafe { self.content(slot) };
        drop(content.kept.take());
        if content.used {
            let offset = slot as usize * STRIDE as usize;
            self.mapping.empty(offset, STRIDE as usize, content.has_files)?;
            content.used = false;
        }
        Ok(())
    }

    /// Resets an instance and puts its slot back.
    fn give_back(pool: Arc<Self>, mut kept: Box<Kept>, mut core: Box<StoreCore>) -> Option<ResetWay> {
        let (slot, owner) = (kept.slot, kept.owner);
        let outcome = kept.reset(&mut core, pool.pagemap.as_ref());
        let way = outcome.ok();
        let way = way.filter(|_| reserve::close(kept.instance.slot().guest_stack()).is_ok());
        kept.core = Some(core);
        let this = Arc::as_ptr(&pool);
        // SAFETY: `pool` keeps it alive; once that is the slot's ticket, `returning` does, which
        // `Handle::drop` waits for.
        let inner = unsafe { &*this };
        let cell = &inner.cells[slot as usize];
        event!(DEBUG, slot, outcome = ?outcome, "instance reset");
        cell.count(outcome);
        cell.returning.fetch_add(1, SeqCst);
        // SAFETY: the instance owned its slot, and has given it to this.
        let content = unsafe { inner.content(slot) };
        if inner.closed.load(SeqCst) {
            drop(kept);
            // SAFETY: the instance has given its slot to this. If it fails, the slot's memory is given back
            // with the pool.
            _ = unsafe { inner.empty(slot) };
            cell.returning.fetch_sub(1, SeqCst);
            return way;
        }
        content.ticket = Some(pool);
        if way.is_some() {
            content.kept = Some(kept);
            inner.free.put_kept(slot, owner);
        } else {
            drop(kept);
            // SAFETY: the instance has given its slot to this. If it fails, the slot's next user tries again.
            _ = unsafe { inner.empty(slot) };
            inner.free.put_empty(slot);
        }
        cell.returning.fetch_sub(1, SeqCst);
        way
    }
}

impl Drop for Handle {
    /// Instances that are still in use keep the rest alive, and empty their slots themselves.
    fn drop(&mut self) {
        let pool = &*self.inner;
        pool.closed.store(true, SeqCst);
        for cell in &pool.cells {
            while cell.returning.load(SeqCst) != 0 {
                std::thread::yield_now();
            }
        }
        while let Some(slot) = pool.free.take_any() {
            // SAFETY: the slot was taken off a list. If it fails, the slot's memory is given back with the
            // pool.
            _ = unsafe { pool.empty(slot) };
            // SAFETY: the slot was taken off a list and is not put back, so this owns it.
            drop(unsafe { pool.content(slot) }.ticket.take());
        }
    }
}
