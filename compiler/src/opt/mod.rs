//! The compiler's own passes, on at [`OptLevel::Full`](crate::OptLevel::Full).
//!
//! | file | pass |
//! |---|---|
//! | [`merge`] | blocks that can only follow one another |
//! | [`rotates`] | rotations of vectors' lanes as shuffles |
//! | [`order`] | the order of operations within a block |
//! | [`carry`] | what innermost loops use, in registers |
//! | [`pure`] | which operations have no effect |
//!
//! The code generator's own optimiser (common subexpressions, constants, invariants of loops, loads that are
//! repeated) places every operation without effects anew. So a pass that rewrites operations runs before it,
//! and one that decides on places and registers runs behind it ([`generate`]).
//!
//! **Invariants.** What a function stores, returns and counts, and where it traps, stays the same. Accesses
//! of memory keep the form that [`translate`](crate::translate) gave them, from which the artifact is
//! verified. A pass depends on the function and the options only, and takes time in proportion to the
//! function's size.

mod carry;
mod merge;
mod order;
mod pure;
mod rotates;

use crate::isa::Target;
use crate::passes::{Pass, PassSet};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::{CodegenError, CompiledCode};
use regalloc2::Ctx as RegallocContext;

/// Generates a translated function's machine code with the code generator's passes and these.
pub(crate) fn generate(
    context: &mut Context,
    registers: &mut RegallocContext,
    target: &Target,
    passes: PassSet,
) -> Result<CompiledCode, CodegenError> {
    let (isa, control) = (&*target.isa, &mut ControlPlane::default());
    if passes.contains(Pass::Merge) {
        merge::run(context);
    }
    if passes.contains(Pass::Rotates) {
        rotates::run(&mut context.func, target);
    }
    context.optimize(isa, control)?;
    if passes.contains(Pass::Order) {
        order::run(&mut context.func);
    }
    if passes.contains(Pass::Carry) {
        carry::run(context);
    }
    context.verify_if(isa)?;
    // Not `Context::compile`, which would undo some of that.
    let code = isa.compile_function(&context.func, &context.domtree, registers, false, control)?;
    Ok(code.apply_params(&context.func.params))
}
