//! Swizzles below SSSE3, which has an instruction for them: a helper function of the artifact.
//!
//! It takes each byte in turn into all lanes whose index names it. Indices beyond the last byte meet none and
//! give zero. Nothing goes through memory, so no address depends on an index.

use super::{cast, constant};
use crate::key::Helper;
use crate::translate::env::{Env, open_entry};
use crate::translate::translator::Translator;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I8X16;
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, Signature, Value};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

impl Translator<'_, '_> {
    pub(super) fn swizzle_by_helper(&mut self, bytes: Value, indices: Value) -> Value {
        let callee = self.helper_function(Helper::Swizzle);
        let call = self.builder.ins().call(callee, &[bytes, indices]);
        self.builder.inst_results(call)[0]
    }
}

/// `(bytes, indices) -> bytes`.
pub(in crate::translate) fn signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([AbiParam::new(I8X16); 2]);
    signature.returns.push(AbiParam::new(I8X16));
    signature
}

/// Writes the body of the helper.
pub(in crate::translate) fn helper(env: &Env<'_>, into: &mut Function, context: &mut FunctionBuilderContext) {
    let mut b = FunctionBuilder::new(into, context);
    let entry = open_entry(&mut b);
    let &[bytes, indices] = b.block_params(entry) else { unreachable!("two parameters") };
    let mut result = constant(&mut b, [0; 16]);
    for index in 0..16 {
        let number = constant(&mut b, [index; 16]);
        let is_named = b.ins().icmp(IntCC::Equal, indices, number);
        let byte = b.ins().extractlane(bytes, index);
        let everywhere = b.ins().splat(I8X16, byte);
        let is_named = cast(&mut b, is_named, I8X16);
        let taken = b.ins().band(everywhere, is_named);
        result = b.ins().bor(result, taken);
    }
    b.ins().return_(&[result]);
    b.seal_all_blocks();
    b.finalize(env.target.isa.frontend_config());
}
