//! How much of each resource an instance may take while it runs. What its module may ask for is limited when
//! it is linked ([`ModuleLimits`](crate::ModuleLimits)). Stores get these limits as they are, pooled
//! instances from the fields of the same names in [`PoolConfig`](crate::PoolConfig).
//!
//! **Invariant: a limit is never below what an instance has already**: one that would be is an error, and
//! nothing is started. (The native stack is limited by the slot, and running time by the deadline.)

use crate::state::exceptions::MAX_KEPT;
use crate::state::table::MAX_ELEMENTS;
use std::fmt;
use std::time::{Duration, Instant};
use wasmaot_abi::slot::ADDRESSABLE32;

/// Limits of one instance, or of those that are made in a store.
///
/// ```
/// use std::time::{Duration, Instant};
/// use wasmaot_runtime::{ResourceLimits, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(());
/// store.set_limits(ResourceLimits {
///     memory: 16 << 20,
///     deadline: Some(Instant::now() + Duration::from_millis(100)),
///     ..ResourceLimits::default()
/// })?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Bytes that each memory may have. 4 GiB by default, which is what 32 bits address.
    ///
    /// A memory whose accesses are compared with its length (with 64-bit addresses and a maximum beyond 4
    /// GiB, or pages of a byte) reserves addresses for this many bytes.
    pub memory: u64,
    /// Elements that each table may have, for which it reserves addresses, if it can change. 10,000,000 by
    /// default and at most.
    pub table: u64,
    /// Bytes of addresses that one instance may reserve: its slot, further memories, and tables. 80 GiB by
    /// default: the slot, eight more memories that need no bounds check, and what tables take.
    pub addresses: u64,
    /// Fuel that all instances of the store may use together, start functions included; any amount if `None`.
    /// Each operator takes a unit. Bulk work takes more: `memory.fill`, `copy`, `init` and `grow` a unit for
    /// each 64 bytes that begin behind the first 64, `table.fill`, `copy`, `init` and `grow` one for each
    /// element, `throw` 128 or, where tables of exceptions have more than 8,388,608 elements together, one
    /// for each 65,536 of those. They pay before they begin, if their ranges are inside; those that fail take
    /// nothing. Host functions, those of WASI included, take none, as what they do depends on more than the
    /// guest: a deadline ends them. A run that would use more ends with
    /// [`TrapCode::OutOfFuel`](crate::TrapCode::OutOfFuel), at most 180 operators later. Only code that was
    /// compiled with a meter counts; to make an instance of another module is an error where this is set. Can
    /// be changed later, by [`PooledInstance::set_fuel`](crate::PooledInstance::set_fuel).
    pub fuel: Option<u64>,
    /// Growth beyond a limit ends the run with [`TrapCode::MemoryLimit`](crate::TrapCode::MemoryLimit) or
    /// [`TrapCode::TableLimit`](crate::TrapCode::TableLimit). Otherwise the operator gives -1, and the
    /// program goes on. Growth beyond what the module itself declares always gives -1.
    pub trap: bool,
    /// When the run ends, its start function included. Can be changed later, by
    /// [`PooledInstance::set_deadline`](crate::PooledInstance::set_deadline).
    pub deadline: Option<Instant>,
    /// CPU time that its runs may use together, in the guest, in host functions and in the kernel; any if
    /// `None`. A run that has used it up ends with
    /// [`TrapCode::CpuTimeExceeded`](crate::TrapCode::CpuTimeExceeded), a millisecond later as a rule. Time
    /// in which it waits does not count. Where the host switches stacks, the time of a run is that of the
    /// thread which it is on, from its call until it goes on on another one, or returns. Can be changed
    /// later, by [`PooledInstance::set_cpu_time`](crate::PooledInstance::set_cpu_time).
    pub cpu_time: Option<Duration>,
    /// Calls of guests that one thread may have begun at a time, each by a host function of the one before.
    /// One more ends with [`TrapCode::StackOverflow`](crate::TrapCode::StackOverflow), and so does one for
    /// which the host's own stack has no room; on a stack whose bounds cannot be found (one that the host has
    /// allocated in a larger mapping) this limit is the only one. 1,000 by default.
    pub nesting: u32,
    /// Exceptions that a store keeps because its guests can still reach them, 16 values in each on average.
    /// 65,536 by default; fewer than 256 are always kept. A throw beyond it ends with
    /// [`TrapCode::ExceptionLimit`](crate::TrapCode::ExceptionLimit).
    pub exceptions: u32,
}

/// A limit that a module, or an instance of it, can exceed. Its name is that of the field, which displays as
/// it is.
///
/// ```
/// use wasmaot_runtime::LimitKind;
///
/// assert_eq!(LimitKind::TotalElements.name(), "total_elements");
/// assert_eq!(LimitKind::TotalElements.to_string(), "total_elements");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitKind {
    /// The limit set by `ModuleLimits::memories`.
    Memories,
    /// The limit set by `ModuleLimits::tables`.
    Tables,
    /// The limit set by `ModuleLimits::total_elements`.
    TotalElements,
    /// The limit set by `ModuleLimits::globals`.
    Globals,
    /// The limit set by `ModuleLimits::functions`.
    Functions,
    /// The limit set by `ModuleLimits::types`.
    Types,
    /// The limit set by `ModuleLimits::tags`.
    Tags,
    /// The limit set by `ModuleLimits::segments`.
    Segments,
    /// The limit set by `ModuleLimits::written_pages`.
    WrittenPages,
    /// The limit set by `ModuleLimits::mappings`.
    Mappings,
    /// The limit set by `ResourceLimits::memory`.
    Memory,
    /// The limit set by `ResourceLimits::table`.
    Table,
    /// The limit set by `ResourceLimits::addresses`.
    Addresses,
    /// The limit set by `PoolConfig::total_addresses`.
    TotalAddresses,
}

impl LimitKind {
    /// Returns the name of the field.
    pub fn name(self) -> &'static str {
        match self {
            LimitKind::Memories => "memories",
            LimitKind::Tables => "tables",
            LimitKind::TotalElements => "total_elements",
            LimitKind::Globals => "globals",
            LimitKind::Functions => "functions",
            LimitKind::Types => "types",
            LimitKind::Tags => "tags",
            LimitKind::Segments => "segments",
            LimitKind::WrittenPages => "written_pages",
            LimitKind::Mappings => "mappings",
            LimitKind::Memory => "memory",
            LimitKind::Table => "table",
            LimitKind::Addresses => "addresses",
            LimitKind::TotalAddresses => "total_addresses",
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The default of [`ResourceLimits::memory`].
const MEMORY: u64 = ADDRESSABLE32;

/// The default of [`ResourceLimits::addresses`].
const ADDRESSES: u64 = 80 << 30;

/// The default of [`ResourceLimits::nesting`].
const NESTING: u32 = 1000;

impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            memory: MEMORY,
            table: MAX_ELEMENTS,
            addresses: ADDRESSES,
            fuel: None,
            trap: false,
            deadline: None,
            cpu_time: None,
            nesting: NESTING,
            exceptions: MAX_KEPT,
        }
    }
}

/// Why something does not grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The module says that it is never larger, or the machine has no room.
    Declared,
    /// The embedder's limit.
    Limit,
    /// The kernel refused, and left some pages accessible that it refused to close again. The run must end.
    InDoubt,
}
