//! The options of `run` that limit what a program may use.
//!
//! **Invariant: an option is called like the field that it sets**, `--max-` in front of it, apart from those
//! that [`option`] names.

use crate::text;
use std::time::{Duration, Instant};
use wasmaot_program::limits::{self, WasiLimits};
use wasmaot_runtime::{ModuleLimits, ResourceLimits, TrapCode};

/// Resource limits of a program.
#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct LimitOpts {
    /// Trap when the program has run for this long: seconds, or a number with ms, s, m or h
    #[arg(long, value_name = "TIME", value_parser = text::duration)]
    timeout: Option<Duration>,

    /// Trap when one thread of the program has used this much CPU time: seconds, or a number with ms, s, m or
    /// h
    #[arg(long, value_name = "TIME", value_parser = text::duration)]
    cpu_time: Option<Duration>,

    /// Fuel of each thread (instructions and bulk work), after which it traps; compiles a module as with
    /// --meter
    #[arg(long, value_name = "N", value_parser = text::number::<u64>)]
    fuel: Option<u64>,

    /// Maximum size of each linear memory: bytes, or a number with K, M or G
    #[arg(long, value_name = "SIZE", value_parser = text::size)]
    max_memory: Option<u64>,

    /// Maximum number of elements of each table
    #[arg(long, value_name = "N", value_parser = text::number::<u64>)]
    max_table_elements: Option<u64>,

    /// Maximum address space reserved for memories and tables: bytes, or a number with K, M or G [default:
    /// 8192G]
    #[arg(long, value_name = "SIZE", value_parser = text::size)]
    max_addresses: Option<u64>,

    /// Maximum nesting depth of guest calls made by host functions [default: 1000]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    nesting: Option<u32>,

    /// Maximum number of live exceptions [default: 65536]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_exceptions: Option<u32>,

    /// Maximum transfer size of one WASI call: bytes, or a number with K, M or G [default: 2147479552]
    #[arg(long, value_name = "SIZE", value_parser = text::size)]
    max_transfer: Option<u64>,

    /// Maximum number of open file descriptors [default: 1024]
    #[arg(long, value_name = "N", value_parser = text::number::<usize>)]
    max_descriptors: Option<usize>,

    #[command(flatten)]
    module: ModuleOpts,

    /// Trap when memory or table growth exceeds these limits, instead of returning -1
    #[arg(long)]
    trap_on_grow_failure: bool,
}

/// Limits on what a module asks for.
#[derive(Debug, Default, PartialEq, clap::Args)]
struct ModuleOpts {
    /// Maximum number of memories [default: 100]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_memories: Option<u32>,

    /// Maximum number of tables [default: 1000]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_tables: Option<u32>,

    /// Maximum total number of table elements [default: 10000000]
    #[arg(long, value_name = "N", value_parser = text::number::<u64>)]
    max_total_elements: Option<u64>,

    /// Maximum number of globals [default: 1000000]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_globals: Option<u32>,

    /// Maximum number of functions that are imported or can be referenced [default: 1000000]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_functions: Option<u32>,

    /// Maximum number of function types [default: 1000000]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_types: Option<u32>,

    /// Maximum number of exception tags [default: 1000000]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_tags: Option<u32>,

    /// Maximum number of data and element segments outside the image [default: 1000000]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_segments: Option<u32>,

    /// Maximum number of 4 KiB pages that data segments write at instantiation [default: 1048576]
    #[arg(long, value_name = "N", value_parser = text::number::<u64>)]
    max_written_pages: Option<u64>,

    /// Maximum number of kernel mappings per instance [default: 10000]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_mappings: Option<u32>,
}

/// The option that sets the limit of this name.
pub(crate) fn option(limit: &str) -> String {
    match limit {
        "table" => "--max-table-elements".into(),
        "nesting" => "--nesting".into(),
        name => format!("--max-{}", name.replace('_', "-")),
    }
}

/// The limit that a trap is about, where `run` has an option for it and it has a default.
fn limit_of(code: TrapCode) -> Option<&'static str> {
    match code {
        TrapCode::MemoryLimit => Some("memory"),
        TrapCode::TableLimit => Some("table"),
        TrapCode::ExceptionLimit => Some("exceptions"),
        _ => None,
    }
}

/// What to do about a limit that ended a program.
pub(crate) fn hint(code: TrapCode) -> Option<String> {
    limit_of(code).map(|limit| raise(&option(limit)))
}

/// What to do about a limit that an option sets.
pub(crate) fn raise(option: &str) -> String {
    format!("`{option}` sets the limit")
}

impl ModuleOpts {
    fn limits(&self) -> ModuleLimits {
        let default = limits::of_module();
        ModuleLimits {
            memories: self.max_memories.unwrap_or(default.memories),
            tables: self.max_tables.unwrap_or(default.tables),
            total_elements: self.max_total_elements.unwrap_or(default.total_elements),
            globals: self.max_globals.unwrap_or(default.globals),
            functions: self.max_functions.unwrap_or(default.functions),
            types: self.max_types.unwrap_or(default.types),
            tags: self.max_tags.unwrap_or(default.tags),
            segments: self.max_segments.unwrap_or(default.segments),
            written_pages: self.max_written_pages.unwrap_or(default.written_pages),
            mappings: self.max_mappings.unwrap_or(default.mappings),
        }
    }
}

impl LimitOpts {
    /// The limits of a run that starts now.
    pub(crate) fn limits(&self) -> ResourceLimits {
        let (fuel, trap) = (self.fuel, self.trap_on_grow_failure);
        let mut limits = ResourceLimits { fuel, trap, ..limits::resources() };
        limits.memory = self.max_memory.unwrap_or(limits.memory);
        limits.table = self.max_table_elements.unwrap_or(limits.table);
        limits.addresses = self.max_addresses.unwrap_or(limits.addresses);
        limits.nesting = self.nesting.unwrap_or(limits.nesting);
        limits.exceptions = self.max_exceptions.unwrap_or(limits.exceptions);
        limits.cpu_time = self.cpu_time;
        limits.deadline = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        limits
    }

    /// What the module may ask for.
    pub(crate) fn module(&self) -> ModuleLimits {
        self.module.limits()
    }

    /// What the program may do by calls of WASI.
    pub(crate) fn wasi(&self) -> WasiLimits {
        let default = WasiLimits::default();
        let descriptors = self.max_descriptors.unwrap_or(default.descriptors);
        WasiLimits { descriptors, transfer: self.max_transfer.or(default.transfer) }
    }

    /// The instructions that the program may execute.
    pub(crate) fn fuel(&self) -> Option<u64> {
        self.fuel
    }
}
