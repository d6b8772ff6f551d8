//! `--version`: the package's version, and in a checkout the commit, which no output of the compiler has in
//! it.

use crate::support::{Place, repository};
use std::process::Command;

/// The abbreviated hash and the date of the commit that is checked out. `None` outside a checkout.
fn commit() -> Option<(String, String)> {
    if !repository(".git").exists() {
        println!("skipped: the sources are not in a checkout");
        return None;
    }
    let mut git = Command::new("git");
    git.args(["log", "-1", "--abbrev=9", "--format=%h %cs"]).current_dir(repository("."));
    let output = git.output().expect("git is installed where there is a checkout");
    let line = String::from_utf8(output.stdout).expect("UTF-8");
    let (hash, date) = line.trim_end().split_once(' ').expect("a hash and a date");
    Some((hash.to_owned(), date.to_owned()))
}

#[test]
fn the_version_has_the_commit() {
    let version = env!("CARGO_PKG_VERSION");
    let expected = match commit() {
        Some((hash, date)) => format!("wasmaot {version} ({hash} {date})\n"),
        None => format!("wasmaot {version}\n"),
    };
    Place::new().run(&["--version"]).status(0).silent().stdout(&expected);
}

#[test]
fn what_is_compiled_does_not_depend_on_the_commit() {
    let Some((hash, _)) = commit() else { return };
    let place = Place::new();
    place.file("x.wat", r#"(module (memory (export "memory") 1) (func (export "_start")))"#);
    for emit in ["so", "obj", "clif", "asm", "exe"] {
        place.run(&["compile", "x.wat", "--emit", emit, "-o", "out", "--quiet"]).status(0).silent();
        let bytes = std::fs::read(place.path("out")).expect("an output");
        assert!(!bytes.windows(hash.len()).any(|window| window == hash.as_bytes()), "{emit} has the commit");
    }
}
