//! Helper functions: code that a module needs in many places, once in the artifact.
//!
//! **Invariant: the list of a module's helpers is made before any function is translated**, from what the survey saw and the
//! CPU level, and every helper that is called is in it.

use super::{Env, Translator, bulk, function_name, import_function, simd};
use cranelift_codegen::ir::{FuncRef, Function, Signature};
use cranelift_frontend::FunctionBuilderContext;

/// A helper function of the artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helper {
    /// `memory.copy` within the instance's own memory: `(vmctx, to, from, length)`.
    Copy,
    /// `memory.fill` of the instance's own memory: `(vmctx, to, byte, length)`.
    Fill,
    /// `i8x16.swizzle`: `(bytes, indices) -> bytes`.
    Swizzle,
}

impl Helper {
    /// All of them, in the order of their CLIF names.
    pub(crate) const ALL: [Helper; 3] = [Helper::Copy, Helper::Fill, Helper::Swizzle];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Helper::Copy => "memory.copy helper",
            Helper::Fill => "memory.fill helper",
            Helper::Swizzle => "i8x16.swizzle helper",
        }
    }

    fn signature(self) -> Signature {
        match self {
            Helper::Copy | Helper::Fill => bulk::helper_signature(),
            Helper::Swizzle => simd::swizzle::signature(),
        }
    }
}

impl Translator<'_, '_> {
    /// Imports a helper into the CLIF function.
    pub(super) fn helper_function(&mut self, helper: Helper) -> FuncRef {
        let index = self.env.helper_index(helper);
        let builder = &mut self.builder;
        *self.helpers[helper as usize].get_or_insert_with(|| {
            let signature = builder.import_signature(helper.signature());
            import_function(builder.func, index, signature)
        })
    }
}

/// Writes a helper into `into`; `index` is its index in CLIF names.
pub(crate) fn helper(
    env: &Env<'_>,
    helper: Helper,
    index: u32,
    into: &mut Function,
    context: &mut FunctionBuilderContext,
) {
    into.signature = helper.signature();
    into.name = function_name(index);
    match helper {
        Helper::Copy => bulk::helper(env, bulk::Operation::Copy, into, context),
        Helper::Fill => bulk::helper(env, bulk::Operation::Fill, into, context),
        Helper::Swizzle => simd::swizzle::helper(env, into, context),
    }
}
