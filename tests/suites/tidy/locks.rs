//! The lock files of the workspaces beside the main one, which no build of it keeps up to date.
//!
//! **Invariant: a lock file lists the dependencies that the manifests of our crates have.**

use std::collections::BTreeSet;
use wasmaot_tests::repository;

/// Folders of the other workspaces, with how many of our crates each depends on at least.
const WORKSPACES: [(&str, usize); 2] = [("fuzz", 4), ("benchmarks/peers", 4)];

/// A package as a lock file lists it.
#[derive(Default)]
struct Locked<'t> {
    name: &'t str,
    dependencies: BTreeSet<&'t str>,
    /// Whether it is from a registry.
    foreign: bool,
}

/// All packages of a lock file.
fn locked(lock: &str) -> Vec<Locked<'_>> {
    lock.split("[[package]]\n").skip(1).map(package).collect()
}

fn package(text: &str) -> Locked<'_> {
    let mut package = Locked::default();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("name = ") {
            package.name = name.trim_matches('"');
        } else if let Some(dependency) = line.strip_prefix(" \"") {
            // The version stands behind the name where there are several.
            package.dependencies.extend(dependency.split(['"', ' ']).next());
        } else if line.starts_with("source = ") {
            package.foreign = true;
        }
    }
    package
}

/// The dependencies of a manifest without those of tests, for every target; and those that features add,
/// which have tables of their own.
fn dependencies(manifest: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let mut section = "";
    let (mut found, mut optional) = (BTreeSet::new(), BTreeSet::new());
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            optional.extend(section.strip_prefix("dependencies."));
        } else if matches!(section, "dependencies" | "build-dependencies")
            || section.ends_with(".dependencies") && section.starts_with("target.")
        {
            let name = line.split(['.', ' ', '=', '#']).next().unwrap_or_default();
            found.extend(Some(name).filter(|name| !name.is_empty()));
        }
    }
    (found, optional)
}

#[test]
fn lock_files_of_other_workspaces_are_up_to_date() {
    let manifests = crate::find(|path| path.ends_with("Cargo.toml"));
    let manifest_of = |name: &str| {
        let line = format!("name = \"{name}\"");
        let found = manifests.iter().find(|(_, text)| text.lines().any(|other| other == line));
        &found.unwrap_or_else(|| panic!("no manifest of {name}")).1
    };
    for (folder, least) in WORKSPACES {
        let lock =
            std::fs::read_to_string(repository().join(folder).join("Cargo.lock")).expect("a lock file");
        let ours: Vec<_> = locked(&lock).into_iter().filter(|package| !package.foreign).collect();
        assert!(ours.len() > least, "{folder}: our crates are not where this test looks");
        for package in ours {
            let (mut stated, optional) = dependencies(manifest_of(package.name));
            // Which features another workspace asks for is its own business.
            stated.extend(package.dependencies.intersection(&optional));
            assert_eq!(
                package.dependencies, stated,
                "{folder}/Cargo.lock, {}: bring it up to date with `cargo update --workspace` there",
                package.name
            );
        }
    }
}
