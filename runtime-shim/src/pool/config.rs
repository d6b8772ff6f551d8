//! What a pool is to offer, and why it cannot.
//!
//! **Invariant: a configuration that passes its check needs no more mappings than the kernel allows.**

use super::tenants::HotSets;
use crate::code::policy::ModulePolicy;
use crate::state::host_signals::HostSignals;
use crate::state::limits::ResourceLimits;
use std::io;
use wasmaot_abi::slot::{DEFAULT_STACK, HOST_PAGE, MAX_STACK};

/// Mappings of the kernel's that a slot in use takes beside its memory's: the inaccessible part, the stack,
/// the constants with the gap below them, and the state.
const MAPPINGS_PER_SLOT: u64 = 4;

/// What a memory takes at least: an image and zeros.
const MAPPINGS_PER_MEMORY: u64 = 2;

/// Mappings that are left to the rest of the process.
const MAPPINGS_LEFT: u64 = 2000;

/// The kernel's limit of mappings where it does not say.
const DEFAULT_MAX_MAPPINGS: u64 = 65_530;

/// The least native stack of a slot.
const MIN_STACK: u64 = 64 << 10;

/// The default of [`PoolConfig::total_addresses`].
const TOTAL_ADDRESSES: u64 = 8 << 40;

/// What a pool is to offer.
///
/// ```
/// use wasmaot_runtime::{HotSets, PoolConfig};
///
/// // For requests that may learn from each other which pages they write.
/// let config = PoolConfig { slots: 1000, memory: 64 << 20, hot_sets: HotSets::Shared, ..PoolConfig::default() };
/// assert_eq!(config.stack, PoolConfig::default().stack);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// Instances that can exist at a time. Each takes about 8 GiB of addresses.
    pub slots: u32,
    /// Bytes of native stack of each.
    pub stack: u64,
    /// Bytes that each memory of an instance may have, see [`ResourceLimits::memory`].
    pub memory: u64,
    /// Elements that each table of an instance may have, see [`ResourceLimits::table`].
    pub table: u64,
    /// Bytes of addresses that one instance may reserve, see [`ResourceLimits::addresses`].
    pub addresses: u64,
    /// Bytes of addresses that all instances may reserve together outside of their slots, those included that
    /// slots keep for later starts. 8 TiB by default, of the 128 TiB that a process has.
    pub total_addresses: u64,
    /// The cheapest way of resetting that may be taken. The others are for comparison.
    pub reset: ResetWay,
    /// Which requests share what is learned about the pages that their module writes. The default keeps
    /// requests apart unless they are said to be of the same tenant
    /// ([`Pool::for_tenant`](crate::Pool::for_tenant)); where all requests are, [`HotSets::Shared`] is
    /// faster.
    pub hot_sets: HotSets,
    /// Calls of guests that one thread may have begun at a time, see [`ResourceLimits::nesting`].
    pub nesting: u32,
    /// Exceptions that an instance keeps, see [`ResourceLimits::exceptions`].
    pub exceptions: u32,
    /// What the runtime may rely on about signals.
    pub host_signals: HostSignals,
    /// Which modules it starts instances of. Each is in a store of its own, so the default allows all.
    pub modules: ModulePolicy,
}

impl Default for PoolConfig {
    fn default() -> Self {
        let limits = ResourceLimits::default();
        Self {
            slots: 64,
            stack: DEFAULT_STACK,
            memory: limits.memory,
            table: limits.table,
            addresses: limits.addresses,
            total_addresses: TOTAL_ADDRESSES,
            reset: ResetWay::Copy,
            hot_sets: HotSets::default(),
            nesting: limits.nesting,
            exceptions: limits.exceptions,
            host_signals: HostSignals::default(),
            modules: ModulePolicy::default(),
        }
    }
}

/// How an instance's memory is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetWay {
    /// Copying the pages that the module's instances usually write; no system call.
    Copy,
    /// Asking the kernel which pages were written, and copying those.
    Scan,
    /// Dropping all pages, so that the next run faults them in again.
    Drop,
}

/// A pool that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// A value of the configuration is out of range.
    #[error("{what} is {value}; it must be {wanted}")]
    Config {
        /// Name of the configuration field.
        what: &'static str,
        /// Value of the field.
        value: u64,
        /// What it must be.
        wanted: &'static str,
    },
    /// The kernel allows a process fewer mappings than the slots need.
    #[error(
        "{slots} slots need {needed} mappings and the kernel allows {limit}; use fewer, or raise vm.max_map_count"
    )]
    Mappings {
        /// Number of slots requested.
        slots: u32,
        /// Mappings that they need.
        needed: u64,
        /// The kernel's limit, `vm.max_map_count`.
        limit: u64,
    },
    /// The runtime's handlers of faults cannot be put in front of the host's.
    #[error("cannot handle the faults of guests: {0}")]
    Handlers(#[source] io::Error),
    /// The addresses cannot be reserved.
    #[error("cannot reserve {slots} slots: {error}")]
    Reserve {
        /// Number of slots requested.
        slots: u32,
        /// Error that the kernel returned.
        #[source]
        error: io::Error,
    },
}

fn max_mappings() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
    text.trim().parse().unwrap_or(DEFAULT_MAX_MAPPINGS)
}

impl PoolConfig {
    pub(super) fn check(&self) -> Result<(), PoolError> {
        let error = |what, value, wanted| Err(PoolError::Config { what, value, wanted });
        if self.slots == 0 {
            return error("the number of slots", 0, "at least 1");
        }
        if !self.stack.is_multiple_of(HOST_PAGE) || !(MIN_STACK..=MAX_STACK).contains(&self.stack) {
            return error("the stack", self.stack, "whole pages of 4 KiB, from 64 KiB to 7 MiB");
        }
        let (needed, limit) =
            (u64::from(self.slots) * (MAPPINGS_PER_SLOT + MAPPINGS_PER_MEMORY), max_mappings());
        if needed > limit {
            return Err(PoolError::Mappings { slots: self.slots, needed, limit });
        }
        Ok(())
    }

    /// Mappings that the first memory of each slot may take.
    pub(super) fn mappings_of_memory(&self) -> u64 {
        (max_mappings().saturating_sub(MAPPINGS_LEFT) / u64::from(self.slots))
            .saturating_sub(MAPPINGS_PER_SLOT)
    }
}
