//! Relaxed SIMD: operators for which the specification allows several results.
//!
//! [`RelaxedSimd::Deterministic`] gives the same bits on every CPU level: that of the fixed-width operator of
//! the same kind where there is one, products rounded before the sum (no fused multiplication), and dot
//! products of signed bytes, whose sums of two wrap in 16 bits and whose sums of four are exact.
//! [`RelaxedSimd::Native`] takes what the level's instruction gives, where it has one.

use super::integer::Extension;
use crate::options::RelaxedSimd;
use crate::translate::translator::Translator;
use cranelift_codegen::ir::types::{F32X4, I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use wasmaot_abi::cpu;

impl Translator<'_, '_> {
    /// Whether the instruction of a CPU feature may be used for its own results.
    fn takes_native(&self, feature: u64) -> bool {
        self.env.relaxed_simd == RelaxedSimd::Native && self.env.target.has(feature)
    }

    /// Native: indices from 16 to 127 count modulo 16.
    pub(super) fn relaxed_swizzle(&mut self) {
        if !self.takes_native(cpu::SSSE3) {
            return self.swizzle();
        }
        self.lanes2(I8X16, |ins, x, y| ins.x86_pshufb(x, y));
    }

    /// Native: what cannot be converted becomes `i32::MIN`. SSE2 has that.
    pub(super) fn relaxed_truncate(&mut self) {
        match self.takes_native(0) {
            true => self.lanes1(F32X4, |ins, x| ins.x86_cvtt2dq(I32X4, x)),
            false => self.lanes1(F32X4, |ins, x| ins.fcvt_to_sint_sat(I32X4, x)),
        }
    }

    /// As [`Self::relaxed_truncate`], for two doubles.
    pub(super) fn relaxed_truncate_zero(&mut self) {
        match self.takes_native(0) {
            true => self.truncate_signed_zero(|ins, x| ins.x86_cvtt2dq(I64X2, x)),
            false => self.truncate_signed_zero(|ins, x| ins.fcvt_to_sint_sat(I64X2, x)),
        }
    }

    pub(super) fn multiply_add(&mut self, ty: Type) {
        let (x, y, z) = self.pop3_lanes(ty);
        let result = self.product_sum(x, y, z);
        self.push_lanes(result);
    }

    pub(super) fn negate_multiply_add(&mut self, ty: Type) {
        let (x, y, z) = self.pop3_lanes(ty);
        let x = self.builder.ins().fneg(x);
        let result = self.product_sum(x, y, z);
        self.push_lanes(result);
    }

    /// Native: rounded once.
    fn product_sum(&mut self, x: Value, y: Value, z: Value) -> Value {
        if self.takes_native(cpu::FMA) {
            return self.builder.ins().fma(x, y, z);
        }
        let product = self.builder.ins().fmul(x, y);
        self.builder.ins().fadd(product, z)
    }

    /// Native: by the highest bit of each lane of the mask. There is no such instruction for lanes of 16
    /// bits.
    pub(super) fn relaxed_select(&mut self, ty: Type) {
        if ty == I16X8 || !self.takes_native(cpu::SSE41) {
            return self.select_bits(ty);
        }
        let (x, y, mask) = self.pop3_lanes(ty);
        let result = self.builder.ins().blendv(mask, x, y);
        self.push_lanes(result);
    }

    /// Native: NaNs and zeros of both signs as in `minps`. SSE2 has that.
    pub(super) fn relaxed_min(&mut self, ty: Type) {
        match self.takes_native(0) {
            true => self.pseudo_min(ty),
            false => self.lanes2(ty, |ins, x, y| ins.fmin(x, y)),
        }
    }

    /// As [`Self::relaxed_min`].
    pub(super) fn relaxed_max(&mut self, ty: Type) {
        match self.takes_native(0) {
            true => self.pseudo_max(ty),
            false => self.lanes2(ty, |ins, x, y| ins.fmax(x, y)),
        }
    }

    /// Native: the product of two `i16::MIN` is `i16::MIN`.
    pub(super) fn relaxed_q15_multiply(&mut self) {
        match self.takes_native(cpu::SSSE3) {
            true => self.lanes2(I16X8, |ins, x, y| ins.x86_pmulhrsw(x, y)),
            false => self.lanes2(I16X8, |ins, x, y| ins.sqmul_round_sat(x, y)),
        }
    }

    /// Native: bytes of the second operand are unsigned, and sums saturate.
    pub(super) fn relaxed_dot(&mut self) {
        let (x, y) = self.pop2_lanes(I8X16);
        let sums = if self.takes_native(cpu::SSSE3) {
            self.builder.ins().x86_pmaddubsw(x, y)
        } else {
            let (low, high) = self.products(x, y);
            self.builder.ins().iadd_pairwise(low, high)
        };
        self.push_lanes(sums);
    }

    /// Native: sums of two as in [`Self::relaxed_dot`].
    pub(super) fn relaxed_dot_add(&mut self) {
        let addend = self.pop_lanes(I32X4);
        let (x, y) = self.pop2_lanes(I8X16);
        let sums = if self.takes_native(cpu::SSSE3) {
            let pairs = self.builder.ins().x86_pmaddubsw(x, y);
            self.pair_sums(pairs, Extension::Signed)
        } else {
            let (low, high) = self.products(x, y);
            let low = self.pair_sums(low, Extension::Signed);
            let high = self.pair_sums(high, Extension::Signed);
            self.builder.ins().iadd_pairwise(low, high)
        };
        let result = self.builder.ins().iadd(sums, addend);
        self.push_lanes(result);
    }
}
