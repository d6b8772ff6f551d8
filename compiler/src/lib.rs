//! Ahead-of-time compiler from WebAssembly to x86-64 shared objects.
//!
//! ```text
//!  wasm ──parse──▶ ModuleInfo ──survey──▶ facts ──translate, generate──▶ Code ──emit──▶ .so
//!        module/              module/survey   translate/, codegen     emit/
//! ```
//!
//! Layers, the lowest first; none refers to a higher one:
//!
//! | layer | duty |
//! |---|---|
//! | `error`, `options`, `passes`, `features`, `isa`, `budget`, `record` | what is asked for, what is refused, what is recorded of it |
//! | `component/` | a component flattened into one core module |
//! | `index`, `key` | what the items of a module and of an artifact are called |
//! | `module/` | what is known of a module before a function is translated |
//! | `translate/` | Wasm operators to CLIF |
//! | `opt/` | passes of our own on CLIF |
//! | `codegen`, `phases` | machine code, in parallel |
//! | `emit/`, `listing` | machine code to an artifact, or to text |
//! | here | one compilation from end to end |
//!
//! [`compile`] is all there is to call. **Invariant: the output depends on the input, the options
//! and the version of this crate only**, never on the number of threads or the machine (unless
//! [`TargetCpu::Native`] asks for it).
#![forbid(unsafe_code)]

mod budget;
mod codegen;
mod component;
mod emit;
mod error;
mod features;
mod index;
mod isa;
mod key;
mod listing;
mod module;
mod opt;
mod options;
mod passes;
mod phases;
mod record;
mod translate;

pub use codegen::Progress;
pub use error::{CompileError, EmitError};
pub use features::{FEATURES, Feature, FeatureSet, feature};
pub use options::{Emit, MAX_FUNCTION_SIZE, OptLevel, Options, RelaxedSimd, TargetCpu};
pub use passes::{Pass, PassSet};
pub use phases::Phases;
pub use record::{PRODUCER, RebuildError, options_of};

use budget::Budget;
use component::Flattened;
use index::CodeIndex;
use isa::Target;
use key::{FuncKeys, Symbol};
use module::{parse, survey, tables};
use phases::Watch;
use std::time::Instant;
use translate::Env;

/// What a compilation gives.
#[derive(Debug)]
pub struct Output {
    /// The shared object, the relocatable object, or UTF-8 text, as [`Emit`] asked for.
    pub bytes: Vec<u8>,
    /// Figures for the user-visible summary.
    pub summary: Summary,
}

/// Figures of a compilation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary {
    /// Functions that the module defines.
    pub functions: usize,
    /// Values, instructions, operands and branch targets of the intermediate code, which is limited
    /// in proportion to the module.
    pub intermediate_size: u64,
    /// The same of the function that has most of it, which [`Options::max_function_size`] limits.
    pub largest_function: u64,
    /// Bytes of machine code.
    pub code_bytes: usize,
    /// Bytes of memory image.
    pub image_bytes: usize,
    /// Where the time went.
    pub phases: Phases,
}

