//! What is recorded of a compilation in its artifact, and the options to make the same artifact again.
//!
//! **Invariant: all options that shape an artifact are recorded**, here, in the header or by the descriptor:
//! [`options_of`] reverses that.

use crate::features::{FEATURES, FeatureSet, feature};
use crate::options::{Emit, OptLevel, Options, RelaxedSimd, TargetCpu};
use crate::passes::{Pass, PassSet};
use sha2::{Digest, Sha256};
use wasmaot_abi::build::BuildRecord;
use wasmaot_abi::cpu::{self, Level};
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_abi::header::Header;
use wasmaot_abi::version::{ABI_MAJOR, ABI_MINOR};

/// Name and version of this compiler, as they are in the artifacts that it makes.
pub const PRODUCER: &str = concat!("wasmaot ", env!("CARGO_PKG_VERSION"));

/// Why an artifact cannot be made again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// It was made before ABI 3.5.
    #[error("it does not record how it was made: it was compiled before ABI 3.5")]
    NoRecord,
    /// Another version has made it.
    #[error("{made} for ABI {}.{} has made it, and this is {PRODUCER} for {ABI_MAJOR}.{ABI_MINOR}", abi.0, abi.1)]
    Version {
        /// Name and version of the compiler.
        made: String,
        /// The artifact's version of the ABI.
        abi: (u16, u16),
    },
    /// It was made of another module.
    #[error("it was made of another module, whose SHA-256 is {}", hex(made_of))]
    Input {
        /// SHA-256 of that module.
        made_of: [u8; 32],
    },
    /// An option is unknown.
    #[error("it records {what} that this version does not know")]
    Unknown {
        /// The unknown option, in words.
        what: &'static str,
    },
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The record of a compilation.
pub(crate) fn record(wasm: &[u8], options: &Options) -> BuildRecord {
    let refused = FEATURES.iter().filter(|feature| feature.translated && !options.features.contains(feature));
    let mut refused: Vec<String> = refused.map(|feature| feature.name.into()).collect();
    refused.sort();
    BuildRecord {
        input: Sha256::digest(wasm).into(),
        opt: match options.opt {
            OptLevel::None => 0,
            OptLevel::Speed => 1,
            OptLevel::Full => 2,
        },
        native_relaxed_simd: options.relaxed_simd == RelaxedSimd::Native,
        refused_features: refused,
        left_out_passes: match options.opt {
            OptLevel::Full => {
                let left_out = Pass::ALL.iter().filter(|&&pass| !options.passes.contains(pass));
                left_out.map(|pass| pass.name().into()).collect()
            }
            OptLevel::None | OptLevel::Speed => Vec::new(),
        },
    }
}

