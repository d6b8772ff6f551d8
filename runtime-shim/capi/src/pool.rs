//! Pools as C sees them, and starting instances in them.
//!
//! **Invariant: a field that C leaves 0 means the default**, as the header promises.

use crate::boundary::{Out, Result, at, fallible, take, usage};
use crate::error::wasmaot_error_t;
use crate::instance::{Data, deadline, wasmaot_instance_t};
use crate::linker::wasmaot_linked_t;
use crate::wasi::wasmaot_wasi_t;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::time::Duration;
use wasmaot_runtime::{
    HostSignals, HotSets, Linked, Pool, PoolConfig, PoolStats, PooledInstance, ResetWay, ResourceLimits,
    Tenant,
};

/// A pool, as C holds it.
pub struct wasmaot_pool_t {
    pool: Pool,
}

/// See the header.
#[derive(Default)]
#[repr(C)]
pub struct wasmaot_pool_config_t {
    slots: u32,
    stack: u64,
    memory: u64,
    table: u64,
    reset: u32,
    hot_sets: u32,
    nesting: u32,
    host_signals: u32,
    addresses: u64,
    total_addresses: u64,
}

/// See the header.
#[repr(C)]
pub struct wasmaot_pool_stats_t {
    made: u64,
    copied: u64,
    scanned: u64,
    dropped: u64,
    failed: u64,
    removed: u64,
    moved: u64,
}

/// See the header.
#[repr(C)]
pub struct wasmaot_start_t {
    data: *mut c_void,
    wasi: *const wasmaot_wasi_t,
    memory: u64,
    table: u64,
    fuel: u64,
    timeout: u64,
    trap_at_limit: bool,
    tenant: u64,
    cpu_time: u64,
}

/// `value`, or a default where C left it 0.
fn or(value: u64, default: u64) -> u64 {
    if value == 0 { default } else { value }
}

impl wasmaot_pool_config_t {
    fn read(&self) -> Result<PoolConfig> {
        let default = PoolConfig::default();
        let reset = match self.reset {
            0 => default.reset,
            1 => ResetWay::Copy,
            2 => ResetWay::Scan,
            3 => ResetWay::Drop,
            number => return Err(usage(format!("{number} is no way of resetting"))),
        };
        let hot_sets = match self.hot_sets {
            0 => default.hot_sets,
            1 => HotSets::Shared,
            2 => HotSets::PerTenant,
            3 => HotSets::Frozen,
            number => return Err(usage(format!("{number} is no choice of hot sets"))),
        };
        let host_signals = match self.host_signals {
            0 => HostSignals::Unchanged,
            1 => HostSignals::Checked,
            number => return Err(usage(format!("{number} is no contract about signals"))),
        };
        Ok(PoolConfig {
            slots: if self.slots == 0 { default.slots } else { self.slots },
            stack: or(self.stack, default.stack),
            memory: or(self.memory, default.memory),
            table: or(self.table, default.table),
            reset,
            hot_sets,
            nesting: if self.nesting == 0 { default.nesting } else { self.nesting },
            host_signals,
            addresses: or(self.addresses, default.addresses),
            total_addresses: or(self.total_addresses, default.total_addresses),
        })
    }
}

impl wasmaot_start_t {
    /// The limits, if there are any.
    fn limits(&self) -> Option<ResourceLimits> {
        let default = ResourceLimits::default();
        let (memory, table) = (or(self.memory, default.memory), or(self.table, default.table));
        let deadline = if self.timeout == 0 { None } else { deadline(self.timeout) };
        let fuel = (self.fuel != 0).then_some(self.fuel);
        let cpu_time = (self.cpu_time != 0).then(|| Duration::from_nanos(self.cpu_time));
        let trap = self.trap_at_limit;
        let limits = ResourceLimits { memory, table, fuel, trap, deadline, cpu_time, ..default };
        (limits != default).then_some(limits)
    }
}

/// # Safety
/// `start` is null or as the header states.
unsafe fn begin(
    pool: &Pool,
    linked: &Linked<Data>,
    start: *const wasmaot_start_t,
) -> Result<PooledInstance<Data>> {
    // SAFETY: as the caller states.
    let Some(start) = (unsafe { start.as_ref() }) else {
        return Ok(pool.start(linked, Data { host: null_mut(), wasi: None })?);
    };
    // SAFETY: as the caller states.
    let wasi = unsafe { start.wasi.as_ref() }.map(wasmaot_wasi_t::build);
    let data = Data { host: start.data, wasi };
    let of_tenant = (start.tenant != 0).then(|| pool.for_tenant(Tenant(start.tenant)));
    let pool = of_tenant.as_ref().unwrap_or(pool);
    Ok(match start.limits() {
        Some(limits) => pool.start_with(linked, data, &limits)?,
        None => pool.start(linked, data)?,
    })
}

impl From<PoolStats> for wasmaot_pool_stats_t {
    fn from(stats: PoolStats) -> Self {
        let PoolStats { made, copied, scanned, dropped, failed, removed, moved } = stats;
        Self { made, copied, scanned, dropped, failed, removed, moved }
    }
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_pool_new(
    config: *const wasmaot_pool_config_t,
    out: *mut *mut wasmaot_pool_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: as the header states.
        let (config, out) = unsafe { (config.as_ref(), Out::at(out)?) };
        let config = config.map_or(Ok(PoolConfig::default()), wasmaot_pool_config_t::read)?;
        out.give(wasmaot_pool_t { pool: Pool::new(config)? });
        Ok(())
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_pool_delete(pool: *mut wasmaot_pool_t) {
    // SAFETY: as the header states.
    unsafe { take(pool) };
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_pool_stats(
    pool: *const wasmaot_pool_t,
    out: *mut wasmaot_pool_stats_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: as the header states.
        let (pool, out) = unsafe { (at(pool, "pool")?, Out::at(out)?) };
        out.set(pool.pool.stats().into());
        Ok(())
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_pool_start(
    pool: *const wasmaot_pool_t,
    linked: *const wasmaot_linked_t,
    start: *const wasmaot_start_t,
    out: *mut *mut wasmaot_instance_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: as the header states.
        let (pool, linked, out) = unsafe { (at(pool, "pool")?, at(linked, "linked")?, Out::at(out)?) };
        // SAFETY: as the header states.
        out.give(wasmaot_instance_t::new(unsafe { begin(&pool.pool, &linked.linked, start)? }));
        Ok(())
    })
}
