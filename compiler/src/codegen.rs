//! Machine code for all functions of a module, in parallel.
//!
//! **Invariant: results are in the order of the jobs**, and each depends on its own job only, so the
//! output is the same for any number of threads.

use crate::Progress;
use crate::error::CompileError;
use crate::phases::Watch;
use crate::translate::{self, Env, Helper};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{self, Function};
use cranelift_codegen::isa::unwind::UnwindInfo;
use cranelift_codegen::{
    CompiledCode, Context, ExceptionContextLoc, Final, FinalizedMachExceptionHandler, MachSrcLoc,
};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_module::{FuncId, ModuleReloc};
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmaot_abi::addrmap::NO_OFFSET;
use wasmaot_abi::exception::{Clause, Handler, Site};
use wasmaot_abi::trap::TrapCode;
use wasmparser::FunctionBody;

/// One function to make. A job's position is its index in CLIF names.
pub(crate) enum Job<'a> {
    /// The thunk of an imported function.
    Import { func: u32 },
    /// A function of the module.
    Function { func: u32, body: FunctionBody<'a> },
    /// The array entry of a function.
    ArrayEntry { func: u32 },
    /// A helper function.
    Helper(Helper),
}

/// A function's machine code and what is known of it. Offsets count from the function's start.
pub(crate) struct Code {
    pub(crate) bytes: Vec<u8>,
    pub(crate) alignment: u64,
    pub(crate) relocs: Vec<ModuleReloc>,
    /// Ascending.
    pub(crate) traps: Vec<TrapSite>,
    /// Where a new offset in the Wasm file begins; ascending.
    pub(crate) locations: Vec<(u32, u32)>,
    pub(crate) unwind: Option<UnwindInfo>,
    /// Calls with handlers, by ascending return address.
    pub(crate) sites: Vec<Site>,
}

impl Code {
    /// Bytes of memory that it takes.
    fn memory(&self) -> u64 {
        let handlers: usize = self.sites.iter().map(|site| size_of_val(&*site.handlers)).sum();
        let lists = [
            self.bytes.len(),
            size_of_val(&*self.relocs),
            size_of_val(&*self.traps),
            size_of_val(&*self.locations),
            size_of_val(&*self.sites),
            handlers,
        ];
        size_of::<Self>() as u64 + lists.into_iter().sum::<usize>() as u64
    }
}

/// An instruction that may trap.
pub(crate) struct TrapSite {
    pub(crate) at: u32,
    pub(crate) trap: TrapCode,
    /// Operators that are executed by then and not charged, see [`crate::translate`].
    pub(crate) uncharged: u8,
}

/// The jobs of a module: import thunks, functions, array entries, helpers.
pub(crate) fn jobs<'a>(env: &Env<'_>, bodies: Vec<FunctionBody<'a>>) -> Vec<Job<'a>> {
    let imported = env.module.imported_functions;
    let imports = (0..imported).map(|func| Job::Import { func });
    let functions = bodies.into_iter().zip(imported..).map(|(body, func)| Job::Function { func, body });
    let entries = env.entries.iter().map(|&func| Job::ArrayEntry { func });
    let helpers = env.helpers.iter().map(|&helper| Job::Helper(helper));
    imports.chain(functions).chain(entries).chain(helpers).collect()
}

