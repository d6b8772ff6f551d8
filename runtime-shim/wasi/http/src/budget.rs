//! How much of the host's memory one instance may take by headers and bodies that it keeps.
//!
//! **Invariant: what is charged is given back once**, when the charge is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasmaot_runtime::HostError;

/// Bytes that an instance may keep in the host.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    left: Arc<AtomicUsize>,
    limit: usize,
}

/// Bytes that are taken from a budget.
#[derive(Debug)]
pub(crate) struct Charge {
    left: Arc<AtomicUsize>,
    bytes: usize,
}

/// An instance that keeps more than it may.
#[derive(Debug, thiserror::Error)]
#[error("limit exceeded: bytes of headers and bodies that an instance keeps in the host: at most {0}")]
pub struct BudgetExceeded(usize);

impl Budget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(limit)), limit }
    }

    /// Takes this many bytes.
    pub(crate) fn charge(&self, bytes: usize) -> Result<Charge, HostError> {
        // An instance is used by one thread at a time; bodies only give back.
        let taken = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes));
        match taken {
            Ok(_) => Ok(Charge { left: self.left.clone(), bytes }),
            Err(_) => Err(HostError::other(BudgetExceeded(self.limit))),
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.left.fetch_add(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_not_exceeded_and_gets_back_what_was_taken() {
        let budget = Budget::new(100);
        let charge = budget.charge(60).expect("there is enough");
        assert!(budget.charge(41).is_err());
        let rest = budget.charge(40).expect("there is enough");
        drop(charge);
        assert!(budget.charge(60).is_ok());
        drop(rest);
        assert!(budget.charge(100).is_ok());
    }
}
