//! Stores: instances that may refer to each other, with the embedder's data.
//!
//! **Invariant: a store is used by one thread at a time**, as every call borrows it mutably.

use crate::code::policy::{ModulePolicy, PolicyError};
use crate::run::interrupt::InterruptHandle;
use crate::run::interrupt::error::InterruptError;
use crate::run::meter::NotMetered;
use crate::run::store::{Changes, StoreCore, StoreInner};
use crate::state::host_signals::HostSignals;
use crate::state::limits::ResourceLimits;
use std::time::{Duration, Instant};

/// Instances that may refer to each other, and data of the embedder's own that host functions work on.
///
/// Instances, memories, tables and globals live as long as their store. A store goes from thread to thread,
/// and is used by one at a time.
///
/// ```
/// use wasmaot_runtime::{ResourceLimits, Store};
///
/// # fn main() -> Result<(), wasmaot_runtime::InterruptError> {
/// let mut store = Store::new("data of the host's".to_string());
/// store.set_limits(ResourceLimits { memory: 16 << 20, ..ResourceLimits::default() })?;
/// store.data_mut().push('.');
/// assert_eq!(store.into_data(), "data of the host's.");
/// # Ok(())
/// # }
/// ```
pub struct Store<T> {
    inner: StoreInner<T>,
}

impl<T> Store<T> {
    /// Creates a store without instances.
    pub fn new(data: T) -> Self {
        Self { inner: StoreInner::new(data) }
    }

    /// How much the instances may take that are made in it from now on; and the deadline, as by
    /// [`Store::set_deadline`], the CPU time, as by [`Store::set_cpu_time`], and the fuel, as by
    /// [`Store::set_fuel`].
    ///
    /// # Errors
    /// The deadline or the CPU time cannot be enforced. The other limits hold.
    pub fn set_limits(&mut self, limits: ResourceLimits) -> Result<(), InterruptError> {
        let mut core = self.inner.changes();
        core.set_limits(limits);
        // Instances that do not count take no part in it.
        let _ = core.set_fuel(limits.fuel);
        self.set_cpu_time(limits.cpu_time)?;
        self.set_deadline(limits.deadline)
    }

    /// Sets what the runtime may rely on about signals when it runs the store's instances.
    pub fn set_host_signals(&mut self, host_signals: HostSignals) {
        self.inner.changes().set_host_signals(host_signals);
    }

    /// Sets which modules the store makes instances of from now on. By default they are all proven, or all
    /// trusted.
    ///
    /// # Errors
    /// An instance of the store is of a module that the policy does not allow; it stays as it was.
    pub fn set_policy(&mut self, policy: ModulePolicy) -> Result<(), PolicyError> {
        self.inner.changes().set_policy(policy)
    }

    /// Returns the embedder's data, when the store is no longer needed.
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

        /// The store, to be changed. Nothing puts another one in its place: one of a pool belongs to its
        /// slot.
        fn store_mut(&mut self) -> &mut StoreInner<Self::Data>;
    }
}

/// A [`Store`]; a [`PooledInstance`](crate::PooledInstance), which is one; or a [`Caller`](crate::Caller)
/// inside a host function of either. What a host does with a store it can do with any of them.
///
/// ```
/// use std::time::{Duration, Instant};
/// use wasmaot_runtime::{AsStore, InterruptError};
///
/// fn limit(store: &mut impl AsStore) -> Result<(), InterruptError> {
///     store.set_deadline(Instant::now() + Duration::from_millis(50))?;
///     store.set_cpu_time(Duration::from_millis(20))
/// }
/// # limit(&mut wasmaot_runtime::Store::new(())).unwrap();
/// ```
pub trait AsStore: sealed::Access {
    /// Returns the embedder's data.
    fn data(&self) -> &Self::Data {
        &self.store().data
    }

    /// Returns the embedder's data, to be changed.
    fn data_mut(&mut self) -> &mut Self::Data {
        &mut self.store_mut().data
    }