/// Compiles a binary module, or a component, which is flattened into one module first.
///
/// `progress` is called from worker threads as functions are done.
///
/// # Errors
/// The module is not valid, uses what is not supported, or is beyond a limit; or the system has no room for
/// the threads.
pub fn compile(
    wasm: &[u8],
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Output, CompileError> {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(options.jobs).build()?;
    threads.install(|| compile_here(wasm, options, progress))
}

/// Source locations are 32 bits wide, and one value stands for none.
const MAX_WASM: u64 = u32::MAX as u64 - 1;

fn compile_here(
    wasm: &[u8],
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Output, CompileError> {
    if wasm.len() as u64 > MAX_WASM {
        return Err(CompileError::Limit {
            what: "bytes of WebAssembly",
            actual: wasm.len() as u64,
            limit: MAX_WASM,
        });
    }
    let begin = Instant::now();
    let budget = Budget::new(wasm, options);
    let input = wasm;
    let flattened = match component::is_component(wasm) {
        true => Some(flatten(wasm, options, &budget)?),
        false => None,
    };
    let (wasm, features, component) = match &flattened {
        // What the component may use has been looked at; adapters and glue may use everything.
        Some(flattened) => (&*flattened.wasm, FeatureSet::default(), Some(&flattened.component)),
        None => (wasm, options.features, None),
    };
    let target = Target::new(options)?;
    budget.keep_parsed(wasm)?;
    let (mut module, bodies) = parse::parse(wasm, features)?;
    budget.check_time()?;
    let (facts, bodies) = survey::survey(wasm, &module, features, bodies, &budget)?;
    let constant_tables = tables::extract_constant(&mut module, &facts);
    let entries = tables::reachable_functions(&module, &facts);
    let functions = FuncKeys::new(
        module.imported_functions as usize,
        tables::needed_thunks(&module, &facts, &entries, &constant_tables),
        bodies.len(),
        entries,
        translate::needed_helpers(&module, &facts, &target),
    );
    let env = Env {
        module: &module,
        layout: module.state_layout()?,
        constant_tables: &constant_tables,
        functions: &functions,
        target: &target,
        relaxed_simd: options.relaxed_simd,
        meter: options.meter,
        debug: !options.no_debug,
        passes: if options.opt == OptLevel::Full { options.passes } else { PassSet::NONE },
        budget: &budget,
    };
    let parse = begin.elapsed();
    let watch = Watch::default();
    let mut summary = Summary { functions: bodies.len(), ..Summary::default() };
    let title = |index: CodeIndex| env.label(Symbol::Function(index));
    let bytes = match options.emit {
        Emit::Wasm => wasm.to_vec(),
        Emit::Clif => text(codegen::for_each(&env, &bodies, &watch, progress, |worker, index| {
            Ok(format!("; {}\n{}", title(index), worker.function().display()))
        })?),
        Emit::Asm => {
            let listings = codegen::for_each(&env, &bodies, &watch, progress, |worker, index| {
                let code = worker.generate(&env, index)?;
                let listing = listing::list(&code, &|symbol| env.label(symbol));
                Ok((format!("{}:\n{listing}", title(index)), code.bytes.len()))
            })?;
            let (listings, sizes): (Vec<_>, Vec<_>) = Vec::from(listings).into_iter().unzip();
            summary.code_bytes = sizes.into_iter().sum();
            text(listings)
        }
        Emit::Object | Emit::SharedObject => {
            let codes = codegen::for_each(&env, &bodies, &watch, progress, |worker, index| {
                worker.generate(&env, index)
            })?;
            drop(bodies);
            summary.code_bytes = codes.values().map(|code| code.bytes.len()).sum();
            budget.check_time()?;
            let _emission = budget.hold_emission(summary.code_bytes)?;
            if options.emit == Emit::Object {
                watch.emit(|| emit::object(&env, &codes))?
            } else {
                let artifact = watch.emit(|| {
                    emit::artifact(&env, facts.features, component, codes, record::record(input, options))
                })?;
                summary.image_bytes = artifact.image_bytes;
                artifact.bytes
            }
        }
    };
    summary.phases = watch.phases(parse);
    (summary.intermediate_size, summary.largest_function) = (budget.size(), budget.largest_function());
    Ok(Output { bytes, summary })
}

/// Flattens a component, which takes memory of the budget.
fn flatten(wasm: &[u8], options: &Options, budget: &Budget) -> Result<Flattened, CompileError> {
    budget.keep_parsed(wasm)?;
    let flattened = component::flatten(wasm, options.features)?;
    budget.keep(flattened.wasm.len() as u64)?;
    budget.check_time()?;
    Ok(flattened)
}

fn text(functions: impl Into<Vec<String>>) -> Vec<u8> {
    functions.into().join("\n").into_bytes()
}
