//! Integer lanes: comparisons, shifts, and products and sums of widened lanes.

use crate::translate::translator::Translator;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I16X8;
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use cranelift_frontend::FuncInstBuilder;

/// How integers become wider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extension {
    Signed,
    Unsigned,
}

impl<'f> Translator<'_, 'f> {
    pub(super) fn lanes_icmp(&mut self, ty: Type, condition: IntCC) {
        self.lanes2(ty, |ins, x, y| ins.icmp(condition, x, y));
    }

    /// A shift of all lanes by the same number of bits, of which CLIF takes the remainder as Wasm does.
    pub(super) fn shift(
        &mut self,
        ty: Type,
        op: impl FnOnce(FuncInstBuilder<'_, 'f>, Value, Value) -> Value,
    ) {
        let count = self.pop();
        self.lanes1(ty, |ins, x| op(ins, x, count));
    }

    /// Products of lanes that `widen` widened.
    pub(super) fn multiply_widened(
        &mut self,
        ty: Type,
        widen: impl Fn(FuncInstBuilder<'_, 'f>, Value) -> Value,
    ) {
        let (x, y) = self.pop2_lanes(ty);
        let x = widen(self.builder.ins(), x);
        let y = widen(self.builder.ins(), y);
        let products = self.builder.ins().imul(x, y);
        self.push_lanes(products);
    }

    /// The lanes of a vector in twice the width: the lower half, the upper half.
    pub(super) fn widen(&mut self, lanes: Value, extension: Extension) -> (Value, Value) {
        match extension {
            Extension::Signed => {
                (self.builder.ins().swiden_low(lanes), self.builder.ins().swiden_high(lanes))
            }
            Extension::Unsigned => {
                (self.builder.ins().uwiden_low(lanes), self.builder.ins().uwiden_high(lanes))
            }
        }
    }

    /// Sums of neighbours, in twice the width.
    pub(super) fn add_pairs(&mut self, ty: Type, extension: Extension) {
        let operand = self.pop_lanes(ty);
        let sums = self.pair_sums(operand, extension);
        self.push_lanes(sums);
    }

    pub(super) fn pair_sums(&mut self, lanes: Value, extension: Extension) -> Value {
        let (low, high) = self.widen(lanes, extension);
        self.builder.ins().iadd_pairwise(low, high)
    }

    /// Products of signed lanes in twice the width: of the lower halves, of the upper halves.
    pub(super) fn products(&mut self, x: Value, y: Value) -> (Value, Value) {
        let (x_low, x_high) = self.widen(x, Extension::Signed);
        let (y_low, y_high) = self.widen(y, Extension::Signed);
        (self.builder.ins().imul(x_low, y_low), self.builder.ins().imul(x_high, y_high))
    }

    /// Sums of neighbouring products.
    pub(super) fn dot(&mut self) {
        let (x, y) = self.pop2_lanes(I16X8);
        let (low, high) = self.products(x, y);
        let sums = self.builder.ins().iadd_pairwise(low, high);
        self.push_lanes(sums);
    }
}