    /// Sets the remaining fuel of all instances together, see [`ResourceLimits::fuel`].
    ///
    /// # Errors
    /// They do not count what they execute.
    fn set_fuel(&mut self, fuel: u64) -> Result<(), NotMetered> {
        changes(self).set_fuel(Some(fuel))
    }

    /// Returns the fuel that the instances have used so far, all together: a unit for each operator, and what
    /// [bulk work](ResourceLimits::fuel) costs. `None` if they do not count, or there is none.
    fn used_fuel(&self) -> Option<u64> {
        core(self).used_fuel()
    }

    /// Returns the operators that the instances have executed so far, all together; `None` if they do not
    /// count them, or there is none. The number is exact, but for a run that was stopped by its deadline or
    /// from another thread, of which up to 180 may be missing.
    fn operators(&self) -> Option<u64> {
        core(self).operators()
    }

    /// Returns how often the instances have called host functions so far, those of WASI included, however the
    /// calls ended.
    fn host_calls(&self) -> u64 {
        core(self).host_calls
    }

    /// Returns the bytes of all memories now, which is their peak, as memories never shrink: those that the
    /// instances define, also where a start function failed, those that they import, and those that the host
    /// made. A shared memory counts once.
    fn memory_bytes(&self) -> u64 {
        core(self).memory_bytes()
    }

    /// Sets when what the instances run is to end with
    /// [`TrapCode::DeadlineExceeded`](crate::TrapCode::DeadlineExceeded). Calls by the host that begin later
    /// do not run at all. Compiled code does not pay for it, and no system call is made while calls keep
    /// coming. Inside a host function it holds from the next call by the host on.
    ///
    /// # Errors
    /// The deadline cannot be enforced, and the one before still holds.
    fn set_deadline(&mut self, deadline: impl Into<Option<Instant>>) -> Result<(), InterruptError> {
        changes(self).set_deadline(deadline.into())
    }

    /// Sets the CPU time that runs of the instances may use from now on, see [`ResourceLimits::cpu_time`]. A
    /// call costs two system calls more where it is limited. Inside a host function it holds from the next
    /// call by the host on.
    ///
    /// # Errors
    /// The limit cannot be enforced, and the one before still holds.
    fn set_cpu_time(&mut self, cpu_time: impl Into<Option<Duration>>) -> Result<(), InterruptError> {
        changes(self).set_cpu_time(cpu_time.into())
    }

    /// Has asynchronous calls give their executor back after each such time in the guest, wherever the guest
    /// is then; with `None`, which is the default, they keep it until they wait or end. A call goes on when
    /// its task is polled again. Host functions, operators on bulk memory and waits at an address are not
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
    fn yield_every(&mut self, slice: impl Into<Option<Duration>>) -> Result<(), InterruptError> {
        changes(self).set_slices(slice.into())
    }

    /// Returns a handle by which any thread can stop the instances for good. Inside a host function it takes
    /// effect from the next call by the host on.
    ///
    /// # Errors
    /// The handle could not take effect.
    fn interrupt_handle(&mut self) -> Result<InterruptHandle, InterruptError> {
        changes(self).interrupt_handle()
    }
}

impl<S: sealed::Access> AsStore for S {}

