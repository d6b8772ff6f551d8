//! Images that container engines run.

use crate::attest::{self, Statement};
use crate::blob::{Blobs, Descriptor, Digest};
use crate::date::rfc3339;
use crate::error::ImageError;
use crate::layout::Layout;
use crate::name::Reference;
use crate::pack::{self, Entry};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The user and group of images that state none: the numbers that other images of single programs use for
/// `nonroot`.
const NON_ROOT: &str = "65532:65532";

/// An image for Linux on x86-64 that has these files and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The files.
    pub entries: Vec<Entry>,
    /// The program and its first arguments. Empty for an image that only carries files.
    pub entrypoint: Vec<String>,
    /// User, or user and group, as numbers: there is no file with their names. The default is `65532:65532`.
    pub user: String,
    /// Labels, which are annotations of the manifest too.
    pub labels: BTreeMap<String, String>,
    /// TCP ports that the program listens at.
    pub ports: Vec<u16>,
    /// The time of the image and its files, in seconds since 1970. The default is 0.
    pub created: u64,
}

impl Default for Container {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            entrypoint: Vec::new(),
            user: NON_ROOT.into(),
            labels: BTreeMap::new(),
            ports: Vec::new(),
            created: 0,
        }
    }
}

impl Container {
    /// The configuration, given the digest of the only layer.
    fn config(&self, layer: Digest) -> Value {
        let created = rfc3339(self.created);
        let mut config = Map::new();
        config.insert("User".into(), self.user.clone().into());
        if !self.ports.is_empty() {
            let ports = self.ports.iter().map(|port| (format!("{port}/tcp"), json!({})));
            config.insert("ExposedPorts".into(), Value::Object(ports.collect()));
        }
        if !self.entrypoint.is_empty() {
            config.insert("Entrypoint".into(), self.entrypoint.clone().into());
        }
        config.insert("WorkingDir".into(), "/".into());
        config.insert("Labels".into(), annotations(&self.labels).into());
        json!({
            "created": created,
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": { "type": "layers", "diff_ids": [layer.to_string()] },
            "history": [{ "created": created, "created_by": "wasmaot image" }],
        })
    }
}

/// Labels as the annotations of a manifest.
pub(crate) fn annotations(labels: &BTreeMap<String, String>) -> Map<String, Value> {
    labels.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
}

impl Layout {
    /// Makes the layout of an image, with statements about it.
    ///
    /// # Errors
    /// A path is not inside the image.
    pub fn container(
        container: &Container,
        name: &Reference,
        statements: &[Statement],
    ) -> Result<Self, ImageError> {
        let mut blobs = Blobs::default();
        let layer = pack::layer(&container.entries, container.created)?;
        let layer = blobs.add("application/vnd.oci.image.layer.v1.tar", layer);
        let config = container.config(layer.digest);
        let config = blobs.add_json("application/vnd.oci.image.config.v1+json", &config);
        let docker = docker_manifest(name, &config, &layer);
        let labels = annotations(&container.labels);
        let manifest = blobs.add_manifest(None, &config, std::slice::from_ref(&layer), None, labels);
        let manifest = manifest.with("platform", json!({ "architecture": "amd64", "os": "linux" }));
        let named = match statements {
            [] => manifest,
            statements => {
                let attested = attest::add(&mut blobs, &manifest, name, statements);
                blobs.add_index(&[manifest, attested])
            }
        };
        Ok(Self::new(blobs, named, name.clone(), Some(docker), container.created))
    }
}

/// What `docker load` reads in place of the index.
fn docker_manifest(name: &Reference, config: &Descriptor, layer: &Descriptor) -> Value {
    let path = |blob: &Descriptor| format!("blobs/sha256/{}", blob.digest.hex());
    json!([{ "Config": path(config), "RepoTags": [name.to_string()], "Layers": [path(layer)] }])
}
