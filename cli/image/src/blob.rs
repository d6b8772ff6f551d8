//! Blobs and the descriptors that refer to them.
//!
//! **Invariant: a descriptor's digest and size are those of a blob in the same store.**

use crate::error::ImageError;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// The media type of a manifest.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The media type of an index.
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// SHA-256 of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns the digits without the name of the algorithm.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// As manifests have it: `sha256:` and 64 hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

/// A reference to a blob.
#[derive(Debug, Clone)]
pub(crate) struct Descriptor {
    pub(crate) digest: Digest,
    /// Fields in their order, of which the first three are media type, digest and size.
    fields: Map<String, Value>,
}

impl Descriptor {
    /// Adds a field, such as `platform` or `annotations`.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.into(), value);
        self
    }

    /// Returns the reference alone, as a `subject` states it.
    pub(crate) fn bare(&self) -> Self {
        let kept = ["mediaType", "digest", "size"];
        let fields = self.fields.iter().filter(|(name, _)| kept.contains(&&***name));
        Self {
            digest: self.digest,
            fields: fields.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        Value::Object(self.fields.clone())
    }
}

/// Blobs by their digests.
#[derive(Debug, Default)]
pub(crate) struct Blobs(BTreeMap<Digest, Vec<u8>>);

impl Blobs {
    /// Stores a blob and returns a reference to it.
    pub(crate) fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Descriptor {
        let digest = Digest::of(&bytes);
        let mut fields = Map::new();
        fields.insert("mediaType".into(), media_type.into());
        fields.insert("digest".into(), digest.to_string().into());
        fields.insert("size".into(), bytes.len().into());
        self.0.insert(digest, bytes);
        Descriptor { digest, fields }
    }

    /// Stores a value as JSON.
    pub(crate) fn add_json(&mut self, media_type: &str, value: &Value) -> Descriptor {
        self.add(media_type, value.to_string().into_bytes())
    }

    /// Stores a manifest. `fields` follow the layers.
    pub(crate) fn add_manifest(
        &mut self,
        artifact_type: Option<&str>,
        config: &Descriptor,
        layers: &[Descriptor],
        subject: Option<&Descriptor>,
        annotations: Map<String, Value>,
    ) -> Descriptor {
        let mut manifest = Map::new();
        manifest.insert("schemaVersion".into(), 2.into());
        manifest.insert("mediaType".into(), MANIFEST.into());
        if let Some(artifact_type) = artifact_type {
            manifest.insert("artifactType".into(), artifact_type.into());
        }
        manifest.insert("config".into(), config.to_json());
        manifest.insert("layers".into(), layers.iter().map(Descriptor::to_json).collect());
        if let Some(subject) = subject {
            manifest.insert("subject".into(), subject.bare().to_json());
        }
        if !annotations.is_empty() {
            manifest.insert("annotations".into(), Value::Object(annotations));
        }
        self.add_json(MANIFEST, &Value::Object(manifest))
    }

    /// Stores an index of these manifests.
    pub(crate) fn add_index(&mut self, manifests: &[Descriptor]) -> Descriptor {
        self.add_json(INDEX, &index(manifests))
    }

    /// Returns the blobs in the order of their digests.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = (Digest, Vec<u8>)> {
        self.0.into_iter()
    }
}

/// An index of these manifests.
pub(crate) fn index(manifests: &[Descriptor]) -> Value {
    let manifests: Vec<Value> = manifests.iter().map(Descriptor::to_json).collect();
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests })
}

/// A layer of an artifact whose only content is in its annotations or in its layers: the empty configuration
/// that the image specification names.
pub(crate) fn empty(blobs: &mut Blobs) -> Descriptor {
    blobs.add("application/vnd.oci.empty.v1+json", b"{}".to_vec())
}

/// Packing fails only where a path is wrong or a size is too large.
pub(crate) type Packed = Result<Vec<u8>, ImageError>;
