//! Opening modules by proof.
//!
//! **Invariants.** The bytes that are mapped are those that were proven: both come from a copy that nothing can
//! change. Nothing is mapped executable before it is proven.

use super::module::loaded;
use crate::code::module::source::Source;
use crate::code::module::{Assurance, Module, OpenError};
use crate::code::proof::{ProofCache, prove};
use std::path::Path;

/// How modules are opened by proof. [`Module::open`] uses the defaults.
///
/// ```
/// use wasmaot_runtime::Loader;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let wasm = wat::parse_str("(module)")?;
/// # let artifact = wasmaot_compiler::compile(&wasm, &Default::default(), &|_| ())?.bytes;
/// // One thread for each core, which is worth it where artifacts are large.
/// let loader = Loader { jobs: 0, ..Loader::default() };
/// assert!(loader.from_bytes(&artifact)?.is_proven());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Loader {
    /// Threads to prove with, 0 being one per core. 1 by default, which is the calling one: others inherit its signal mask, and
    /// end before it goes on.
    pub jobs: usize,
    /// Where proofs are kept for other processes; none by default. A process remembers its own in any case.
    pub proofs: Option<ProofCache>,
}

impl Default for Loader {
    fn default() -> Self {
        Self { jobs: 1, proofs: None }
    }
}

impl Loader {
    /// Opens a private copy of an artifact, which later changes of the file do not reach, if its machine code is proven.
    ///
    /// # Errors
    /// The file cannot be read, copied or mapped, is not an artifact, is damaged, or is for another version of the
    /// runtime or another CPU; or its code is [not proven](OpenError::NotProven).
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Module, OpenError> {
        self.open_reporting(path, &|_, _| {})
    }

    /// As [`Loader::open`]. Calls `progress` with the number of functions that are proven, and of all, if a proof is made.
    ///
    /// # Errors
    /// As for [`Loader::open`].
    pub fn open_reporting(
        &self,
        path: impl AsRef<Path>,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Module, OpenError> {
        self.load(Source::open(path.as_ref())?.into_sealed()?, progress)
    }

    /// Opens a private copy of an artifact that is in memory, if its machine code is proven.
    ///
    /// # Errors
    /// As for [`Loader::open`].
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<Module, OpenError> {
        self.from_bytes_reporting(bytes, &|_, _| {})
    }

    /// As [`Loader::from_bytes`]. Calls `progress` as [`Loader::open_reporting`] does.
    ///
    /// # Errors
    /// As for [`Loader::open`].
    pub fn from_bytes_reporting(
        &self,
        bytes: &[u8],
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Module, OpenError> {
        self.load(Source::sealed(bytes)?, progress)
    }

    fn load(&self, source: Source, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Module, OpenError> {
        loaded(source, |source| {
            prove(source.unchanging()?.bytes(), self.proofs.as_ref(), self.jobs, progress)?;
            Ok(Assurance::Proven)
        })
    }
}