/// The options that an artifact was made with from a binary module.
///
/// # Errors
/// The artifact records none, or those of another module or version.
pub fn options_of(header: &Header, descriptor: &Descriptor, wasm: &[u8]) -> Result<Options, RebuildError> {
    let abi = (header.major, header.minor);
    let record = descriptor.build.as_ref().ok_or(RebuildError::NoRecord)?;
    if descriptor.producer != PRODUCER || abi != (ABI_MAJOR, ABI_MINOR) {
        return Err(RebuildError::Version { made: descriptor.producer.clone(), abi });
    }
    if <[u8; 32]>::from(Sha256::digest(wasm)) != record.input {
        return Err(RebuildError::Input { made_of: record.input });
    }
    let refused = record.refused_features.iter().try_fold(FeatureSet::default(), |taken, name| {
        let refused = feature(name).filter(|feature| feature.translated);
        Ok(taken.without(refused.ok_or(RebuildError::Unknown { what: "a feature" })?))
    })?;
    let passes = record.left_out_passes.iter().try_fold(PassSet::default(), |all, name| {
        let pass = Pass::ALL.iter().find(|pass| pass.name() == name);
        Ok(all.without(*pass.ok_or(RebuildError::Unknown { what: "a pass" })?))
    })?;
    Ok(Options {
        passes,
        opt: match record.opt {
            0 => OptLevel::None,
            1 => OptLevel::Speed,
            2 => OptLevel::Full,
            _ => return Err(RebuildError::Unknown { what: "a level of optimisation" }),
        },
        cpu: match header.cpu_features & !cpu::KNOWN {
            0 => TargetCpu::Level(Level { name: "of the artifact", features: header.cpu_features }),
            _ => return Err(RebuildError::Unknown { what: "a CPU feature" }),
        },
        emit: Emit::SharedObject,
        features: refused,
        relaxed_simd: match record.native_relaxed_simd {
            true => RelaxedSimd::Native,
            false => RelaxedSimd::Deterministic,
        },
        meter: descriptor.meter.is_some(),
        no_debug: descriptor.lines.is_none(),
        ..Options::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmaot_abi::wire::{Decode, Reader};

    /// Header and descriptor of an artifact.
    fn read(artifact: &[u8]) -> (Header, Descriptor) {
        let at = artifact.windows(8).position(|window| window == b"wasmaot\0").expect("the header");
        let header = Header::from_bytes(&artifact[at..]).expect("the compiler's header");
        let bytes = &artifact[at + Header::SIZE..][..header.descriptor_size as usize];
        let mut reader = Reader::new(bytes);
        (header, Descriptor::decode(&mut reader).expect("the compiler's descriptor"))
    }

    fn compile(wasm: &[u8], options: &Options) -> Vec<u8> {
        crate::compile(wasm, options, &|_| {}).unwrap_or_else(|e| panic!("{e}")).bytes
    }

    #[test]
    fn artifacts_are_made_again_from_what_they_record() {
        let wasm = wat::parse_str(
            "(module (func (export \"f\") (param v128 v128 v128) (result v128)
                (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2))))",
        )
        .expect("a module");
        let threads = feature("threads").expect("it is listed");
        let base = Options::default();
        let variants = [
            base.clone(),
            Options { opt: OptLevel::None, ..base.clone() },
            Options { opt: OptLevel::Full, meter: true, ..base.clone() },
            Options { cpu: TargetCpu::Level(cpu::BASELINE), ..base.clone() },
            Options { cpu: TargetCpu::Level(cpu::V3), relaxed_simd: RelaxedSimd::Native, ..base.clone() },
            Options { cpu: TargetCpu::Native, ..base.clone() },
            Options { features: base.features.without(threads), jobs: 1, ..base.clone() },
            Options { no_debug: true, ..base.clone() },
            Options { opt: OptLevel::Full, passes: PassSet::NONE, ..base.clone() },
        ];
        let mut artifacts = Vec::new();
        for options in &variants {
            let artifact = compile(&wasm, options);
            let (header, descriptor) = read(&artifact);
            let again = options_of(&header, &descriptor, &wasm).unwrap_or_else(|e| panic!("{e}"));
            assert!(compile(&wasm, &again) == artifact, "{options:?}");
            artifacts.push(artifact);
        }
        let different = artifacts.iter().collect::<std::collections::HashSet<_>>().len();
        // The native CPU may be one of the levels, and there is no debug information to leave out.
        assert!(different >= variants.len() - 2, "{different}");
    }

    #[test]
    fn what_cannot_be_made_again_is_told() {
        let wasm = wat::parse_str("(module)").expect("a module");
        let (header, descriptor) = read(&compile(&wasm, &Options::default()));
        let other = wat::parse_str("(module (func))").expect("a module");
        let refuses = |header: &Header, descriptor: &Descriptor, wasm: &[u8], text: &str| {
            let error = options_of(header, descriptor, wasm).expect_err("it differs").to_string();
            assert!(error.contains(text), "{error}");
        };
        refuses(&header, &descriptor, &other, "of another module, whose SHA-256 is 93a44bbb96c7");
        refuses(&header, &Descriptor { build: None, ..descriptor.clone() }, &wasm, "before ABI 3.5");
        let older = Descriptor { producer: "wasmaot 0.0.1".into(), ..descriptor.clone() };
        refuses(&header, &older, &wasm, "wasmaot 0.0.1");
        refuses(&Header { cpu_features: 1 << 63, ..header }, &descriptor, &wasm, "a CPU feature");
        let record = descriptor.build.clone().expect("a record");
        let unknown = BuildRecord { opt: 9, ..record.clone() };
        refuses(&header, &Descriptor { build: Some(unknown), ..descriptor.clone() }, &wasm, "optimisation");
        let unknown = BuildRecord { refused_features: vec!["none such".into()], ..record };
        refuses(&header, &Descriptor { build: Some(unknown), ..descriptor }, &wasm, "a feature");
    }
}
