//! The part of a store that runs: what its instances share, whatever data the embedder keeps with it, and
//! references to what it keeps.
//!
//! **Invariant: nothing that an [`InStore`] refers to goes away while its store has the same number**, so
//! references are checked by that number alone. Here is the only place that makes them: of records in
//! instances, which a store never removes, and of tags and globals that the host made, which go only with the
//! number ([`StoreCore::renew`]).

use crate::code::module::Module;
use crate::code::policy::{ModulePolicy, PolicyError};
use crate::code::raw_value::RawValue;
use crate::run::activation::Activation;
use crate::run::backtrace;
use crate::run::end::Failure;
use crate::run::interrupt::causes::Watch;
use crate::run::meter::{Meter, MeterError, NotMetered};
use crate::run::store_id::StoreId;
use crate::run::suspension::Suspension;
use crate::state::error::WrongStore;
use crate::state::exceptions::Heap;
use crate::state::host_signals::HostSignals;
use crate::state::instance::InstanceCore;
use crate::state::instances::Instances;
use crate::state::limits::ResourceLimits;
use crate::state::memory::MemoryBody;
use crate::state::shared::SharedMemory;
use crate::state::table::{Element, TableBody};
use crate::state::tag::TagRecord;
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::ptr::NonNull;
use std::rc::Rc;
use wasmaot_abi::meter::{UNLIMITED, initial, used};
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::trap::TrapCode;
use wasmaot_abi::types::{GlobalType, HeapType, RefType, ValType};

/// A reference to something that a store keeps.
#[derive(Debug)]
pub(crate) struct InStore<T> {
    store: StoreId,
    to: NonNull<T>,
}

// SAFETY: what it refers to is reached only by `get`, with the store at hand. A store is not shared by
// threads (its core is not `Sync`), so the thread that has it is the only one that reaches what it keeps.
unsafe impl<T> Send for InStore<T> {}
// SAFETY: a shared reference to it allows no more than a copy, which `get` alone makes use of, on the thread
// that has the store.
unsafe impl<T> Sync for InStore<T> {}

impl<T> Clone for InStore<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for InStore<T> {}

impl<T> PartialEq for InStore<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.store, self.to) == (other.store, other.to)
    }
}

impl<T> Eq for InStore<T> {}

impl<T> Hash for InStore<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.store, self.to).hash(state);
    }
}

impl<T> InStore<T> {
    /// Refers to something that the store with this number keeps: the callers, all in this file, have found
    /// it there.
    fn new(store: StoreId, to: &T) -> Self {
        Self { store, to: NonNull::from(to) }
    }

    /// Its address, as guests know it.
    pub(crate) fn address(self) -> u64 {
        self.to.as_ptr() as u64
    }

    /// Returns the referenced object, or `None` if it belongs to another store.
    #[inline]
    pub(crate) fn get(self, core: &StoreCore) -> Option<&T> {
        if core.id != self.store {
            return None;
        }
        // SAFETY: it was found in the store with this number, which is `core`, and numbers are unique. The
        // store keeps it where it is as long as it has the number, and to change that takes `core` mutably,
        // so not while the result lives.
        Some(unsafe { self.to.as_ref() })
    }
}

/// A global of a store, with its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GlobalRef {
    cell: InStore<Cell<RawValue>>,
    ty: GlobalType,
}

impl GlobalRef {
    /// Its cell; `None` if `core` is not the store that keeps it.
    pub(super) fn cell(self, core: &StoreCore) -> Option<&Cell<RawValue>> {
        self.cell.get(core)
    }

    /// Its value; `None` if `core` is not the store that keeps it.
    pub(crate) fn value(self, core: &StoreCore) -> Option<RawValue> {
        self.cell.get(core).map(Cell::get)
    }

    /// Sets its value.
    ///
    /// # Panics
    /// The value is not of the global's type, or `core` is not the store that keeps it.
    pub(crate) fn set(self, core: &StoreCore, value: RawValue) {
        assert!(core.admits(self.ty.value, value), "a global is set to a value of its type");
        self.cell.get(core).expect("a global is set in its store").set(value);
    }

    /// Its type.
    pub(crate) fn ty(self) -> GlobalType {
        self.ty
    }
}

/// A store with the embedder's data: what activations point to.
pub struct StoreInner<T> {
    /// Boxed, so that a pool can keep it without the data.
    core: Box<StoreCore>,
    pub(crate) data: T,
}

