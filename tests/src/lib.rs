//! What the test suites share: from text to a running instance in one call, seeded random numbers,
//! and lines that are printed whether or not a test passes.
//!
//! **Invariant: every module that a suite runs goes the whole way**: compiled to the bytes of a
//! shared object, checked and mapped by the loader, run in a slot. The suites reach the other
//! crates mostly through here, so that a change of their interfaces is met in one place.

mod guest;
mod load;
mod parallel;
mod program;
mod random;
mod seccomp;
pub mod slices;
mod waiting;

pub use guest::{Guest, compile, compile_wat, module, options, stopped_while_running, trap_code, variants};
pub use load::{load, open, open_at, open_sealed};
pub use parallel::parallel;
pub use program::{Ended, run_program, run_program_with, start};
pub use random::Random;
pub use seccomp::{Refused, without_openat2};
pub use waiting::waiting;

use std::io::Write;
use std::path::{Path, PathBuf};

/// Prints a line to standard output past the test harness, which would keep it for failures.
pub fn report(line: impl std::fmt::Display) {
    // A closed standard output must not fail a test.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// The number in an environment variable, or `default` without it.
pub fn variable(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        Err(_) => default,
    }
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository").to_path_buf()
}

/// The folder of this crate.
pub fn tests_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files of a folder whose names end in `.extension`, sorted by name.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}
