//! What an image consists of, as an SPDX document (version 2.3, in JSON).
//!
//! The program's own dependencies went into its module before it came here: the document names the module by
//! its digest, and lists the runtime that is linked to it.

use super::app::{App, Role};
use crate::text::hex;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use wasmaot_compiler::PRODUCER;
use wasmaot_image::{Reference, rfc3339};

/// The crates that the runner consists of, one a line, as `NAME VERSION|LICENCE`: written by
/// `build/runner.rs`.
static CRATES: &str = include_str!(env!("WASMAOT_RUNNER_CRATES"));

/// The licence of this project.
const LICENCE: &str = "Apache-2.0 WITH LLVM-exception";

/// The document about an image of `app`.
pub(super) fn document(name: &Reference, app: &App, created: u64) -> Value {
    let file = file(app);
    let mut packages = vec![file.clone()];
    let mut relationships = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", &id(&file))];
    if let Some(module) = app.module() {
        let module = with_digest(package("module", None, "NOASSERTION"), &module);
        relationships.push(relation(&id(&file), "GENERATED_FROM", &id(&module)));
        packages.push(module);
    }
    if let Role::Served(server) = &app.role {
        let (name, version) = PRODUCER.split_once(' ').unwrap_or((PRODUCER, ""));
        let server = with_digest(package(name, Some(version), LICENCE), &hex(&Sha256::digest(server).into()));
        relationships.push(relation("SPDXRef-DOCUMENT", "DESCRIBES", &id(&server)));
        relationships.push(relation(&id(&server), "RUNTIME_DEPENDENCY_OF", &id(&file)));
        packages.push(server);
    }
    if app.role == Role::Program {
        for package in CRATES.lines().filter_map(crate_package) {
            relationships.push(relation(&id(&file), "STATIC_LINK", &id(&package)));
            packages.push(package);
        }
    }
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name.to_string(),
        "documentNamespace": format!("https://github.com/wasmaot/wasmaot/spdx/{}", app.digest()),
        "creationInfo": {
            "created": rfc3339(created),
            "creators": [format!("Tool: {}", PRODUCER.replace(' ', "-"))],
        },
        "packages": packages,
        "relationships": relationships,
    })
}

/// The file that the image carries.
fn file(app: &App) -> Value {
    with_digest(package(&app.name, None, "NOASSERTION"), &app.digest())
}

/// A line of [`CRATES`].
fn crate_package(line: &str) -> Option<Value> {
    let (crate_name, licence) = line.split_once('|')?;
    let (name, version) = crate_name.split_once(' ')?;
    let licence = if licence.is_empty() { LICENCE } else { licence };
    let mut package = package(name, Some(version), licence);
    let purl = json!([{
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": format!("pkg:cargo/{name}@{version}"),
    }]);
    package.insert("externalRefs".into(), purl);
    Some(Value::Object(package))
}

fn package(name: &str, version: Option<&str>, licence: &str) -> Map<String, Value> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' };
    let mut package = Map::new();
    let id: String = name.chars().map(plain).collect();
    package.insert("name".into(), name.into());
    package.insert(
        "SPDXID".into(),
        format!("SPDXRef-{id}{}", version.map_or(String::new(), |v| format!("-{v}"))).into(),
    );
    if let Some(version) = version {
        package.insert("versionInfo".into(), version.into());
    }
    package.insert("downloadLocation".into(), "NOASSERTION".into());
    package.insert("filesAnalyzed".into(), false.into());
    package.insert("licenseConcluded".into(), "NOASSERTION".into());
    package.insert("licenseDeclared".into(), licence.into());
    package.insert("copyrightText".into(), "NOASSERTION".into());
    package
}

fn with_digest(mut package: Map<String, Value>, digest: &str) -> Value {
    package.insert("checksums".into(), json!([{ "algorithm": "SHA256", "checksumValue": digest }]));
    Value::Object(package)
}

fn id(package: &Value) -> String {
    package["SPDXID"].as_str().unwrap_or_default().into()
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}