/// Runs `finish` on each job's translated function, and gives the results in order.
pub(crate) fn for_each<T: Send>(
    env: &Env<'_>,
    jobs: &[Job<'_>],
    watch: &Watch,
    progress: &(dyn Fn(Progress) + Sync),
    finish: impl Fn(&mut Worker, u32) -> Result<T, CompileError> + Sync,
) -> Result<Vec<T>, CompileError> {
    let done = AtomicUsize::new(0);
    let total = jobs.iter().filter(|job| matches!(job, Job::Function { .. })).count();
    let results: Vec<Result<T, CompileError>> = jobs
        .par_iter()
        .enumerate()
        .map_init(Worker::default, |worker, (index, job)| {
            env.budget.check_time()?;
            worker.context.clear();
            let size = watch.translate(|| worker.translate(env, job, index as u32));
            let size = size.inspect_err(|_| worker.frontend = FunctionBuilderContext::new())?;
            env.budget.check_time()?;
            let generating = env.budget.hold_generation(size)?;
            let result = watch.generate(|| finish(worker, index as u32));
            drop(generating);
            if size > LARGE {
                worker.context = Context::new();
            }
            if matches!(job, Job::Function { .. }) {
                progress(Progress { done: done.fetch_add(1, Ordering::Relaxed) + 1, total });
            }
            result
        })
        .collect();
    results.into_iter().collect()
}

/// A thread keeps no memory for the next function from one of this size.
const LARGE: u64 = 1 << 18;

/// What a thread reuses from job to job.
pub(crate) struct Worker {
    context: Context,
    /// Uncharged operators at some offsets of the function's Wasm, ascending.
    rows: Vec<(u32, u8)>,
    frontend: FunctionBuilderContext,
}

impl Default for Worker {
    fn default() -> Self {
        Self { context: Context::new(), rows: Vec::new(), frontend: FunctionBuilderContext::new() }
    }
}

impl Worker {
    /// Translates a job, and gives the size of its function, see [`crate::budget`].
    fn translate(&mut self, env: &Env<'_>, job: &Job<'_>, index: u32) -> Result<u64, CompileError> {
        let (func, frontend) = (&mut self.context.func, &mut self.frontend);
        let mut extra_size = 0;
        self.rows.clear();
        match job {
            Job::Import { func: imported } => translate::import_thunk(env, *imported, func, frontend),
            Job::ArrayEntry { func: target } => translate::array_entry(env, *target, index, func, frontend),
            Job::Helper(helper) => translate::helper(env, *helper, index, func, frontend),
            Job::Function { func: defined, body } => {
                let translation = translate::translate(env, *defined, body, func, frontend)?;
                (self.rows, extra_size) = (translation.rows, translation.extra_size);
            }
        }
        env.budget.add_function(&self.context.func, extra_size)
    }

    /// The translated function, not yet optimised.
    pub(crate) fn function(&self) -> &Function {
        &self.context.func
    }

    /// Generates the machine code.
    pub(crate) fn generate(&mut self, env: &Env<'_>, index: u32) -> Result<Code, CompileError> {
        let compiled = self.compile(env, index)?;
        let unwind = compiled
            .create_unwind_info(&*env.target.isa)
            .map_err(|error| codegen_error(env, index, &error))?;
        let code = Code {
            bytes: compiled.code_buffer().to_vec(),
            alignment: u64::from(compiled.buffer.alignment),
            traps: traps(&compiled, &self.rows),
            locations: locations(&compiled),
            sites: exception_sites(&compiled),
            relocs: self.relocs(&compiled, index),
            unwind,
        };
        env.budget.keep(code.memory())?;
        Ok(code)
    }

    fn compile(&mut self, env: &Env<'_>, index: u32) -> Result<CompiledCode, CompileError> {
        self.context
            .compile(&*env.target.isa, &mut ControlPlane::default())
            .map_err(|error| codegen_error(env, index, &error.inner))?;
        Ok(self.context.take_compiled_code().expect("just compiled"))
    }

    fn relocs(&self, compiled: &CompiledCode, index: u32) -> Vec<ModuleReloc> {
        let id = FuncId::from_u32(index);
        compiled
            .buffer
            .relocs()
            .iter()
            .map(|reloc| ModuleReloc::from_mach_reloc(reloc, &self.context.func, id))
            .collect()
    }
}

fn codegen_error(env: &Env<'_>, index: u32, error: &cranelift_codegen::CodegenError) -> CompileError {
    let function = env.label(translate::FUNCTIONS, index);
    CompileError::Codegen { function, message: error.to_string() }
}

fn traps(compiled: &CompiledCode, rows: &[(u32, u8)]) -> Vec<TrapSite> {
    let locations = compiled.buffer.get_srclocs_sorted();
    let sites = compiled.buffer.traps().iter().map(|site| {
        let (at, trap) = (site.offset, trap_code(site.code));
        let by_place = || uncharged_at(rows, locations, at).filter(|_| trap != TrapCode::OutOfFuel);
        let uncharged = translate::uncharged_at_access(site.code).or_else(by_place).unwrap_or(0);
        TrapSite { at, trap, uncharged }
    });
    let mut sites: Vec<_> = sites.collect();
    sites.sort_by_key(|site| site.at);
    sites.dedup_by_key(|site| site.at);
    sites
}

/// What the operator that an instruction stems from leaves uncharged.
fn uncharged_at(rows: &[(u32, u8)], locations: &[MachSrcLoc<Final>], at: u32) -> Option<u8> {
    let after = locations.partition_point(|range| range.start <= at);
    let location = locations[..after].last().filter(|range| at < range.end)?;
    let row = rows.binary_search_by_key(&location.loc.bits(), |row| row.0).ok()?;
    Some(rows[row].1)
}

fn exception_sites(compiled: &CompiledCode) -> Vec<Site> {
    let calls = compiled.buffer.call_sites().filter(|call| !call.exception_handlers.is_empty());
    calls
        .map(|call| {
            let mut site = Site {
                return_address: call.ret_addr,
                frame: call.frame_offset.expect("known on x86-64"),
                context: None,
                handlers: Vec::new(),
            };
            for item in call.exception_handlers {
                match *item {
                    FinalizedMachExceptionHandler::Context(ExceptionContextLoc::SPOffset(offset)) => {
                        site.context = Some(offset);
                    }
                    FinalizedMachExceptionHandler::Tag(tag, landing) => {
                        site.handlers.push(Handler { clause: Clause::from_word(tag.as_u32()), landing });
                    }
                    FinalizedMachExceptionHandler::Context(ExceptionContextLoc::GPR(_))
                    | FinalizedMachExceptionHandler::Default(_) => {
                        unreachable!("calls with a context preserve no register, and every clause is a tag")
                    }
                }
            }
            site
        })
        .collect()
}

/// The meaning of the code generator's trap codes: its own, and ours, which it carries as user codes.
fn trap_code(code: ir::TrapCode) -> TrapCode {
    match code {
        ir::TrapCode::STACK_OVERFLOW => TrapCode::StackOverflow,
        ir::TrapCode::INTEGER_OVERFLOW => TrapCode::IntegerOverflow,
        ir::TrapCode::INTEGER_DIVISION_BY_ZERO => TrapCode::IntegerDivideByZero,
        ir::TrapCode::BAD_CONVERSION_TO_INTEGER => TrapCode::InvalidConversionToInteger,
        other if translate::uncharged_at_access(other).is_some() => TrapCode::MemoryOutOfBounds,
        other => TrapCode::from_u8(other.as_raw().get()).expect("user codes are ours"),
    }
}

fn locations(compiled: &CompiledCode) -> Vec<(u32, u32)> {
    let mut locations: Vec<(u32, u32)> = Vec::new();
    let mut end = 0;
    let mut begin = |at: u32, wasm: u32| {
        if locations.last().is_none_or(|last| last.1 != wasm) {
            locations.push((at, wasm));
        }
    };
    for range in compiled.buffer.get_srclocs_sorted() {
        if range.start > end {
            begin(end, NO_OFFSET);
        }
        begin(range.start, if range.loc.is_default() { NO_OFFSET } else { range.loc.bits() });
        end = range.end;
    }
    begin(end, NO_OFFSET);
    locations
}
