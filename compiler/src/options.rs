//! What a compilation can be asked for. An option that shapes the artifact is also in `record.rs`, and in the
//! command's cache key and provenance.

use crate::features::FeatureSet;
use crate::passes::PassSet;
use std::time::Duration;
use wasmaot_abi::cpu::{self, Level};

/// The default of [`Options::max_function_size`].
pub const MAX_FUNCTION_SIZE: u64 = 1 << 20;

/// Options of a compilation. `Options::default()` is what a build pipeline wants.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How hard to optimise.
    pub opt: OptLevel,
    /// The passes that run at [`OptLevel::Full`]. Which there are may change with any version.
    pub passes: PassSet,
    /// What the code may assume of the CPU.
    pub cpu: TargetCpu,
    /// Kind of output to produce.
    pub emit: Emit,
    /// Which features of the language to take.
    pub features: FeatureSet,
    /// What relaxed SIMD operators give where the specification leaves a choice.
    pub relaxed_simd: RelaxedSimd,
    /// Whether code counts the operators that it executes, and ends when they are more than an instance may
    /// execute.
    pub meter: bool,
    /// Whether to leave out the source lines of modules with debug information (DWARF). They cost nothing at
    /// run time, and are as large as the machine code or larger.
    pub no_debug: bool,
    /// Worker threads; 0 for one per core. The output does not depend on it.
    pub jobs: usize,
    /// The most intermediate code that a function may have: values, instructions, blocks, operands and branch
    /// targets, of which real programs have one to two for each byte of a function; [`MAX_FUNCTION_SIZE`] by
    /// default. The code generator's time grows with the square of a function's size in the worst case, and
    /// the time limit is not looked at meanwhile, so this limit is what bounds the time of one function.
    pub max_function_size: Option<u64>,
    /// The most memory that the compilation may take, in bytes; by default there is no limit. What
    /// is counted is what the compiler allocates by design, for functions in the making by an
    /// estimate from their size: a module far beyond the limit is refused before it takes the
    /// memory, but the process may take half as much again. Where the bound has to be exact,
    /// compile in a process that has one.
    pub max_memory: Option<u64>,
    /// The most time that the compilation may take; by default there is no limit. It is looked at between
    /// functions, and while one is translated, but not while its code is generated: so it can be exceeded by
    /// what the largest function takes. Where the bound has to be exact, compile in a process that can be
    /// ended.
    pub timeout: Option<Duration>,
}

/// How hard to optimise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OptLevel {
    /// Not at all: the fastest compilation.
    None,
    /// For the speed of the code.
    #[default]
    Speed,
    /// For speed, with the compiler's own [passes](crate::Pass) beside those of Cranelift.
    Full,
}

/// What the code may assume of the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetCpu {
    /// A level of the x86-64 psABI.
    Level(Level),
    /// Everything that this machine's CPU has.
    Native,
}

impl Default for TargetCpu {
    fn default() -> Self {
        TargetCpu::Level(cpu::V2)
    }
}

/// What relaxed SIMD operators give where the specification leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RelaxedSimd {
    /// The same on every CPU level: what fixed-width SIMD gives, multiply-add rounded twice, dot products of
    /// signed bytes.
    #[default]
    Deterministic,
    /// What the instruction of the CPU level gives, where it has one.
    Native,
}

/// Kind of output to produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Emit {
    /// The artifact: a shared object.
    #[default]
    SharedObject,
    /// A relocatable object: machine code and constant tables, without the descriptor.
    Object,
    /// Cranelift's intermediate representation, as translated, before optimisation.
    Clif,
    /// The machine code in words.
    Asm,
    /// The core module that is compiled: a component flattened, a module as it is.
    Wasm,
}
