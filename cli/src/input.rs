//! Reads an input file and determines its kind from its content, never from its name.
//!
//! **Invariant: reading ends.** A file that is neither an artifact nor a module is recognised by its first bytes, and a module has a
//! maximum size, so that a device or an endless pipe is refused instead of filling the memory.

use crate::error::CliError;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes of a module, binary or text.
const MAX_MODULE: u64 = 1 << 30;

/// Bytes by which text is told from other data.
const HEAD: usize = 4096;

/// The first bytes of every binary module and component.
const WASM_MAGIC: &[u8] = b"\0asm";

/// The content of an input file.
#[derive(Debug)]
pub(crate) enum Input {
    /// An ELF file, which its loader reads.
    Elf,
    /// A module, binary or text.
    Source(Vec<u8>),
}

/// Returns whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens a file, or standard input for `-`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, CliError> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|source| CliError::Read { path: path.into(), source })?;
    Ok(Box::new(file))
}

/// Determines the kind of a file, and reads it unless it is ELF. The file is read in one pass, so it may be a pipe.
///
/// # Errors
/// The file cannot be read, is empty, is neither ELF nor a module, or is larger than 1 GiB.
pub(crate) fn read(path: &Path) -> Result<Input, CliError> {
    let failed = |source| CliError::Read { path: path.into(), source };
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    (&mut file).take(HEAD as u64).read_to_end(&mut bytes).map_err(failed)?;
    match &bytes[..] {
        [] => return Err(CliError::Empty { path: path.into() }),
        [0x7f, b'E', b'L', b'F', ..] => return Ok(Input::Elf),
        head if !head.starts_with(WASM_MAGIC) && !may_be_text(head) => {
            return Err(CliError::UnknownKind { path: path.into() });
        }
        _ => {}
    }
    file.take(MAX_MODULE + 1 - bytes.len() as u64).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > MAX_MODULE {
        true => Err(CliError::TooLarge { path: path.into(), limit: MAX_MODULE }),
        false => Ok(Input::Source(bytes)),
    }
}

/// Returns whether the beginning of a file may be that of a text file: UTF-8 without NUL.
fn may_be_text(head: &[u8]) -> bool {
    // The last character may be cut off.
    let valid = str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    valid && !head.contains(&0)
}

/// Returns the binary form of a module that was read from `path`.
///
/// # Errors
/// The module is in neither form.
pub(crate) fn to_wasm<'a>(path: &Path, source: &'a [u8]) -> Result<Cow<'a, [u8]>, CliError> {
    if source.starts_with(WASM_MAGIC) {
        return Ok(Cow::Borrowed(source));
    }
    if std::str::from_utf8(source).is_err() {
        return Err(CliError::UnknownKind { path: path.into() });
    }
    let text = wat::Parser::new().parse_bytes(Some(path), source);
    text.map_err(|source| CliError::Text { path: path.into(), source })
}
