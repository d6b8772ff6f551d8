//! What a program may take where nothing else is said: more than in a process that it shares with others, and
//! finite.
//!
//! **Invariant: `run` and the runner allow the same.**

use wasmaot_abi::slot::MAX_MEMORY64;
use wasmaot_runtime::{ModuleLimits, ResourceLimits};

/// What a program may do by calls of WASI.
#[derive(Debug, Clone, Copy)]
pub struct WasiLimits {
    /// Descriptors that it may have open.
    pub descriptors: usize,
    /// Bytes that one call may transfer; as many as the kernel lets one, if that is not said.
    pub transfer: Option<u64>,
}

impl Default for WasiLimits {
    fn default() -> Self {
        Self { descriptors: 1024, transfer: None }
    }
}

/// What a program may take while it runs.
#[must_use]
pub fn resources() -> ResourceLimits {
    ResourceLimits { memory: MAX_MEMORY64, addresses: 8 << 40, ..ResourceLimits::default() }
}

/// What a program's module may ask for.
#[must_use]
pub fn of_module() -> ModuleLimits {
    ModuleLimits {
        memories: 100,
        tables: 1000,
        total_elements: 10_000_000,
        globals: 1_000_000,
        functions: 1_000_000,
        types: 1_000_000,
        tags: 1_000_000,
        segments: 1_000_000,
        written_pages: 1 << 20,
        mappings: 10_000,
    }
}
