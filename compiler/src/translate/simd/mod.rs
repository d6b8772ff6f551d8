//! 128-bit vectors: fixed-width and relaxed SIMD.
//!
//! | file | duty |
//! |---|---|
//! | [`ops`] | the table of operators |
//! | [`memory`] | loads and stores of vectors, of single lanes, with widening |
//! | [`lanes`] | lanes in and out, shuffles, bits |
//! | [`integer`], [`float`], [`convert`] | arithmetic and conversions |
//! | [`relaxed`] | operators whose result the specification leaves open |
//!
//! CLIF gives vectors the type of their lanes, Wasm does not. **Invariant: a vector on the operand stack, in
//! a local, a parameter, a result or a global is [`I8X16`]**; an operator takes it off as the lanes that it
//! works on, and puts it back as bytes. The casts cost nothing: both types are the same register.
//!
//! The code generator has an instruction for all operators from SSE4.1 on. Below, it would call library
//! functions for some, which an artifact does not have: those are spelled out ([`crate::translate::round`])
//! or are calls of a [`Helper`](crate::key::Helper).

mod convert;
mod float;
mod integer;
mod lanes;
mod memory;
mod ops;
mod relaxed;
pub(super) mod swizzle;

use super::translator::Translator;
use cranelift_codegen::ir::types::I8X16;
use cranelift_codegen::ir::{
    ConstantData, Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode, Type, Value, ValueDef,
};
use cranelift_frontend::{FuncInstBuilder, FunctionBuilder};

/// A vector as lanes of type `ty`, or as bytes.
fn cast(b: &mut FunctionBuilder<'_>, vector: Value, ty: Type) -> Value {
    if b.func.dfg.value_type(vector) == ty {
        return vector;
    }
    // Taken off as what it was put on as: the cast between is left to die.
    if let ValueDef::Result(inst, 0) = b.func.dfg.value_def(vector)
        && let InstructionData::LoadNoOffset { opcode: Opcode::Bitcast, arg, .. } = b.func.dfg.insts[inst]
        && b.func.dfg.value_type(arg) == ty
    {
        return arg;
    }
    b.ins().bitcast(ty, MemFlagsData::new().with_endianness(Endianness::Little), vector)
}

/// A constant vector of these bytes.
fn constant(b: &mut FunctionBuilder<'_>, bytes: [u8; 16]) -> Value {
    let data = b.func.dfg.constants.insert(ConstantData::from(&bytes[..]));
    b.ins().vconst(I8X16, data)
}

impl<'f> Translator<'_, 'f> {
    /// A constant vector of these bytes, on which the operand stack can be.
    pub(super) fn vector(&mut self, bytes: [u8; 16]) -> Value {
        constant(&mut self.builder, bytes)
    }

    /// A vector of zeros, as lanes of a type.
    fn zeros(&mut self, ty: Type) -> Value {
        let data = self.builder.func.dfg.constants.insert(ConstantData::from(&[0; 16][..]));
        self.builder.ins().vconst(ty, data)
    }

    /// A vector as lanes of a type.
    pub(super) fn as_lanes(&mut self, vector: Value, ty: Type) -> Value {
        cast(&mut self.builder, vector, ty)
    }

    /// Pops a vector as lanes of a type.
    fn pop_lanes(&mut self, ty: Type) -> Value {
        let vector = self.pop();
        self.as_lanes(vector, ty)
    }

    /// Pops two vectors as lanes of a type.
    fn pop2_lanes(&mut self, ty: Type) -> (Value, Value) {
        let second = self.pop_lanes(ty);
        (self.pop_lanes(ty), second)
    }

    /// Pops three vectors as lanes of a type.
    fn pop3_lanes(&mut self, ty: Type) -> (Value, Value, Value) {
        let third = self.pop_lanes(ty);
        let (first, second) = self.pop2_lanes(ty);
        (first, second, third)
    }

    /// Pushes lanes of any type.
    fn push_lanes(&mut self, lanes: Value) {
        let vector = self.as_lanes(lanes, I8X16);
        self.push(vector);
    }

    /// An operator from one vector to one.
    fn lanes1(&mut self, ty: Type, op: impl FnOnce(FuncInstBuilder<'_, 'f>, Value) -> Value) {
        let operand = self.pop_lanes(ty);
        let result = op(self.builder.ins(), operand);
        self.push_lanes(result);
    }

    /// An operator from two vectors to one.
    fn lanes2(&mut self, ty: Type, op: impl FnOnce(FuncInstBuilder<'_, 'f>, Value, Value) -> Value) {
        let (x, y) = self.pop2_lanes(ty);
        let result = op(self.builder.ins(), x, y);
        self.push_lanes(result);
    }

    /// An operator from a vector to a number.
    fn lanes_to_number(&mut self, ty: Type, op: impl FnOnce(FuncInstBuilder<'_, 'f>, Value) -> Value) {
        let operand = self.pop_lanes(ty);
        let result = op(self.builder.ins(), operand);
        self.push(result);
    }
}
