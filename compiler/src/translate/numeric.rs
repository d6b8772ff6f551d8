//! Integer and float arithmetic, and comparisons.
//!
//! CLIF's operators have Wasm's meaning, traps included; where the CPU level lacks an instruction see
//! [`super::round`].

use super::translator::Translator;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::FuncInstBuilder;

impl<'f> Translator<'_, 'f> {
    /// An operator from one operand to one result.
    pub(super) fn unary(&mut self, op: impl FnOnce(FuncInstBuilder<'_, 'f>, Value) -> Value) {
        let operand = self.pop();
        let result = op(self.builder.ins(), operand);
        self.push(result);
    }

    /// An operator from two operands to one result.
    pub(super) fn binary(&mut self, op: impl FnOnce(FuncInstBuilder<'_, 'f>, Value, Value) -> Value) {
        let (x, y) = self.pop2();
        let result = op(self.builder.ins(), x, y);
        self.push(result);
    }

    pub(super) fn icmp(&mut self, condition: IntCC) {
        let (x, y) = self.pop2();
        let flag = self.builder.ins().icmp(condition, x, y);
        self.push_flag(flag);
    }

    pub(super) fn fcmp(&mut self, condition: FloatCC) {
        let (x, y) = self.pop2();
        let flag = self.builder.ins().fcmp(condition, x, y);
        self.push_flag(flag);
    }

    pub(super) fn eqz(&mut self) {
        let operand = self.pop();
        let flag = self.builder.ins().icmp_imm_u(IntCC::Equal, operand, 0);
        self.push_flag(flag);
    }

    /// Pushes an 8-bit flag as an `i32`.
    pub(super) fn push_flag(&mut self, flag: Value) {
        let value = self.builder.ins().uextend(types::I32, flag);
        self.push(value);
    }
}
