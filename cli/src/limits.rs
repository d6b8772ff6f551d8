//! The options of `run` that limit what a program may use.

use crate::text;
use std::time::{Duration, Instant};
use wasmaot_runtime::ResourceLimits;

/// Resource limits of a program.
#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct LimitOpts {
    /// End the program with a trap after this time: seconds, or a number with ms, s, m or h
    #[arg(long, value_name = "TIME", value_parser = text::duration)]
    timeout: Option<Duration>,

    /// Maximum fuel of each thread (instructions and bulk work), then a trap; a module is compiled as with --meter
    #[arg(long, value_name = "N", value_parser = text::number)]
    fuel: Option<u64>,

    /// Maximum size of each linear memory: bytes, or a number with K, M or G
    #[arg(long, value_name = "SIZE", value_parser = text::size)]
    max_memory: Option<u64>,

    /// Maximum number of elements of each table
    #[arg(long, value_name = "N", value_parser = text::number)]
    max_table_elements: Option<u64>,

    /// Let growth beyond these limits trap instead of returning -1
    #[arg(long)]
    trap_on_grow_failure: bool,
}

impl LimitOpts {
    /// The limits of a run that starts now.
    pub(crate) fn limits(&self) -> ResourceLimits {
        let (fuel, trap) = (self.fuel, self.trap_on_grow_failure);
        let mut limits = ResourceLimits { fuel, trap, ..ResourceLimits::default() };
        limits.memory = self.max_memory.unwrap_or(limits.memory);
        limits.table = self.max_table_elements.unwrap_or(limits.table);
        limits.deadline = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        limits
    }

    /// The instructions that the program may execute.
    pub(crate) fn fuel(&self) -> Option<u64> {
        self.fuel
    }
}
