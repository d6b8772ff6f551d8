//! What an executable carries behind the runner: the artifact, the settings, and where they are.
//!
//! ```text
//! 0        | runner: an ELF executable, which starts, and   |
//!          |   its program headers                          |
//! page     | artifact: mapped by the runner from itself     |
//!          | settings: access granted to the program        |
//!          | trailer: offset and length of the artifact,    |
//!          |   length of the settings, CRC-32, magic number |
//! ```
//!
//! **Invariants.** The parts behind the runner follow each other without a gap up to the end of the file. The
//! CRC-32 is of settings and trailer; the artifact has its own, and is checked when it is opened.

use crate::grants::Grants;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use wasmaot_abi::descriptor::FileRange;
use wasmaot_abi::slot::HOST_PAGE;
use wasmaot_abi::wire::{Decode, DecodeError, Encode, Reader, Writer};

/// The last bytes of every executable. The digit changes with the form of what is before them.
const MAGIC: [u8; 8] = *b"wasmaot1";

/// Bytes of the trailer.
const TRAILER: usize = 32;

/// Bytes that are read first, from the end: as a rule, all of the settings are among them.
const TAIL: u64 = 512;

/// Number of trailer bytes that the checksum covers.
const CHECKED: usize = 20;

/// What is attached to an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Where the artifact lies in the file.
    pub artifact: FileRange,
    /// Access granted to the program.
    pub grants: Grants,
}

/// Why a file does not have an artifact and settings attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachedError {
    /// A system call failed.
    #[error("cannot read the file")]
    Io(#[source] io::Error),
    /// It does not end as an executable does.
    #[error("no program is attached to it: it does not end with the marks of an executable of this version")]
    Nothing,
    /// Lengths contradict the file's size.
    #[error("its parts do not add up to its {size} bytes: it was cut or extended")]
    Lengths {
        /// Bytes of the file.
        size: u64,
    },
    /// The contents are not those that were written.
    #[error("its settings are corrupt: their checksum is {found:#010x}, but was {stated:#010x}")]
    Checksum {
        /// Checksum recorded when the contents were written.
        stated: u32,
        /// Checksum of the present contents.
        found: u32,
    },
    /// The settings are malformed.
    #[error("its settings are malformed: expected {} at byte {}", .0.expected, .0.offset)]
    Settings(DecodeError),
}

/// The bytes of an executable.
pub fn executable(runner: &[u8], artifact: &[u8], grants: &Grants) -> Vec<u8> {
    let start = runner.len().next_multiple_of(HOST_PAGE as usize);
    let mut bytes = Vec::with_capacity(start + artifact.len() + HOST_PAGE as usize);
    bytes.extend_from_slice(runner);
    bytes.resize(start, 0);
    bytes.extend_from_slice(artifact);
    let mut w = Writer::default();
    grants.encode(&mut w);
    let mut settings = w.into_bytes();
    let length = settings.len() as u32;
    let mut w = Writer::default();
    (start as u64).encode(&mut w);
    (artifact.len() as u64).encode(&mut w);
    length.encode(&mut w);
    settings.extend(w.into_bytes());
    bytes.extend_from_slice(&settings);
    bytes.extend_from_slice(&crc32fast::hash(&settings).to_le_bytes());
    bytes.extend_from_slice(&MAGIC);
    bytes
}

impl Attached {
    /// Reads what is attached to a file. The artifact's own bytes are not looked at.
    ///
    /// # Errors
    /// [`AttachedError`]; [`AttachedError::Nothing`] for all files that are no executables at all.
    pub fn read(file: &File) -> Result<Self, AttachedError> {
        let size = file.metadata().map_err(AttachedError::Io)?.len();
        Self::read_with(size, |offset, length| {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, offset).map(|()| bytes)
        })
    }

    /// The same for a file's contents. Gives the artifact too.
    ///
    /// # Errors
    /// As [`Attached::read`].
    pub fn find(contents: &[u8]) -> Result<(Self, &[u8]), AttachedError> {
        let part = |offset: u64, length: usize| &contents[offset as usize..][..length];
        let attached =
            Self::read_with(contents.len() as u64, |offset, length| Ok(part(offset, length).to_vec()))?;
        let FileRange { offset, length } = attached.artifact;
        Ok((attached, part(offset, length as usize)))
    }

    /// `read` gives bytes inside the file's size, by offset and number.
    fn read_with(size: u64, read: impl Fn(u64, usize) -> io::Result<Vec<u8>>) -> Result<Self, AttachedError> {
        let end = size.checked_sub(TRAILER as u64).ok_or(AttachedError::Nothing)?;
        let tail = size.saturating_sub(TAIL);
        let bytes = read(tail, (size - tail) as usize).map_err(AttachedError::Io)?;
        if !bytes.ends_with(&MAGIC) {
            return Err(AttachedError::Nothing);
        }
        let trailer = &bytes[bytes.len() - TRAILER..];
        let Trailer { artifact, settings, checksum } =
            Trailer::decode(&mut Reader::new(trailer)).map_err(AttachedError::Settings)?;
        let start = artifact.offset.checked_add(artifact.length);
        let start = start.filter(|start| start.checked_add(settings.into()) == Some(end));
        let start = start.ok_or(AttachedError::Lengths { size })?;
        let length = settings as usize + CHECKED;
        let checked = match start.checked_sub(tail) {
            Some(at) => bytes[at as usize..][..length].to_vec(),
            None => read(start, length).map_err(AttachedError::Io)?,
        };
        let found = crc32fast::hash(&checked);
        if found != checksum {
            return Err(AttachedError::Checksum { stated: checksum, found });
        }
        let mut reader = Reader::new(&checked[..settings as usize]);
        let grants = Grants::decode(&mut reader).map_err(AttachedError::Settings)?;
        match reader.is_empty() {
            true => Ok(Self { artifact, grants }),
            false => Err(AttachedError::Settings(reader.invalid("the end of the settings"))),
        }
    }
}

