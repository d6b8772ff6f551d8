//! Limits as C states them: of what a module asks for, and of what an instance takes.
//!
//! **Invariants.** Limits have their names in Rust. A field that C leaves 0 means the default.

use crate::instance::deadline;
use std::time::Duration;
use wasmaot_runtime::{ModuleLimits, ResourceLimits};

/// Defines `wasmaot_module_limits_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[repr(C)]
pub struct wasmaot_module_limits_t {
    pub memories: u32,
    pub tables: u32,
    pub total_elements: u64,
    pub globals: u32,
    pub functions: u32,
    pub types: u32,
    pub tags: u32,
    pub segments: u32,
    pub written_pages: u64,
    pub mappings: u32,
}

/// Defines `wasmaot_resource_limits_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[repr(C)]
pub struct wasmaot_resource_limits_t {
    pub memory: u64,
    pub table: u64,
    pub addresses: u64,
    pub fuel: u64,
    pub deadline: u64,
    pub cpu_time: u64,
    pub nesting: u32,
    pub exceptions: u32,
    pub trap: bool,
}

/// `value`, or a default where C left it 0.
pub(crate) fn or<T: Default + PartialEq>(value: T, default: T) -> T {
    if value == T::default() { default } else { value }
}

impl wasmaot_module_limits_t {
    pub(crate) fn read(&self) -> ModuleLimits {
        let default = ModuleLimits::default();
        ModuleLimits {
            memories: or(self.memories, default.memories),
            tables: or(self.tables, default.tables),
            total_elements: or(self.total_elements, default.total_elements),
            globals: or(self.globals, default.globals),
            functions: or(self.functions, default.functions),
            types: or(self.types, default.types),
            tags: or(self.tags, default.tags),
            segments: or(self.segments, default.segments),
            written_pages: or(self.written_pages, default.written_pages),
            mappings: or(self.mappings, default.mappings),
        }
    }
}

impl wasmaot_resource_limits_t {
    pub(crate) fn read(&self) -> ResourceLimits {
        let default = ResourceLimits::default();
        ResourceLimits {
            memory: or(self.memory, default.memory),
            table: or(self.table, default.table),
            addresses: or(self.addresses, default.addresses),
            fuel: (self.fuel != 0).then_some(self.fuel),
            trap: self.trap,
            deadline: if self.deadline == 0 { None } else { deadline(self.deadline) },
            cpu_time: (self.cpu_time != 0).then(|| Duration::from_nanos(self.cpu_time)),
            nesting: or(self.nesting, default.nesting),
            exceptions: or(self.exceptions, default.exceptions),
        }
    }
}
