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
use cranelift_codegen::ir::{Function, SourceLoc};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use translator::Translator;
use wasmparser::FunctionBody;

pub(crate) use env::Env;
pub(crate) use helper::{helper, needed_helpers};
pub(crate) use thunk::{array_entry, import_thunk};

/// Operators between two looks at the time that is left.
const OPERATORS_PER_LOOK: u64 = 1 << 16;

/// A translated body.
pub(crate) struct Translation {
    /// The operators where a trap finds some that are executed and not charged, by offset in the
    /// Wasm file, ascending, with the number of those; none if nothing is counted.
    pub(crate) rows: Vec<(u32, u8)>,
    /// What the translation took beside the function that it made: locals, the clauses that each
    /// region lists, and the operands that each `if` keeps for its `else`.
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
    let mut translated = 0_u64;
    while !reader.eof() {
        let (op, offset) = reader.read_with_offset()?;
        t.builder.set_srcloc(location(offset));
        t.count(&op, offset);
        t.operator(&op);
        env.budget.check_growth(t.builder.func, t.extra_size)?;
        translated += 1;
        if translated.is_multiple_of(OPERATORS_PER_LOOK) {
            env.budget.check_time()?;
        }
    }
    let translation = Translation { rows: t.take_rows(), extra_size: t.extra_size };
    t.builder.seal_all_blocks();
    t.builder.finalize(env.target.isa.frontend_config());
    Ok(translation)
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
