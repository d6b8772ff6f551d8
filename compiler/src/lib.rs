//! Ahead-of-time compiler from WebAssembly to x86-64 shared objects.
//!
//! ```text
//!  wasm ──parse──▶ ModuleInfo ──survey──▶ facts ──translate, generate──▶ Code ──object──▶ .o ──link──▶ .so
//!        module/              module/survey   translate/, codegen     object          link/
//! ```
//!
//! [`compile`] is all there is to call. **Invariant: the output depends on the input, the options and
//! the version of this crate only**, never on the number of threads or the machine (unless
//! [`TargetCpu::Native`] asks for it).
#![forbid(unsafe_code)]

mod budget;
mod codegen;
mod error;
mod features;
mod isa;
mod link;
mod listing;
mod module;
mod object;
mod options;
mod phases;
mod translate;

pub use error::CompileError;
pub use features::{FEATURES, Feature, FeatureSet, feature};
pub use link::LinkError;
pub use options::{Emit, OptLevel, Options, RelaxedSimd, TargetCpu};
pub use phases::Phases;

use budget::Budget;
use codegen::Code;
use isa::Target;
use module::survey::Facts;
use module::{ModuleInfo, describe, image, parse, survey, tables};
use object::Object;
use phases::Watch;
use std::time::Instant;
use translate::{Env, Helper};
use wasmaot_abi::addrmap::{FunctionRange, write_address_map, write_function_map};
use wasmaot_abi::cpu;
use wasmaot_abi::descriptor::{ExportKind, FuncEntry};
use wasmaot_abi::exception::write_exception_table;
use wasmaot_abi::trap::write_table;

/// How far a compilation is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Functions of the module whose code is generated.
    pub done: usize,
    /// Functions that the module defines.
    pub total: usize,
}

/// What a compilation gives.
#[derive(Debug)]
pub struct Output {
    /// The shared object, the relocatable object, or UTF-8 text, as [`Emit`] asked for.
    pub bytes: Vec<u8>,
    /// Figures for people.
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
    /// Bytes of machine code.
    pub code_bytes: usize,
    /// Bytes of memory image.
    pub image_bytes: usize,
    /// Where the time went.
    pub phases: Phases,
}

/// Compiles a binary module.
///
/// `progress` is called from worker threads as functions are done.
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
    let target = Target::new(options)?;
    budget.keep_parsed(wasm)?;
    let (mut module, bodies) = parse::parse(wasm, options.features)?;
    let functions = bodies.len();
    budget.check_time()?;
    let (facts, bodies) = survey::survey(wasm, &module, options.features, bodies, &budget)?;
    let constant_tables = tables::extract_constant(&mut module, &facts);
    let entries = tables::reachable_functions(&module, &facts);
    let layout = module.state_layout()?;
    let helpers = helpers(&module, &facts, &target);
    let env = Env {
        module: &module,
        layout,
        constant_tables: &constant_tables,
        entries: &entries,
        helpers: &helpers,
        target: &target,
        relaxed_simd: options.relaxed_simd,
        meter: options.meter,
        budget: &budget,
    };
    let parse = begin.elapsed();
    let watch = Watch::default();
    let jobs = codegen::jobs(&env, bodies);
    let mut summary = Summary { functions, ..Summary::default() };
    let bytes = match options.emit {
        Emit::Clif => text(codegen::for_each(&env, &jobs, &watch, progress, |worker, index| {
            Ok(format!("; {}\n{}", env.label(translate::FUNCTIONS, index), worker.function().display()))
        })?),
        Emit::Asm => {
            let listings = codegen::for_each(&env, &jobs, &watch, progress, |worker, index| {
                let code = worker.generate(&env, index)?;
                let listing = listing::list(&code, &|space, index| env.label(space, index));
                let title = env.label(translate::FUNCTIONS, index);
                Ok((format!("{title}:\n{listing}"), code.bytes.len()))
            })?;
            let (listings, sizes): (Vec<_>, Vec<_>) = listings.into_iter().unzip();
            summary.code_bytes = sizes.into_iter().sum();
            text(listings)
        }
        Emit::Object => {
            let mut codes = codegen::for_each(&env, &jobs, &watch, progress, |worker, index| {
                worker.generate(&env, index)
            })?;
            summary.code_bytes = codes.iter().map(|code| code.bytes.len()).sum();
            watch.emit(|| object::build(&env, &mut codes))?.bytes
        }
        Emit::SharedObject => {
            let mut codes = codegen::for_each(&env, &jobs, &watch, progress, |worker, index| {
                worker.generate(&env, index)
            })?;
            drop(jobs);
            budget.check_time()?;
            let _emission = budget.hold_emission(&codes)?;
            watch.emit(|| shared_object(&env, facts.features, &mut codes, &mut summary))?
        }
    };
    summary.phases = watch.phases(parse);
    summary.intermediate_size = budget.size();
    Ok(Output { bytes, summary })
}

