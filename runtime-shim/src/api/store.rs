//! Stores: instances that may refer to each other, with the embedder's data.
//!
//! **Invariant: a store is used by one thread at a time**, as every call borrows it mutably.

use crate::run::interrupt::InterruptHandle;
use crate::run::interrupt::error::InterruptError;
use crate::run::meter::NotMetered;
use crate::run::store::{StoreCore, StoreInner};
use crate::state::host_signals::HostSignals;
use crate::state::limits::ResourceLimits;
use std::time::{Duration, Instant};

/// Instances that may refer to each other, and data of the embedder's own that host functions work on.
///
/// Instances, memories, tables and globals live as long as their store.
pub struct Store<T> {
    inner: StoreInner<T>,
}

impl<T> Store<T> {
    /// An empty store.
    pub fn new(data: T) -> Self {
        Self { inner: StoreInner::new(data) }
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
        let core = self.inner.core_mut();
        core.limits = limits;
        core.nesting = limits.nesting;
        // Instances that do not count take no part in it.
        let _ = core.set_fuel(limits.fuel);
        self.set_cpu_time(limits.cpu_time)?;
        self.set_deadline(limits.deadline)
    }

    /// Sets what the runtime may rely on about signals when it runs the store's instances.
    pub fn set_host_signals(&mut self, host_signals: HostSignals) {
        self.inner.core_mut().host_signals = host_signals;
    }

    /// Sets the remaining fuel of all its instances together, see [`ResourceLimits::fuel`].
    ///
    /// # Errors
    /// They do not count what they execute.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), NotMetered> {
        self.inner.core_mut().set_fuel(Some(fuel))
    }

    /// Returns the fuel that its instances have used so far, all together: a unit for each operator, and what
    /// [bulk work](ResourceLimits::fuel) costs. `None` if they do not count, or there is none.
    pub fn used_fuel(&self) -> Option<u64> {
        self.inner.core().used_fuel()
    }

    /// The operators that its instances have executed so far, all together; `None` if they do not count them, or there is none.
    pub fn operators(&self) -> Option<u64> {
        self.inner.core().operators()
    }

    /// How often its instances have called host functions so far, those of WASI included, however the calls ended.
    pub fn host_calls(&self) -> u64 {
        self.inner.core().host_calls
    }

    /// Returns the bytes of all its memories now, which is their peak, as memories never shrink:
    /// those that its instances define, also where a start function failed, those that they import,
    /// and those that the host made. A shared memory counts once.
    pub fn memory_size(&self) -> u64 {
        self.inner.core().memory_bytes()
    }

    /// When what its instances run is to end with [`TrapCode::DeadlineExceeded`](crate::TrapCode::DeadlineExceeded). Calls that
    /// begin later than that do not run at all.
    ///
    /// # Errors
    /// The deadline cannot be enforced, and the one before still holds.
    pub fn set_deadline(&mut self, deadline: impl Into<Option<Instant>>) -> Result<(), InterruptError> {
        self.inner.core_mut().watch.set_deadline(deadline.into())
    }

    /// Sets the CPU time that runs of its instances may use from now on, see [`ResourceLimits::cpu_time`]. A call costs two system calls
    /// more where it is limited.
    ///
    /// # Errors
    /// The limit cannot be enforced, and the one before still holds.
    pub fn set_cpu_time(&mut self, cpu_time: impl Into<Option<Duration>>) -> Result<(), InterruptError> {
        self.inner.core_mut().watch.set_cpu_time(cpu_time.into())
    }

    /// Has asynchronous calls give their executor back after each such time in the guest, wherever the guest is
    /// then; with `None`, which is the default, they keep it until they wait or end. A call goes on when its
    /// task is polled again. Host functions, operators on bulk memory and waits at an address are not
    /// interrupted: the call yields when they return to the guest. Slices below some 100 microseconds take
    /// longer than they say. Calls that are not asynchronous, and what a host function calls, have no slices.
    ///
    /// # Errors
    /// Slices cannot be enforced, and it is as before.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wasmaot_runtime::{InterruptError, Store};
    /// # fn serve(store: &mut Store<()>) -> Result<(), InterruptError> {
    /// store.yield_every(Duration::from_millis(1))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn yield_every(&mut self, slice: impl Into<Option<Duration>>) -> Result<(), InterruptError> {
        self.inner.core_mut().watch.set_slices(slice.into())
    }

    /// A handle by which any thread can stop the store's instances for good.
    ///
    /// # Errors
    /// The handle could not take effect.
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle, InterruptError> {
        let core = self.inner.core_mut();
        core.watch.handle(core.id())
    }

    /// The embedder's data, when the store is no longer needed.
    pub fn into_data(self) -> T {
        self.inner.into_parts().1
    }
}

pub(crate) mod sealed {
    use crate::run::store::StoreInner;

    /// Leads to a store.
    pub trait Access {
        /// The type of the embedder's data.
        type Data;

        /// The store, to be read.
        fn store(&self) -> &StoreInner<Self::Data>;

        /// The store, to be changed.
        fn store_mut(&mut self) -> &mut StoreInner<Self::Data>;
    }
}

/// A [`Store`], or a [`Caller`](crate::Caller) inside a host function of it.
pub trait AsStore: sealed::Access {}

impl<S: sealed::Access> AsStore for S {}

impl<T> sealed::Access for Store<T> {
    type Data = T;

    #[inline]
    fn store(&self) -> &StoreInner<T> {
        &self.inner
    }

    #[inline]
    fn store_mut(&mut self) -> &mut StoreInner<T> {
        &mut self.inner
    }
}

/// The core of a store, to be read.
#[inline]
pub(crate) fn core<S: AsStore + ?Sized>(store: &S) -> &StoreCore {
    store.store().core()
}

/// The core of a store, to be changed.
#[inline]
pub(crate) fn core_mut<S: AsStore + ?Sized>(store: &mut S) -> &mut StoreCore {
    store.store_mut().core_mut()
}
