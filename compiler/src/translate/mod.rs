//! From Wasm function bodies to CLIF.
//!
//! | file | duty |
//! |---|---|
//! | [`env`] | what all functions of a module share, and its form in CLIF |
//! | [`translator`] | the state of one function's translation: operand stack, locals, imports |
//! | [`frame`], [`tally`] | the nesting of code, and the meter, at a position |
//! | [`trap`] | trap codes in CLIF |
//! | [`ops`] | the table of operators |
//! | [`control`] | blocks, branches, the control stack |
//! | [`call`] | calls, direct and indirect, and calls of builtins |
//! | [`exception`], [`outline`] | throwing, and calls that an exception may pass; `exception/legacy` has the older form |
//! | [`tail_call`] | tail calls |
//! | [`heap`] | **sandbox-critical**: from a Wasm address to a native one |
//! | [`memory`] | loads, stores, size |
//! | [`meter`] | counting the operators that are executed |
//! | [`atomic`] | atomic operators |
//! | [`bulk`] | copying and filling memory |
//! | [`helper`] | functions that artifacts have for what takes more than a few instructions |
//! | [`table`] | table operators, and **sandbox-critical**: from an index to an element |
//! | [`local`], [`cell`] | locals, and where they lie |
//! | [`global`] | globals |
//! | [`reference`] | references, and branches on null |
//! | [`call_ref`] | calls through references |
//! | [`numeric`], [`convert`], [`round`], [`wide`] | arithmetic |
//! | [`simd`] | vectors |
//! | [`vmctx`] | reads and writes of instance state |
//! | [`thunk`] | array entries, and thunks for imports |
//!
//! Bodies have been validated: operand types and indices are right, and are not checked again.
//! **Invariant: compiled code computes no address other than `vmctx + constant`, what [`heap`] and
//! [`table`] give it, and what it loads from the instance's constants.**

mod atomic;
mod bulk;
mod call;
mod call_ref;
mod cell;
mod control;
mod convert;
mod env;
mod exception;
mod frame;
mod global;
mod heap;
mod helper;
mod local;
mod memory;
mod meter;
mod numeric;
mod ops;
mod outline;
mod reference;
mod round;
mod simd;
mod table;
mod tail_call;
mod tally;
mod thunk;
mod translator;
pub(crate) mod trap;
mod vmctx;
mod wide;

use crate::error::CompileError;
use crate::index::FuncIndex;
use crate::key::FuncKey;
use cranelift_codegen::ir::{Function, SourceLoc};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use translator::Translator;
use wasmaot_abi::printable::Printable;
use wasmparser::FunctionBody;

pub(crate) use env::Env;
pub(crate) use helper::{helper, needed_helpers};
pub(crate) use thunk::{array_entry, import_thunk};

/// Operators and values between two looks at the time that is left.
const WORK_PER_LOOK: u64 = 1 << 16;

/// Pairs of an operator and a loop around it that count as much as an operand: the code generator looks at
/// each loop around an instruction.
const LOOPS_PER_UNIT: u64 = 16;

/// A translated body.
pub(crate) struct Translation {
    /// The operators where a trap finds some that are executed and not charged, by offset in the
    /// Wasm file, ascending, with the number of those; none if nothing is counted.
    pub(crate) rows: Vec<(u32, u8)>,
    /// What the translation takes beside the function that it makes: locals, the clauses that each
    /// region lists, the operands that each `if` keeps for its `else`, and a share for nested loops.
    pub(crate) extra_size: u64,
}

/// Translates the body of function `func` into `into`.
pub(crate) fn translate(
    env: &Env<'_>,
    func: FuncIndex,
    body: &FunctionBody<'_>,
    into: &mut Function,
    context: &mut FunctionBuilderContext,
) -> Result<Translation, CompileError> {
    let ty = env.module.function_type(func);
    into.signature = env.tail_signature(ty);
    let mut t = Translator::new(env, FunctionBuilder::new(into, context), body);
    t.builder.set_srcloc(location(body.range().start));
    if local::lie_in_frame(body, ty.params.len() as u64 + declared_locals(body)?) {
        t.use_cells();
    }
    t.enter_function(ty);
    t.declare_locals(body)?;
    let mut reader = body.get_operators_reader()?;
    let (mut translated, mut in_loops, mut next_look) = (0_u64, 0_u64, WORK_PER_LOOK);
    let name = || Printable(&env.module.function_name(func)).to_string();
    let extra_size = |t: &Translator<'_, '_>, in_loops: u64| t.extra_size + in_loops / LOOPS_PER_UNIT;
    while !reader.eof() {
        let (op, offset) = reader.read_with_offset()?;
        t.builder.set_srcloc(location(offset));
        t.count(&op, offset);
        t.operator(&op);
        translated += 1;
        in_loops += u64::from(t.loops());
        env.budget.check_growth(t.builder.func, extra_size(&t, in_loops), name)?;
        let work = translated + t.builder.func.dfg.num_values() as u64;
        if work >= next_look {
            next_look = work + WORK_PER_LOOK;
            env.budget.check_time()?;
        }
    }
    let translation = Translation { rows: t.take_rows(), extra_size: extra_size(&t, in_loops) };
    t.builder.seal_all_blocks();
    t.builder.finalize(env.target.isa.frontend_config());
    Ok(translation)
}

/// What a function's size is at least, as [`Budget`](crate::budget::Budget) counts it: what its type alone
/// comes to.
pub(crate) fn least_size(env: &Env<'_>, key: FuncKey) -> u64 {
    match key {
        FuncKey::Function(defined) => {
            env.module.function_type(env.functions.defined(defined)).params.len() as u64
        }
        FuncKey::Thunk(func) => thunk::least_size(env.module.function_type(func)),
        FuncKey::ArrayEntry(entry) => {
            thunk::least_size(env.module.function_type(env.functions.entries()[entry]))
        }
        FuncKey::Helper(_) => 0,
    }
}

/// Locals that a body declares beside its parameters.
fn declared_locals(body: &FunctionBody<'_>) -> Result<u64, CompileError> {
    let groups = body.get_locals_reader()?.into_iter();
    groups.map(|group| Ok(u64::from(group?.0))).sum()
}

/// Offsets in the Wasm file are what the address map calls source locations.
fn location(offset: usize) -> SourceLoc {
    SourceLoc::new(offset as u32)
}
