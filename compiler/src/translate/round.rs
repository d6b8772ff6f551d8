//! Rounding of floats, and of lanes of floats, to integral floats.
//!
//! SSE4.1 has an instruction for it. Without, the code generator would call a library function that the
//! artifact does not have, so the rounding is spelled out here. Magnitudes of 2^52 (2^23 for `f32`) and more
//! are integral already, as are infinities; a NaN passes through an addition, which quiets it.

use super::translator::Translator;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use wasmaot_abi::cpu;

/// Where to round to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Up,
    Down,
    TowardZero,
    NearestEven,
}

impl Translator<'_, '_> {
    pub(super) fn round(&mut self, rounding: Rounding) {
        let x = self.pop();
        let result = self.rounded(rounding, x);
        self.push(result);
    }

    /// A float, or all lanes of a vector, rounded.
    pub(super) fn rounded(&mut self, rounding: Rounding, x: Value) -> Value {
        if self.env.target.has(cpu::SSE41) {
            let ins = self.builder.ins();
            match rounding {
                Rounding::Up => ins.ceil(x),
                Rounding::Down => ins.floor(x),
                Rounding::TowardZero => ins.trunc(x),
                Rounding::NearestEven => ins.nearest(x),
            }
        } else {
            self.round_by_hand(rounding, x)
        }
    }

    fn round_by_hand(&mut self, rounding: Rounding, x: Value) -> Value {
        let magnitude = self.builder.ins().fabs(x);
        let limit = self.integral_from(x);
        let is_small = self.builder.ins().fcmp(FloatCC::LessThan, magnitude, limit);
        // Adding the limit pushes the fraction out; the processor rounds to nearest even.
        let shifted = self.builder.ins().fadd(magnitude, limit);
        let nearest = self.builder.ins().fsub(shifted, limit);
        let rounded = match rounding {
            Rounding::NearestEven => nearest,
            Rounding::TowardZero => self.step_if(FloatCC::GreaterThan, nearest, magnitude, -1.0),
            Rounding::Down | Rounding::Up => {
                let signed = self.with_sign_of(nearest, x);
                match rounding {
                    Rounding::Down => self.step_if(FloatCC::GreaterThan, signed, x, -1.0),
                    _ => self.step_if(FloatCC::LessThan, signed, x, 1.0),
                }
            }
        };
        // The sign of the operand stays, so that -0.3 rounds to -0.
        let rounded = self.with_sign_of(rounded, x);
        let quiet = self.builder.ins().fadd(x, x);
        let is_nan = self.builder.ins().fcmp(FloatCC::Unordered, x, x);
        let large = self.choose(is_nan, quiet, x);
        self.choose(is_small, rounded, large)
    }

    /// `rounded + step` if `rounded` compares with `exact` like that.
    fn step_if(&mut self, condition: FloatCC, rounded: Value, exact: Value, step: f64) -> Value {
        let is_past = self.builder.ins().fcmp(condition, rounded, exact);
        let step = self.float_like(exact, step);
        let stepped = self.builder.ins().fadd(rounded, step);
        self.choose(is_past, stepped, rounded)
    }

    /// `magnitude`, which has either no sign or that of `x`, with the sign of `x`.
    fn with_sign_of(&mut self, magnitude: Value, x: Value) -> Value {
        if !self.type_of(x).is_vector() {
            return self.builder.ins().fcopysign(magnitude, x);
        }
        let sign = self.float_like(x, -0.0);
        let sign = self.builder.ins().band(sign, x);
        self.builder.ins().bor(magnitude, sign)
    }

    /// One or the other value by the result of a comparison, lane by lane.
    fn choose(&mut self, flag: Value, if_true: Value, if_false: Value) -> Value {
        let ty = self.type_of(if_true);
        if !ty.is_vector() {
            return self.builder.ins().select(flag, if_true, if_false);
        }
        let mask = self.as_lanes(flag, ty);
        self.builder.ins().bitselect(mask, if_true, if_false)
    }

    /// The least magnitude from which on all floats of the type of `x` are integral.
    fn integral_from(&mut self, x: Value) -> Value {
        let exponent = if self.type_of(x).lane_type() == types::F32 { 23 } else { 52 };
        self.float_like(x, (1u64 << exponent) as f64)
    }

    /// A constant of the type of `x`, in all lanes.
    fn float_like(&mut self, x: Value, value: f64) -> Value {
        let ty = self.type_of(x);
        let float = match ty.lane_type() {
            types::F32 => self.builder.ins().f32const(value as f32),
            _ => self.builder.ins().f64const(value),
        };
        if ty.is_vector() { self.builder.ins().splat(ty, float) } else { float }
    }

    fn type_of(&self, value: Value) -> Type {
        self.builder.func.dfg.value_type(value)
    }
}
