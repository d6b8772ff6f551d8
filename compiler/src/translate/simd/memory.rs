//! Loads and stores of vectors and of single lanes.
//!
//! Addresses come from [`heap`](crate::translate::heap) like those of all accesses.

use crate::translate::translator::Translator;
use cranelift_codegen::ir::{InstBuilder, Opcode, Type};
use wasmparser::MemArg;

impl Translator<'_, '_> {
    /// A load of 8 bytes whose lanes are widened by `opcode` to lanes of `ty`.
    pub(super) fn load_widened(&mut self, memarg: &MemArg, opcode: Opcode, ty: Type) {
        self.load_extended(memarg, opcode, ty);
        let lanes = self.pop();
        self.push_lanes(lanes);
    }

    /// A load of one lane into all.
    pub(super) fn load_splat(&mut self, memarg: &MemArg, ty: Type) {
        self.load(memarg, ty.lane_type());
        let lane = self.pop();
        let lanes = self.builder.ins().splat(ty, lane);
        self.push_lanes(lanes);
    }

    /// A load of the first lane; the others are zero.
    pub(super) fn load_zero(&mut self, memarg: &MemArg, ty: Type) {
        self.load(memarg, ty.lane_type());
        let lane = self.pop();
        let lanes = self.builder.ins().scalar_to_vector(ty, lane);
        self.push_lanes(lanes);
    }

    /// A load of one lane of a vector.
    pub(super) fn load_lane(&mut self, memarg: &MemArg, ty: Type, index: u8) {
        let vector = self.pop_lanes(ty);
        self.load(memarg, ty.lane_type());
        let lane = self.pop();
        let lanes = self.builder.ins().insertlane(vector, lane, index);
        self.push_lanes(lanes);
    }

    /// A store of one lane.
    pub(super) fn store_lane(&mut self, memarg: &MemArg, ty: Type, index: u8) {
        let vector = self.pop_lanes(ty);
        let lane = self.builder.ins().extractlane(vector, index);
        self.push(lane);
        self.store(memarg);
    }
}
