//! Compares listings with files: each `golden/NAME.wat` holds a module, in a comment the options
//! that differ from the default ones, and behind the module, as comments, its CLIF and its machine
//! code ([`file`]).
//!
//! `WASMAOT_BLESS=1 cargo test -p wasmaot-tests --test golden` writes the listings anew; the diff
//! is for a person to read. **Invariant: what the design promises of the code is asserted in
//! [`promises`] in words of its own**, so that blessing cannot lose it.

mod file;
mod promises;

use file::Golden;
use std::path::PathBuf;
use wasmaot_tests::{files, report, tests_folder};

fn folder() -> PathBuf {
    tests_folder().join("golden")
}

/// Tells where two texts part.
fn difference(expected: &str, actual: &str) -> String {
    let (mut old, mut new) = (expected.lines(), actual.lines());
    for number in 1.. {
        match (old.next(), new.next()) {
            (None, None) => break,
            (a, b) if a == b => {}
            (a, b) => {
                return format!(
                    "line {number}:\n  expected: {}\n  found:    {}",
                    a.unwrap_or("-"),
                    b.unwrap_or("-")
                );
            }
        }
    }
    "only the ends of lines differ".to_string()
}

/// Compares a file with what it should be, or makes it that.
fn check(golden: &Golden, bless: bool) -> Result<(), String> {
    let actual = golden.with_listings();
    if bless {
        std::fs::write(&golden.path, actual).expect("a writable folder");
        return Ok(());
    }
    if golden.text == actual {
        return Ok(());
    }
    Err(format!("{}: {}", golden.path.display(), difference(&golden.text, &actual)))
}

#[test]
fn listings_are_as_expected() {
    let bless = std::env::var_os("WASMAOT_BLESS").is_some_and(|value| value == "1");
    let sources = files(&folder(), "wat");
    assert!(sources.len() >= 10);
    let checked = sources.iter().map(|path| check(&Golden::read(path), bless));
    let failures: Vec<String> = checked.filter_map(Result::err).collect();
    report(format_args!("golden: {} modules{}", sources.len(), if bless { ", blessed" } else { "" }));
    assert!(
        failures.is_empty(),
        "if the change is meant, bless with WASMAOT_BLESS=1:\n{}",
        failures.join("\n")
    );
}

#[test]
fn everything_in_the_folder_is_a_golden_file() {
    let entries = std::fs::read_dir(folder()).expect("a readable folder");
    let mut names = entries.map(|entry| entry.expect("a readable folder").path());
    assert!(names.all(|path| path.extension().is_some_and(|extension| extension == "wat")));
}
