//! Lanes in and out of vectors, their order, and operators on all bits.

use crate::translate::translator::Translator;
use cranelift_codegen::ir::types::{I8X16, I32};
use cranelift_codegen::ir::{ConstantData, InstBuilder, Type, Value};
use cranelift_frontend::FuncInstBuilder;
use wasmaot_abi::cpu;

impl<'f> Translator<'_, 'f> {
    /// Pops a number as a lane of `ty`: lanes of less than 32 bits come as an `i32`.
    fn pop_lane(&mut self, ty: Type) -> Value {
        let number = self.pop();
        let lane = ty.lane_type();
        match lane.bits() < 32 {
            true => self.builder.ins().ireduce(lane, number),
            false => number,
        }
    }

    pub(super) fn splat(&mut self, ty: Type) {
        let lane = self.pop_lane(ty);
        let lanes = self.builder.ins().splat(ty, lane);
        self.push_lanes(lanes);
    }

    pub(super) fn extract_lane(&mut self, ty: Type, index: u8) {
        self.lanes_to_number(ty, |ins, x| ins.extractlane(x, index));
    }

    /// Extracts a lane of less than 32 bits, which `extend` makes an `i32`.
    pub(super) fn extract_narrow(
        &mut self,
        ty: Type,
        index: u8,
        extend: impl FnOnce(FuncInstBuilder<'_, 'f>, Value) -> Value,
    ) {
        self.extract_lane(ty, index);
        self.unary(extend);
    }

    pub(super) fn replace_lane(&mut self, ty: Type, index: u8) {
        let lane = self.pop_lane(ty);
        self.lanes1(ty, |ins, x| ins.insertlane(x, lane, index));
    }

    pub(super) fn shuffle(&mut self, lanes: &[u8; 16]) {
        let (x, y) = self.pop2_lanes(I8X16);
        let result = if self.env.target.has(cpu::SSSE3) {
            let mask = self.builder.func.dfg.immediates.push(ConstantData::from(&lanes[..]));
            self.builder.ins().shuffle(x, y, mask)
        } else {
            self.shuffle_by_swizzles(x, y, lanes)
        };
        self.push(result);
    }

    /// Lanes of each operand, with zeros where the other's go, put together.
    fn shuffle_by_swizzles(&mut self, x: Value, y: Value, lanes: &[u8; 16]) -> Value {
        const ZERO: u8 = u8::MAX;
        let of_x = self.vector(lanes.map(|lane| if lane < 16 { lane } else { ZERO }));
        let of_y = self.vector(lanes.map(|lane| if lane < 16 { ZERO } else { lane - 16 }));
        let from_x = self.swizzle_bytes(x, of_x);
        let from_y = self.swizzle_bytes(y, of_y);
        self.builder.ins().bor(from_x, from_y)
    }

    pub(super) fn swizzle(&mut self) {
        let (bytes, indices) = self.pop2_lanes(I8X16);
        let result = self.swizzle_bytes(bytes, indices);
        self.push(result);
    }

    /// For each index the byte that it names, or zero.
    pub(super) fn swizzle_bytes(&mut self, bytes: Value, indices: Value) -> Value {
        match self.env.target.has(cpu::SSSE3) {
            true => self.builder.ins().swizzle(bytes, indices),
            false => self.swizzle_by_helper(bytes, indices),
        }
    }

    /// Bits of the first operand where the third has ones, else of the second.
    pub(super) fn select_bits(&mut self, ty: Type) {
        let (x, y, mask) = self.pop3_lanes(ty);
        let result = self.builder.ins().bitselect(mask, x, y);
        self.push_lanes(result);
    }

    pub(super) fn any_true(&mut self) {
        self.lanes_to_number(I8X16, |ins, x| ins.vany_true(x));
        self.unary(|ins, flag| ins.uextend(I32, flag));
    }

    pub(super) fn all_true(&mut self, ty: Type) {
        self.lanes_to_number(ty, |ins, x| ins.vall_true(x));
        self.unary(|ins, flag| ins.uextend(I32, flag));
    }
}
