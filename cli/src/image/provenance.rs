//! How an image was made, as the predicate of a SLSA provenance (version 1).
//!
//! **Invariant: it has no times, and nothing of the machine.**

use super::app::{App, cpu_name};
use crate::compile::BUILDER;
use serde_json::{Value, json};
use wasmaot_compiler::PRODUCER;
use wasmaot_image::Container;

/// What the parameters mean.
const BUILD_TYPE: &str = "https://github.com/wasmaot/wasmaot/blob/main/docs/images.md";

/// The predicate about an image of `app`.
pub(super) fn predicate(app: &App, container: &Container) -> Value {
    let header = &app.artifact.header;
    let descriptor = app.artifact.descriptor.as_ref().ok();
    let module = descriptor.and_then(|descriptor| {
        let build = descriptor.build.as_ref()?;
        Some(json!({
            "name": "module",
            "digest": { "sha256": app.module() },
            "annotations": {
                "compiler": descriptor.producer,
                "abi": format!("{}.{}", header.major, header.minor),
                "cpu": cpu_name(header.cpu_features),
                "optimisation": build.opt,
                "relaxedSimd": if build.native_relaxed_simd { "native" } else { "deterministic" },
                "meter": descriptor.meter.is_some(),
                "refusedFeatures": build.refused_features,
            },
        }))
    });
    let file = json!({ "name": app.name, "digest": { "sha256": app.digest() } });
    json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "app": file,
                "entrypoint": container.entrypoint,
                "user": container.user,
                "labels": container.labels,
                "created": container.created,
            },
            "internalParameters": {},
            "resolvedDependencies": module.into_iter().collect::<Vec<_>>(),
        },
        "runDetails": { "builder": { "id": BUILDER, "version": { "wasmaot": PRODUCER } } },
    })
}
