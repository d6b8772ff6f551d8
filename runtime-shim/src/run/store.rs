//! The part of a store that runs: what its instances share, whatever data the embedder keeps with
//! it.
//!
//! **Invariant: nothing in a store goes away before the store does**, so handles are checked by the
//! store's number alone.

use crate::code::module::Module;
use crate::code::raw_value::RawValue;
use crate::run::activation::Activation;
use crate::run::backtrace::{self, Start};
use crate::run::end::Failure;
use crate::run::interrupt::causes::Watch;
use crate::run::meter::{Meter, MeterError, NotMetered};
use crate::run::store_id::StoreId;
use crate::run::suspension::Suspension;
use crate::state::exceptions::Heap;
use crate::state::host_signals::HostSignals;
use crate::state::instances::Instances;
use crate::state::limits::ResourceLimits;
use crate::state::memory::MemoryBody;
use crate::state::shared::SharedMemory;
use crate::state::table::TableBody;
use crate::state::tag::TagRecord;
use std::cell::UnsafeCell;
use std::rc::Rc;
use wasmaot_abi::meter::{UNLIMITED, initial, used};
use wasmaot_abi::trap::TrapCode;

/// What does not depend on the type of the embedder's data.
pub(crate) struct StoreCore {
    pub(crate) id: StoreId,
    /// The innermost running activation, or null.
    pub(crate) current: *mut Activation,
    pub(crate) instances: Instances,
    pub(crate) memories: Vec<Rc<MemoryBody>>,
    pub(crate) tables: Vec<Rc<TableBody>>,
    /// Globals that the host made.
    pub(crate) globals: Vec<Rc<UnsafeCell<RawValue>>>,
    /// What instances that are made in it may take.
    pub(crate) limits: ResourceLimits,
    /// How deep calls of its guests may nest, see [`ResourceLimits::nesting`].
    pub(crate) nesting: u32,
    /// What the host does with signals.
    pub(crate) host_signals: HostSignals,
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
    /// Tags that the host made.
    pub(crate) tags: Vec<Rc<TagRecord>>,
    /// Exceptions that its guests have thrown.
    pub(crate) exceptions: Heap,
}

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

impl StoreCore {
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
    /// Says how the suspended call ends that is not to wait any longer.
    pub(crate) fn stop_suspended(&self, code: TrapCode) -> Failure {
        let frames = self.suspension.as_ref().map(|suspension| {
            backtrace::frames(&self.instances, suspension.stack, Start::Stub { fp: suspension.guest_fp })
        });
        Failure::Trapped(code, frames.unwrap_or_default())
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
            // SAFETY: as in `shown`.
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
