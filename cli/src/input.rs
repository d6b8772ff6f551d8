//! Reads an input file and determines its kind from its content, never from its name.
//!
//! **Invariant: reading ends.** A file that is neither an artifact nor a module is recognised by its first
//! bytes, and a module has a maximum size, so that a device or an endless pipe is refused instead of filling
//! the memory.

use crate::error::CliError;
use crate::kind::{ELF_MAGIC, WASM_MAGIC, is_stdin};
use crate::source;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes of a module, binary or text.
const MAX_MODULE: u64 = 1 << 30;

/// Bytes by which text is told from other data.
const HEAD: usize = 4096;

/// The most bytes of an artifact or executable that are read.
pub(crate) const MAX_ARTIFACT: u64 = 4 << 30;

/// The content of an input file.
pub(crate) enum Input {
    /// An ELF file, which its loader reads by its name.
    Elf,
    /// An ELF file that cannot be opened by name again.
    PipedElf(Piped),
    /// A module, binary or text.
    Source(Vec<u8>),
}

/// What comes through a pipe, of which the beginning has been read.
pub(crate) struct Piped {
    head: Vec<u8>,
    rest: Box<dyn Read>,
}

impl Piped {
    /// Reads all of it.
    ///
    /// # Errors
    /// Reading failed, or it is larger than an artifact may be.
    pub(crate) fn read(self, path: &Path) -> Result<Vec<u8>, CliError> {
        let Self { head: mut bytes, rest } = self;
        let read = rest.take(MAX_ARTIFACT + 1 - bytes.len() as u64).read_to_end(&mut bytes);
        read.map_err(|source| CliError::Read { path: path.into(), source })?;
        match bytes.len() as u64 > MAX_ARTIFACT {
            true => Err(CliError::TooLarge { path: path.into(), limit: MAX_ARTIFACT }),
            false => Ok(bytes),
        }
    }
}

/// Opens a file, or standard input for `-`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, CliError> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|source| CliError::Read { path: path.into(), source })?;
    Ok(Box::new(file))
}

/// Returns whether a path leads to a regular file, whose content can be read again.
pub(crate) fn is_regular(path: &Path) -> bool {
    !is_stdin(path) && path.is_file()
}

/// Returns whether a path leads to a regular ELF file.
pub(crate) fn is_elf(path: &Path) -> bool {
    let mut magic = [0; ELF_MAGIC.len()];
    let read = |mut file: File| file.read_exact(&mut magic);
    is_regular(path) && File::open(path).and_then(read).is_ok() && magic == ELF_MAGIC
}

/// Determines the kind of a file, and reads it unless it is ELF. The file is read in one pass, so it may be a
/// pipe.
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
        head if head.starts_with(&ELF_MAGIC) => {
            return Ok(match is_regular(path) {
                true => Input::Elf,
                false => Input::PipedElf(Piped { head: bytes, rest: file }),
            });
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(CliError::Utf16 { path: path.into() }),
        head if !head.starts_with(&WASM_MAGIC) && !may_be_text(head) => {
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
    if source.starts_with(&WASM_MAGIC) {
        return Ok(Cow::Borrowed(source));
    }
    let encoded = source::encode(path, source).ok_or_else(|| CliError::UnknownKind { path: path.into() })?;
    encoded.map(Cow::Owned).map_err(|error| CliError::Text { path: path.into(), source: error.into() })
}