impl<T> StoreInner<T> {
    /// An empty store.
    pub(crate) fn new(data: T) -> Self {
        Self { core: Box::default(), data }
    }

    /// Attaches data to this core.
    ///
    /// # Safety
    /// All host functions that the core's instances import work on data of this type.
    #[inline]
    pub(crate) unsafe fn with_core(core: Box<StoreCore>, data: T) -> Self {
        Self { core, data }
    }

    /// Takes it apart.
    #[inline]
    pub(crate) fn into_parts(self) -> (Box<StoreCore>, T) {
        (self.core, self.data)
    }

    /// What does not depend on the type of the data, to be read, and the data.
    #[inline]
    pub(crate) fn parts(&mut self) -> (&StoreCore, &mut T) {
        (&self.core, &mut self.data)
    }

    /// What does not depend on the type of the data.
    #[inline]
    pub(crate) fn core(&self) -> &StoreCore {
        &self.core
    }

    /// The same, to be changed.
    #[inline]
    pub(super) fn core_mut(&mut self) -> &mut StoreCore {
        &mut self.core
    }

    /// The same, to be changed from outside.
    #[inline]
    pub(crate) fn changes(&mut self) -> Changes<'_> {
        Changes(&mut self.core)
    }
}

/// A core that other layers change, but cannot put another one in the place of: its instances import host
/// functions that work on the data of its own store.
pub(crate) struct Changes<'a>(pub(super) &'a mut StoreCore);

impl Deref for Changes<'_> {
    type Target = StoreCore;

    #[inline]
    fn deref(&self) -> &StoreCore {
        self.0
    }
}

impl Changes<'_> {
    /// Sets what its runs and the instances may take that are made in it.
    pub(crate) fn set_limits(&mut self, limits: ResourceLimits) {
        self.0.limits = limits;
        self.set_run_limits(limits.nesting, limits.exceptions);
    }

    /// Sets how deep calls of its guests may nest, and how many exceptions it may keep.
    pub(crate) fn set_run_limits(&mut self, nesting: u32, exceptions: u32) {
        self.0.nesting = nesting;
        self.0.exceptions.set_limit(exceptions);
    }

    /// Sets what the host does with signals.
    pub(crate) fn set_host_signals(&mut self, host_signals: HostSignals) {
        self.0.host_signals = host_signals;
    }

    /// Sets which modules its instances may be of. Fails if an existing instance violates the policy.
    pub(crate) fn set_policy(&mut self, policy: ModulePolicy) -> Result<(), PolicyError> {
        let modules = || self.0.instances.iter().map(|instance| instance.module());
        modules().try_for_each(|module| policy.check(module, modules()))?;
        self.0.policy = policy;
        Ok(())
    }

    /// Sets the remaining fuel; `None` removes the limit.
    pub(crate) fn set_fuel(&mut self, fuel: Option<u64>) -> Result<(), NotMetered> {
        self.0.set_fuel(fuel)
    }

    /// Keeps a tag.
    pub(crate) fn keep_tag(&mut self, tag: Rc<TagRecord>) -> InStore<TagRecord> {
        self.0.keep_tag(tag)
    }

    /// Makes a global with this value, which is one of its type in this store.
    pub(crate) fn add_global(&mut self, ty: GlobalType, value: RawValue) -> GlobalRef {
        self.0.add_global(ty, value)
    }

    /// Keeps a memory that other stores may use, too.
    pub(crate) fn add_shared(&mut self, shared: SharedMemory) -> Rc<MemoryBody> {
        self.0.add_shared(shared)
    }

    /// Keeps a memory, which was made as the next one of the store.
    pub(crate) fn add_memory(&mut self, memory: MemoryBody) {
        self.0.memories.push(Rc::new(memory));
    }

    /// Keeps a table, which was made as the next one of the store.
    pub(crate) fn add_table(&mut self, table: TableBody) {
        self.0.tables.push(Rc::new(table));
    }

    /// The suspended call, if it waits for a host function. The store has none then.
    pub(crate) fn take_suspended(&mut self) -> Option<Suspension> {
        self.0.suspension.take_if(|suspension| suspension.ty().is_some())
    }

    /// Gives the suspended call up.
    pub(crate) fn give_up(&mut self) {
        self.0.suspension = None;
    }
}

