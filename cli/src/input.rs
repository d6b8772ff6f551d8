//! Reads an input file and tells its kind by its content, never by its name.

use crate::error::CliError;
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What a file turned out to be.
#[derive(Debug)]
pub(crate) enum Input {
    /// An ELF file: an artifact, as far as one can tell from outside. Its loader reads it.
    Artifact,
    /// A module, binary or text, as it lies in the file.
    Source(Vec<u8>),
}

/// Looks at a file, and reads it unless it is ELF. The file is read in one pass, so a pipe will do.
pub(crate) fn read(path: &Path) -> Result<Input, CliError> {
    let failed = |source| CliError::Read { path: path.into(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    (&mut file).take(4).read_to_end(&mut bytes).map_err(failed)?;
    match &bytes[..] {
        [] => return Err(CliError::Empty { path: path.into() }),
        b"\x7fELF" => return Ok(Input::Artifact),
        _ => {}
    }
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(Input::Source(bytes))
}

/// The binary form of a module that was read from `path`.
pub(crate) fn to_wasm<'a>(path: &Path, source: &'a [u8]) -> Result<Cow<'a, [u8]>, CliError> {
    if source.starts_with(b"\0asm") {
        return Ok(Cow::Borrowed(source));
    }
    if std::str::from_utf8(source).is_err() {
        return Err(CliError::UnknownKind { path: path.into() });
    }
    let text = wat::Parser::new().parse_bytes(Some(path), source);
    text.map_err(|source| CliError::Text { path: path.into(), source })
}
