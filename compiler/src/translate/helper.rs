//! Helper functions: code that a module needs in many places, once in the artifact.
//!
//! **Invariant: the list of a module's helpers is made before any function is translated**, from
//! what the survey saw and the CPU level, and every helper that is called is in it.

use super::env::Env;
use super::translator::Translator;
use super::{bulk, simd};
use crate::isa::Target;
use crate::key::{FuncKey, Helper};
use crate::module::ModuleInfo;
use crate::module::survey::Facts;
use cranelift_codegen::ir::{FuncRef, Function, Signature};
use cranelift_frontend::FunctionBuilderContext;
use wasmaot_abi::cpu;

/// The helpers that a module needs, in the order of the text. Those that move memory work on its
/// own.
pub(crate) fn needed_helpers(module: &ModuleInfo<'_>, facts: &Facts, target: &Target) -> Vec<Helper> {
    let own_memory = bulk::helpers_move(module);
    let needed = |helper: &Helper| match helper {
        Helper::Copy => own_memory && facts.copies,
        Helper::Fill => own_memory && facts.fills,
        Helper::Swizzle => facts.swizzles && !target.has(cpu::SSSE3),
    };
    Helper::ALL.into_iter().filter(needed).collect()
}

fn signature(helper: Helper) -> Signature {
    match helper {
        Helper::Copy | Helper::Fill => bulk::helper_signature(),
        Helper::Swizzle => simd::swizzle::signature(),
    }
}

impl Translator<'_, '_> {
    /// Imports a helper into the CLIF function.
    pub(super) fn helper_function(&mut self, helper: Helper) -> FuncRef {
        let (env, builder) = (self.env, &mut self.builder);
        *self.helpers[helper as usize].get_or_insert_with(|| {
            let signature = builder.import_signature(signature(helper));
            env.import_function(builder.func, FuncKey::Helper(helper), signature)
        })
    }
}

/// Writes a helper into `into`.
pub(crate) fn helper(
    env: &Env<'_>,
    helper: Helper,
    into: &mut Function,
    context: &mut FunctionBuilderContext,
) {
    into.signature = signature(helper);
    match helper {
        Helper::Copy => bulk::helper(env, bulk::Operation::Copy, into, context),
        Helper::Fill => bulk::helper(env, bulk::Operation::Fill, into, context),
        Helper::Swizzle => simd::swizzle::helper(env, into, context),
    }
}
