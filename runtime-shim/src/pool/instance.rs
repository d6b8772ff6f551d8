//! An instance in a pool's slot, for as long as one request needs it.
//!
//! **Invariant: whatever way it ends, its slot is made as new before anybody else gets it**, or emptied.

use super::kept::Kept;
use super::{PoolInner, ResetWay};
use crate::api::address::Address;
use crate::api::error::CallError;
use crate::api::externs::Extern;
use crate::api::func::TypedFunc;
use crate::api::instance::Instance;
use crate::api::store::sealed;
use crate::api::val::{Val, WasmValues};
use crate::run::interrupt::InterruptHandle;
use crate::run::interrupt::error::InterruptError;
use crate::run::meter::NotMetered;
use crate::run::store::{StoreCore, StoreInner};
use crate::state::error::MemoryError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An instance of a [`InstancePre`](crate::InstancePre) module, with data of the embedder's own that its host functions work on. Made by
/// [`Pool::start`](crate::Pool::start); dropping it gives its slot back.
///
/// It is its own store: handles like [`Memory`](crate::Memory) or [`TypedFunc`] take it where they take a
/// [`Store`](crate::Store), and are of no use with any later instance.
pub struct PooledInstance<T> {
    /// None when it has ended.
    running: Option<Running<T>>,
}

/// Only ending it takes an instance, or dropping it, after which it is not used.
const ENDED: &str = "an instance that is used has not ended";

/// What an instance has until it ends.
struct Running<T> {
    store: StoreInner<T>,
    kept: Box<Kept>,
    pool: Arc<PoolInner>,
}

/// What a finished instance used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of all its memories in the end, which is their peak, as memories never shrink: those
    /// that it defines, those that it imports, also if others use them, and those that the host
    /// made in it.
    pub memory: u64,
    /// Operators that it executed, if its code counts them.
    pub operators: Option<u64>,
    /// Fuel that it used, if its code counts operators: a unit for each, and what [bulk work](crate::ResourceLimits::fuel) costs.
    pub fuel: Option<u64>,
    /// How often it called host functions, those of WASI included.
    pub host_calls: u64,
    /// How its slot was reset; `None` if the slot was emptied instead, because that failed,
    /// or because the instance defines a shared memory that others still use.
    pub reset: Option<ResetWay>,
}

impl<T> PooledInstance<T> {
    /// A new one.
    pub(super) fn new(kept: Box<Kept>, store: StoreInner<T>, pool: Arc<PoolInner>) -> Self {
        Self { running: Some(Running { store, kept, pool }) }
    }

    #[inline]
    fn running(&self) -> &Running<T> {
        self.running.as_ref().expect(ENDED)
    }

    #[inline]
    fn running_mut(&mut self) -> &mut Running<T> {
        self.running.as_mut().expect(ENDED)
    }

    #[inline]
    pub(super) fn kept(&self) -> &Kept {
        &self.running().kept
    }

    /// The store that it is.
    #[inline]
    pub(super) fn core(&self) -> &StoreCore {
        self.running().store.core()
    }

    #[inline]
    fn core_mut(&mut self) -> &mut StoreCore {
        self.running_mut().store.core_mut()
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        &self.running().store.data
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.running_mut().store.data
    }

    /// The instance as a handle.
    pub fn instance(&self) -> Instance {
        Instance::new(self.core().id(), self.kept().instance.index())
    }

    /// Calls an exported function.
    pub fn call(&mut self, name: &str, args: &[Val]) -> Result<Vec<Val>, CallError> {
        self.instance().call(self, name, args)
    }

    /// An exported function with parameters and results of these Rust types. To look it up once for all instances, use
    /// [`InstancePre::get_typed_func`](crate::InstancePre::get_typed_func).
    pub fn get_typed_func<P: WasmValues, R: WasmValues>(
        &self,
        name: &str,
    ) -> Result<TypedFunc<P, R>, CallError> {
        self.instance().get_typed_func(self, name)
    }

