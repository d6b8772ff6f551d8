//! `wasmaot verify --rebuild`: compiles a module again and compares the result with an artifact.
//!
//! **Invariant: artifacts that are the same, byte for byte, came from the same module, options and version**,
//! or from a compiler that was changed so as to make the same of them, which comes to the same.

use crate::artifact::Artifact;
use crate::error::CliError;
use crate::input::{self, Input};
use std::path::Path;
use wasmaot_compiler::{compile, options_of};

/// Checks that a module compiles to an artifact, with the options that it records.
///
/// # Errors
/// It does not, or the artifact does not say how it was made.
pub(crate) fn check(module: &Path, path: &Path, artifact: &[u8]) -> Result<(), CliError> {
    let Input::Source(source) = input::read(module)? else {
        return Err(CliError::Elf { path: module.into() });
    };
    let wasm = input::to_wasm(module, &source)?;
    let not_an_artifact = |source| CliError::NotAnArtifact { path: path.into(), source };
    let read = Artifact::read(artifact).map_err(not_an_artifact)?;
    let header = read.header;
    let descriptor = read.into_descriptor().map_err(not_an_artifact)?;
    let options = options_of(&header, &descriptor, &wasm)
        .map_err(|source| CliError::Rebuild { path: path.into(), source })?;
    let again =
        compile(&wasm, &options, &|_| ()).map_err(|error| CliError::compile(module, &source, error))?.bytes;
    if again == artifact {
        return Ok(());
    }
    let offset = again.iter().zip(artifact).position(|(ours, theirs)| ours != theirs);
    let offset = offset.unwrap_or(again.len().min(artifact.len()));
    Err(CliError::Differs { path: path.into(), module: module.into(), offset })
}
