//! Streams of files with positions: each has its own, so that several of one file do not disturb each other.
//!
//! **Invariant: the position of the host's descriptor stays as it is**, unless the file is a standard stream,
//! which goes on where it is.

use rustix::buffer::spare_capacity;

use super::host::StreamError;
use super::open::Open;
use crate::errno::Errno;
use crate::sys::again;
use crate::sys::signals::held_back;

/// Reads a file.
#[derive(Clone)]
pub(crate) struct FileInput {
    file: Open,
    /// None for that of the descriptor.
    position: Option<u64>,
}

impl FileInput {
    /// Reads from this position on, or that of the descriptor.
    pub(crate) fn new(file: Open, position: Option<u64>) -> Self {
        Self { file, position }
    }

    pub(crate) fn read(&mut self, max: usize) -> Result<Vec<u8>, StreamError> {
        let bytes = match self.position {
            Some(position) => {
                let bytes = read_at(&self.file, max, position)?;
                self.position = Some(position.saturating_add(bytes.len() as u64));
                bytes
            }
            None => {
                let file = self.file.entry.fd(Errno::BadF)?;
                let mut bytes = Vec::with_capacity(max);
                again(|| Ok(rustix::io::read(file, spare_capacity(&mut bytes))?))?;
                bytes
            }
        };
        if bytes.is_empty() { Err(StreamError::Closed) } else { Ok(bytes) }
    }
}

/// Reads at most `max` bytes of a file at a position; none at its end.
pub(crate) fn read_at(file: &Open, max: usize, position: u64) -> Result<Vec<u8>, Errno> {
    let file = file.entry.fd(Errno::BadF)?;
    let mut bytes = Vec::with_capacity(max);
    if max > 0 && i64::try_from(position).is_ok() {
        again(|| Ok(rustix::io::pread(file, spare_capacity(&mut bytes), position)?))?;
    }
    Ok(bytes)
}

/// Writes a file.
#[derive(Clone)]
pub(crate) struct FileOutput {
    file: Open,
    to: Place,
}

/// Where a stream writes.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// From this position on.
    At(u64),
    /// At the end, wherever that is.
    End,
    /// Where the descriptor is.
    Descriptor,
}

impl FileOutput {
    pub(crate) fn new(file: Open, to: Place) -> Self {
        Self { file, to }
    }

    /// Writes all bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        let mut left = bytes;
        while !left.is_empty() {
            let written = match self.to {
                Place::At(position) => {
                    let written = write_at(&self.file, left, position)?;
                    self.to = Place::At(position.saturating_add(written as u64));
                    written
                }
                Place::End => append(&self.file, left)?,
                Place::Descriptor => {
                    let file = self.file.entry.fd(Errno::BadF)?;
                    let write = || again(|| Ok(rustix::io::write(file, left)?));
                    held_back(write, |&count| count == left.len())?
                }
            };
            if written == 0 {
                return Err(Errno::NoSpc.into());
            }
            left = &left[written..];
        }
        Ok(())
    }
}

/// Writes to a file at a position. Returns how many bytes.
pub(crate) fn write_at(file: &Open, bytes: &[u8], position: u64) -> Result<usize, Errno> {
    let file = file.entry.fd(Errno::BadF)?;
    if i64::try_from(position).is_err() {
        return Err(Errno::FBig);
    }
    let write = || again(|| Ok(rustix::io::pwrite(file, bytes, position)?));
    held_back(write, |&count| count == bytes.len())
}

/// Writes to the end of a file, as if it had been opened for that.
fn append(file: &Open, bytes: &[u8]) -> Result<usize, Errno> {
    let file = file.entry.fd(Errno::BadF)?;
    let list = [std::io::IoSlice::new(bytes)];
    let write = || again(|| Ok(rustix::io::pwritev2(file, &list, 0, rustix::io::ReadWriteFlags::APPEND)?));
    held_back(write, |&count| count == bytes.len())
}