/// Methods of [`AsStore`] for a type, so that the trait need not be in scope.
macro_rules! is_a_store {
    (impl<$($lifetime:lifetime,)? $data:ident> $ty:ty) => {
        impl<$($lifetime,)? $data> $ty {
            /// Returns the embedder's data, see [`AsStore::data`](crate::AsStore::data).
            pub fn data(&self) -> &$data {
                $crate::api::store::AsStore::data(self)
            }

            /// Returns the embedder's data mutably, see [`AsStore::data_mut`](crate::AsStore::data_mut).
            pub fn data_mut(&mut self) -> &mut $data {
                $crate::api::store::AsStore::data_mut(self)
            }

            /// Sets the remaining fuel, see [`AsStore::set_fuel`](crate::AsStore::set_fuel).
            ///
            /// # Errors
            /// The instances do not count what they execute.
            pub fn set_fuel(&mut self, fuel: u64) -> Result<(), $crate::run::meter::NotMetered> {
                $crate::api::store::AsStore::set_fuel(self, fuel)
            }

            /// Returns the fuel used so far, see [`AsStore::used_fuel`](crate::AsStore::used_fuel).
            pub fn used_fuel(&self) -> Option<u64> {
                $crate::api::store::AsStore::used_fuel(self)
            }

            /// Returns the number of executed instructions, see
            /// [`AsStore::operators`](crate::AsStore::operators).
            pub fn operators(&self) -> Option<u64> {
                $crate::api::store::AsStore::operators(self)
            }

            /// Returns the number of host calls, see [`AsStore::host_calls`](crate::AsStore::host_calls).
            pub fn host_calls(&self) -> u64 {
                $crate::api::store::AsStore::host_calls(self)
            }

            /// Returns the size of all memories, see [`AsStore::memory_bytes`](crate::AsStore::memory_bytes).
            pub fn memory_bytes(&self) -> u64 {
                $crate::api::store::AsStore::memory_bytes(self)
            }
        }
    };
}
pub(crate) use is_a_store;

/// The limits among them.
macro_rules! limits_runs {
    (impl<$data:ident> $ty:ty) => {
        impl<$data> $ty {
            /// Sets the deadline of calls, see [`AsStore::set_deadline`](crate::AsStore::set_deadline).
            ///
            /// # Errors
            /// The deadline cannot be enforced, and the one before still holds.
            pub fn set_deadline(
                &mut self,
                deadline: impl Into<Option<std::time::Instant>>,
            ) -> Result<(), $crate::run::interrupt::error::InterruptError> {
                $crate::api::store::AsStore::set_deadline(self, deadline)
            }

            /// Sets the CPU time limit, see [`AsStore::set_cpu_time`](crate::AsStore::set_cpu_time).
            ///
            /// # Errors
            /// The limit cannot be enforced, and the one before still holds.
            pub fn set_cpu_time(
                &mut self,
                cpu_time: impl Into<Option<std::time::Duration>>,
            ) -> Result<(), $crate::run::interrupt::error::InterruptError> {
                $crate::api::store::AsStore::set_cpu_time(self, cpu_time)
            }

            /// Sets the time slice, see [`AsStore::yield_every`](crate::AsStore::yield_every).
            ///
            /// # Errors
            /// Slices cannot be enforced, and it is as before.
            pub fn yield_every(
                &mut self,
                slice: impl Into<Option<std::time::Duration>>,
            ) -> Result<(), $crate::run::interrupt::error::InterruptError> {
                $crate::api::store::AsStore::yield_every(self, slice)
            }

            /// Returns an interrupt handle, see
            /// [`AsStore::interrupt_handle`](crate::AsStore::interrupt_handle).
            ///
            /// # Errors
            /// The handle could not take effect.
            pub fn interrupt_handle(
                &mut self,
            ) -> Result<
                $crate::run::interrupt::InterruptHandle,
                $crate::run::interrupt::error::InterruptError,
            > {
                $crate::api::store::AsStore::interrupt_handle(self)
            }
        }
    };
}
pub(crate) use limits_runs;

is_a_store! { impl<T> Store<T> }
limits_runs! { impl<T> Store<T> }

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

impl<S: sealed::Access> sealed::Access for &mut S {
    type Data = S::Data;

    #[inline]
    fn store(&self) -> &StoreInner<S::Data> {
        (**self).store()
    }

    #[inline]
    fn store_mut(&mut self) -> &mut StoreInner<S::Data> {
        (**self).store_mut()
    }
}

/// The core of a store, to be read.
#[inline]
pub(crate) fn core<S: AsStore + ?Sized>(store: &S) -> &StoreCore {
    store.store().core()
}

/// The core of a store, to be changed.
#[inline]
pub(crate) fn changes<S: AsStore + ?Sized>(store: &mut S) -> Changes<'_> {
    store.store_mut().changes()
}
