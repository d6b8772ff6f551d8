//! Conversions between lanes of different types, where one instruction of CLIF does not do.

use super::integer::Extension;
use crate::translate::translator::Translator;
use cranelift_codegen::ir::types::{F64X2, I32, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Value};
use cranelift_frontend::FuncInstBuilder;
use wasmaot_abi::cpu;

impl<'f> Translator<'_, 'f> {
    /// The lower two integers as floats.
    pub(super) fn convert_low(&mut self, extension: Extension) {
        let operand = self.pop_lanes(I32X4);
        let (low, _) = self.widen(operand, extension);
        let floats = match extension {
            Extension::Signed => self.builder.ins().fcvt_from_sint(F64X2, low),
            Extension::Unsigned => self.builder.ins().fcvt_from_uint(F64X2, low),
        };
        self.push_lanes(floats);
    }

    /// Two floats as integers of 64 bits by `convert`, those saturated to 32 bits, and two zeros.
    pub(super) fn truncate_signed_zero(
        &mut self,
        convert: impl FnOnce(FuncInstBuilder<'_, 'f>, Value) -> Value,
    ) {
        let operand = self.pop_lanes(F64X2);
        let wide = convert(self.builder.ins(), operand);
        let zeros = self.zeros(I64X2);
        let narrow = self.builder.ins().snarrow(wide, zeros);
        self.push_lanes(narrow);
    }

    /// Two floats as unsigned integers of 32 bits, saturated, and two zeros.
    pub(super) fn truncate_unsigned_zero(&mut self) {
        let operand = self.pop_lanes(F64X2);
        let result = if self.env.target.has(cpu::SSE41) {
            let wide = self.builder.ins().fcvt_to_uint_sat(I64X2, operand);
            let zeros = self.zeros(I64X2);
            self.builder.ins().uunarrow(wide, zeros)
        } else {
            // The instructions for vectors round; those for single floats do not.
            let mut result = self.zeros(I32X4);
            for index in [0, 1] {
                let float = self.builder.ins().extractlane(operand, index);
                let integer = self.builder.ins().fcvt_to_uint_sat(I32, float);
                result = self.builder.ins().insertlane(result, integer, index);
            }
            result
        };
        self.push_lanes(result);
    }
}
