//! The file of an image.
//!
//! ```text
//! oci-layout        the version of the layout
//! index.json        the image by its name, and the signature of it
//! manifest.json     the same for `docker load`; not of Wasm artifacts, which docker cannot run
//! blobs/sha256/     manifests, configuration, layers, statements
//! ```

use crate::attest;
use crate::blob::{Blobs, Descriptor, Digest, Packed, index};
use crate::name::Reference;
use crate::pack::{add_file, add_folder};
use serde_json::{Value, json};
use std::path::Path;
use tar::Builder;

/// An image with everything that belongs to it.
#[derive(Debug)]
pub struct Layout {
    blobs: Blobs,
    /// What the name stands for.
    named: Descriptor,
    name: Reference,
    /// The content of `manifest.json`.
    docker: Option<Value>,
    signatures: Vec<Descriptor>,
    created: u64,
}

impl Layout {
    pub(crate) fn new(
        blobs: Blobs,
        named: Descriptor,
        name: Reference,
        docker: Option<Value>,
        created: u64,
    ) -> Self {
        Self { blobs, named, name, docker, signatures: Vec::new(), created }
    }

    /// Returns the digest that the image's name stands for: what `docker pull` shows, and signatures are of.
    pub fn digest(&self) -> Digest {
        self.named.digest
    }

    /// Adds a signature of [`signature_payload`](crate::signature_payload). `signature` is in Base64.
    pub fn add_signature(&mut self, payload: Vec<u8>, signature: &str) {
        self.signatures.push(attest::add_signature(&mut self.blobs, &self.named, payload, signature));
    }

    /// Returns the bytes of the file.
    ///
    /// # Errors
    /// A blob is larger than an archive can state.
    pub fn into_tar(self) -> Packed {
        let annotations = json!({
            "io.containerd.image.name": self.name.to_string(),
            "org.opencontainers.image.ref.name": self.name.tag(),
        });
        let mut manifests = vec![self.named.with("annotations", annotations)];
        manifests.extend(self.signatures);
        let mut archive = Builder::new(Vec::new());
        let mut add =
            |path: &str, bytes: &[u8]| add_file(&mut archive, Path::new(path), bytes, 0o644, self.created);
        add("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        add("index.json", index(&manifests).to_string().as_bytes())?;
        if let Some(docker) = self.docker {
            add("manifest.json", docker.to_string().as_bytes())?;
        }
        add_folder(&mut archive, Path::new("blobs"), self.created)?;
        add_folder(&mut archive, Path::new("blobs/sha256"), self.created)?;
        for (digest, bytes) in self.blobs.into_iter() {
            let path = format!("blobs/sha256/{}", digest.hex());
            add_file(&mut archive, Path::new(&path), &bytes, 0o644, self.created)?;
        }
        Ok(archive.into_inner()?)
    }
}
