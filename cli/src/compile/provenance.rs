//! Where an output comes from, as an in-toto statement with a SLSA provenance (version 1).
//!
//! <https://slsa.dev/spec/v1.0/provenance>. **Invariant: the same input, options and version give the same
//! statement**: it has no times, and nothing of the machine.

use super::targets::Job;
use crate::artifact::Artifact;
use crate::text::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;
use wasmaot_abi::cpu;
use wasmaot_compiler::{OptLevel, Options, PRODUCER, Pass, RelaxedSimd};

/// URI that documents the parameters of a statement.
const BUILD_TYPE: &str = "https://github.com/wasmaot/wasmaot/blob/main/docs/provenance.md";

/// The program that builds, wherever it runs. A pipeline that signs the statement may name itself instead.
pub(crate) const BUILDER: &str = "https://github.com/wasmaot/wasmaot";

fn digest(bytes: &[u8]) -> Value {
    json!({ "sha256": hex(&Sha256::digest(bytes).into()) })
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The statement about an output, made from a source file, of which `wasm` is the binary form, and by way of
/// `artifact` if it has one.
pub(super) fn statement(
    job: &Job,
    emit: &str,
    options: &Options,
    (source, wasm): (&[u8], &[u8]),
    output: &[u8],
    artifact: Option<&Artifact>,
) -> String {
    let features = artifact.map(|artifact| cpu::names(artifact.header.cpu_features).collect::<Vec<_>>());
    let refused = artifact.and_then(|artifact| {
        Some(artifact.descriptor.as_ref().ok()?.build.as_ref()?.refused_features.clone())
    });
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": name(&job.output), "digest": digest(output) }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "source": { "name": name(&job.input), "digest": digest(source) },
                    "emit": emit,
                    "optimisation": match options.opt {
                        OptLevel::None => 0,
                        OptLevel::Speed => 1,
                        OptLevel::Full => 2,
                    },
                    "cpuFeatures": features,
                    "relaxedSimd": match options.relaxed_simd {
                        RelaxedSimd::Deterministic => "deterministic",
                        RelaxedSimd::Native => "native",
                    },
                    "meter": options.meter,
                    "noDebug": options.no_debug,
                    "passesLeftOut": Pass::ALL
                        .iter()
                        .filter(|pass| !options.passes.contains(**pass))
                        .map(|pass| pass.name())
                        .collect::<Vec<_>>(),
                    "refusedFeatures": refused,
                },
                "internalParameters": {},
                "resolvedDependencies": [{ "name": "module", "digest": digest(wasm) }],
            },
            "runDetails": {
                "builder": { "id": BUILDER, "version": { "wasmaot": PRODUCER } },
            },
        },
    });
    format!("{statement:#}\n")
}
