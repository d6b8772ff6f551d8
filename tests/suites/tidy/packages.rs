//! What packages of crates contain, besides sources.
//!
//! **Invariant: each crate that is published has a page for its readers, and the licence.**

use std::path::Path;
use wasmaot_tests::repository;

/// Folders of the crates in the workspace, from its manifest.
fn members() -> Vec<String> {
    let manifest = std::fs::read_to_string(repository().join("Cargo.toml")).expect("the manifest");
    let list = manifest.split("members = [").nth(1).and_then(|rest| rest.split(']').next()).expect("members");
    list.split('"').skip(1).step_by(2).map(str::to_string).collect()
}

#[test]
fn published_crates_have_a_page_and_the_licence() {
    let members = members();
    assert!(members.len() > 15, "the members are not found: {members:?}");
    let root = std::fs::read(repository().join("LICENSE")).expect("the licence");
    let mut missing = Vec::new();
    for member in members {
        let folder = repository().join(&member);
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        if manifest.contains("publish = false") {
            continue;
        }
        let has = |name: &str| folder.join(name).metadata().is_ok_and(|file| file.len() > 0);
        let licence = std::fs::read(folder.join(Path::new("LICENSE"))).ok();
        if !has("README.md") || licence.as_ref() != Some(&root) {
            missing.push(member);
        }
    }
    assert!(missing.is_empty(), "crates without README.md or LICENSE: {missing:?}");
}
