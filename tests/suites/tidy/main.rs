//! House rules that a machine can check.

mod docs;
mod fence;
mod figures;
mod layers;
mod links;
mod locks;
mod map;
mod notes;
mod packages;
mod prose;

use std::path::{Path, PathBuf};
use wasmaot_tests::repository;

/// The most lines of a source file: the size of one idea.
const MAX_LINES: usize = 700;

/// All Rust sources of the repository with their text, by path from its root.
fn sources() -> Vec<(PathBuf, String)> {
    let found = find(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(found.len() > 30, "the sources are not where this test looks");
    found
}

/// The files of the repository that are wanted with their text, by path from its root.
fn find(wanted: impl Fn(&Path) -> bool) -> Vec<(PathBuf, String)> {
    let root = repository();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if wanted(&path) {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                let path = path.strip_prefix(&root).expect("below the root").to_path_buf();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// Fails with all offences at once.
fn check(rule: &str, offends: impl Fn(&Path, &str) -> bool) {
    let offenders: Vec<String> = sources()
        .into_iter()
        .flat_map(|(path, text)| {
            let lines = text.lines().enumerate().filter(|(_, line)| offends(&path, line));
            lines
                .map(|(number, line)| format!("{}:{}: {line}", path.display(), number + 1))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(offenders.is_empty(), "{rule}:\n{}", offenders.join("\n"));
}

/// The part of a line that is code.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{}: the first line is not a //! comment", path.display());
    }
}

#[test]
fn files_stay_the_size_of_one_idea() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{}: {lines} lines, at most {MAX_LINES}", path.display());
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Split, so that this file does not offend.
    let words = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!(")];
    check("unfinished code", |_, line| words.iter().any(|word| code(line).contains(word)));
}

#[test]
fn the_compiler_is_safe_code() {
    let word = concat!("un", "safe");
    check("the compiler forbids this word", |path, line| {
        path.starts_with("compiler/src")
            && code(line).split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word)
    });
    let root =
        std::fs::read_to_string(repository().join("compiler/src/lib.rs")).expect("the crate has a root");
    assert!(root.contains(concat!("#![forbid(un", "safe_code)]")));
}

/// Places that may hold assembly and calls of the C library.
const SYSTEM: [&str; 5] = [
    "runtime-shim/src/os",
    "runtime-shim/src/run/asm",
    "runtime-shim/src/run/signal",
    "runtime-shim/src/tests",
    "runtime-shim/wasi/src/sys",
];

/// Whether a line calls a function of the C library; its types and constants are free to use.
fn calls_libc(line: &str) -> bool {
    line.split("libc::").skip(1).any(|rest| {
        let name =
            rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        name.starts_with('(')
    })
}

#[test]
fn assembly_and_system_calls_have_their_place() {
    let assembly = concat!("asm", "!(");
    check("only the places for it may hold this", |path, line| {
        let allowed = SYSTEM.iter().any(|place| path.starts_with(place));
        path.starts_with("runtime-shim")
            && !allowed
            && (code(line).contains(assembly) || calls_libc(code(line)))
    });
}

#[test]
fn no_allow_without_a_reason() {
    let word = concat!("allow", "(");
    check("an exception gives its reason", |_, line| {
        let line = code(line).trim_start();
        (line.starts_with("#[") || line.starts_with("#![")) && line.contains(word) && !line.contains("reason")
    });
}

#[test]
fn the_readme_has_its_two_commands() {
    let text = std::fs::read_to_string(repository().join("README.md")).expect("there is a README.md");
    assert!(text.contains("cargo test --workspace"), "README.md: the command that runs the tests");
    assert!(text.contains("cargo run --release"), "README.md: the command that does the main job");
}
