//! Thunks between the tail convention and the array convention (see [`wasmaot_abi::entry`]).
//!
//! * An *array entry* leads from outside to a function of this module.
//! * An *import thunk* leads from this module to an imported function. It has the import's
//!   function index, so references and tail calls treat imports like any function. So do calls from
//!   where an exception may land; others call the import's array entry themselves.

use super::env::{Env, clif_type, open_entry};
use super::vmctx::CONSTANT;
use crate::index::FuncIndex;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData, SigRef, Signature, StackSlot, StackSlotData,
    StackSlotKind, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::mem::offset_of;
use wasmaot_abi::entry::VALUE;
use wasmaot_abi::state::ImportedFunction;
use wasmaot_abi::types::{FuncType, ValType};

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

    let size = call_cells(ty) * VALUE;
    let slot = b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4));
    let import = env.layout.imported_function(func.as_u32());
    let mut field = |field: usize| b.ins().load(types::I64, CONSTANT, *vmctx, import + field as i32);
    let (code, context) =
        (field(offset_of!(ImportedFunction, array_entry)), field(offset_of!(ImportedFunction, context)));
    let signature = b.import_signature(array_signature());
    let results = call_array_entry(&mut b, (code, signature), slot, [context, *vmctx], ty, args);
    b.ins().return_(&results);
    b.seal_all_blocks();
    b.finalize(env.target.isa.frontend_config());
}

/// The least size of a thunk or an array entry. For each value there are the value, an access to its cell
/// with its operands, and its use.
pub(super) fn least_size(ty: &FuncType) -> u64 {
    const EACH: u64 = 4;
    (ty.params.len() + ty.results.len()) as u64 * EACH
}

/// How many cells a call through an array entry takes.
pub(super) fn call_cells(ty: &FuncType) -> u32 {
    ty.params.len().max(ty.results.len()) as u32
}

/// This many cells of the frame, which all calls share that come with the same `slot`.
pub(super) fn shared_cells(
    b: &mut FunctionBuilder<'_>,
    slot: &mut Option<StackSlot>,
    count: u32,
) -> StackSlot {
    let slot = *slot.get_or_insert_with(|| {
        b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, 0, 4))
    });
    let size = &mut b.func.sized_stack_slots[slot].size;
    *size = (*size).max(count * VALUE);
    slot
}

/// Calls an array entry with its cells in a slot of the frame, which has room for them. Returns the results.
pub(super) fn call_array_entry(
    b: &mut FunctionBuilder<'_>,
    (code, signature): (Value, SigRef),
    slot: StackSlot,
    [context, caller]: [Value; 2],
    ty: &FuncType,
    args: &[Value],
) -> Vec<Value> {
    let values = b.ins().stack_addr(types::I64, slot, 0);
    store_values(b, values, args);
    b.ins().call_indirect(signature, code, &[context, values, caller]);
    load_values(b, values, &ty.results)
}

/// `(context, values, caller)`.
pub(super) fn array_signature() -> Signature {
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
