//! Assertions of older sets that Wasm 2.0 contradicts.
//!
//! **Invariant: each entry is met and contradicted**: an entry whose assertion holds, or that names no
//! command, fails the suite.

/// An assertion that no longer holds.
pub struct Superseded {
    /// Its set.
    pub set: &'static str,
    /// Its file.
    pub file: &'static str,
    /// The line where the command begins.
    pub line: usize,
    /// What contradicts it.
    pub reason: &'static str,
}

/// All of them.
const TABLE: &[Superseded] = &[];

/// The entry of a command, if it has one.
pub fn find(set: &str, file: &str, line: usize) -> Option<&'static Superseded> {
    TABLE.iter().find(|entry| entry.set == set && entry.file == file && entry.line == line)
}

/// Number of entries of a set.
pub fn of_set(set: &str) -> usize {
    TABLE.iter().filter(|entry| entry.set == set).count()
}