/// The helpers that the module needs. Those that move memory work on its own.
fn helpers(module: &ModuleInfo<'_>, facts: &Facts, target: &Target) -> Vec<Helper> {
    let own_memory = translate::helpers_move(module);
    let needed = |helper: &Helper| match helper {
        Helper::Copy => own_memory && facts.copies,
        Helper::Fill => own_memory && facts.fills,
        Helper::Swizzle => facts.swizzles && !target.has(cpu::SSSE3),
    };
    Helper::ALL.into_iter().filter(needed).collect()
}

fn text(functions: Vec<String>) -> Vec<u8> {
    functions.join("\n").into_bytes()
}

fn shared_object(
    env: &Env<'_>,
    features: wasmparser::WasmFeatures,
    codes: &mut [Code],
    summary: &mut Summary,
) -> Result<Vec<u8>, CompileError> {
    let lengths: Vec<u32> = codes.iter().map(|code| code.bytes.len() as u32).collect();
    summary.code_bytes = codes.iter().map(|code| code.bytes.len()).sum();
    let Object { bytes, offsets } = object::build(env, codes)?;
    let image = image::build(env.module);
    env.budget.keep(2 * image.bytes.len() as u64)?;
    summary.image_bytes = image.bytes.len();
    let functions = env.module.functions.len();
    let entries: Vec<FuncEntry> = (env.entries.iter().zip(&offsets[functions..]))
        .map(|(&func, &array)| FuncEntry {
            func,
            ty: env.module.functions[func as usize],
            tail: offsets[func as usize],
            array,
        })
        .collect();
    let exports = exports(env, &entries, &lengths[functions..]);
    let (descriptor, data) = describe::describe(env, features, &image, entries);
    // The code was made for the one, the runtime will lay instances out by the other.
    debug_assert_eq!(descriptor.counts(), *env.layout.counts());
    let unwind = (codes.iter_mut().zip(&offsets).zip(&lengths))
        .filter_map(|((code, &offset), &length)| match code.unwind.take() {
            Some(cranelift_codegen::isa::unwind::UnwindInfo::SystemV(info)) => {
                Some(link::Unwind { offset, length, info })
            }
            _ => None,
        })
        .collect();
    let parts = link::Parts {
        object: &bytes,
        descriptor,
        cpu_features: env.target.cpu_features,
        image: image.bytes,
        data,
        traps: trap_table(codes, &offsets),
        meter: if env.meter { trap_rows(codes) } else { Vec::new() },
        exceptions: exception_table(codes, &offsets),
        address_map: address_map(codes, &offsets),
        function_map: function_map(env, &offsets, &lengths),
        exports,
        unwind,
        cie: env.target.isa.create_systemv_cie().expect("x86-64 has System V unwinding"),
    };
    Ok(link::shared_object(parts)?)
}

fn exports(env: &Env<'_>, entries: &[FuncEntry], lengths: &[u32]) -> Vec<link::Export> {
    let functions = env.module.exports.iter().filter_map(|export| match export.kind {
        ExportKind::Func { index } => Some((export.name.clone(), index)),
        _ => None,
    });
    functions
        .map(|(name, func)| {
            let position = env.entry(func) as usize;
            link::Export { name, offset: entries[position].array, size: lengths[position] }
        })
        .collect()
}

/// Uncharged operators at each site of the trap table, in its order.
fn trap_rows(codes: &[Code]) -> Vec<u8> {
    codes.iter().flat_map(|code| &code.traps).map(|site| site.uncharged).collect()
}

fn trap_table(codes: &[Code], offsets: &[u32]) -> Vec<u8> {
    let sites = codes
        .iter()
        .zip(offsets)
        .flat_map(|(code, start)| code.traps.iter().map(move |site| (start + site.at, site.trap)));
    write_table(&sites.collect::<Vec<_>>())
}

fn exception_table(codes: &[Code], offsets: &[u32]) -> Vec<u8> {
    let sites = codes.iter().zip(offsets).flat_map(|(code, &start)| {
        code.sites.iter().cloned().map(move |mut site| {
            site.return_address += start;
            site.handlers.iter_mut().for_each(|handler| handler.landing += start);
            site
        })
    });
    write_exception_table(&sites.collect::<Vec<_>>())
}

fn address_map(codes: &[Code], offsets: &[u32]) -> Vec<u8> {
    let entries = codes
        .iter()
        .zip(offsets)
        .flat_map(|(code, start)| code.locations.iter().map(move |&(at, wasm)| (start + at, wasm)));
    write_address_map(&entries.collect::<Vec<_>>())
}

/// Functions that the module defines; thunks and entries are not shown in backtraces.
fn function_map(env: &Env<'_>, offsets: &[u32], lengths: &[u32]) -> Vec<u8> {
    let ranges =
        (env.module.imported_functions..env.module.functions.len() as u32).map(|index| FunctionRange {
            code: offsets[index as usize],
            length: lengths[index as usize],
            index,
            name: env.module.known_name(index),
        });
    write_function_map(&ranges.collect::<Vec<_>>())
}
