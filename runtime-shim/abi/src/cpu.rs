//! CPU features that compiled code may need, and the psABI levels that group them.
//!
//! A level is defined by the x86-64 psABI, section 3.1.1. **Invariant: bit numbers are part of the
//! ABI**; new features take new bits.

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)*) => {
        $($(#[$doc])* pub const $name: u64 = 1 << $bit;)*

        /// Every known feature with its name in listings, which is also its name in
        /// `std::is_x86_feature_detected!` and, with `-` and `.` removed, in Cranelift.
        pub const ALL: &[(u64, &str)] = &[$(($name, $text)),*];

        /// The set of all known features.
        pub const KNOWN: u64 = 0 $(| $name)*;
    };
}

features! {
    /// SSE3.
    SSE3 = 0, "sse3";
    /// SSSE3.
    SSSE3 = 1, "ssse3";
    /// SSE4.1.
    SSE41 = 2, "sse4.1";
    /// SSE4.2.
    SSE42 = 3, "sse4.2";
    /// POPCNT.
    POPCNT = 4, "popcnt";
    /// CMPXCHG16B.
    CMPXCHG16B = 5, "cmpxchg16b";
    /// AVX.
    AVX = 6, "avx";
    /// AVX2.
    AVX2 = 7, "avx2";
    /// FMA.
    FMA = 8, "fma";
    /// BMI1.
    BMI1 = 9, "bmi1";
    /// BMI2.
    BMI2 = 10, "bmi2";
    /// LZCNT.
    LZCNT = 11, "lzcnt";
    /// AVX-512 foundation.
    AVX512F = 12, "avx512f";
    /// AVX-512 vector lengths.
    AVX512VL = 13, "avx512vl";
    /// AVX-512 doubleword and quadword.
    AVX512DQ = 14, "avx512dq";
    /// AVX-512 bit algorithms.
    AVX512BITALG = 15, "avx512bitalg";
    /// AVX-512 vector byte manipulation.
    AVX512VBMI = 16, "avx512vbmi";
    /// AVX-512 neural network instructions.
    AVX512VNNI = 17, "avx512vnni";
}

/// The features of the CPU that runs this, as a set of bits.
///
/// A macro because detection needs `std`, which this crate does without.
#[macro_export]
macro_rules! detect_cpu_features {
    () => {
        $crate::detect_cpu_features!(
            SSE3 = "sse3",
            SSSE3 = "ssse3",
            SSE41 = "sse4.1",
            SSE42 = "sse4.2",
            POPCNT = "popcnt",
            CMPXCHG16B = "cmpxchg16b",
            AVX = "avx",
            AVX2 = "avx2",
            FMA = "fma",
            BMI1 = "bmi1",
            BMI2 = "bmi2",
            LZCNT = "lzcnt",
            AVX512F = "avx512f",
            AVX512VL = "avx512vl",
            AVX512DQ = "avx512dq",
            AVX512BITALG = "avx512bitalg",
            AVX512VBMI = "avx512vbmi",
            AVX512VNNI = "avx512vnni",
        )
    };
    ($($feature:ident = $name:tt,)*) => {
        {
            const { assert!((0 $(| $crate::cpu::$feature)*) == $crate::cpu::KNOWN, "a feature is not detected") };
            0 $(| if std::is_x86_feature_detected!($name) { $crate::cpu::$feature } else { 0 })*
        }
    };
}

/// A named set of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Its name in the psABI.
    pub name: &'static str,
    /// Features of the level that a code generator can make use of here.
    pub features: u64,
}

/// SSE2, as every x86-64 CPU has it.
pub const BASELINE: Level = Level { name: "x86-64", features: 0 };

/// x86-64-v2: CPUs from about 2009 on.
pub const V2: Level =
    Level { name: "x86-64-v2", features: SSE3 | SSSE3 | SSE41 | SSE42 | POPCNT | CMPXCHG16B };

/// x86-64-v3: CPUs from about 2015 on.
pub const V3: Level =
    Level { name: "x86-64-v3", features: V2.features | AVX | AVX2 | FMA | BMI1 | BMI2 | LZCNT };

/// The levels, lowest first.
pub const LEVELS: [Level; 3] = [BASELINE, V2, V3];

/// The lowest level that has all of these features, if one has.
pub fn level_of(features: u64) -> Option<Level> {
    LEVELS.into_iter().find(|level| features & !level.features == 0)
}

/// Names of the features in a set; an unknown bit is named `unknown`.
pub fn names(features: u64) -> impl Iterator<Item = &'static str> {
    ALL.iter()
        .filter(move |&&(bit, _)| features & bit != 0)
        .map(|&(_, name)| name)
        .chain((features & !KNOWN != 0).then_some("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_nest_and_are_found() {
        assert_eq!(level_of(0), Some(BASELINE));
        assert_eq!(level_of(POPCNT), Some(V2));
        assert_eq!(level_of(BMI2), Some(V3));
        assert_eq!(level_of(AVX512F), None);
        assert_eq!(V3.features & V2.features, V2.features);
        assert!(names(SSE41 | 1 << 63).eq(["sse4.1", "unknown"]));
    }
}
