//! Standalone executables: the runner that this command carries, with a module and its settings attached.
//!
//! **Invariant: what cannot start is not made.** That the module is a program, and imports nothing but WASI with the right types, is
//! settled here; what only the machine that it runs on can tell is left to the runner.

use crate::artifact::Artifact;
use crate::error::CliError;
use crate::items;
use std::path::Path;
use wasmaot_program::attached;
use wasmaot_program::entry;
use wasmaot_program::grants::Grants;

/// The runner, see `build.rs`.
static RUNNER: &[u8] = include_bytes!(env!("WASMAOT_RUNNER"));

/// The executable of a program. `path` is the module's, for errors.
pub(crate) fn make(path: &Path, artifact: &[u8], grants: &Grants) -> Result<Vec<u8>, CliError> {
    let broken = |source| CliError::NotAnArtifact { path: path.into(), source };
    let descriptor = Artifact::read(artifact).and_then(Artifact::into_descriptor).map_err(broken)?;
    if entry::is_wide(&descriptor) {
        return Err(CliError::WideWasi { path: path.into() });
    }
    if entry::entry(&descriptor).is_none() {
        return Err(CliError::NoProgram { path: path.into(), functions: items::functions(&descriptor) });
    }
    let linker = entry::linker(&descriptor.imports).map_err(CliError::Wasi)?;
    linker
        .check(&descriptor)
        .map_err(|source| CliError::Imports { path: path.into(), source: Box::new(source) })?;
    Ok(attached::executable(RUNNER, artifact, grants))
}
