//! Files that need what is not translated yet.
//!
//! **Invariant: each of them still fails**: one that passes fails the suite, so that the list shrinks as
//! features come.

/// Set, file, and what it needs.
const TABLE: &[(&str, &str, &str)] = &[
    ("wasm-v3", "ref_null.wast", "garbage collection"),
    ("wasm-v3", "type-rec.wast", "declarations of structure types, of garbage collection"),
];

/// What a file needs, if it waits for something.
pub(crate) fn reason(set: &str, file: &str) -> Option<&'static str> {
    TABLE.iter().find(|entry| (entry.0, entry.1) == (set, file)).map(|entry| entry.2)
}

/// Number of waiting files of a set.
pub(crate) fn of_set(set: &str) -> usize {
    TABLE.iter().filter(|entry| entry.0 == set).count()
}
