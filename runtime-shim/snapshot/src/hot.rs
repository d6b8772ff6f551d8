//! Which pages the calls of a finished snapshot write.
//!
//! The calls are run in a pool, which learns the pages, each time in a new instance, until a run writes none
//! that is not known.
//! **Invariant: the list depends on the module alone**: it is what was written, however the pool found out.

use crate::error::PreinitError;
use crate::host::{self, Host};
use crate::options::Options;
use crate::preinit;
use std::time::Instant;
use wasmaot_abi::preinit::PageRun;
use wasmaot_runtime::{HotSets, Module, Pool, PoolConfig, ResetWay, ResourceLimits};

/// Runs at most.
const MAX_RUNS: usize = 16;

/// Runs the [calls](Options::calls) on an initialised module, which `wasm` is and `module` was compiled from,
/// and returns the pages of its first memory that they write. Returns `None` if these are too many to copy,
/// or others in each run.
///
/// # Errors
/// A call does not return, or gets something that is not granted.
pub fn hot_pages(
    module: &Module,
    wasm: &[u8],
    options: &Options,
) -> Result<Option<Vec<PageRun>>, PreinitError> {
    let linked = host::linker(module, options)?.instantiate_pre(module)?;
    let limits = options.limits;
    let pool = Pool::new(PoolConfig {
        slots: 1,
        memory: limits.memory,
        table: limits.table,
        addresses: limits.addresses,
        hot_sets: HotSets::Shared,
        ..PoolConfig::default()
    })?;
    let deadline = Instant::now().checked_add(options.timeout);
    let limits = ResourceLimits { deadline, ..limits };
    for _ in 0..MAX_RUNS {
        let mut instance = pool.start_with(&linked, Host::new(options, wasm)?, &limits)?;
        let handle = instance.instance();
        preinit::run(&mut instance, handle, &options.calls)?;
        if instance.finish().reset == Some(ResetWay::Copy) {
            return Ok(linked.hot_pages());
        }
    }
    Ok(None)
}
