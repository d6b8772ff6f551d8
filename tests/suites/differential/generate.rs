//! Makes the random modules.
//!
//! Modules come in four kinds, by number: with or without instructions that may trap, with or without
//! imports. All end: loops and calls draw on a fuel global that traps when it is used up. Sizes are bounded
//! so that growing a memory or table succeeds or fails alike on both sides.

use crate::atomics;
use crate::engine::{Plan, Program};
use crate::{ours, smith, theirs};
use wasm_smith::Config;
use wasmaot_abi::cpu::BASELINE;
use wasmaot_compiler::{OptLevel, Options, TargetCpu};
use wasmaot_tests::options;

/// What a module is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oracle {
    /// The interpreter.
    Interpreter,
    /// Our own code, not optimised: for what has no like in the interpreter.
    Unoptimised,
}

impl Oracle {
    /// The other side's form of a module.
    pub(crate) fn program(self, wasm: &[u8]) -> Result<Box<dyn Program>, String> {
        Ok(match self {
            Oracle::Interpreter => Box::new(theirs::Program::new(wasm)?),
            Oracle::Unoptimised => {
                let options = Options { opt: OptLevel::None, cpu: TargetCpu::Level(BASELINE), ..options() };
                Box::new(ours::Program::new(wasm, &options)?)
            }
        })
    }

    /// That of module number `number`. Those with exceptions may trap, or they could not throw.
    fn of(number: u64) -> Self {
        if number % 10 == 3 { Oracle::Unoptimised } else { Oracle::Interpreter }
    }
}

/// Calls and loop iterations that an instance may make in all. Few enough for all to be calls within calls.
const FUEL: u32 = 2_000;

fn config(number: u64) -> Config {
    let (traps, imports) = (number % 2 == 1, number / 2 % 2 == 1);
    // Half of the modules have memories as before the proposals on them.
    let memories = number / 4 % 2 == 1;
    let exceptions = Oracle::of(number) == Oracle::Unoptimised;
    Config {
        // The four kinds.
        disallow_traps: !traps,
        max_imports: if imports { 12 } else { 0 },
        min_imports: if imports { 3 } else { 0 },
        // Something to run and to look at.
        export_everything: true,
        min_types: 4,
        max_types: 12,
        min_funcs: 4,
        max_funcs: 12,
        min_globals: 2,
        max_globals: 12,
        max_instructions: 60 + (number as usize / 4 % 4) * 120,
        min_memories: (!(number / 16).is_multiple_of(8)).into(),
        max_memories: if memories { 4 } else { 1 },
        max_tables: 3,
        min_tags: if exceptions { 3 } else { 0 },
        max_data_segments: 6,
        max_element_segments: 6,
        // Bounds, so that both sides grow alike.
        max_memory32_bytes: 8 * 65_536,
        memory_max_size_required: true,
        max_table_elements: 500,
        table_max_size_required: true,
        // Which NaN comes out is not specified, but can be seen in memory.
        canonicalize_nans: true,
        // In half of the modules, the proposals on memories; in a third, atomic operators and shared
        // memories; in a tenth, exceptions. Results of relaxed SIMD are not specified.
        custom_page_sizes_enabled: memories,
        exceptions_enabled: exceptions,
        memory64_enabled: memories,
        max_memory64_bytes: 8 * 65_536,
        threads_enabled: number / 32 % 3 == 1,
        // Vectors in half of the modules, so that they do not crowd out the rest.
        simd_enabled: number / 8 % 2 == 1,
        ..smith::base()
    }
}

/// A random module.
pub(crate) struct Generated {
    /// Its bytes.
    pub(crate) wasm: Vec<u8>,
    /// How many atomic operators it has.
    pub(crate) atomics: usize,
    /// What to compare it with.
    pub(crate) oracle: Oracle,
}

/// Module number `number`.
pub(crate) fn module(number: u64) -> Generated {
    smith::first(number, |bytes| from_bytes(number, bytes))
}

/// The module that the generator makes of a byte string, of the kind that `number` says. `None` if it gives
/// up.
pub(crate) fn from_bytes(number: u64, bytes: &[u8]) -> Option<Generated> {
    let mut module = smith::from_bytes(config(number), bytes)?;
    module.ensure_termination(FUEL).unwrap_or_else(|e| panic!("module {number}: {e}"));
    let tamed = atomics::tame(&module.to_bytes());
    let (wasm, atomics) = tamed.unwrap_or_else(|e| panic!("module {number}: {e}"));
    // A linker can satisfy two imports of one name only if their types agree.
    let oracle = Oracle::of(number);
    let differ = oracle.program(&wasm).is_ok_and(|program| names_differ(&program.plan()));
    differ.then_some(Generated { wasm, atomics, oracle })
}

fn names_differ(plan: &Plan) -> bool {
    let mut names: Vec<_> = plan.imports.iter().map(|(module, name, _)| (module, name)).collect();
    names.sort();
    names.windows(2).all(|pair| pair[0] != pair[1])
}