/// What does not depend on the type of the embedder's data.
pub(crate) struct StoreCore {
    id: StoreId,
    /// The innermost running activation, or null.
    pub(crate) current: *mut Activation,
    instances: Instances,
    pub(crate) memories: Vec<Rc<MemoryBody>>,
    pub(crate) tables: Vec<Rc<TableBody>>,
    /// Globals that the host made.
    globals: Vec<Rc<Cell<RawValue>>>,
    /// What instances that are made in it may take.
    pub(crate) limits: ResourceLimits,
    /// How deep calls of its guests may nest, see [`ResourceLimits::nesting`].
    pub(crate) nesting: u32,
    /// What the host does with signals.
    pub(crate) host_signals: HostSignals,
    /// Which modules its instances may be of.
    pub(crate) policy: ModulePolicy,
    /// What its instances have executed.
    pub(crate) meter: Meter,
    /// Whether they count it.
    pub(crate) counts: bool,
    /// How often they have called host functions.
    pub(crate) host_calls: u64,
    /// When its runs are to be stopped.
    pub(crate) watch: Watch,
    /// A call that waits to be resumed.
    pub(crate) suspension: Option<Suspension>,
    /// Tags that the host made, or has references to.
    tags: Vec<Rc<TagRecord>>,
    /// Exceptions that its guests have thrown.
    pub(crate) exceptions: Heap,
}

// SAFETY: the `Rc`s, cells and raw pointers in a store lead only to what belongs to it, or to a pooled
// instance that goes where it goes, and none of that is tied to a thread. `current` is null, as running an
// activation borrows the store. Host functions, the only part that stores share without a lock, are `Send +
// Sync`.
unsafe impl Send for StoreCore {}

impl Default for StoreCore {
    fn default() -> Self {
        Self {
            id: StoreId::next(),
            current: std::ptr::null_mut(),
            instances: Instances::default(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            limits: ResourceLimits::default(),
            nesting: ResourceLimits::default().nesting,
            host_signals: HostSignals::default(),
            policy: ModulePolicy::default(),
            meter: Meter::new(None),
            counts: false,
            host_calls: 0,
            watch: Watch::default(),
            suspension: None,
            tags: Vec::new(),
            exceptions: Heap::default(),
        }
    }
}

/// What it keeps, and references to that.
impl StoreCore {
    /// Its number.
    #[inline]
    pub(crate) fn id(&self) -> StoreId {
        self.id
    }

    /// Its instances.
    pub(crate) fn instances(&self) -> &Instances {
        &self.instances
    }

    /// Keeps an instance.
    pub(super) fn add_instance(&mut self, instance: Rc<InstanceCore>) {
        self.instances.push(instance);
    }

    /// Gives it the number for the next instance in the same place, and forgets what the host and guests have
    /// made in it since it had the one before: references to that are of no use any more.
    pub(crate) fn renew(&mut self) {
        self.id = self.id.successor();
        self.globals.clear();
        self.tags.clear();
        self.exceptions.clear();
    }

    /// Whether an instance is one of the store's.
    pub(crate) fn keeps(&self, instance: &InstanceCore) -> bool {
        self.instances.get(instance.index()).is_some_and(|own| std::ptr::eq(&**own, instance))
    }

    /// A function, by the instance and the position in its list of entries; `None` if that is not one of the
    /// store's.
    #[inline]
    pub(crate) fn func(&self, instance: &InstanceCore, entry: usize) -> Option<InStore<FuncRef>> {
        let record = self.keeps(instance).then(|| instance.funcref(entry))?;
        Some(InStore::new(self.id, record))
    }

    /// A function of the only instance of the module with this number, by its position in the list of
    /// entries.
    #[inline]
    pub(crate) fn func_of_module(&self, module: u64, entry: usize) -> Result<InStore<FuncRef>, WrongStore> {
        let instance = self.instance_of_module(module)?;
        Ok(InStore::new(self.id, instance.funcref(entry)))
    }

    /// The only instance of the module with this number.
    #[inline]
    pub(crate) fn instance_of_module(&self, module: u64) -> Result<&Rc<InstanceCore>, WrongStore> {
        let mut found = self.instances.iter().filter(|instance| instance.module().id() == module);
        let first = found.next().ok_or(WrongStore::Other)?;
        if found.next().is_some() { Err(WrongStore::Ambiguous) } else { Ok(first) }
    }

