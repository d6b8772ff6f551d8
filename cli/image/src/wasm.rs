//! Wasm artifacts: modules and components in registries, by the layout of the CNCF's working group on
//! WebAssembly (<https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/>).
//!
//! The first layer is the module, for every runtime. Shared objects that were compiled from it, one for each
//! CPU level, may follow; runtimes that do not know their media type pass them over.

use crate::blob::{Blobs, Descriptor};
use crate::container::annotations;
use crate::date::rfc3339;
use crate::layout::Layout;
use crate::name::Reference;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A module or component, and what was compiled from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WasmArtifact {
    /// The module or component in binary form.
    pub wasm: Vec<u8>,
    /// Imports and exports of a component; `None` for a module.
    pub component: Option<ComponentNames>,
    /// Shared objects of it.
    pub precompiled: Vec<Precompiled>,
    /// Annotations of the manifest.
    pub labels: BTreeMap<String, String>,
    /// The time of the artifact, in seconds since 1970.
    pub created: u64,
}

/// What a component imports and exports, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComponentNames {
    /// Names of the imports, in order.
    pub imports: Vec<String>,
    /// Names of the exports, in order.
    pub exports: Vec<String>,
}

/// A shared object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precompiled {
    /// The file.
    pub bytes: Vec<u8>,
    /// Major and minor version of the artifact ABI.
    pub abi: (u16, u16),
    /// The CPU that it needs, such as `x86-64-v3`.
    pub cpu: String,
}

impl Layout {
    /// Makes the layout of a Wasm artifact.
    pub fn wasm(artifact: &WasmArtifact, name: &Reference) -> Self {
        let mut blobs = Blobs::default();
        let mut layers = vec![blobs.add("application/wasm", artifact.wasm.clone())];
        layers.extend(artifact.precompiled.iter().map(|precompiled| precompiled.layer(&mut blobs)));
        let config = blobs.add_json("application/vnd.wasm.config.v0+json", &artifact.config(&layers));
        let manifest = blobs.add_manifest(None, &config, &layers, None, annotations(&artifact.labels));
        Self::new(blobs, manifest, name.clone(), None, artifact.created)
    }
}

impl WasmArtifact {
    fn config(&self, layers: &[Descriptor]) -> Value {
        let mut config = Map::new();
        config.insert("created".into(), rfc3339(self.created).into());
        config.insert("architecture".into(), "wasm".into());
        config.insert("os".into(), if self.component.is_some() { "wasip2" } else { "wasip1" }.into());
        config.insert("layerDigests".into(), layers.iter().map(|layer| layer.digest.to_string()).collect());
        if let Some(ComponentNames { imports, exports }) = &self.component {
            config.insert("component".into(), json!({ "exports": exports, "imports": imports }));
        }
        Value::Object(config)
    }
}

impl Precompiled {
    fn layer(&self, blobs: &mut Blobs) -> Descriptor {
        let (major, minor) = self.abi;
        let media_type = format!("application/vnd.wasmaot.artifact.v{major}");
        blobs.add(&media_type, self.bytes.clone()).with(
            "annotations",
            json!({ "io.wasmaot.abi": format!("{major}.{minor}"), "io.wasmaot.cpu": self.cpu }),
        )
    }
}
