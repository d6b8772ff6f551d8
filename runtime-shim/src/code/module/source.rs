//! The artifact's bytes, a whole file or a part of one: bounded reads and the checksum. Signatures that
//! follow it are no part of it.
//!
//! **Invariant: nothing is read outside the artifact's size**, and a file that shrinks meanwhile gives an
//! error.

use super::error::OpenError;
#[cfg(feature = "verify")]
use crate::os::map::Sealed;
use crate::os::map::{FileView, memory_file};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
#[cfg(feature = "verify")]
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
#[cfg(feature = "verify")]
use std::path::PathBuf;
use wasmaot_abi::descriptor::FileRange;
use wasmaot_abi::signature::{self, Block};
use wasmaot_abi::slot::HOST_PAGE;

/// An artifact in an open file.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    /// Where in the file it starts: at a page.
    start: u64,
    size: u64,
    /// Its first bytes, while it is being checked: of a small artifact all.
    head: Vec<u8>,
    /// Those that follow it in the file.
    signatures: Vec<Block>,
    /// Nothing changes the file, although it is no sealed copy.
    #[cfg(feature = "verify")]
    stays: bool,
}

/// A folder beneath which no file changes while a module of it exists, as the embedder answers for: a node's
/// own cache of artifacts, say, on a mount that is read-only. For
/// [`Loader::unchanging`](crate::Loader::unchanging).
#[cfg(feature = "verify")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnchangingFolder {
    /// Without links, as the kernel has it.
    path: PathBuf,
}

#[cfg(feature = "verify")]
impl UnchangingFolder {
    /// Takes an existing folder.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.canonicalize()? })
    }
}

/// Bytes that nothing changes.
#[cfg(feature = "verify")]
pub(crate) enum Unchanging {
    /// Of a sealed copy, which is mapped.
    Sealed(Sealed),
    /// Of the file itself, which were read: a page of it that the disk does not give is an error and no
    /// signal.
    Read(Vec<u8>),
}

#[cfg(feature = "verify")]
impl Unchanging {
    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Unchanging::Sealed(sealed) => sealed.bytes(),
            Unchanging::Read(bytes) => bytes,
        }
    }
}

/// Bytes that are read at once.
const CHUNK: u64 = 64 << 10;

/// Bytes that are copied at once: a processor's cache holds them.
const COPIED: u64 = 256 << 10;

