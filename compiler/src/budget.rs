//! What a compilation may take: intermediate code, memory and time.
//!
//! Some modules make much out of little: a branch of two bytes can pass a thousand operands, a call
//! can name a thousand exception handlers, and each of a thousand locals can differ on each way to
//! a block. So the *size* of a function is counted when it has been translated, before the
//! expensive part of its compilation: its values, instructions and blocks, and the operands and
//! targets of its instructions. All functions of a module together may have [`BASE_SIZE`] and
//! [`SIZE_PER_BYTE`] for each byte of the module, and each of them may have what the options say: the
//! code generator takes time that grows with the square of a function's size, in the worst case.
//!
//! **Invariant: whether a module exceeds the limit on its size depends on the module and the
//! options that shape its code, not on the machine or the number of threads.** The limits on memory
//! and time, which are for those who compile untrusted modules, have no such property.

use crate::error::CompileError;
use crate::options::{MAX_FUNCTION_SIZE, Options};
use cranelift_codegen::ir::Function;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The size that the functions of any module may have.
const BASE_SIZE: u64 = 1 << 20;

/// The size that they may have beyond that for each byte of the module.
const SIZE_PER_BYTE: u64 = 16;

/// Bytes that generating a function's code takes at its height, for each unit of its size.
const GENERATION_BYTES: u64 = 256;

/// Bytes that the parsed module takes for each byte of it.
const PARSED_PER_BYTE: u64 = 8;

/// How often the code is copied when the artifact is made.
const EMITTED_COPIES: u64 = 3;

/// Limits of a compilation, and what it has used of them. Threads share it.
pub(crate) struct Budget {
    size: AtomicU64,
    max_size: u64,
    largest_function: AtomicU64,
    max_function: u64,
    memory: AtomicU64,
    max_memory: Option<u64>,
    begin: Instant,
    timeout: Option<Duration>,
}

impl Budget {
    /// The budget of a compilation that begins now.
    pub(crate) fn new(wasm: &[u8], options: &Options) -> Self {
        Self {
            size: AtomicU64::new(0),
            max_size: BASE_SIZE + SIZE_PER_BYTE * wasm.len() as u64,
            largest_function: AtomicU64::new(0),
            max_function: options.max_function_size.unwrap_or(MAX_FUNCTION_SIZE),
            memory: AtomicU64::new(0),
            max_memory: options.max_memory,
            begin: Instant::now(),
            timeout: options.timeout,
        }
    }

    /// Fails if the time is over.
    pub(crate) fn check_time(&self) -> Result<(), CompileError> {
        match self.timeout {
            Some(timeout) if self.begin.elapsed() >= timeout => Err(CompileError::Timeout { limit: timeout }),
            _ => Ok(()),
        }
    }

    /// Fails if functions that have this size together at least, and that were not counted yet, are larger
    /// than all of their module may be.
    pub(crate) fn check_least(&self, sizes: impl Iterator<Item = u64>) -> Result<(), CompileError> {
        let mut sum = 0_u64;
        for size in sizes {
            sum = sum.saturating_add(size);
            if sum > self.max_size {
                return Err(self.too_large());
            }
        }
        Ok(())
    }

    /// Fails if the function being translated exceeds the limit of one function or of the module. Checks only
    /// sizes that are free to read; [`Budget::add_function`] counts exactly.
    pub(crate) fn check_growth(
        &self,
        func: &Function,
        extra_size: u64,
        name: impl FnOnce() -> String,
    ) -> Result<(), CompileError> {
        // A list occupies at least four units of the pool, and at most eight per operand. Capacity left over
        // from earlier functions also stays below this bound.
        const POOL_PER_OPERAND: u64 = 32;
        let values = func.dfg.num_values() as u64;
        let pool = func.dfg.value_lists.capacity() as u64 / POOL_PER_OPERAND;
        let (own, all) = (values.max(extra_size), values.max(pool).max(extra_size));
        if own > self.max_function {
            return Err(self.function_too_large(name()));
        }
        if all > self.max_size { Err(self.too_large()) } else { Ok(()) }
    }

    /// Counts a translated function, and what its translation took beside it. Gives its size.
    pub(crate) fn add_function(
        &self,
        func: &Function,
        extra_size: u64,
        name: impl FnOnce() -> String,
    ) -> Result<u64, CompileError> {
        let size = size(func) + extra_size;
        if size > self.max_function {
            return Err(self.function_too_large(name()));
        }
        self.largest_function.fetch_max(size, Ordering::Relaxed);
        let before = self.size.fetch_add(size, Ordering::Relaxed);
        if before + size > self.max_size { Err(self.too_large()) } else { Ok(size) }
    }

    /// The size of all functions that were counted.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// The size of the largest of them.
    pub(crate) fn largest_function(&self) -> u64 {
        self.largest_function.load(Ordering::Relaxed)
    }

    /// Like [`Self::too_large`], of one function.
    fn function_too_large(&self, function: String) -> CompileError {
        let (actual, limit) = (self.max_function.saturating_add(1), self.max_function);
        CompileError::FunctionSize { function, actual, limit }
    }

    /// How much it is depends on when counting stopped, so the error says what would have been one
    /// too many.
    fn too_large(&self) -> CompileError {
        CompileError::Limit {
            what: "values, operands and branch targets of the intermediate code",
            actual: self.max_size + 1,
            limit: self.max_size,
        }
    }

    /// Takes this much memory until the result is dropped.
    pub(crate) fn hold(&self, bytes: u64) -> Result<Held<'_>, CompileError> {
        let held = Held { budget: self, bytes };
        let all = self.memory.fetch_add(bytes, Ordering::Relaxed) + bytes;
        match self.max_memory {
            Some(limit) if all > limit => Err(CompileError::Memory { actual: all, limit }),
            _ => Ok(held),
        }
    }

    /// Reserves the memory that generating code for a function of this size needs.
    pub(crate) fn hold_generation(&self, size: u64) -> Result<Held<'_>, CompileError> {
        self.hold(size * GENERATION_BYTES)
    }

    /// Takes the memory for the artifact that this many bytes of code go into.
    pub(crate) fn hold_emission(&self, code_bytes: usize) -> Result<Held<'_>, CompileError> {
        self.hold(code_bytes as u64 * EMITTED_COPIES)
    }

    /// Takes the memory for what is known of this module until it is compiled.
    pub(crate) fn keep_parsed(&self, wasm: &[u8]) -> Result<(), CompileError> {
        self.keep(wasm.len() as u64 * PARSED_PER_BYTE)
    }

    /// Takes this much memory for the rest of the compilation.
    pub(crate) fn keep(&self, bytes: u64) -> Result<(), CompileError> {
        self.hold(bytes).map(std::mem::forget)
    }
}

/// Memory that is in use, given back when this is dropped.
pub(crate) struct Held<'b> {
    budget: &'b Budget,
    bytes: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budget.memory.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The size of a function: its blocks, instructions and values, and the operands and targets of its
/// instructions.
fn size(func: &Function) -> u64 {
    let dfg = &func.dfg;
    let mut size = dfg.num_values() + dfg.num_blocks();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            size += 1 + dfg.inst_args(inst).len();
            for target in dfg.insts[inst].branch_destination(&dfg.jump_tables, &dfg.exception_tables) {
                size += 1 + target.len(&dfg.value_lists);
            }
        }
    }
    size as u64
}
