//! Conversions between number types.

use super::translator::Translator;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type};

impl Translator<'_, '_> {
    /// Sign-extends the low `narrow` bits of an integer.
    pub(super) fn sign_extend_low(&mut self, narrow: Type) {
        let operand = self.pop();
        let ty = self.builder.func.dfg.value_type(operand);
        let low = self.builder.ins().ireduce(narrow, operand);
        let result = self.builder.ins().sextend(ty, low);
        self.push(result);
    }

    /// Keeps the bits, changes the type.
    pub(super) fn reinterpret(&mut self, to: Type) {
        self.unary(|ins, x| ins.bitcast(to, MemFlagsData::new(), x));
    }
}