impl Source {
    /// Opens a regular file.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |error| OpenError::Io { what: "open the file", error };
        // Without O_NONBLOCK, opening a pipe waits for its other end.
        let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let file = File::options().read(true).custom_flags(flags).open(path).map_err(io)?;
        let size = size_of(&file)?;
        Self::whole(file, size).with_head()?.with_signatures()
    }

    /// Takes a part of a regular file.
    pub(crate) fn part(file: File, start: u64, size: u64) -> Result<Self, OpenError> {
        let length = size_of(&file)?;
        let whole = Self::whole(file, length);
        if !start.is_multiple_of(HOST_PAGE) {
            return Err(OpenError::Misaligned { offset: start });
        }
        whole.check(FileRange { offset: start, length: size }, "the artifact")?;
        Self { start, size, ..whole }.with_head()
    }

    fn whole(file: File, size: u64) -> Self {
        Self {
            file,
            start: 0,
            size,
            head: Vec::new(),
            signatures: Vec::new(),
            #[cfg(feature = "verify")]
            stays: false,
        }
    }

    /// Reads the head, so that checking a small artifact takes one system call and not a dozen.
    fn with_head(mut self) -> Result<Self, OpenError> {
        let head = FileRange { offset: 0, length: self.size.min(CHUNK) };
        self.head = self.read(head, "the file")?;
        Ok(self)
    }

    /// Tells the artifact from the signatures that follow it.
    fn with_signatures(mut self) -> Result<Self, OpenError> {
        while self.signatures.len() < signature::MOST
            && let Some(offset) = self.size.checked_sub(Block::SIZE as u64)
        {
            let last = FileRange { offset, length: Block::SIZE as u64 };
            let Some(block) = Block::from_bytes(&self.read(last, "the end of the file")?) else { break };
            self.signatures.insert(0, block);
            self.size = offset;
        }
        self.head.truncate(self.size as usize);
        Ok(self)
    }

    /// The signatures that follow the artifact, which were not checked.
    #[cfg(feature = "verify")]
    pub(crate) fn signatures(&self) -> &[Block] {
        &self.signatures
    }

    /// Forgets the head.
    pub(crate) fn without_head(self) -> Self {
        Self { head: Vec::new(), ..self }
    }

    /// Puts an artifact into memory that nothing can change any more.
    pub(crate) fn sealed(bytes: &[u8]) -> Result<Self, OpenError> {
        let (artifact, signatures) = signature::split(bytes);
        let sealed = Self::in_memory(artifact.len() as u64, |file| file.write_all(artifact))?;
        Ok(Self { signatures, ..sealed })
    }

    /// Copies the artifact into memory that nothing can change any more.
    pub(crate) fn into_sealed(mut self) -> Result<Self, OpenError> {
        let signatures = std::mem::take(&mut self.signatures);
        let sealed = Self::in_memory(self.size, |file| self.copy(file))?;
        Ok(Self { signatures, ..sealed })
    }

    fn in_memory(size: u64, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<Self, OpenError> {
        let io = |error| OpenError::Io { what: "copy the artifact into a sealed memory file", error };
        let file = memory_file(c"wasmaot", write).map_err(io)?;
        Self::whole(file, size).with_head()
    }

    fn copy(&self, to: &mut File) -> io::Result<()> {
        to.write_all(&self.head)?;
        let mut chunk = vec![0; COPIED.min(self.size - self.head.len() as u64) as usize];
        let mut offset = self.head.len() as u64;
        while offset < self.size {
            let chunk = &mut chunk[..COPIED.min(self.size - offset) as usize];
            self.file.read_exact_at(chunk, self.start + offset)?;
            to.write_all(chunk)?;
            offset += chunk.len() as u64;
        }
        Ok(())
    }

    /// The artifact where it lies if nothing changes it there, and a sealed copy otherwise.
    #[cfg(feature = "verify")]
    pub(crate) fn into_unchanging(self, folders: &[UnchangingFolder]) -> Result<Self, OpenError> {
        if self.has_verity() || self.is_beneath(folders) {
            return Ok(Self { stays: true, ..self });
        }
        self.into_sealed()
    }

    /// Whether the kernel compares each page of the file with a digest, and lets nothing write to it.
    #[cfg(feature = "verify")]
    fn has_verity(&self) -> bool {
        use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};
        let found = statx(&self.file, c"", AtFlags::EMPTY_PATH, StatxFlags::empty());
        found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::VERITY))
    }

    /// Whether the open file lies beneath one of these folders, wherever its name was a link.
    #[cfg(feature = "verify")]
    fn is_beneath(&self, folders: &[UnchangingFolder]) -> bool {
        let path = || std::fs::read_link(format!("/proc/self/fd/{}", self.file.as_raw_fd()));
        !folders.is_empty()
            && path().is_ok_and(|path| folders.iter().any(|folder| path.starts_with(&folder.path)))
    }

    /// The bytes of a source that nothing changes.
    #[cfg(feature = "verify")]
    pub(crate) fn unchanging(&self) -> Result<Unchanging, OpenError> {
        if self.stays {
            return self.read(FileRange { offset: 0, length: self.size }, "the file").map(Unchanging::Read);
        }
        let io = |error| OpenError::Io { what: "map the artifact's copy", error };
        Sealed::map(&self.file, self.size).map(Unchanging::Sealed).map_err(io)
    }

    /// The artifact, to be mapped.
    pub(crate) fn view(&self) -> FileView<'_> {
        FileView { file: &self.file, start: self.start }
    }

    /// Bytes of the artifact.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Checks that a range is inside it.
    pub(crate) fn check(&self, range: FileRange, what: &'static str) -> Result<(), OpenError> {
        match range.offset.checked_add(range.length) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(OpenError::Truncated {
                what,
                offset: range.offset,
                length: range.length,
                size: self.size,
            }),
        }
    }

    /// Reads a range.
    pub(crate) fn read(&self, range: FileRange, what: &'static str) -> Result<Vec<u8>, OpenError> {
        self.check(range, what)?;
        if let Some(bytes) = self.head.get(range.offset as usize..(range.offset + range.length) as usize) {
            return Ok(bytes.to_vec());
        }
        let mut bytes = vec![0; range.length as usize];
        let io = |error| OpenError::Io { what, error };
        self.file.read_exact_at(&mut bytes, self.start + range.offset).map_err(io)?;
        Ok(bytes)
    }

    /// CRC-32 of the whole artifact, the four bytes at `hole` taken as zero.
    pub(crate) fn checksum(&self, hole: u64) -> Result<u32, OpenError> {
        let mut hasher = crc32fast::Hasher::new();
        let mut offset = 0;
        while offset < self.size {
            let length = CHUNK.min(self.size - offset);
            let chunk = match &self.head[..] {
                head if offset == 0 && !head.is_empty() => Cow::Borrowed(head),
                _ => Cow::Owned(self.read(FileRange { offset, length }, "the file")?),
            };
            // What of the hole is in this chunk.
            let within = |at: u64| at.saturating_sub(offset).min(length) as usize;
            let (from, to) = (within(hole), within(hole.saturating_add(4)));
            hasher.update(&chunk[..from]);
            hasher.update(&[0; 4][..to - from]);
            hasher.update(&chunk[to..]);
            offset += length;
        }
        Ok(hasher.finalize())
    }
}

fn size_of(file: &File) -> Result<u64, OpenError> {
    let metadata = file.metadata().map_err(|error| OpenError::Io { what: "look at the file", error })?;
    if metadata.is_file() { Ok(metadata.len()) } else { Err(OpenError::NotAFile) }
}
