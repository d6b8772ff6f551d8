//! What the host gives: one record for all instances that get the same.
//!
//! **Invariant.** Instances only read it. Host descriptors in it are shared: their position and status
//! flags stay untouched (see [`crate::entry`]).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use crate::entry::{Captured, Entry, FIRST_FREE};
use crate::guest::ranges::MAX_TRANSFER;

/// Descriptors that an instance may have open at once, unless the builder says otherwise.
/// A process may often have no more than 1,024, and its other instances and the host need some, too.
const DEFAULT_MAX_DESCRIPTORS: usize = 128;

/// Strings laid out as the guest wants them: each with a NUL, one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strings {
    pub(crate) bytes: Vec<u8>,
    pub(crate) starts: Vec<usize>,
}

impl Strings {
    /// Appends one string, joined from its parts.
    pub(crate) fn push(&mut self, parts: &[&OsStr]) {
        self.starts.push(self.bytes.len());
        self.bytes.reserve(parts.iter().map(|part| part.len() + 1).sum());
        for part in parts {
            self.bytes.extend_from_slice(part.as_bytes());
        }
        self.bytes.push(0);
    }
}

/// What instances start with.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) args: Strings,
    pub(crate) env: Strings,
    /// By number: the standard streams, directories, listening sockets.
    pub(crate) entries: Vec<Option<Entry>>,
    /// The number of the first listening socket, or of what comes next.
    pub(crate) listeners_from: usize,
    /// Numbers below this one may be open.
    pub(crate) max_descriptors: usize,
    /// The most bytes that one call transfers.
    pub(crate) max_transfer: u64,
    /// Standard input, where it lies in memory.
    pub(crate) input: Arc<[u8]>,
    /// The most bytes of standard output and error that are collected.
    pub(crate) capture_limits: [usize; 2],
}

impl Default for Given {
    fn default() -> Self {
        Self {
            args: Strings::default(),
            env: Strings::default(),
            entries: vec![const { None }; FIRST_FREE],
            listeners_from: FIRST_FREE,
            max_descriptors: DEFAULT_MAX_DESCRIPTORS,
            max_transfer: MAX_TRANSFER,
            input: Arc::default(),
            capture_limits: [0; 2],
        }
    }
}

impl Given {
    /// The most bytes that are collected of an output.
    pub(crate) fn capture_limit(&self, output: Captured) -> usize {
        self.capture_limits[output as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_laid_out_with_terminators() {
        let mut strings = Strings::default();
        strings.push(&[OsStr::new("a")]);
        strings.push(&[OsStr::new("K"), OsStr::new("="), OsStr::new("V=W")]);
        strings.push(&[OsStr::new("")]);
        assert_eq!(
            (strings.bytes.as_slice(), strings.starts.as_slice()),
            (&b"a\0K=V=W\0\0"[..], &[0, 2, 8][..])
        );
    }
}
