//! Thunks between the tail convention and the array convention (see [`wasmaot_abi::entry`]).
//!
//! * An *array entry* leads from outside to a function of this module.
//! * An *import thunk* leads from this module to an imported function. It has the import's
//!   function index, so calls and references treat imports like any function.

use super::env::{Env, clif_type, open_entry};
use super::vmctx::CONSTANT;
use crate::index::FuncIndex;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::mem::offset_of;
use wasmaot_abi::entry::VALUE;
use wasmaot_abi::state::ImportedFunction;
use wasmaot_abi::types::ValType;

/// Writes the array entry of function `func` into `into`.
pub(crate) fn array_entry(
    env: &Env<'_>,
    func: FuncIndex,
    into: &mut Function,
    context: &mut FunctionBuilderContext,
) {
    into.signature = array_signature();
    let ty = env.module.function_type(func);
    let mut b = FunctionBuilder::new(into, context);
    let entry = open_entry(&mut b);
    let (vmctx, values) = (b.block_params(entry)[0], b.block_params(entry)[1]);
    let mut args = vec![vmctx];
    args.extend(load_values(&mut b, values, &ty.params));
    let signature = b.import_signature(env.tail_signature(ty));
    let callee = env.import_function(b.func, env.functions.of_func(func), signature);
    let call = b.ins().call(callee, &args);
    let results = b.inst_results(call).to_vec();
    store_values(&mut b, values, &results);
    b.ins().return_(&[]);
    b.seal_all_blocks();
    b.finalize(env.target.isa.frontend_config());
}

/// Writes the thunk for imported function `func` into `into`.
pub(crate) fn import_thunk(
    env: &Env<'_>,
    func: FuncIndex,
    into: &mut Function,
    context: &mut FunctionBuilderContext,
) {
    let ty = env.module.function_type(func);
    into.signature = env.tail_signature(ty);
    let mut b = FunctionBuilder::new(into, context);
    let entry = open_entry(&mut b);
    let params = b.block_params(entry).to_vec();
    let (vmctx, args) = params.split_first().expect("the vmctx comes first");

    let cells = ty.params.len().max(ty.results.len()) as u32;
    let slot = b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, cells * VALUE, 4));
    let values = b.ins().stack_addr(types::I64, slot, 0);
    store_values(&mut b, values, args);
    let import = env.layout.imported_function(func.as_u32());
    let code =
        b.ins().load(types::I64, CONSTANT, *vmctx, import + offset_of!(ImportedFunction, array_entry) as i32);
    let callee =
        b.ins().load(types::I64, CONSTANT, *vmctx, import + offset_of!(ImportedFunction, context) as i32);
    let signature = b.import_signature(array_signature());
    b.ins().call_indirect(signature, code, &[callee, values, *vmctx]);
    let results = load_values(&mut b, values, &ty.results);
    b.ins().return_(&results);
    b.seal_all_blocks();
    b.finalize(env.target.isa.frontend_config());
}

/// `(context, values, caller)`.
fn array_signature() -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend([types::I64; 3].map(AbiParam::new));
    signature
}

fn load_values(b: &mut FunctionBuilder<'_>, values: Value, types: &[ValType]) -> Vec<Value> {
    let cells = (0..).step_by(VALUE as usize);
    types
        .iter()
        .zip(cells)
        .map(|(&ty, offset)| b.ins().load(clif_type(ty), MemFlagsData::trusted(), values, offset))
        .collect()
}

pub(super) fn store_values(b: &mut FunctionBuilder<'_>, values: Value, stored: &[Value]) {
    for (&value, offset) in stored.iter().zip((0..).step_by(VALUE as usize)) {
        b.ins().store(MemFlagsData::trusted(), value, values, offset);
    }
}
