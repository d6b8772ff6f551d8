//! Opening modules.
//!
//! **Invariants.** When a module has been opened, faults in its code are traps. Native code comes into the
//! process through functions only whose names say that the caller trusts it, and which are unsafe.

use crate::code::module::source::Source;
use crate::code::module::{Module, OpenError};
use crate::run::signal;
use std::fs::File;
use std::path::Path;
use wasmaot_abi::descriptor::FileRange;

/// Opening artifacts. Their structure is checked, but their machine code is not: what it does when it runs is
/// up to its maker. The crate `wasmaot-embed` compiles and loads in one step, which is safe.
impl Module {
    /// Opens an artifact.
    ///
    /// If the file is truncated while the module exists, instances trap with
    /// [`TrapCode::ArtifactChanged`](wasmaot_abi::trap::TrapCode::ArtifactChanged).
    ///
    /// # Errors
    /// The file cannot be read or mapped, is not an artifact, is damaged, or is for another version of the
    /// runtime or another CPU.
    ///
    /// # Safety
    /// The file is an artifact as wasmaot's compiler writes it, for instance one that `wasmaot verify` has proven, and is not
    /// written to while the module exists. Where the directory is not to be trusted, use [`Module::open_sealed_trusted`].
    pub unsafe fn open_trusted(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        loaded(Source::open(path.as_ref())?)
    }

    /// Opens a private copy of an artifact, which later changes of the file do not reach.
    ///
    /// # Errors
    /// As for [`Module::open_trusted`].
    ///
    /// # Safety
    /// The file is an artifact as wasmaot's compiler writes it.
    pub unsafe fn open_sealed_trusted(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let source = Source::open(path.as_ref())?;
        let whole = FileRange { offset: 0, length: source.size() };
        loaded(Source::sealed(&source.read(whole, "the file")?)?)
    }

    /// Opens an artifact that is in memory, by way of a sealed memory file.
    ///
    /// # Errors
    /// As for [`Module::open_trusted`].
    ///
    /// # Safety
    /// The bytes are an artifact as wasmaot's compiler writes it.
    pub unsafe fn from_bytes_trusted(bytes: &[u8]) -> Result<Self, OpenError> {
        loaded(Source::sealed(bytes)?)
    }

    /// Opens an artifact that is part of a file: `length` bytes from `offset` on, which is a multiple of 4096. The rest of the
    /// file is not looked at.
    ///
    /// # Errors
    /// Besides those of [`Module::open_trusted`], [`OpenError::Misaligned`], and [`OpenError::Truncated`] if
    /// the file ends before the artifact does.
    ///
    /// # Safety
    /// As for [`Module::open_trusted`], for this part of the file.
    pub unsafe fn open_at_trusted(file: File, offset: u64, length: u64) -> Result<Self, OpenError> {
        loaded(Source::part(file, offset, length)?)
    }
}

/// Opens an artifact, and prepares the process for what it runs.
fn loaded(source: Source) -> Result<Module, OpenError> {
    let module = Module::load(source)?;
    signal::install().map_err(OpenError::Handlers)?;
    Ok(module)
}