    /// The function that a reference of a guest names; `None` for null.
    ///
    /// # Panics
    /// It is neither null nor the address of a record in one of the store's instances.
    pub(crate) fn func_at(&self, reference: u64) -> Option<InStore<FuncRef>> {
        let found = || self.instances.iter().find_map(|instance| instance.funcref_at(reference));
        let record = (reference != 0).then(|| found().expect("references name functions of their store"))?;
        Some(InStore::new(self.id, record))
    }

    /// Whether a cell holds a value of this type as it may be in this store: of references to functions,
    /// whether there is such a function, and of this type. Other values are any bits, as numbers of
    /// exceptions are looked up and all others are no business of the runtime's.
    pub(crate) fn admits(&self, ty: ValType, cell: RawValue) -> bool {
        let ValType::Ref(RefType { nullable, heap }) = ty else { return true };
        if !heap.is_func() {
            return true;
        }
        let record = self.instances.iter().find_map(|instance| instance.funcref_at(cell.low));
        let fits = |record: &FuncRef| HeapType::Concrete(record.type_id).is_subtype_of(heap);
        if cell.low == 0 { nullable } else { record.is_some_and(fits) }
    }

    /// A value as an element of one of its tables, whose elements are of this type.
    ///
    /// # Panics
    /// The value is not of the type.
    pub(crate) fn element(&self, ty: ValType, value: RawValue) -> Element {
        assert!(self.admits(ty, value), "an element is set to a value of its type");
        // SAFETY: if the type is one of functions, the value is null or names a record of that type in an
        // instance of this store, as `admits` has found.
        unsafe { Element::new(value.low) }
    }

    /// The instance that a function belongs to; `None` in another store.
    pub(crate) fn instance_of(&self, func: InStore<FuncRef>) -> Option<&InstanceCore> {
        let record = func.get(self)?;
        // SAFETY: the record is one of an instance of this store, which keeps that, and the vmctx in it is
        // the instance's own.
        Some(unsafe { InstanceCore::from_vmctx(record.vmctx) })
    }

    /// A tag of an instance, by index in its module; `None` if that instance is not one of the store's.
    pub(crate) fn tag(&self, instance: &InstanceCore, index: u32) -> Option<InStore<TagRecord>> {
        self.keeps(instance).then(|| InStore::new(self.id, &**instance.tag(index)))
    }

    /// Keeps a tag.
    fn keep_tag(&mut self, tag: Rc<TagRecord>) -> InStore<TagRecord> {
        let reference = InStore::new(self.id, &*tag);
        if !self.tags.iter().any(|kept| Rc::ptr_eq(kept, &tag)) {
            self.tags.push(tag);
        }
        reference
    }

    /// Returns a new reference to a tag's record, or `None` if the tag belongs to another store.
    pub(crate) fn shared_tag(&self, tag: InStore<TagRecord>) -> Option<Rc<TagRecord>> {
        tag.get(self)?;
        // SAFETY: references to tags are made of what an `Rc` holds, which the store still keeps.
        Some(unsafe {
            Rc::increment_strong_count(tag.to.as_ptr());
            Rc::from_raw(tag.to.as_ptr())
        })
    }

    /// A global of an instance, by index in its module; `None` if there is none, or that instance is not one
    /// of the store's.
    pub(crate) fn global(&self, instance: &InstanceCore, index: u32) -> Option<GlobalRef> {
        let ty = instance.module().global_type(index).filter(|_| self.keeps(instance))?;
        Some(GlobalRef { cell: InStore::new(self.id, instance.global_cell(index)), ty })
    }

    /// Makes a global with this value, which is one of its type in this store.
    fn add_global(&mut self, ty: GlobalType, value: RawValue) -> GlobalRef {
        let cell = Rc::new(Cell::new(value));
        let global = GlobalRef { cell: InStore::new(self.id, &*cell), ty };
        self.globals.push(cell);
        global
    }

    /// The globals that the host made.
    pub(crate) fn host_globals(&self) -> impl Iterator<Item = &Cell<RawValue>> {
        self.globals.iter().map(|cell| &**cell)
    }

    /// Keeps a memory that other stores may use, too.
    pub(crate) fn add_shared(&mut self, shared: SharedMemory) -> Rc<MemoryBody> {
        let body = Rc::new(MemoryBody::of_shared(self.memories.len(), shared, self.limits.memory));
        self.memories.push(body.clone());
        body
    }

