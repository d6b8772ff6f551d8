//! Standalone executables: the runner that this command carries, with a module and its settings attached.
//!
//! **Invariant: what cannot start is not made.** That the module is a program, and imports nothing but what
//! the runner defines, with the right types, is settled here; what only the machine that it runs on can tell
//! is left to the runner.

use crate::error::CliError;
use crate::items;
use std::path::Path;
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_program::grants::Grants;
use wasmaot_program::threads::StartError;
use wasmaot_program::{attached, check, entry, headers};

/// The runner, see `build.rs`.
static RUNNER: &[u8] = include_bytes!(env!("WASMAOT_RUNNER"));

/// Returns the executable of a program. `path` is the module's, for errors.
pub(crate) fn make(
    path: &Path,
    artifact: &[u8],
    descriptor: &Descriptor,
    grants: &Grants,
) -> Result<Vec<u8>, CliError> {
    let path = || path.into();
    if descriptor.component.is_some() {
        return Err(CliError::Component { path: path() });
    }
    if entry::is_wide(descriptor) {
        return Err(CliError::WideWasi { path: path() });
    }
    if entry::entry(descriptor).is_none() {
        let functions = items::functions(descriptor);
        let parameters = items::start_parameters(descriptor);
        return Err(CliError::NoProgram { path: path(), functions, parameters });
    }
    check::check(descriptor).map_err(|error| match error {
        StartError::Link(source) => CliError::Wasi(source),
        StartError::Instantiate(source) => CliError::Imports { path: path(), source: Box::new(source) },
        error => CliError::Start { path: path(), source: Box::new(error) },
    })?;
    Ok(attached::executable(&headers::move_behind(RUNNER), artifact, grants))
}
