//! Stores: instances that may refer to each other, with the embedder's data.
//!
//! **Invariant: a store is used by one thread at a time**, as every call borrows it mutably.

use crate::run::interrupt::InterruptHandle;
use crate::run::interrupt::error::InterruptError;
use crate::run::meter::NotMetered;
use crate::run::store::StoreCore;
use crate::state::host_signals::HostSignals;
use crate::state::limits::ResourceLimits;
use std::time::{Duration, Instant};

/// What a store owns, and what activations point to.
pub struct StoreInner<T> {
    /// Boxed, so that a pool can keep it without the data.
    pub(crate) core: Box<StoreCore>,
    pub(crate) data: T,
}

/// Instances that may refer to each other, and data of the embedder's own that host functions work on.
///
/// Instances, memories, tables and globals live as long as their store.
pub struct Store<T> {
    inner: StoreInner<T>,
}

// SAFETY: what raw pointers and `Rc`s in a store lead to belongs to the store alone, and is not tied to a thread. No activation
// exists while a store is moved, because running one borrows the store. Host functions are `Send + Sync`.
unsafe impl<T: Send> Send for Store<T> {}

impl<T> Store<T> {
    /// An empty store.
    pub fn new(data: T) -> Self {
        Self { inner: StoreInner { core: Box::default(), data } }
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        &self.inner.data
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.inner.data
    }

    /// How much the instances may take that are made in it from now on; and the deadline, as by [`Store::set_deadline`], the CPU time, as
    /// by [`Store::set_cpu_time`], and the fuel, as by [`Store::set_fuel`].
    ///
    /// # Errors
    /// The deadline or the CPU time cannot be enforced. The other limits hold.
    pub fn set_limits(&mut self, limits: ResourceLimits) -> Result<(), InterruptError> {
        let core = &mut *self.inner.core;
        core.limits = limits;
        core.nesting = limits.nesting;
        // Instances that do not count take no part in it.
        let _ = core.set_fuel(limits.fuel);
        self.set_cpu_time(limits.cpu_time)?;
        self.set_deadline(limits.deadline)
    }

    /// Sets what the runtime may rely on about signals when it runs the store's instances.
    pub fn set_host_signals(&mut self, host_signals: HostSignals) {
        self.inner.core.host_signals = host_signals;
    }

    /// Sets the remaining fuel of all its instances together, see [`ResourceLimits::fuel`].
    ///
    /// # Errors
    /// They do not count what they execute.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), NotMetered> {
        self.inner.core.set_fuel(Some(fuel))
    }

    /// Returns the fuel that its instances have used so far, all together: a unit for each operator, and what
    /// [bulk work](ResourceLimits::fuel) costs. `None` if they do not count, or there is none.
    pub fn used_fuel(&self) -> Option<u64> {
        self.inner.core.used_fuel()
    }

    /// The operators that its instances have executed so far, all together; `None` if they do not count them, or there is none.
    pub fn operators(&self) -> Option<u64> {
        self.inner.core.operators()
    }

    /// How often its instances have called host functions so far, those of WASI included, however the calls ended.
    pub fn host_calls(&self) -> u64 {
        self.inner.core.host_calls
    }

    /// Returns the bytes of all its memories now, which is their peak, as memories never shrink:
    /// those that its instances define, also where a start function failed, those that they import,
    /// and those that the host made. A shared memory counts once.
    pub fn memory_size(&self) -> u64 {
        self.inner.core.memory_bytes()
    }

    /// When what its instances run is to end with [`TrapCode::DeadlineExceeded`](crate::TrapCode::DeadlineExceeded). Calls that
    /// begin later than that do not run at all.
    ///
    /// # Errors
    /// The deadline cannot be enforced, and the one before still holds.
    pub fn set_deadline(&mut self, deadline: impl Into<Option<Instant>>) -> Result<(), InterruptError> {
        self.inner.core.watch.set_deadline(deadline.into())
    }

    /// Sets the CPU time that runs of its instances may use from now on, see [`ResourceLimits::cpu_time`]. A call costs two system calls
    /// more where it is limited.
    ///
    /// # Errors
    /// The limit cannot be enforced, and the one before still holds.
    pub fn set_cpu_time(&mut self, cpu_time: impl Into<Option<Duration>>) -> Result<(), InterruptError> {
        self.inner.core.watch.set_cpu_time(cpu_time.into())
    }

    /// A handle by which any thread can stop the store's instances for good.
    ///
    /// # Errors
    /// The handle could not take effect.
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle, InterruptError> {
        let core = &mut *self.inner.core;
        core.watch.handle(core.id)
    }

    /// The embedder's data, when the store is no longer needed.
    pub fn into_data(self) -> T {
        self.inner.data
    }
}

pub(crate) mod sealed {
    use super::StoreInner;

    /// Leads to a store.
    ///
    /// # Safety
    /// The pointer is valid for as long as the borrow of `self`.
    pub unsafe trait Access {
        /// The type of the embedder's data.
        type Data;

        /// The store, to be read.
        fn store(&self) -> *const StoreInner<Self::Data>;

        /// The store, to be changed.
        fn store_mut(&mut self) -> *mut StoreInner<Self::Data>;
    }
}

/// A [`Store`], or a [`Caller`](crate::Caller) inside a host function of it.
pub trait AsStore: sealed::Access {}

impl<S: sealed::Access> AsStore for S {}

// SAFETY: the pointer is to a field.
unsafe impl<T> sealed::Access for Store<T> {
    type Data = T;

    fn store(&self) -> *const StoreInner<T> {
        &raw const self.inner
    }

    fn store_mut(&mut self) -> *mut StoreInner<T> {
        &raw mut self.inner
    }
}

/// The core of a store, to be read.
pub(crate) fn core<S: AsStore + ?Sized>(store: &S) -> &StoreCore {
    // SAFETY: see `Access`.
    unsafe { &(*store.store()).core }
}

/// The core of a store, to be changed.
pub(crate) fn core_mut<S: AsStore + ?Sized>(store: &mut S) -> &mut StoreCore {
    // SAFETY: see `Access`.
    unsafe { &mut (*store.store_mut()).core }
}