    /// Returns the bytes of all memories in the store: those that its instances define and import,
    /// and those that the host made. A shared memory counts once, however many instances import it.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let counted = |position: usize, body: &MemoryBody| {
            let earlier = &self.memories[..position];
            body.ty().shared && earlier.iter().any(|other| other.base() == body.base())
        };
        let memories = self.memories.iter().enumerate();
        memories.filter(|(position, body)| !counted(*position, body)).map(|(_, body)| body.size()).sum()
    }
}

impl StoreCore {
    /// Notes where the results of the suspended call will be.
    #[cold]
    pub(super) fn results_go_to(&mut self, results: (*mut RawValue, usize)) {
        if let Some(suspension) = &mut self.suspension {
            suspension.results = results;
        }
    }

    /// Says how the suspended call ends that is not to wait any longer.
    pub(crate) fn stop_suspended(&self, code: TrapCode) -> Failure {
        match &self.suspension {
            Some(suspension) => self.stopped(suspension, code),
            None => Failure::trap(code),
        }
    }

    /// Says how a call ends that was suspended here and does not go on.
    ///
    /// # Panics
    /// It was suspended in another store.
    pub(crate) fn stopped(&self, suspension: &Suspension, code: TrapCode) -> Failure {
        assert!(suspension.store == self.id, "a call ends in its store");
        // SAFETY: the slot of the stack has its instance as long as this store, which has the number of the
        // suspension: the guest waits.
        let stack = unsafe { suspension.stack.in_use() };
        Failure::Trapped(code, backtrace::frames(&self.instances, stack, suspension.start()))
    }
}

/// What runs in it.
impl StoreCore {
    /// Whether the innermost call waits for futures.
    pub(crate) fn runs_async(&self) -> bool {
        // SAFETY: the current activation is live, and its owner waits for the guest, which waits for a host
        // function.
        unsafe { self.current.as_ref() }.is_some_and(Activation::is_async)
    }
}

/// What its code has executed.
impl StoreCore {
    /// Whether code counts; unknown as long as there is no instance.
    fn is_metered(&self) -> Option<bool> {
        (self.instances.count() > 0).then_some(self.counts)
    }

    /// Checks that a module's instances can be made here.
    pub(crate) fn check_metering(&self, module: &Module) -> Result<(), MeterError> {
        let metered = module.is_metered();
        if self.limits.fuel.is_some() && !metered {
            return Err(MeterError::NotMetered);
        }
        match self.is_metered() {
            Some(others) if others != metered => Err(MeterError::Mixed { metered }),
            _ => Ok(()),
        }
    }

    /// What the meter shows, also inside a host function.
    fn shown(&mut self) -> &mut i64 {
        if self.current.is_null() {
            return &mut self.meter.shown;
        }
        // SAFETY: the current activation is live, and its owner waits for the guest, which waits
        // for a host function.
        unsafe { &mut (*self.current).meter }
    }

    /// Operators executed so far, if code counts them.
    pub(crate) fn operators(&self) -> Option<u64> {
        Some(self.used_fuel()? - self.meter.bulk)
    }

    /// Fuel used so far: for operators and for bulk work.
    pub(crate) fn used_fuel(&self) -> Option<u64> {
        let shown = match self.current.is_null() {
            true => self.meter.shown,
            // SAFETY: the current activation is live, and its owner waits for the guest, which waits for a
            // host function.
            false => unsafe { (*self.current).meter },
        };
        self.is_metered()?.then(|| used(shown, self.meter.fuel))
    }

    /// Sets the fuel that it may use from now on, or lets it use any.
    pub(crate) fn set_fuel(&mut self, fuel: Option<u64>) -> Result<(), NotMetered> {
        if self.is_metered() == Some(false) {
            return Err(NotMetered);
        }
        let done = self.used_fuel().unwrap_or(0);
        let fuel = fuel.unwrap_or(UNLIMITED).min(UNLIMITED - done.min(UNLIMITED));
        self.meter.fuel = done + fuel;
        *self.shown() = initial(fuel);
        Ok(())
    }

    /// Takes the count of a run that faulted at `pc`, with this in the meter's register: in
    /// compiled code that is the meter, and what the operator there has left uncharged is added. A
    /// stub that faults has noted it before.
    pub(crate) fn charge_fault(&self, activation: &mut Activation, pc: usize, register: i64) {
        if let Some(uncharged) = self.instances.uncharged(pc) {
            activation.meter = register.wrapping_add(i64::from(uncharged));
        }
    }
}
