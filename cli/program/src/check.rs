//! Whether a module can be started as a program, as far as its descriptor tells.

use crate::entry;
use crate::threads::{self, StartError};
use wasmaot_abi::descriptor::Descriptor;

/// Checks that everything a module imports is defined for programs, and that it exports what its imports call
/// for.
///
/// # Errors
/// [`StartError`], as starting the program would fail.
pub fn check(descriptor: &Descriptor) -> Result<(), StartError> {
    match threads::is_threaded(&descriptor.imports) {
        true => threads::check(descriptor),
        false => Ok(entry::linker(&descriptor.imports)?.check(descriptor)?),
    }
}
