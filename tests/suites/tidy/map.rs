//! `ARCHITECTURE.md` as a map: every place that it names exists, and every place that there is has its line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wasmaot_tests::repository;

/// Folders that paths may be relative to: the crates' names for their modules are short.
const ROOTS: [&str; 5] = ["", "compiler/src", "runtime-shim/src", "runtime-shim/wasi/src", "tests"];

/// Endings of names that are files.
const FILES: [&str; 6] = [".rs", ".sh", ".md", ".h", ".txt", ".toml"];

fn text() -> String {
    std::fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("there is an ARCHITECTURE.md")
}

/// What stands between backticks.
fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// Whether something in backticks is meant as a path.
fn is_path(quoted: &str) -> bool {
    let named = quoted.contains('/') || FILES.iter().any(|end| quoted.ends_with(end));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    named && quoted.chars().all(plain) && !quoted.starts_with('/') && !quoted.contains("NAME")
}

/// The folder that a row of a table is about, which its other paths may be relative to.
fn folder_of(line: &str) -> Option<PathBuf> {
    let (place, _) = line.strip_prefix("| `")?.split_once('`')?;
    let place = ROOTS.iter().map(|root| repository().join(root).join(place)).find(|place| place.exists())?;
    if place.is_dir() { Some(place) } else { place.parent().map(Path::to_path_buf) }
}

/// The paths in a piece of prose that lead nowhere, and the number of those that lead somewhere.
fn missing(piece: &str) -> (Vec<&str>, usize) {
    let folder = folder_of(piece);
    let exists = |path: &&str| {
        let roots = ROOTS.iter().map(|root| repository().join(root));
        let roots = roots.chain(folder.iter().cloned()).chain(folder.iter().map(|folder| folder.join("src")));
        roots.map(|root| root.join(path)).any(|path| path.exists())
    };
    let (found, missing): (Vec<_>, Vec<_>) =
        quoted(piece).into_iter().filter(|quoted| is_path(quoted)).partition(exists);
    (missing, found.len())
}

#[test]
fn every_path_that_is_named_exists() {
    let text = text();
    let prose = text.split("```").step_by(2);
    // A name in backticks stands in one line, so lines can be looked at one by one.
    let (missing, found): (Vec<_>, Vec<_>) = prose.flat_map(str::lines).map(missing).unzip();
    assert!(found.iter().sum::<usize>() > 100, "the paths are not found");
    let missing: Vec<_> = missing.concat();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what does not exist: {missing:?}");
}

/// Folders that are to be in the map: those at the top, the crates, and the layers and parts inside the two
/// large ones.
fn places() -> BTreeSet<String> {
    let below = |folder: &str| {
        let entries =
            std::fs::read_dir(repository().join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
        let folders =
            entries.map(|entry| entry.expect("a readable entry").path()).filter(|path| path.is_dir());
        folders
            .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    };
    let top = below("").into_iter().filter(|name| name != "target" && !name.starts_with('.'));
    let layers = below("runtime-shim/src").into_iter().filter(|name| name != "tests");
    let parts = below("compiler/src").into_iter().map(|name| format!("compiler/src/{name}"));
    let sources = crate::sources();
    let crates = sources.iter().filter_map(|(path, _)| {
        path.parent()?.parent().filter(|_| path.ends_with("src/lib.rs") || path.ends_with("src/main.rs"))
    });
    let crates = crates.map(|path: &Path| path.to_str().expect("UTF-8").to_string());
    top.chain(layers).chain(parts).chain(crates).map(|place| format!("{place}/")).collect()
}

#[test]
fn every_place_has_its_line() {
    let text = text();
    let first: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(place, _)| place)
        .collect();
    let missing: Vec<_> = places().into_iter().filter(|place| !first.contains(&**place)).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md has no line for {missing:?}");
}
