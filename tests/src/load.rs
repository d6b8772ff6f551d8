//! Opening artifacts.
//!
//! **Invariant: a suite opens what this process compiled, or what it has damaged itself to see it refused.**
//! Damaged artifacts that are accepted run in suites of which a crash is a failure.

use std::fs::File;
use std::path::Path;
use wasmaot_runtime::{Module, OpenError};

/// Opens an artifact that is in memory.
pub fn load(artifact: &[u8]) -> Result<Module, OpenError> {
    // SAFETY: the code is what the compiler or a test has written, or is refused before it is mapped (the
    // invariant of this file).
    unsafe { Module::from_bytes_trusted(artifact) }
}

/// Opens the file of an artifact.
pub fn open(path: impl AsRef<Path>) -> Result<Module, OpenError> {
    // SAFETY: the compiler or a test has written the file (the invariant above); a suite that changes it does
    // so to see what happens.
    unsafe { Module::open_trusted(path) }
}

/// Opens a copy of the file of an artifact.
pub fn open_sealed(path: impl AsRef<Path>) -> Result<Module, OpenError> {
    // SAFETY: the code is what the compiler or a test has written, or is refused before it is mapped (the
    // invariant of this file).
    unsafe { Module::open_sealed_trusted(path) }
}

/// Opens an artifact that is part of a file.
pub fn open_at(file: File, offset: u64, length: u64) -> Result<Module, OpenError> {
    // SAFETY: the code is what the compiler or a test has written, or is refused before it is mapped (the
    // invariant of this file).
    unsafe { Module::open_at_trusted(file, offset, length) }
}