    /// An export.
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        self.instance().get_export(self, name)
    }

    /// Bytes of the memory that the instance exports as "memory", or else its first one; 0 if there is none.
    pub fn memory_size(&self) -> u64 {
        self.instance().memory_size(self)
    }

    /// Copies out of the memory that the instance exports as "memory", or else its first one.
    pub fn read(&self, address: impl Address, into: &mut [u8]) -> Result<(), MemoryError> {
        self.instance().read(self, address, into)
    }

    /// Copies into the memory that the instance exports as "memory", or else its first one.
    pub fn write(&mut self, address: impl Address, bytes: &[u8]) -> Result<(), MemoryError> {
        self.instance().write(self, address, bytes)
    }

    /// The operators that it has executed so far, if its code counts them. The number is exact, but for a run that was stopped by its deadline
    /// or from another thread, of which up to
    /// [`MAX_ROW`](crate::abi::meter::MAX_ROW) may be missing.
    pub fn operators(&self) -> Option<u64> {
        self.core().operators()
    }

    /// Returns the fuel that it has used so far, if its code counts operators: a unit for each, and what
    /// [bulk work](crate::ResourceLimits::fuel) costs.
    pub fn used_fuel(&self) -> Option<u64> {
        self.core().used_fuel()
    }

    /// How often it has called host functions so far, those of WASI included, however the calls ended.
    pub fn host_calls(&self) -> u64 {
        self.core().host_calls
    }

    /// Sets the remaining fuel, see [`ResourceLimits::fuel`](crate::ResourceLimits::fuel).
    ///
    /// # Errors
    /// Its code does not count what it executes.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), NotMetered> {
        self.core_mut().set_fuel(Some(fuel))
    }

    /// When what it runs is to end with [`TrapCode::DeadlineExceeded`](crate::TrapCode::DeadlineExceeded). Calls that begin later
    /// than that do not run at all. Compiled code does not pay for it, and no system call is made while requests keep coming.
    ///
    /// # Errors
    /// The deadline cannot be enforced, and the one before still holds.
    pub fn set_deadline(&mut self, deadline: impl Into<Option<Instant>>) -> Result<(), InterruptError> {
        self.core_mut().watch.set_deadline(deadline.into())
    }

    /// Sets the CPU time that its runs may use from now on, see [`ResourceLimits::cpu_time`](crate::ResourceLimits::cpu_time). A call costs
    /// two system calls more where it is limited.
    ///
    /// # Errors
    /// The limit cannot be enforced, and the one before still holds.
    pub fn set_cpu_time(&mut self, cpu_time: impl Into<Option<Duration>>) -> Result<(), InterruptError> {
        self.core_mut().watch.set_cpu_time(cpu_time.into())
    }

    /// Has asynchronous calls give their executor back after each such time, see [`Store::yield_every`](crate::Store::yield_every).
    ///
    /// # Errors
    /// Slices cannot be enforced, and it is as before.
    pub fn yield_every(&mut self, slice: impl Into<Option<Duration>>) -> Result<(), InterruptError> {
        self.core_mut().watch.set_slices(slice.into())
    }

    pub(super) fn set_nesting(&mut self, nesting: u32) {
        self.core_mut().nesting = nesting;
    }

    /// A handle by which any thread can stop the instance for good.
    ///
    /// # Errors
    /// The handle could not take effect.
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle, InterruptError> {
        let core = self.core_mut();
        core.watch.handle(core.id())
    }

    /// Ends it and says what it used. The embedder's data is dropped.
    pub fn finish(self) -> Usage {
        self.finish_with_data().1
    }

    /// Ends it, with the embedder's data and what it used.
    pub fn finish_with_data(mut self) -> (T, Usage) {
        self.running.take().expect(ENDED).end()
    }
}

impl<T> Running<T> {
    fn end(self) -> (T, Usage) {
        let Self { store, kept, pool } = self;
        let (core, data) = store.into_parts();
        let (memory, host_calls) = (core.memory_bytes(), core.host_calls);
        let (operators, fuel) = (core.operators(), core.used_fuel());
        let reset = PoolInner::give_back(pool, kept, core);
        (data, Usage { memory, operators, fuel, host_calls, reset })
    }
}

impl<T> Drop for PooledInstance<T> {
    fn drop(&mut self) {
        drop(self.running.take().map(Running::end));
    }
}

impl<T> sealed::Access for PooledInstance<T> {
    type Data = T;

    #[inline]
    fn store(&self) -> &StoreInner<T> {
        &self.running().store
    }

    #[inline]
    fn store_mut(&mut self) -> &mut StoreInner<T> {
        &mut self.running_mut().store
    }
}
