//! Opens what is to run: an artifact, proven or trusted, or a module that is compiled first.
//!
//! **Invariant: native code is opened only if it is proven to obey the sandbox, or with `--allow-native`**;
//! what the command has compiled itself it trusts.

use crate::codegen::CodegenOpts;
use crate::error::CliError;
use crate::input::{self, Input};
use crate::progress::Bar;
use crate::{cache, sign};
use std::fs::File;
use std::path::{Path, PathBuf};
use wasmaot_compiler::{Emit, Options, Progress};
use wasmaot_program::attached::Attached;
use wasmaot_runtime::{Loader, Module, OpenError};
use wasmaot_signature::PublicKey;

/// What is to be opened, and how.
pub(crate) struct Opening<'a> {
    pub(crate) file: &'a Path,
    /// Keys of which one has to have signed an artifact, if there are any.
    pub(crate) public_keys: &'a [PathBuf],
    /// Whether artifacts are trusted without a proof.
    pub(crate) allow_native: bool,
    pub(crate) codegen: &'a CodegenOpts,
    /// Whether code that is compiled has to count what it executes.
    pub(crate) meter: bool,
}

impl Opening<'_> {
    /// Returns the module in the file, compiled if need be.
    pub(crate) fn module(&self) -> Result<Module, CliError> {
        let file = self.file;
        let keys = sign::public_keys(self.public_keys)?;
        let opened = match input::read(file)? {
            Input::Elf => {
                self.check_shaping()?;
                match self.allow_native && keys.is_empty() {
                    // SAFETY: the user has said that it is to be trusted.
                    true => unsafe { Module::open_trusted(file) },
                    false => self.checked(keys),
                }
            }
            Input::PipedElf(piped) => {
                self.check_shaping()?;
                let bytes = piped.read(file)?;
                match self.allow_native && keys.is_empty() {
                    // SAFETY: the user has said that it is to be trusted.
                    true => unsafe { Module::from_bytes_trusted(&bytes) },
                    false if self.allow_native => {
                        // SAFETY: the user has said that what the keys sign is to be trusted.
                        unsafe { self.loader(keys).from_bytes_trusted(&bytes) }
                    }
                    false => self.reporting(|report| self.loader(keys).from_bytes_reporting(&bytes, report)),
                }
            }
            Input::Source(_) if !keys.is_empty() => {
                return Err(CliError::NotSigned { path: file.into(), keys: keys.len() });
            }
            Input::Source(source) => {
                let mut options = self.codegen.options(Emit::SharedObject);
                options.meter |= self.meter;
                cache::module(&source, &options, || self.compile(&source, &options))?
            }
        };
        opened.map_err(|source| self.not_loaded(source))
    }

    fn not_loaded(&self, source: OpenError) -> CliError {
        let path = self.file.into();
        match self.is_executable() {
            true => CliError::Executable { path },
            false => CliError::Open { path, source },
        }
    }

    /// Opens the artifact if it is proven or to be trusted, and signed by one of the keys if there are any.
    fn checked(&self, keys: Vec<PublicKey>) -> Result<Module, OpenError> {
        let loader = self.loader(keys);
        if self.allow_native {
            // SAFETY: the user has said that what the keys sign is to be trusted.
            return unsafe { loader.open_trusted(self.file) };
        }
        self.reporting(|report| loader.open_reporting(self.file, report))
    }

    fn loader(&self, keys: Vec<PublicKey>) -> Loader {
        Loader { jobs: 0, proofs: cache::proofs(), keys, ..Loader::default() }
    }

    /// Shows how far a proof is.
    fn reporting(
        &self,
        open: impl FnOnce(&(dyn Fn(usize, usize) + Sync)) -> Result<Module, OpenError>,
    ) -> Result<Module, OpenError> {
        let bar = Bar::new(format!("verifying {}", self.file.display()), true);
        open(&|done, total| bar.report(Progress { done, total }))
    }

    /// Checks that no option says how to generate code that is there already.
    fn check_shaping(&self) -> Result<(), CliError> {
        match self.codegen.shaping() {
            Some(option) => Err(CliError::CompiledAlready { path: self.file.into(), option }),
            None => Ok(()),
        }
    }

    /// Returns whether the file is one of `compile --emit exe`. A pipe would be waited for, and is none.
    fn is_executable(&self) -> bool {
        input::is_regular(self.file) && File::open(self.file).is_ok_and(|file| Attached::read(&file).is_ok())
    }

    fn compile(&self, source: &[u8], options: &Options) -> Result<Vec<u8>, CliError> {
        let file = self.file;
        let wasm = input::to_wasm(file, source)?;
        let bar = Bar::new(format!("compiling {}", file.display()), true);
        let compiled = wasmaot_compiler::compile(&wasm, options, &|progress| bar.report(progress));
        compiled.map(|output| output.bytes).map_err(|error| CliError::compile(file, source, error))
    }
}
