//! Which of the ABI's CPU features this machine has.

use wasmaot_abi::cpu;

/// The set of features of this CPU that the ABI knows, as the kernel lets programs use them.
pub(crate) fn features() -> u64 {
    macro_rules! detect {
        ($($bit:ident $name:tt),* $(,)?) => {
            [$((cpu::$bit, std::arch::is_x86_feature_detected!($name))),*]
        };
    }
    let detected = detect![
        SSE3 "sse3",
        SSSE3 "ssse3",
        SSE41 "sse4.1",
        SSE42 "sse4.2",
        POPCNT "popcnt",
        CMPXCHG16B "cmpxchg16b",
        AVX "avx",
        AVX2 "avx2",
        FMA "fma",
        BMI1 "bmi1",
        BMI2 "bmi2",
        LZCNT "lzcnt",
        AVX512F "avx512f",
        AVX512VL "avx512vl",
        AVX512DQ "avx512dq",
        AVX512BITALG "avx512bitalg",
        AVX512VBMI "avx512vbmi",
        AVX512VNNI "avx512vnni",
    ];
    const { assert!(cpu::ALL.len() == 18, "a new feature needs a line above") };
    detected.into_iter().filter(|&(_, present)| present).fold(0, |set, (bit, _)| set | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_closed_downwards() {
        let features = features();
        if features & cpu::AVX2 != 0 {
            assert_ne!(features & cpu::SSE42, 0);
        }
        assert_eq!(cpu::names(features).filter(|&name| name == "unknown").count(), 0);
    }
}
