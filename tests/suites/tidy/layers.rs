//! The layers of the runtime: which file names which, and that none names one of a higher layer.
//!
//! Each folder of `runtime-shim/src` is a layer. Every path there that leads to another file
//! counts, whether it stands in a `use`, in an expression or in a macro. Test code is left out: it
//! may name anything. **Invariant: an import leads to the same layer or a lower one.**

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use wasmaot_tests::repository;

mod compiler;
mod paths;

/// The layers, lowest first.
const LAYERS: [&str; 8] = ["os", "space", "code", "state", "run", "api", "pool", "lib"];

/// The most files that may all lead to one another.
const LARGEST_CYCLE: usize = 11;

/// The position of a file's layer: that of its folder, and that of the crate for its root.
fn layer(file: &str) -> usize {
    let name = file.split_once('/').map_or("lib", |(folder, _)| folder);
    let position = LAYERS.iter().position(|layer| *layer == name);
    position.unwrap_or_else(|| panic!("{file} is in no layer's folder"))
}

/// Which files of a crate name which, test code left out.
fn imports(sources: &str) -> BTreeMap<String, BTreeSet<String>> {
    let files = files(&repository().join(sources));
    let modules: paths::Modules = files.keys().map(|file| (paths::module_of(file), file.clone())).collect();
    let scans: BTreeMap<&String, paths::Scan> = files
        .iter()
        .map(|(file, text)| (file, paths::scan(&paths::module_of(file), text, &modules)))
        .collect();
    let tests: BTreeSet<_> = scans.values().flat_map(|scan| &scan.tests).collect();
    let is_test = |file: &String| tests.iter().any(|test| paths::module_of(file).starts_with(test));
    let others = |file: &String, scan: &paths::Scan| {
        scan.named.iter().filter(|other| *other != file && !is_test(other)).cloned().collect()
    };
    let code = scans.iter().filter(|(file, _)| !is_test(file));
    code.map(|(file, scan)| ((*file).clone(), others(file, scan))).collect()
}

/// The files of a crate that are not tests, with their text.
pub(crate) fn sources_of(sources: &str) -> Vec<(String, String)> {
    let code = imports(sources);
    files(&repository().join(sources)).into_iter().filter(|(file, _)| code.contains_key(file)).collect()
}

/// The Rust files below a folder with their text, by path from there.
fn files(root: &Path) -> BTreeMap<String, String> {
    let inside = |(path, text): (std::path::PathBuf, String)| {
        let below = repository().join(path);
        let below = below.strip_prefix(root).ok()?.to_str().expect("UTF-8").to_string();
        Some((below, text))
    };
    crate::sources().into_iter().filter_map(inside).collect()
}

/// The largest set of files that all lead to one another.
fn largest_cycle(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reached = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            let next = imports.get(file).into_iter().flatten();
            open.extend(next.filter(|next| seen.insert((*next).clone())));
        }
        seen
    };
    let reached: BTreeMap<_, _> = imports.keys().map(|file| (file.clone(), reached(file))).collect();
    let cycle_of = |file: &String| -> Vec<String> {
        reached[file].iter().filter(|other| reached[*other].contains(file)).cloned().collect()
    };
    imports.keys().map(cycle_of).max_by_key(Vec::len).unwrap_or_default()
}

#[test]
fn the_runtime_is_built_in_layers() {
    let imports = imports("runtime-shim/src");
    let pairs = || imports.iter().flat_map(|(file, named)| named.iter().map(move |other| (file, other)));
    let upward: Vec<_> = pairs().filter(|(file, other)| layer(other) > layer(file)).collect();
    let cycle = largest_cycle(&imports);
    println!("{} files, {} imports, {} of them upwards:", imports.len(), pairs().count(), upward.len());
    for (file, other) in &upward {
        println!("  {} {file} -> {} {other}", LAYERS[layer(file)], LAYERS[layer(other)]);
    }
    println!("the largest cycle has {} files:", cycle.len());
    for file in &cycle {
        let inside: Vec<_> = imports[file].iter().filter(|other| cycle.contains(other)).collect();
        println!("  {} {file} -> {inside:?}", LAYERS[layer(file)]);
    }
    assert!(upward.is_empty(), "imports lead upwards: {upward:?}");
    assert!(cycle.len() <= LARGEST_CYCLE, "{} files lead to one another: {cycle:?}", cycle.len());
}

/// The crates besides the compiler and the runtime, none of whose files may lead to one another.
const WITHOUT_CYCLES: [&str; 20] = [
    "runtime-shim/abi/src",
    "runtime-shim/signature/src",
    "runtime-shim/verifier/src",
    "runtime-shim/capi/src",
    "runtime-shim/component/src",
    "runtime-shim/embed/src",
    "runtime-shim/snapshot/src",
    "compiler/capi/src",
    "runtime-shim/wasi/src",
    "runtime-shim/wasi/http/src",
    "cli/src",
    "cli/image/src",
    "cli/program/src",
    "cli/runner/src",
    "cli/serve/src",
    "benchmarks/src",
    "benchmarks/peers/src",
    "tests/src",
    "tests/release/src",
    "interleavings/src",
];

#[test]
fn no_files_of_the_other_crates_lead_to_one_another() {
    let cycles = WITHOUT_CYCLES.map(|sources| {
        let imports = imports(sources);
        assert!(!imports.is_empty(), "{sources}: the sources are not where this test looks");
        (sources, largest_cycle(&imports))
    });
    let cycles = cycles.into_iter().filter(|(_, cycle)| !cycle.is_empty()).collect::<Vec<_>>();
    assert!(cycles.is_empty(), "these lead to one another: {cycles:?}");
}

#[test]
fn every_crate_is_looked_at() {
    let roots = crate::sources()
        .into_iter()
        .filter(|(path, _)| path.ends_with("src/lib.rs") || path.ends_with("src/main.rs"));
    let crates: BTreeSet<_> = roots.map(|(path, _)| path.parent().map(Path::to_path_buf)).collect();
    let known = WITHOUT_CYCLES.iter().chain(&["compiler/src", "runtime-shim/src"]);
    let mut known: Vec<_> = known.map(|sources| Some(Path::new(sources).to_path_buf())).collect();
    known.sort();
    // Not as sets, in which a crate that is listed twice would be lost.
    assert_eq!(crates.into_iter().collect::<Vec<_>>(), known);
}
