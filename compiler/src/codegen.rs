//! Machine code for all functions of a module, in parallel.
//!
//! **Invariant: results are in the order of the functions in the text**, and each depends on its
//! own function only, so the output is the same for any number of threads.

use crate::error::CompileError;
use crate::index::CodeIndex;
use crate::key::{FuncKey, Symbol};
use crate::module::survey::Bodies;
use crate::opt;
use crate::passes::PassSet;
use crate::phases::Watch;
use crate::translate::{self, Env, trap};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, Function, UserFuncName};
use cranelift_codegen::isa::unwind::UnwindInfo;
use cranelift_codegen::{
    CompiledCode, Context, ExceptionContextLoc, Final, FinalizedMachExceptionHandler, FinalizedMachReloc,
    FinalizedRelocTarget, MachSrcLoc,
};
use cranelift_entity::{EntityRef, PrimaryMap};
use cranelift_frontend::FunctionBuilderContext;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmaot_abi::addrmap::NO_OFFSET;
use wasmaot_abi::exception::{Clause, Handler, Site};
use wasmaot_abi::trap::TrapCode;

/// How far a compilation is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Functions of the module whose code is generated.
    pub done: usize,
    /// Functions that the module defines.
    pub total: usize,
}

/// A function's machine code and what is known of it. Offsets count from the function's start.
pub(crate) struct Code {
    pub(crate) bytes: Vec<u8>,
    pub(crate) alignment: u64,
    pub(crate) references: Vec<Reference>,
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
            size_of_val(&*self.references),
            size_of_val(&*self.traps),
            size_of_val(&*self.locations),
            size_of_val(&*self.sites),
            handlers,
        ];
        size_of::<Self>() as u64 + lists.into_iter().sum::<usize>() as u64
    }
}

/// A field of the code that holds the place of something else.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// The field.
    pub(crate) at: u32,
    /// The field's form.
    pub(crate) kind: Reloc,
    pub(crate) target: Target,
    /// Added to the target's place.
    pub(crate) addend: i64,
}

/// What code refers to.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Symbol(Symbol),
    /// Something outside of the artifact, by its name.
    Undefined(String),
}

/// An instruction that may trap.
pub(crate) struct TrapSite {
    pub(crate) at: u32,
    pub(crate) trap: TrapCode,
    /// Operators that are executed by then and not charged, see [`crate::translate`].
    pub(crate) uncharged: u8,
}

/// Runs `finish` on each translated function, and returns the results in the order of the text.
pub(crate) fn for_each<T: Send>(
    env: &Env<'_>,
    bodies: &Bodies<'_>,
    watch: &Watch,
    progress: &(dyn Fn(Progress) + Sync),
    finish: impl Fn(&mut Worker, CodeIndex) -> Result<T, CompileError> + Sync,
) -> Result<PrimaryMap<CodeIndex, T>, CompileError> {
    env.budget.check_least(env.functions.iter().map(|key| translate::least_size(env, key)))?;
    let total = bodies.len();
    let done = AtomicUsize::new(0);
    let results: Vec<Result<T, CompileError>> = (0..env.functions.len())
        .into_par_iter()
        .map_init(Worker::default, |worker, position| {
            let index = CodeIndex::new(position);
            env.budget.check_time()?;
            let size = watch.translate(|| worker.translate(env, bodies, index));
            let size = size.inspect_err(|_| worker.frontend = FunctionBuilderContext::new())?;
            env.budget.check_time()?;
            let generating = env.budget.hold_generation(size)?;
            let result = watch.generate(|| finish(worker, index));
            drop(generating);
            if size > LARGE {
                (worker.context, worker.registers) = (Context::new(), regalloc2::Ctx::default());
            }
            if matches!(env.functions.key(index), FuncKey::Function(_)) {
                progress(Progress { done: done.fetch_add(1, Ordering::Relaxed) + 1, total });
            }
            result
        })
        .collect();
    results.into_iter().collect()
}

/// A thread keeps no memory for the next function from one of this size.
const LARGE: u64 = 1 << 18;

/// What a thread reuses from function to function.
pub(crate) struct Worker {
    context: Context,
    /// Of the passes of our own.
    registers: regalloc2::Ctx,
    /// Uncharged operators at some offsets of the function's Wasm, ascending.
    rows: Vec<(u32, u8)>,
    frontend: FunctionBuilderContext,
}

