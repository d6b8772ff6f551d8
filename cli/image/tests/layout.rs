//! Reads layouts as engines and registries do: from the index down, every reference against its blob.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use wasmaot_image::{
    ComponentNames, Container, Digest, Entry, Layout, Precompiled, Reference, Statement, WasmArtifact,
    signature_payload,
};

/// The files of an archive, by path.
fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("an archive").map(|entry| entry.expect("an entry"));
    let regular = entries.filter(|entry| entry.header().entry_type().is_file());
    regular
        .map(|mut entry| {
            let path = entry.path().expect("a path").to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("its content");
            (path, bytes)
        })
        .collect()
}

/// A layout that was read.
struct Opened {
    files: BTreeMap<String, Vec<u8>>,
    /// Blobs that something refers to.
    reached: BTreeSet<String>,
}

impl Opened {
    fn new(layout: Layout) -> Self {
        let files = files(&layout.into_tar().expect("it is small"));
        assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
        Self { files, reached: BTreeSet::new() }
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.files[path]).expect(path)
    }

    /// Checks a reference and returns its blob.
    fn follow(&mut self, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().expect("a digest");
        let path = format!("blobs/sha256/{}", digest.strip_prefix("sha256:").expect("the algorithm"));
        let blob = self.files.get(&path).unwrap_or_else(|| panic!("no {path}")).clone();
        assert_eq!(Digest::of(&blob).to_string(), digest);
        assert_eq!(descriptor["size"].as_u64(), Some(blob.len() as u64));
        self.reached.insert(path);
        blob
    }

    /// Follows everything below a manifest or an index, whose media type is also in itself.
    fn walk(&mut self, descriptor: &Value) -> Value {
        let manifest: Value = serde_json::from_slice(&self.follow(descriptor)).expect("JSON");
        assert_eq!(manifest["mediaType"], descriptor["mediaType"]);
        assert_eq!(manifest["schemaVersion"], 2);
        match manifest["mediaType"].as_str().expect("a media type") {
            "application/vnd.oci.image.index.v1+json" => {
                for descriptor in manifest["manifests"].as_array().expect("manifests") {
                    self.walk(descriptor);
                }
            }
            "application/vnd.oci.image.manifest.v1+json" => {
                self.follow(&manifest["config"]);
                for layer in manifest["layers"].as_array().expect("layers") {
                    self.follow(layer);
                }
                if !manifest["subject"].is_null() {
                    self.follow(&manifest["subject"]);
                }
            }
            other => panic!("{other} is no manifest"),
        }
        manifest
    }

    /// Walks from the index, and asserts that nothing is left over.
    fn all(&mut self) -> Vec<Value> {
        let index = self.json("index.json");
        assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
        let manifests = index["manifests"].as_array().expect("manifests");
        let walked = manifests.iter().map(|descriptor| self.walk(descriptor)).collect();
        let blobs: BTreeSet<_> =
            self.files.keys().filter(|path| path.starts_with("blobs/")).cloned().collect();
        assert_eq!(blobs, self.reached);
        walked
    }
}

fn name() -> Reference {
    "example.org/team/app:1".parse().expect("a name")
}

fn container() -> Container {
    Container {
        entries: vec![Entry { path: "app".into(), bytes: b"program".to_vec(), executable: true }],
        entrypoint: vec!["/app".into()],
        labels: [("a".to_string(), "b".to_string())].into(),
        ports: vec![8080],
        created: 1_795_651_200,
        ..Container::default()
    }
}

fn statements() -> [Statement; 2] {
    ["https://spdx.dev/Document", "https://slsa.dev/provenance/v1"]
        .map(|kind| Statement { predicate_type: kind.into(), predicate: serde_json::json!({ "kind": kind }) })
}

#[test]
fn a_container_is_all_there() {
    let mut read = Opened::new(Layout::container(&container(), &name(), &[]).expect("an image"));
    let index = read.json("index.json");
    let annotations = &index["manifests"][0]["annotations"];
    assert_eq!(annotations["io.containerd.image.name"], "example.org/team/app:1");
    assert_eq!(annotations["org.opencontainers.image.ref.name"], "1");
    let [manifest] = &read.all()[..] else { panic!("one image") };
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.oci.image.config.v1+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar");
    assert_eq!(manifest["annotations"]["a"], "b");
    let config: Value = serde_json::from_slice(&read.follow(&manifest["config"])).expect("JSON");
    assert_eq!((&config["architecture"], &config["os"]), (&"amd64".into(), &"linux".into()));
    assert_eq!(config["created"], "2026-11-26T00:00:00Z");
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/app"]));
    assert_eq!(config["config"]["Labels"]["a"], "b");
    assert!(config["config"]["ExposedPorts"]["8080/tcp"].is_object());
    // Nothing is compressed, so the layer's digest is that of its content.
    assert_eq!(config["rootfs"]["diff_ids"][0], manifest["layers"][0]["digest"]);
    assert_eq!(files(&read.follow(&manifest["layers"][0])), [("app".into(), b"program".to_vec())].into());
}

