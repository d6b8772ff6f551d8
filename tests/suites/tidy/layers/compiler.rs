//! The layers of the compiler. **Invariant: an import leads to the same layer or a lower one, and
//! no files lead to one another**, in whatever folder they are.

use super::{imports, largest_cycle};

/// The layers, lowest first, each with its files and folders below `compiler/src`.
const LAYERS: [(&str, &[&str]); 8] = [
    (
        "what is asked for and refused",
        &["budget.rs", "error.rs", "features.rs", "isa.rs", "options.rs", "passes.rs", "record.rs"],
    ),
    ("components", &["component/"]),
    ("names", &["index.rs", "key.rs"]),
    ("module", &["module/"]),
    ("translation", &["translate/"]),
    ("machine code", &["codegen.rs", "opt/", "phases.rs"]),
    ("output", &["emit/", "listing.rs"]),
    ("compilation", &["lib.rs"]),
];

/// The position of a file's layer.
fn layer(file: &str) -> usize {
    let holds = |place: &&str| file == *place || (place.ends_with('/') && file.starts_with(place));
    let found = LAYERS.iter().position(|(_, places)| places.iter().any(holds));
    found.unwrap_or_else(|| panic!("{file} has no layer"))
}

#[test]
fn the_compiler_is_built_in_layers() {
    let imports = imports("compiler/src");
    assert!(imports.values().map(|named| named.len()).sum::<usize>() > 100, "imports are not found");
    let upward: Vec<String> = imports
        .iter()
        .flat_map(|(file, named)| named.iter().map(move |other| (file, other)))
        .filter(|(file, other)| layer(other) > layer(file))
        .map(|(file, other)| {
            format!("{file} ({}) -> {other} ({})", LAYERS[layer(file)].0, LAYERS[layer(other)].0)
        })
        .collect();
    assert!(upward.is_empty(), "imports lead upwards:\n{}", upward.join("\n"));
    let cycle = largest_cycle(&imports);
    assert!(cycle.is_empty(), "these lead to one another: {cycle:?}");
}