impl Default for Worker {
    fn default() -> Self {
        let registers = regalloc2::Ctx::default();
        Self { context: Context::new(), registers, rows: Vec::new(), frontend: FunctionBuilderContext::new() }
    }
}

impl Worker {
    /// Translates a function, and returns its size, see [`crate::budget`].
    fn translate(
        &mut self,
        env: &Env<'_>,
        bodies: &Bodies<'_>,
        index: CodeIndex,
    ) -> Result<u64, CompileError> {
        let mut extra_size = 0;
        self.context.clear();
        self.rows.clear();
        let (func, frontend) = (&mut self.context.func, &mut self.frontend);
        func.name = UserFuncName::User(Symbol::Function(index).to_clif());
        match env.functions.key(index) {
            FuncKey::Thunk(imported) => translate::import_thunk(env, imported, func, frontend),
            FuncKey::Function(defined) => {
                let (target, body) = (env.functions.defined(defined), &bodies[defined]);
                let translation = translate::translate(env, target, body, func, frontend)?;
                (self.rows, extra_size) = (translation.rows, translation.extra_size);
            }
            FuncKey::ArrayEntry(entry) => {
                translate::array_entry(env, env.functions.entries()[entry], func, frontend);
            }
            FuncKey::Helper(helper) => translate::helper(env, helper, func, frontend),
        }
        let name = || env.label(Symbol::Function(index));
        env.budget.add_function(&self.context.func, extra_size, name)
    }

    /// The translated function, not yet optimised.
    pub(crate) fn function(&self) -> &Function {
        &self.context.func
    }

    /// Generates the machine code.
    pub(crate) fn generate(&mut self, env: &Env<'_>, index: CodeIndex) -> Result<Code, CompileError> {
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
            references: self.references(&compiled, index),
            unwind,
        };
        env.budget.keep(code.memory())?;
        Ok(code)
    }

    fn compile(&mut self, env: &Env<'_>, index: CodeIndex) -> Result<CompiledCode, CompileError> {
        if env.passes != PassSet::NONE {
            return opt::generate(&mut self.context, &mut self.registers, env.target, env.passes)
                .map_err(|error| codegen_error(env, index, &error));
        }
        self.context
            .compile(&*env.target.isa, &mut ControlPlane::default())
            .map_err(|error| codegen_error(env, index, &error.inner))?;
        Ok(self.context.take_compiled_code().expect("just compiled"))
    }

    fn references(&self, compiled: &CompiledCode, index: CodeIndex) -> Vec<Reference> {
        compiled.buffer.relocs().iter().map(|reloc| reference(reloc, &self.context.func, index)).collect()
    }
}

fn reference(reloc: &FinalizedMachReloc, func: &Function, own: CodeIndex) -> Reference {
    let FinalizedMachReloc { offset: at, kind, addend, ref target } = *reloc;
    let (target, addend) = match target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            let name = &func.params.user_named_funcs()[*name];
            (Target::Symbol(Symbol::from_clif(name)), addend)
        }
        FinalizedRelocTarget::ExternalName(name) => {
            (Target::Undefined(name.display(Some(&func.params)).to_string()), addend)
        }
        FinalizedRelocTarget::Func(offset) => {
            (Target::Symbol(Symbol::Function(own)), addend + i64::from(*offset))
        }
    };
    Reference { at, kind, target, addend }
}

fn codegen_error(env: &Env<'_>, index: CodeIndex, error: &cranelift_codegen::CodegenError) -> CompileError {
    let function = env.label(Symbol::Function(index));
    CompileError::Codegen { function, message: error.to_string() }
}

fn traps(compiled: &CompiledCode, rows: &[(u32, u8)]) -> Vec<TrapSite> {
    let locations = compiled.buffer.get_srclocs_sorted();
    let sites = compiled.buffer.traps().iter().map(|site| {
        let (at, trap::Raised { trap, uncharged }) = (site.offset, trap::read(site.code));
        let by_place = || uncharged_at(rows, locations, at).filter(|_| trap != TrapCode::OutOfFuel);
        TrapSite { at, trap, uncharged: uncharged.or_else(by_place).unwrap_or(0) }
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
