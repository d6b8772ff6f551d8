//! Numbers of stores.
//!
//! **Invariant: no two stores have the same number**, nor do two instances that one place held one
//! after the other.

use std::sync::atomic::{AtomicU64, Ordering};

/// A store's number, unique in the process: handles to what another store keeps, or kept before it
/// was given to a new instance, are told by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StoreId(u64);

/// Low bits of a number that count instances in one place.
const GENERATION_BITS: u32 = 24;

impl StoreId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed) << GENERATION_BITS)
    }

    /// As a number; never 0.
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// The number for the next instance in the same place. Touches nothing that threads share, save
    /// every few million times.
    pub(crate) fn successor(self) -> Self {
        let next = self.0 + 1;
        if next.trailing_zeros() >= GENERATION_BITS { Self::next() } else { Self(next) }
    }
}
