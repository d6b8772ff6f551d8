//! Rotations of vectors' lanes by whole bytes, as one shuffle.
//!
//! WebAssembly has no rotation of lanes, so programs write two shifts and an `or`, and the code generator
//! knows only those of scalars. A rotation by a multiple of eight moves bytes, which one instruction does.

use crate::isa::Target;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::types::I8X16;
use cranelift_codegen::ir::{
    Endianness, Function, Immediate, Inst, InstBuilder, InstructionData, MemFlagsData, Opcode, Value,
    ValueDef,
};
use wasmaot_abi::cpu;

/// Replaces rotations in a translated function.
pub(super) fn run(func: &mut Function, target: &Target) {
    if !target.has(cpu::SSSE3) {
        return;
    }
    let mut cursor = FuncCursor::new(func);
    while cursor.next_block().is_some() {
        while let Some(inst) = cursor.next_inst() {
            if let Some(rotation) = rotation(cursor.func, inst) {
                replace(&mut cursor, inst, rotation);
            }
        }
    }
}

/// A rotation of each lane of a vector to the left.
struct Rotation {
    /// The vector, as lanes of any type.
    vector: Value,
    lane_bytes: u8,
    bytes: u8,
}

/// What an instruction is, if it is the last one of a rotation by whole bytes.
fn rotation(func: &Function, inst: Inst) -> Option<Rotation> {
    let InstructionData::Binary { opcode: Opcode::Bor | Opcode::Bxor, args } = func.dfg.insts[inst] else {
        return None;
    };
    if func.dfg.value_type(func.dfg.first_result(inst)) != I8X16 {
        return None;
    }
    let [first, second] = args.map(|arg| shift(func, uncast(func, arg)));
    let (left, right) = match (first?, second?) {
        (left @ Shift { opcode: Opcode::Ishl, .. }, right @ Shift { opcode: Opcode::Ushr, .. }) => {
            (left, right)
        }
        (right @ Shift { opcode: Opcode::Ushr, .. }, left @ Shift { opcode: Opcode::Ishl, .. }) => {
            (left, right)
        }
        _ => return None,
    };
    let is_rotation = left.vector == right.vector
        && left.lane_bits == right.lane_bits
        && left.count + right.count == left.lane_bits
        && left.count % 8 == 0;
    is_rotation.then_some(Rotation {
        vector: left.vector,
        lane_bytes: left.lane_bits / 8,
        bytes: left.count / 8,
    })
}

/// A shift of a vector's lanes by a constant.
struct Shift {
    opcode: Opcode,
    vector: Value,
    lane_bits: u8,
    /// Below `lane_bits`.
    count: u8,
}

fn shift(func: &Function, value: Value) -> Option<Shift> {
    let InstructionData::Binary { opcode, args: [vector, count] } = *definition(func, value)? else {
        return None;
    };
    let InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } = *definition(func, count)? else {
        return None;
    };
    let lane_bits = func.dfg.value_type(value).lane_bits() as u8;
    let count = (imm.bits() & i64::from(lane_bits - 1)) as u8;
    Some(Shift { opcode, vector: uncast(func, vector), lane_bits, count })
}

/// The instruction that a value is the result of.
fn definition(func: &Function, value: Value) -> Option<&InstructionData> {
    match func.dfg.value_def(value) {
        ValueDef::Result(inst, 0) => Some(&func.dfg.insts[inst]),
        _ => None,
    }
}

/// What a vector is before it was cast to lanes of another type.
fn uncast(func: &Function, value: Value) -> Value {
    let mut value = func.dfg.resolve_aliases(value);
    while let Some(&InstructionData::LoadNoOffset { opcode: Opcode::Bitcast, arg, .. }) =
        definition(func, value)
        && func.dfg.value_type(arg).is_vector()
    {
        value = func.dfg.resolve_aliases(arg);
    }
    value
}

fn replace(cursor: &mut FuncCursor<'_>, inst: Inst, rotation: Rotation) {
    let Rotation { vector, lane_bytes, bytes } = rotation;
    let mask: Vec<u8> = (0..16)
        .map(|byte| byte / lane_bytes * lane_bytes + (byte + lane_bytes - bytes) % lane_bytes)
        .collect();
    let mask: Immediate = cursor.func.dfg.immediates.push(mask.into());
    let little = MemFlagsData::new().with_endianness(Endianness::Little);
    cursor.goto_inst(inst);
    cursor.set_srcloc(cursor.func.srcloc(inst));
    let vector = match cursor.func.dfg.value_type(vector) {
        I8X16 => vector,
        _ => cursor.ins().bitcast(I8X16, little, vector),
    };
    cursor.func.dfg.insts[inst] =
        InstructionData::Shuffle { opcode: Opcode::Shuffle, imm: mask, args: [vector, vector] };
}
