//! An instance in a pool's slot, for as long as one request needs it.
//!
//! **Invariant: whatever way it ends, its slot is reset before it is used again**, or emptied.

use super::kept::Kept;
use super::{PoolInner, ResetWay};
use crate::api::instance::{Instance, at_an_instance};
use crate::api::store::{is_a_store, limits_runs, sealed};
use crate::run::store::{StoreCore, StoreInner};
use std::sync::Arc;

/// An instance of a [`InstancePre`](crate::InstancePre) module, with data of the embedder's own that its host
/// functions work on. Made by
/// [`Pool::start`](crate::Pool::start); dropping it gives its slot back.
///
/// It is its own store: handles like [`Memory`](crate::Memory) or [`TypedFunc`](crate::TypedFunc) take it
/// where they take a [`Store`](crate::Store), and are of no use with any later instance.
///
/// ```
/// use std::time::{Duration, Instant};
/// use wasmaot_runtime::{CallError, Linker, Module, Pool, PoolConfig, TrapCode};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (func (export "spin") (loop $again (br $again))))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let pre = Linker::new().instantiate_pre(&module)?;
/// let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() })?;
/// let mut instance = pool.start(&pre, ())?;
/// instance.set_deadline(Instant::now() + Duration::from_millis(5))?;
/// let error = instance.call("spin", &[]).expect_err("it is stopped");
/// assert!(matches!(error, CallError::Trap(trap) if trap.code == TrapCode::DeadlineExceeded));
/// // However it was used, its slot is as before.
/// let usage = instance.finish();
/// assert!(usage.reset.is_some());
/// # Ok(())
/// # }
/// ```
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
///
/// ```
/// use wasmaot_runtime::{Linker, Module, Pool, PoolConfig};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (memory 3) (func (export "run")))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let pre = Linker::new().instantiate_pre(&module)?;
/// let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() })?;
/// let usage = pool.start(&pre, ())?.finish();
/// assert_eq!((usage.memory, usage.host_calls), (3 * 65_536, 0));
/// // The code was compiled without a meter.
/// assert_eq!(usage.fuel, None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of all its memories in the end, which is their peak, as memories never shrink: those
    /// that it defines, those that it imports, also if others use them, and those that the host
    /// made in it.
    pub memory: u64,
    /// Operators that it executed, if its code counts them.
    pub operators: Option<u64>,
    /// Fuel that it used, if its code counts operators: a unit for each, and what [bulk
    /// work](crate::ResourceLimits::fuel) costs.
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

    /// Returns the instance as a handle.
    pub fn instance(&self) -> Instance {
        Instance::new(self.core().id(), self.kept().instance.index())
    }

    /// Sets the limits of this run that its store keeps.
    pub(super) fn set_limits(&mut self, nesting: u32, exceptions: u32) {
        self.running_mut().store.changes().set_run_limits(nesting, exceptions);
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

at_an_instance! { impl<T> PooledInstance<T> }
is_a_store! { impl<T> PooledInstance<T> }
limits_runs! { impl<T> PooledInstance<T> }

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
