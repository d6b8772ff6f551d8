//! Opening modules by proof, and by signature.
//!
//! **Invariants.** The bytes that are mapped are those that were proven, and whose signature was checked: all
//! come from a copy that nothing can change, or from a file that does not change. A signature is checked
//! before anything else is read, and nothing is mapped executable before it is proven.

use super::module::loaded;
use crate::code::module::source::{Source, UnchangingFolder};
use crate::code::module::{Known, Module, OpenError};
use crate::code::proof::{ProofCache, prove};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use wasmaot_signature::{PublicKey, SIGNATURE, block_signed_by, detached_signed_by};

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
    /// Threads to prove with, 0 being one per core. 1 by default, which is the calling one: others inherit
    /// its signal mask, and end before it goes on.
    pub jobs: usize,
    /// Where proofs are kept for other processes; none by default. A process remembers its own in any case.
    pub proofs: Option<ProofCache>,
    /// If there are any, one of these keys has to have signed the artifact (`wasmaot sign`): in the file
    /// itself, or in one beside it with `.sig` at the end of its name. That is checked before anything else.
    pub keys: Vec<PublicKey>,
    /// Files beneath these folders are mapped where they lie, without a copy, so that processes share their
    /// pages; so are files for which the kernel itself guarantees that (fs-verity).
    pub unchanging: Vec<UnchangingFolder>,
}

impl Default for Loader {
    fn default() -> Self {
        Self { jobs: 1, proofs: None, keys: Vec::new(), unchanging: Vec::new() }
    }
}

impl Loader {
    /// Opens a private copy of an artifact, which later changes of the file do not reach, if its machine code
    /// is proven. A file that does not [change](Loader::unchanging) is mapped itself.
    ///
    /// # Errors
    /// The file cannot be read, copied or mapped, is not an artifact, is damaged, or is for another version
    /// of the runtime or another CPU; or its code is [not proven](OpenError::NotProven).
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Module, OpenError> {
        self.open_reporting(path, &|_, _| {})
    }

    /// Opens an artifact like [`Loader::open`], reporting progress. Calls `progress` with the number of
    /// functions that are proven, and of all, if a proof is made.
    ///
    /// # Errors
    /// As for [`Loader::open`].
    pub fn open_reporting(
        &self,
        path: impl AsRef<Path>,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Module, OpenError> {
        self.load(self.signed(path.as_ref())?, progress)
    }

    /// Opens a private copy of an artifact that is in memory, if its machine code is proven.
    ///
    /// # Errors
    /// As for [`Loader::open`].
    pub fn from_bytes(&self, bytes: &[u8]) -> Result<Module, OpenError> {
        self.from_bytes_reporting(bytes, &|_, _| {})
    }

    /// Opens an artifact like [`Loader::from_bytes`], reporting progress. Calls `progress` as
    /// [`Loader::open_reporting`] does.
    ///
    /// # Errors
    /// As for [`Loader::open`].
    pub fn from_bytes_reporting(
        &self,
        bytes: &[u8],
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Module, OpenError> {
        self.load(self.check(Source::sealed(bytes)?, None)?, progress)
    }

    fn load(
        &self,
        (source, signer): (Source, Option<PublicKey>),
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Module, OpenError> {
        loaded(source, |source| {
            prove(source.unchanging()?.bytes(), self.proofs.as_ref(), self.jobs, progress)?;
            Ok(Known { is_proven: true, signer })
        })
    }

    /// Copies a file unless it does not change, if it is signed by one of the keys or there are none.
    pub(super) fn signed(&self, path: &Path) -> Result<(Source, Option<PublicKey>), OpenError> {
        self.check(Source::open(path)?.into_unchanging(&self.unchanging)?, Some(path))
    }

    /// Checks who has signed a source that does not change and lay in this file.
    pub(super) fn check(
        &self,
        source: Source,
        path: Option<&Path>,
    ) -> Result<(Source, Option<PublicKey>), OpenError> {
        if self.keys.is_empty() {
            return Ok((source, None));
        }
        let copy = source.unchanging()?;
        let mut found = source.signatures().len();
        let attached = block_signed_by(copy.bytes(), source.signatures(), &self.keys);
        let signer = attached.or_else(|| {
            let signature = detached(path?)?;
            found += 1;
            detached_signed_by(copy.bytes(), &signature, &self.keys)
        });
        match signer {
            Some(_) => Ok((source, signer)),
            None => Err(OpenError::NotSigned { keys: self.keys.len(), found }),
        }
    }
}

/// The signature beside a file.
fn detached(path: &Path) -> Option<Vec<u8>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = File::options().read(true).custom_flags(flags).open(name).ok()?;
    let mut signature = Vec::new();
    // A file that is longer is no signature.
    file.take(SIGNATURE as u64 + 1).read_to_end(&mut signature).ok()?;
    Some(signature)
}
