//! Pools as C sees them, and starting instances in them.
//!
//! **Invariant: a field that C leaves 0 means the default**, as the header promises.

use crate::boundary::{Out, Result, at, fallible, take};
use crate::error::wasmaot_error_t;
use crate::guarded::Guarded;
use crate::instance::{Held, wasmaot_instance_t};
use crate::limits::{or, wasmaot_resource_limits_t};
use crate::linker::wasmaot_linked_t;
use crate::numbers::{HOST_SIGNALS, HOT_SETS, MODULES, RESETS};
use crate::place::Data;
use crate::wasi::wasmaot_wasi_t;
use std::borrow::Cow;
use std::ffi::c_void;
use std::ptr::null_mut;
use wasmaot_runtime::{InstancePre, Pool, PoolConfig, PoolStats, PooledInstance, ResourceLimits, Tenant};

/// A pool, as C holds it.
pub struct wasmaot_pool_t {
    pool: Pool,
}

/// Defines `wasmaot_pool_config_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Default)]
#[repr(C)]
pub struct wasmaot_pool_config_t {
    pub slots: u32,
    pub stack: u64,
    pub memory: u64,
    pub table: u64,
    pub reset: u32,
    pub hot_sets: u32,
    pub nesting: u32,
    pub host_signals: u32,
    pub addresses: u64,
    pub total_addresses: u64,
    pub exceptions: u32,
    pub modules: u32,
}

/// Defines `wasmaot_pool_stats_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[repr(C)]
pub struct wasmaot_pool_stats_t {
    pub slots: u64,
    pub in_use: u64,
    pub free: u64,
    pub started: u64,
    pub exhausted: u64,
    pub made: u64,
    pub copied: u64,
    pub scanned: u64,
    pub dropped: u64,
    pub failed: u64,
    pub removed: u64,
    pub moved: u64,
}

/// Defines `wasmaot_start_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[repr(C)]
pub struct wasmaot_start_t {
    pub data: *mut c_void,
    pub wasi: *const wasmaot_wasi_t,
    pub tenant: u64,
    pub limits: wasmaot_resource_limits_t,
}

impl wasmaot_pool_config_t {
    fn read(&self) -> Result<PoolConfig> {
        let default = PoolConfig::default();
        Ok(PoolConfig {
            slots: or(self.slots, default.slots),
            stack: or(self.stack, default.stack),
            memory: or(self.memory, default.memory),
            table: or(self.table, default.table),
            reset: RESETS.read(self.reset)?.unwrap_or(default.reset),
            hot_sets: if self.hot_sets == 0 { default.hot_sets } else { HOT_SETS.read(self.hot_sets)? },
            nesting: or(self.nesting, default.nesting),
            host_signals: HOST_SIGNALS.read(self.host_signals)?,
            addresses: or(self.addresses, default.addresses),
            total_addresses: or(self.total_addresses, default.total_addresses),
            exceptions: or(self.exceptions, default.exceptions),
            modules: MODULES.read(self.modules)?,
        })
    }
}

impl wasmaot_start_t {
    /// The limits, if there are any.
    fn limits(&self) -> Option<ResourceLimits> {
        let limits = self.limits.read();
        (limits != ResourceLimits::default()).then_some(limits)
    }
}

/// The pool for the requests of a tenant, or of none.
fn of_tenant(pool: &Pool, tenant: u64) -> Cow<'_, Pool> {
    if tenant == 0 { Cow::Borrowed(pool) } else { Cow::Owned(pool.for_tenant(Tenant(tenant))) }
}

/// # Safety
/// `start` is null or as the header states.
unsafe fn begin(
    pool: &Pool,
    linked: &InstancePre<Data>,
    start: *const wasmaot_start_t,
) -> Result<PooledInstance<Data>> {
    // SAFETY: C passes NULL or a structure of this type as `start`, which it does not change during the call.
    let Some(start) = (unsafe { start.as_ref() }) else {
        return Ok(pool.start(linked, Data::new(null_mut(), None))?);
    };
    // SAFETY: C passes NULL or a context that it has not deleted as `wasi`.
    let wasi = unsafe { start.wasi.as_ref() }.map(wasmaot_wasi_t::build);
    let data = Data::new(start.data, wasi);
    let pool = of_tenant(pool, start.tenant);
    Ok(match start.limits() {
        Some(limits) => pool.start_with(linked, data, &limits)?,
        None => pool.start(linked, data)?,
    })
}

impl From<PoolStats> for wasmaot_pool_stats_t {
    fn from(stats: PoolStats) -> Self {
        let PoolStats { slots, in_use, free, started, exhausted, made, .. } = stats;
        let PoolStats { copied, scanned, dropped, failed, removed, moved, .. } = stats;
        Self {
            slots,
            in_use,
            free,
            started,
            exhausted,
            made,
            copied,
            scanned,
            dropped,
            failed,
            removed,
            moved,
        }
    }
}

/// Implements `wasmaot_pool_new` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_pool_new(
    config: *const wasmaot_pool_config_t,
    out: *mut *mut wasmaot_pool_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or a structure of this type as `config`, and NULL or a place to write as
        // `out`.
        let (config, out) = unsafe { (config.as_ref(), Out::at(out)?) };
        let config = config.map_or(Ok(PoolConfig::default()), wasmaot_pool_config_t::read)?;
        out.give(wasmaot_pool_t { pool: Pool::new(config)? });
        Ok(())
    })
}

/// Implements `wasmaot_pool_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_pool_delete(pool: *mut wasmaot_pool_t) {
    // SAFETY: C passes NULL, or an object that it was given as `pool` and does not use any more.
    unsafe { take(pool) };
}

/// Implements `wasmaot_pool_stats` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_pool_stats(
    pool: *const wasmaot_pool_t,
    out: *mut wasmaot_pool_stats_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `pool`, and NULL or a place to write
        // as `out`.
        let (pool, out) = unsafe { (at(pool, "pool")?, Out::at(out)?) };
        out.set(pool.pool.stats().into());
        Ok(())
    })
}

/// Implements `wasmaot_pool_prepare` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_pool_prepare(
    pool: *const wasmaot_pool_t,
    linked: *const wasmaot_linked_t,
    tenant: u64,
    slots: u32,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `pool` and `linked`.
        let (pool, linked) = unsafe { (at(pool, "pool")?, at(linked, "linked")?) };
        Ok(of_tenant(&pool.pool, tenant).prepare(&linked.linked, slots)?)
    })
}

/// Implements `wasmaot_pool_start` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_pool_start(
    pool: *const wasmaot_pool_t,
    linked: *const wasmaot_linked_t,
    start: *const wasmaot_start_t,
    out: *mut *mut wasmaot_instance_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `pool` and `linked`, and NULL or a
        // place to write as `out`.
        let (pool, linked, out) = unsafe { (at(pool, "pool")?, at(linked, "linked")?, Out::at(out)?) };
        // SAFETY: C keeps what it passes valid until this function returns.
        let instance = unsafe { begin(&pool.pool, &linked.linked, start)? };
        let host = instance.data().host;
        out.give(wasmaot_instance_t::new(host, Held::Pooled(Guarded::new(instance))));
        Ok(())
    })
}
