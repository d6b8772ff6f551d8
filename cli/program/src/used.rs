//! What a program used, for billing.

use wasmaot_runtime::Store;
use wasmaot_wasi::Transferred;

/// What a program used, or some of its threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Operators that it executed, if its code counts them.
    pub operators: Option<u64>,
    /// Fuel that it used for them and for bulk work.
    pub fuel: Option<u64>,
    /// How often it called host functions.
    pub host_calls: u64,
    /// Bytes of all its memories, which is their peak: memories never shrink.
    pub memory: u64,
    /// What it read and wrote.
    pub transferred: Transferred,
}

impl Used {
    /// What the instances of a store used, but for what they transferred, which their context tells.
    pub fn of<T>(store: &Store<T>) -> Self {
        Self {
            operators: store.operators(),
            fuel: store.used_fuel(),
            host_calls: store.host_calls(),
            memory: store.memory_bytes(),
            transferred: Transferred::default(),
        }
    }

    /// Adds what another thread of the program used, but for what it transferred. As a rule all
    /// share one memory; if not, the largest total counts.
    pub(crate) fn add(&mut self, other: &Self) {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        self.operators = sum(self.operators, other.operators);
        self.fuel = sum(self.fuel, other.fuel);
        self.host_calls += other.host_calls;
        self.memory = self.memory.max(other.memory);
    }
}