#[test]
fn docker_reads_the_same_image() {
    let mut read = Opened::new(Layout::container(&container(), &name(), &statements()).expect("an image"));
    let index = read.walk(&read.json("index.json")["manifests"][0].clone());
    let manifest = read.walk(&index["manifests"][0]);
    let docker = read.json("manifest.json");
    let path = |descriptor: &Value| {
        descriptor["digest"].as_str().expect("a digest").replace("sha256:", "blobs/sha256/")
    };
    assert_eq!(docker[0]["Config"], path(&manifest["config"]));
    assert_eq!(docker[0]["Layers"], serde_json::json!([path(&manifest["layers"][0])]));
    assert_eq!(docker[0]["RepoTags"], serde_json::json!(["example.org/team/app:1"]));
}

#[test]
fn statements_are_about_the_image() {
    let layout = Layout::container(&container(), &name(), &statements()).expect("an image");
    let digest = layout.digest().to_string();
    let mut read = Opened::new(layout);
    let [index] = &read.all()[..] else { panic!("one index") };
    assert_eq!(read.json("index.json")["manifests"][0]["digest"], digest);
    let [image, attested] = &index["manifests"].as_array().expect("manifests")[..] else { panic!("two") };
    assert_eq!(attested["annotations"]["vnd.docker.reference.digest"], image["digest"]);
    let manifest = read.walk(attested);
    assert_eq!(manifest["subject"]["digest"], image["digest"]);
    assert_eq!(manifest["subject"].as_object().expect("a reference").len(), 3);
    for (layer, expected) in manifest["layers"].as_array().expect("layers").iter().zip(statements()) {
        assert_eq!(layer["mediaType"], "application/vnd.in-toto+json");
        assert_eq!(layer["annotations"]["in-toto.io/predicate-type"], expected.predicate_type);
        let statement: Value = serde_json::from_slice(&read.follow(layer)).expect("JSON");
        assert_eq!(statement["predicate"], expected.predicate);
        let subject =
            format!("sha256:{}", statement["subject"][0]["digest"]["sha256"].as_str().expect("digits"));
        assert_eq!(image["digest"], subject);
    }
}

#[test]
fn a_signature_names_what_the_name_stands_for() {
    let mut layout = Layout::container(&container(), &name(), &statements()).expect("an image");
    let digest = layout.digest();
    let payload = signature_payload(&name(), &digest);
    layout.add_signature(payload.clone(), "c2lnbmF0dXJl");
    assert_eq!(layout.digest(), digest, "a signature changes nothing that is signed");
    let mut read = Opened::new(layout);
    let [_, signature] = &read.all()[..] else { panic!("an image and a signature") };
    assert_eq!(signature["subject"]["digest"], digest.to_string());
    let layer = &signature["layers"][0];
    assert_eq!(layer["annotations"]["dev.cosignproject.cosign/signature"], "c2lnbmF0dXJl");
    assert_eq!(read.follow(layer), payload);
    let payload: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(payload["critical"]["image"]["docker-manifest-digest"], digest.to_string());
    assert_eq!(payload["critical"]["identity"]["docker-reference"], "example.org/team/app");
}

#[test]
fn a_wasm_artifact_has_the_module_first() {
    let precompiled = ["x86-64-v2", "x86-64-v3"].map(|cpu| Precompiled {
        bytes: cpu.as_bytes().to_vec(),
        abi: (3, 5),
        cpu: cpu.into(),
    });
    let artifact = WasmArtifact {
        wasm: b"\0asm".to_vec(),
        component: Some(ComponentNames {
            imports: vec!["wasi:io/error@0.2.0".into()],
            exports: vec!["wasi:http/incoming-handler@0.2.0".into()],
        }),
        precompiled: precompiled.into(),
        ..WasmArtifact::default()
    };
    let mut read = Opened::new(Layout::wasm(&artifact, &name()));
    assert!(!read.files.contains_key("manifest.json"));
    let [manifest] = &read.all()[..] else { panic!("one artifact") };
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    let layers = manifest["layers"].as_array().expect("layers");
    assert_eq!(layers[0]["mediaType"], "application/wasm");
    assert_eq!(read.follow(&layers[0]), artifact.wasm);
    assert_eq!(layers[2]["mediaType"], "application/vnd.wasmaot.artifact.v3");
    assert_eq!(layers[2]["annotations"]["io.wasmaot.cpu"], "x86-64-v3");
    let config: Value = serde_json::from_slice(&read.follow(&manifest["config"])).expect("JSON");
    assert_eq!((&config["architecture"], &config["os"]), (&"wasm".into(), &"wasip2".into()));
    let digests: Vec<_> = layers.iter().map(|layer| layer["digest"].clone()).collect();
    assert_eq!(config["layerDigests"], Value::Array(digests));
    assert_eq!(config["component"]["exports"][0], "wasi:http/incoming-handler@0.2.0");
    let module = WasmArtifact { component: None, ..artifact };
    let mut read = Opened::new(Layout::wasm(&module, &name()));
    let manifest = &read.all()[0];
    let config: Value = serde_json::from_slice(&read.follow(&manifest["config"])).expect("JSON");
    assert_eq!((&config["os"], &config["component"]), (&"wasip1".into(), &Value::Null));
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    let bytes = || {
        let mut layout = Layout::container(&container(), &name(), &statements()).expect("an image");
        layout.add_signature(signature_payload(&name(), &layout.digest()), "");
        layout.into_tar().expect("it is small")
    };
    assert_eq!(bytes(), bytes());
    // Known, so that the bytes stay the same from one version to the next unless that is meant.
    assert_eq!(
        Digest::of(&bytes()).to_string(),
        "sha256:5358b3aa0a59ef627d74ec6ce7b5769a5b07b3ccb787e284ff00e0eccb0acc45"
    );
}
