//! Wide arithmetic: sums, differences and products of 128 bits, as pairs of 64-bit halves, the low one first.
//!
//! CLIF's 128-bit integers become a carry chain or one widening multiplication; nothing of 128 bits is left
//! in the machine code.

use super::translator::Translator;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::FuncInstBuilder;

impl<'f> Translator<'_, 'f> {
    /// `i64.add128`, `i64.sub128`: from four halves to two.
    pub(super) fn wide_binary(&mut self, op: impl FnOnce(FuncInstBuilder<'_, 'f>, Value, Value) -> Value) {
        let y = self.pop_wide();
        let x = self.pop_wide();
        let result = op(self.builder.ins(), x, y);
        self.push_wide(result);
    }

    /// `i64.mul_wide_s`, `i64.mul_wide_u`: the whole product of two operands, which `extend` widens.
    pub(super) fn wide_product(&mut self, extend: impl Fn(FuncInstBuilder<'_, 'f>, Value) -> Value) {
        let (x, y) = self.pop2();
        let (x, y) = (extend(self.builder.ins(), x), extend(self.builder.ins(), y));
        let result = self.builder.ins().imul(x, y);
        self.push_wide(result);
    }

    fn pop_wide(&mut self) -> Value {
        let (low, high) = self.pop2();
        debug_assert_eq!(self.builder.func.dfg.value_type(low), types::I64);
        self.builder.ins().iconcat(low, high)
    }

    fn push_wide(&mut self, value: Value) {
        let (low, high) = self.builder.ins().isplit(value);
        self.push(low);
        self.push(high);
    }
}
