//! Opening modules.
//!
//! **Invariants.** When a module has been opened, faults in its code are traps. Native code comes into the
//! process only if it is proven, or through functions whose names say that the caller trusts it, and which
//! are unsafe.

use crate::code::module::source::Source;
#[cfg(feature = "verify")]
use crate::code::module::source::UnchangingFolder;
use crate::code::module::{Checked, Known, Module, OpenError};
use crate::os::trace::event;
use crate::run::signal;
use std::fs::File;
use std::path::Path;

/// Opening artifacts by proof: regardless of who made the file, its machine code obeys the sandbox.
/// [`Loader`](crate::Loader) has the choices that there are.
#[cfg(feature = "verify")]
impl Module {
    /// Opens a private copy of an artifact, which later changes of the file do not reach, if its machine code
    /// is proven.
    ///
    /// A proof takes about as long as reading the file a hundred times; the process remembers it, so that the
    /// same bytes are proven once.
    ///
    /// ```
    /// use wasmaot_runtime::{Module, OpenError};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = std::env::temp_dir().join(format!("wasmaot-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("app.so");
    /// # let wasm = wat::parse_str("(module)")?;
    /// # std::fs::write(&path, wasmaot_compiler::compile(&wasm, &Default::default(), &|_| ())?.bytes)?;
    /// let module = Module::open(&path)?;
    /// assert!(module.is_proven());
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The file cannot be read, copied or mapped, is not an artifact, is damaged, or is for another version
    /// of the runtime or another CPU; or its code is [not proven](OpenError::NotProven).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        super::loader::Loader::default().open(path)
    }

    /// Opens a private copy of an artifact that is in memory, if its machine code is proven.
    ///
    /// # Errors
    /// As for [`Module::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpenError> {
        super::loader::Loader::default().from_bytes(bytes)
    }
}

#[cfg(feature = "verify")]
impl UnchangingFolder {
    /// Declares a folder.
    ///
    /// ```no_run
    /// use wasmaot_runtime::{Loader, UnchangingFolder};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // SAFETY: only this host writes there, to files that have no module yet.
    /// let cache = unsafe { UnchangingFolder::declare("/var/cache/my-host/artifacts")? };
    /// let loader = Loader { unchanging: vec![cache], ..Loader::default() };
    /// let module = loader.open("/var/cache/my-host/artifacts/app.so")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// It does not exist, or the process may not look at it.
    ///
    /// # Safety
    /// No file beneath it is written to or truncated from when it is opened until its last module is gone, by
    /// this name or another. Files may be made there, replaced by others, and deleted.
    pub unsafe fn declare(path: impl AsRef<Path>) -> std::io::Result<Self> {
        Self::new(path.as_ref())
    }
}

#[cfg(feature = "verify")]
impl super::loader::Loader {
    /// Opens a private copy of an artifact if one of [the keys](super::loader::Loader::keys) has signed it,
    /// without a proof.
    ///
    /// # Errors
    /// As for [`Loader::open`](super::loader::Loader::open), but for [`OpenError::NotProven`].
    ///
    /// # Safety
    /// There are keys, and what they sign are artifacts as wasmaot's compiler writes them.
    pub unsafe fn open_trusted(&self, path: impl AsRef<Path>) -> Result<Module, OpenError> {
        let (source, signer) = self.signed(path.as_ref())?;
        loaded(source, |_| Ok(Known { is_proven: false, signer }))
    }

    /// Opens a private copy of an artifact that is in memory, as
    /// [`Loader::open_trusted`](super::loader::Loader::open_trusted) does.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Safety
    /// As there.
    pub unsafe fn from_bytes_trusted(&self, bytes: &[u8]) -> Result<Module, OpenError> {
        let (source, signer) = self.check(Source::sealed(bytes)?, None)?;
        loaded(source, |_| Ok(Known { is_proven: false, signer }))
    }
}

/// Opening artifacts on trust: their structure is checked, but their machine code is not, and what it does
/// when it runs is up to its maker. That takes neither a proof nor, unless it is asked for, a copy.
impl Module {
    /// Opens an artifact without proving its machine code.
    ///
    /// If the file is truncated while the module exists, instances trap with
    /// [`TrapCode::ArtifactChanged`](wasmaot_abi::trap::TrapCode::ArtifactChanged).
    ///
    /// # Errors
    /// The file cannot be read or mapped, is not an artifact, is damaged, or is for another version of the
    /// runtime or another CPU.
    ///
    /// # Safety
    /// The file is an artifact as wasmaot's compiler writes it, and is not written to while the module
    /// exists. Where the directory is not to be trusted, use [`Module::open_sealed_trusted`].
    pub unsafe fn open_trusted(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        trusted(Source::open(path.as_ref())?)
    }

    /// Opens a private copy of an artifact, which later changes of the file do not reach.
    ///
    /// # Errors
    /// As for [`Module::open_trusted`].
    ///
    /// # Safety
    /// The file is an artifact as wasmaot's compiler writes it.
    pub unsafe fn open_sealed_trusted(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        trusted(Source::open(path.as_ref())?.into_sealed()?)
    }

    /// Opens an artifact that is in memory, by way of a sealed memory file.
    ///
    /// # Errors
    /// As for [`Module::open_trusted`].
    ///
    /// # Safety
    /// The bytes are an artifact as wasmaot's compiler writes it.
    pub unsafe fn from_bytes_trusted(bytes: &[u8]) -> Result<Self, OpenError> {
        trusted(Source::sealed(bytes)?)
    }

    /// Checks an artifact as opening it does, but maps nothing of it, and does not look at this machine's
    /// CPU. So an artifact that passes can be opened where the CPU is good enough.
    ///
    /// # Errors
    /// As for [`Module::open_trusted`], but for [`OpenError::CpuFeatures`] and what only mapping tells.
    pub fn check(artifact: &[u8]) -> Result<(), OpenError> {
        Checked::read(&Source::sealed(artifact)?).map(drop)
    }

    /// Opens an artifact that is part of a file: `length` bytes from `offset` on, which is a multiple of
    /// 4096. The rest of the file is not looked at.
    ///
    /// # Errors
    /// Besides those of [`Module::open_trusted`], [`OpenError::Misaligned`], and [`OpenError::Truncated`] if
    /// the file ends before the artifact does.
    ///
    /// # Safety
    /// As for [`Module::open_trusted`], for this part of the file.
    pub unsafe fn open_at_trusted(file: File, offset: u64, length: u64) -> Result<Self, OpenError> {
        trusted(Source::part(file, offset, length)?)
    }
}

fn trusted(source: Source) -> Result<Module, OpenError> {
    loaded(source, |_| Ok(Known::default()))
}

/// Opens an artifact, and prepares the process for what it runs.
pub(super) fn loaded(
    source: Source,
    examine: impl FnOnce(&Source) -> Result<Known, OpenError>,
) -> Result<Module, OpenError> {
    let module = Module::load(source, examine)?;
    signal::install().map_err(OpenError::Handlers)?;
    event!(
        DEBUG,
        module = module.id(),
        functions = module.descriptor().entries.len(),
        metered = module.is_metered(),
        "module opened"
    );
    Ok(module)
}
