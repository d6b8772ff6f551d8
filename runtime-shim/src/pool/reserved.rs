//! The addresses that a pool's instances reserve outside of their slots.
//!
//! **Invariant: the sum never exceeds the pool's limit**, and what an instance reserved counts until it is
//! dropped.

use crate::state::demand::Exceeded;
use crate::state::limits::LimitKind;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// See the module's description.
pub(crate) struct Reserved {
    bytes: AtomicU64,
    limit: u64,
}

impl Reserved {
    pub(super) fn new(limit: u64) -> Self {
        Self { bytes: AtomicU64::new(0), limit }
    }

    /// Counts bytes that an instance is about to reserve.
    pub(super) fn add(&self, bytes: u64) -> Result<(), Exceeded> {
        let add = |sum: u64| sum.checked_add(bytes).filter(|&sum| sum <= self.limit);
        let result = self.bytes.fetch_update(Relaxed, Relaxed, add).map(drop);
        let exceeded = |sum: u64| Exceeded {
            limit: LimitKind::TotalAddresses,
            value: self.limit,
            asked: sum.saturating_add(bytes),
        };
        result.map_err(exceeded)
    }

    /// Counts them no longer.
    pub(super) fn remove(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_stays_below_the_limit() {
        let reserved = Reserved::new(10);
        reserved.add(7).unwrap();
        assert_eq!(reserved.add(4), Err(Exceeded { limit: LimitKind::TotalAddresses, value: 10, asked: 11 }));
        assert_eq!(reserved.add(u64::MAX).unwrap_err().asked, u64::MAX);
        reserved.add(3).unwrap();
        reserved.remove(7);
        reserved.add(7).unwrap();
    }
}