/// The trailer without its magic number.
struct Trailer {
    artifact: FileRange,
    /// Bytes of the settings.
    settings: u32,
    checksum: u32,
}

impl Decode for Trailer {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let artifact = FileRange { offset: u64::decode(r)?, length: u64::decode(r)? };
        Ok(Self { artifact, settings: u32::decode(r)?, checksum: u32::decode(r)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::{Directory, Variable};

    fn grants() -> Grants {
        Grants {
            directories: vec![
                Directory { host: "data".into(), guest: "/data".into(), read_only: true },
                Directory { host: "/".into(), guest: "/".into(), read_only: false },
            ],
            environment: vec![Variable { key: "K".into(), value: "V=W".into() }],
            inherit_env: true,
            listeners: vec![([127, 0, 0, 1], 80).into()],
        }
    }

    #[test]
    fn what_was_attached_is_found() {
        let long = Variable { key: "LONG".into(), value: "x".repeat(5000).into() };
        let large = Grants { environment: vec![long], ..grants() };
        for (runner, grants) in [(&b"runner"[..], grants()), (&[7; 4096], Grants::default()), (b"", large)] {
            let bytes = executable(runner, b"artifact", &grants);
            let offset = runner.len().next_multiple_of(4096) as u64;
            let (attached, artifact) = Attached::find(&bytes).unwrap();
            assert_eq!(artifact, b"artifact");
            assert_eq!(attached, Attached { artifact: FileRange { offset, length: 8 }, grants });
            let mut file = tempfile::tempfile().unwrap();
            io::Write::write_all(&mut file, &bytes).unwrap();
            assert_eq!(Attached::read(&file).unwrap(), attached);
        }
    }

    #[test]
    fn other_files_have_nothing_attached() {
        for bytes in [&b""[..], b"wasmaot1", b"\x7fELF", &[0; 4096]] {
            assert!(matches!(Attached::find(bytes), Err(AttachedError::Nothing)));
        }
    }

    #[test]
    fn a_cut_or_extended_file_is_refused() {
        let bytes = executable(b"runner", b"artifact", &grants());
        for length in 0..bytes.len() {
            assert!(Attached::find(&bytes[..length]).is_err(), "{length}");
            // A cut in the middle, which leaves the end as it was.
            let cut = [&bytes[..length], &bytes[length + 1..]].concat();
            assert!(Attached::find(&cut).is_err(), "{length}");
        }
        let longer = [&bytes[..], &bytes[bytes.len() - TRAILER..]].concat();
        assert!(matches!(Attached::find(&longer), Err(AttachedError::Lengths { .. })));
    }

    #[test]
    fn a_changed_byte_of_settings_or_trailer_is_refused() {
        let bytes = executable(b"runner", b"artifact", &grants());
        for at in 4096 + b"artifact".len()..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(Attached::find(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    /// The trailer with other numbers, and a checksum that is right.
    fn forged(offset: u64, length: u64, settings: u32, contents: &[u8]) -> Vec<u8> {
        let mut checked = contents.to_vec();
        checked.extend(offset.to_le_bytes());
        checked.extend(length.to_le_bytes());
        checked.extend(settings.to_le_bytes());
        let mut bytes = vec![0; 4096];
        bytes.extend(&checked);
        bytes.extend(crc32fast::hash(&checked).to_le_bytes());
        bytes.extend(MAGIC);
        bytes
    }

    #[test]
    fn hostile_numbers_are_refused() {
        assert!(Attached::find(&forged(0, 4096, 13, &[0; 13])).is_ok());
        for (offset, length, settings) in [
            (u64::MAX, 1, 13),
            (1, u64::MAX, 13),
            (u64::MAX - 8, 4, 13),
            (0, u64::MAX - 12, 13),
            (0, 4096, u32::MAX),
            (0, 0, 13),
            (8192, 0, 13),
        ] {
            let error = Attached::find(&forged(offset, length, settings, &[0; 13])).unwrap_err();
            assert!(matches!(error, AttachedError::Lengths { .. }), "{error}");
        }
        // Lists of four thousand million entries; a truth value that is none; bytes too many.
        for contents in [&[0xff; 13][..], &[0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0], &[0; 14]] {
            let error = Attached::find(&forged(0, 4096, contents.len() as u32, contents)).unwrap_err();
            assert!(matches!(error, AttachedError::Settings(_)), "{error}");
        }
    }
}
