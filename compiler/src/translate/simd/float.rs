//! Float lanes: comparisons, pseudo-minimum and -maximum, rounding.

use crate::translate::round::Rounding;
use crate::translate::translator::Translator;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value};

impl Translator<'_, '_> {
    pub(super) fn lanes_fcmp(&mut self, ty: Type, condition: FloatCC) {
        self.lanes2(ty, |ins, x, y| ins.fcmp(condition, x, y));
    }

    /// The second operand where it is less than the first, else the first.
    pub(super) fn pseudo_min(&mut self, ty: Type) {
        let (x, y) = self.pop2_lanes(ty);
        let result = self.second_if_less(ty, (y, x), (x, y));
        self.push_lanes(result);
    }

    /// The second operand where the first is less than it, else the first.
    pub(super) fn pseudo_max(&mut self, ty: Type) {
        let (x, y) = self.pop2_lanes(ty);
        let result = self.second_if_less(ty, (x, y), (x, y));
        self.push_lanes(result);
    }

    /// `second` where `a` is less than `b`, else `first`. The code generator knows the form as one
    /// instruction.
    fn second_if_less(&mut self, ty: Type, (a, b): (Value, Value), (first, second): (Value, Value)) -> Value {
        let is_less = self.builder.ins().fcmp(FloatCC::LessThan, a, b);
        let is_less = self.as_lanes(is_less, ty);
        self.builder.ins().bitselect(is_less, second, first)
    }

    pub(super) fn round_lanes(&mut self, ty: Type, rounding: Rounding) {
        let operand = self.pop_lanes(ty);
        let rounded = self.rounded(rounding, operand);
        self.push_lanes(rounded);
    }
}
