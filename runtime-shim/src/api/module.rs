//! Opening modules.
//!
//! **Invariant: when a module has been opened, faults in its code are traps.**

use crate::code::module::source::Source;
use crate::code::module::{Module, OpenError};
use crate::run::signal;
use std::fs::File;
use std::path::Path;
use wasmaot_abi::descriptor::FileRange;

impl Module {
    /// Opens an artifact.
    ///
    /// The file must not change while the module exists. If it is truncated nonetheless, instances
    /// trap with [`TrapCode::ArtifactChanged`](wasmaot_abi::trap::TrapCode::ArtifactChanged). Where
    /// the directory is not to be trusted, use [`Module::open_sealed`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        loaded(Source::open(path.as_ref())?)
    }

    /// Opens a private copy of an artifact, which later changes of the file do not reach.
    pub fn open_sealed(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let source = Source::open(path.as_ref())?;
        let whole = FileRange { offset: 0, length: source.size() };
        Self::from_bytes(&source.read(whole, "the file")?)
    }

    /// Opens an artifact that is in memory, by way of a sealed memory file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpenError> {
        loaded(Source::sealed(bytes)?)
    }

    /// Opens an artifact that is part of a file: `length` bytes from `offset` on, which is a
    /// multiple of 4096. It is checked as [`Module::open`] checks it, and the rest of the file is
    /// not looked at.
    ///
    /// # Errors
    /// Besides those of [`Module::open`], [`OpenError::Misaligned`], and [`OpenError::Truncated`]
    /// if the file ends before the artifact does.
    pub fn open_at(file: File, offset: u64, length: u64) -> Result<Self, OpenError> {
        loaded(Source::part(file, offset, length)?)
    }
}

/// Opens an artifact, and prepares the process for what it runs.
fn loaded(source: Source) -> Result<Module, OpenError> {
    let module = Module::load(source)?;
    signal::install().map_err(OpenError::Handlers)?;
    Ok(module)
}
