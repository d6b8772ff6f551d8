//! Time slices of a store's asynchronous calls: how long such a call runs before it gives its thread back,
//! and what it goes on with.
//!
//! **Invariants.** The registers are written while their guest stands still, and are those of the store's
//! suspended call or of no use. They lie in the host's memory, where no guest reads them.

use crate::os::clock;
use crate::run::registers::Registers;
use std::time::Duration;

/// The end of a slice of a run that has none, in the clock's nanoseconds.
pub(crate) const NEVER: u64 = u64::MAX;

/// The slices of a store's calls.
pub(crate) struct Slices {
    /// Nanoseconds.
    length: u64,
    /// When the current one is over.
    until: u64,
    /// What the call goes on with that was interrupted at the end of one.
    pub(crate) registers: Registers,
}

impl std::fmt::Debug for Slices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slices").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Slices {
    /// Slices of no length.
    pub(crate) fn new() -> Self {
        Self { length: 0, until: NEVER, registers: Registers::new() }
    }

    /// Sets how long they are.
    pub(crate) fn set_length(&mut self, length: Duration) {
        self.length = u64::try_from(length.as_nanos()).unwrap_or(NEVER);
    }

    /// Begins one.
    pub(crate) fn begin(&mut self) {
        self.until = clock::now().saturating_add(self.length);
    }

    /// When the current one is over.
    pub(crate) fn until(&self) -> u64 {
        self.until
    }
}
