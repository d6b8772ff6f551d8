//! Names of cache entries.
//!
//! **Invariant: artifacts that differ have names that differ.** A name is the SHA-256 of the module's bytes,
//! the options that shape the code, and the versions of the tool and of the artifact ABI. The tool's version
//! goes together with the size and time of its executable, so that a build from changed sources does not run
//! what the last one made.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::os::unix::fs::MetadataExt;
use wasmaot_abi::version::{ABI_MAJOR, ABI_MINOR, TAIL_CONVENTION};
use wasmaot_compiler::{OptLevel, Options, RelaxedSimd, TargetCpu};

/// Returns the name of an entry. Whatever can change the artifact goes in, each part in a fixed number of
/// bytes.
pub(super) fn key(source: &[u8], options: &Options) -> String {
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(env!("CARGO_PKG_VERSION")));
    let executable = std::fs::metadata("/proc/self/exe");
    let (size, seconds, nanoseconds) =
        executable.map_or((0, 0, 0), |m| (m.size(), m.mtime(), m.mtime_nsec()));
    hash.update(size.to_le_bytes());
    hash.update(seconds.to_le_bytes());
    hash.update(nanoseconds.to_le_bytes());
    for number in [u32::from(ABI_MAJOR), u32::from(ABI_MINOR), TAIL_CONVENTION] {
        hash.update(number.to_le_bytes());
    }
    hash.update([match options.opt {
        OptLevel::None => 0,
        OptLevel::Speed => 1,
        OptLevel::Full => 2,
    }]);
    let features = match options.cpu {
        TargetCpu::Level(level) => level.features,
        // A home directory may be shared by machines.
        TargetCpu::Native => wasmaot_abi::detect_cpu_features!(),
    };
    hash.update(features.to_le_bytes());
    hash.update([match options.relaxed_simd {
        RelaxedSimd::Deterministic => 0,
        RelaxedSimd::Native => 1,
    }]);
    hash.update([u8::from(options.meter), u8::from(options.no_debug)]);
    hash.update(Sha256::digest(options.passes.names().collect::<Vec<_>>().join(" ")));
    hash.update(Sha256::digest(options.features.names().collect::<Vec<_>>().join(" ")));
    hash.update(source);
    let mut name = String::with_capacity(2 * 32 + 3);
    for byte in hash.finalize() {
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".so");
    name
}

/// Returns whether a file name is one of [`key`].
pub(super) fn is_key(name: &str) -> bool {
    let digits = name.strip_suffix(".so").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmaot_abi::cpu;

    #[test]
    fn all_that_shapes_the_code_is_in_the_key() {
        let base = Options::default();
        let of = |cpu, opt| Options { cpu: TargetCpu::Level(cpu), opt, ..base.clone() };
        let without = |name| {
            let feature = wasmaot_compiler::feature(name).expect("it is listed");
            Options { features: base.features.without(feature), ..base.clone() }
        };
        let keys = [
            key(b"a", &base),
            key(b"b", &base),
            key(b"a", &of(cpu::BASELINE, base.opt)),
            key(b"a", &of(cpu::V3, base.opt)),
            key(b"a", &of(cpu::V2, OptLevel::None)),
            key(b"a", &of(cpu::V2, OptLevel::Full)),
            key(b"a", &Options { relaxed_simd: RelaxedSimd::Native, ..base.clone() }),
            key(b"a", &Options { meter: true, ..base.clone() }),
            key(b"a", &Options { no_debug: true, ..base.clone() }),
            key(b"a", &without("bulk-memory")),
            key(b"a", &without("multi-value")),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(key(b"a", &Options { jobs: 7, ..base.clone() }), keys[0]);
        assert!(keys.iter().all(|key| is_key(key)));
        assert!(!is_key("a.so") && !is_key(&keys[0].to_uppercase()) && !is_key(&keys[0][..64]));
    }
}
