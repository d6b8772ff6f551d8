//! Statements about an image, and signatures of it.
//!
//! Statements are in an attestation manifest beside the image's in one index, where BuildKit puts them and
//! its tools look for them; the manifest names the image as its subject too, by which registries list it. A
//! signature is cosign's: of a payload that names the digest.

use crate::blob::{Blobs, Descriptor, Digest, empty};
use crate::name::Reference;
use serde_json::{Map, Value, json};

/// A statement about an image: the predicate of an in-toto statement, whose subject is the image.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What the predicate means, as a URI.
    pub predicate_type: String,
    /// What is said.
    pub predicate: Value,
}

/// Stores statements about an image and returns the manifest that lists them.
pub(crate) fn add(
    blobs: &mut Blobs,
    image: &Descriptor,
    name: &Reference,
    statements: &[Statement],
) -> Descriptor {
    let statement = |Statement { predicate_type, predicate }: &Statement| {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": name.to_string(), "digest": { "sha256": image.digest.hex() } }],
            "predicateType": predicate_type,
            "predicate": predicate,
        });
        let blob = blobs.add_json("application/vnd.in-toto+json", &statement);
        blob.with("annotations", json!({ "in-toto.io/predicate-type": predicate_type }))
    };
    let layers: Vec<Descriptor> = statements.iter().map(statement).collect();
    let config = empty(blobs);
    let kind = "application/vnd.docker.attestation.manifest.v1+json";
    let manifest = blobs.add_manifest(Some(kind), &config, &layers, Some(image), Map::new());
    manifest.with("platform", json!({ "architecture": "unknown", "os": "unknown" })).with(
        "annotations",
        json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image.digest.to_string(),
        }),
    )
}

/// Returns the bytes that a signature of an image is of, which name its repository and digest.
pub fn signature_payload(name: &Reference, digest: &Digest) -> Vec<u8> {
    let payload = json!({
        "critical": {
            "identity": { "docker-reference": name.repository() },
            "image": { "docker-manifest-digest": digest.to_string() },
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    payload.to_string().into_bytes()
}

/// Stores a signature of an image and returns its manifest. `signature` is in Base64.
pub(crate) fn add_signature(
    blobs: &mut Blobs,
    image: &Descriptor,
    payload: Vec<u8>,
    signature: &str,
) -> Descriptor {
    let layer = blobs.add("application/vnd.dev.cosign.simplesigning.v1+json", payload);
    let layer = layer.with("annotations", json!({ "dev.cosignproject.cosign/signature": signature }));
    let config = empty(blobs);
    let kind = "application/vnd.dev.cosign.artifact.sig.v1+json";
    blobs
        .add_manifest(Some(kind), &config, &[layer], Some(image), Map::new())
        .with("artifactType", kind.into())
}
