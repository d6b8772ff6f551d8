//! Which CPU features instructions need.
//!
//! A CPU that lacks a feature faults, or executes something else: `lzcnt` is `bsr` on one that does not know
//! it. So an artifact says in its header what its code needs, and the loader compares that with the CPU.
//! **Invariant: an instruction that is accepted needs nothing beyond what the header says.**

use crate::reject::{Problem, Property, problem};
use iced_x86::{CpuidFeature, Instruction};
use wasmaot_abi::cpu;

/// The bit of a feature: 0 of one that every CPU of this architecture has, `None` of one that artifacts
/// cannot claim.
fn bit(feature: CpuidFeature) -> Option<u64> {
    use CpuidFeature as F;
    Some(match feature {
        F::INTEL8086 | F::INTEL186 | F::INTEL286 | F::INTEL386 | F::INTEL486 | F::X64 => 0,
        F::CMOV | F::CX8 | F::MULTIBYTENOP | F::SSE | F::SSE2 => 0,
        F::SSE3 => cpu::SSE3,
        F::SSSE3 => cpu::SSSE3,
        F::SSE4_1 => cpu::SSE41,
        F::SSE4_2 => cpu::SSE42,
        F::POPCNT => cpu::POPCNT,
        F::CMPXCHG16B => cpu::CMPXCHG16B,
        F::AVX => cpu::AVX,
        F::AVX2 => cpu::AVX2,
        F::FMA => cpu::FMA,
        F::BMI1 => cpu::BMI1,
        F::BMI2 => cpu::BMI2,
        F::LZCNT => cpu::LZCNT,
        F::AVX512F => cpu::AVX512F,
        F::AVX512VL => cpu::AVX512VL,
        F::AVX512DQ => cpu::AVX512DQ,
        F::AVX512_BITALG => cpu::AVX512BITALG,
        F::AVX512_VBMI => cpu::AVX512VBMI,
        F::AVX512_VNNI => cpu::AVX512VNNI,
        _ => return None,
    })
}

/// Checks that an instruction needs only these features.
pub(crate) fn check(instruction: &Instruction, claimed: u64) -> Result<(), Problem> {
    for &feature in instruction.cpuid_features() {
        if bit(feature).is_none_or(|bit| bit & !claimed != 0) {
            return problem(
                Property::Instructions,
                format!("it needs {feature:?}, which is not among the CPU features of the header"),
            );
        }
    }
    Ok(())
}
