//! What one instance has: arguments, environment, streams, directories. Nothing else exists for it.
//!
//! **Invariant.** A [`WasiCtx`] holds only what its [`WasiCtxBuilder`](crate::WasiCtxBuilder) was told, and
//! shares nothing with others that a guest can change.
//!
//! A context is cheap: a new one is a reference to what its builder holds, without any allocation or
//! system call; what an instance opens, collects or changes is added when it does so.

use std::sync::Arc;

use crate::entry::{Captured, Entry, Handle};
use crate::fdtable::FdTable;
use crate::given::Given;

/// The state of WASI for one instance, made by [`WasiCtxBuilder::build`](crate::WasiCtxBuilder::build).
#[derive(Debug)]
pub struct WasiCtx {
    pub(crate) table: FdTable,
    /// Standard input for this instance alone, where it lies in memory.
    input: Option<Arc<[u8]>>,
    /// How much of the input has been read.
    input_at: usize,
    /// What standard output and error have collected.
    captured: [Vec<u8>; 2],
    /// Whether more was written to them than their limits let them collect.
    overflowed: [bool; 2],
    pub(crate) transferred: Transferred,
}

/// What went through descriptors, in bytes, as the calls reported it to the guest: files, pipes and sockets,
/// and streams that [lie](crate::WasiCtxBuilder::stdin_bytes) or
/// [collect](crate::WasiCtxBuilder::capture_stdout) in memory. Names in directories, arguments and random
/// bytes are none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transferred {
    /// Bytes that `fd_read`, `fd_pread` and `sock_recv` gave. What was only looked at (`PEEK`) counts each
    /// time.
    pub read: u64,
    /// Bytes that `fd_write`, `fd_pwrite` and `sock_send` took.
    pub written: u64,
}

impl WasiCtx {
    /// A context with what is given, and nothing yet done with it.
    pub(crate) fn new(given: Arc<Given>) -> Self {
        Self {
            table: FdTable::new(given),
            input: None,
            input_at: 0,
            captured: [const { Vec::new() }; 2],
            overflowed: [false; 2],
            transferred: Transferred::default(),
        }
    }

    /// Makes `bytes` the standard input of this instance, in place of what its builder gave to all that [read
    /// from memory](crate::WasiCtxBuilder::stdin_bytes). A standard input that is a file, or none at all,
    /// stays as it is (see [`WasiCtx::has_stdin_bytes`]).
    pub fn set_stdin_bytes(&mut self, bytes: impl Into<Arc<[u8]>>) {
        (self.input, self.input_at) = (Some(bytes.into()), 0);
    }

    /// The most bytes that one call transfers.
    #[inline]
    pub(crate) fn max_transfer(&self) -> u64 {
        self.table.given().max_transfer
    }

    /// Whether it was given a standard input in memory, so that [other bytes](WasiCtx::set_stdin_bytes) can
    /// take its place.
    #[must_use]
    pub fn has_stdin_bytes(&self) -> bool {
        matches!(&self.table.given().entries[0], Some(Entry { handle: Handle::Input, .. }))
    }

    /// What the instance has written to its standard output so far, if that is
    /// [captured](crate::WasiCtxBuilder::capture_stdout).
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.captured[Captured::Stdout as usize]
    }

    /// The same for standard error.
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        &self.captured[Captured::Stderr as usize]
    }

    /// Returns whether the captured standard output is incomplete: the instance tried to write more
    /// than the [limit](crate::WasiCtxBuilder::capture_stdout) since the capture started or was
    /// last [taken](WasiCtx::take_stdout).
    #[must_use]
    pub fn stdout_overflowed(&self) -> bool {
        self.overflowed[Captured::Stdout as usize]
    }

    /// The same for standard error.
    #[must_use]
    pub fn stderr_overflowed(&self) -> bool {
        self.overflowed[Captured::Stderr as usize]
    }

    /// Takes what has been captured of standard output, and clears [`WasiCtx::stdout_overflowed`];
    /// what is written afterwards is collected anew.
    pub fn take_stdout(&mut self) -> Vec<u8> {
        self.take(Captured::Stdout)
    }

    /// The same for standard error.
    pub fn take_stderr(&mut self) -> Vec<u8> {
        self.take(Captured::Stderr)
    }

    fn take(&mut self, output: Captured) -> Vec<u8> {
        self.overflowed[output as usize] = false;
        std::mem::take(&mut self.captured[output as usize])
    }

    /// Returns the descriptors that are no longer as they were given to the instance: those that it has
    /// opened, closed or renumbered.
    pub fn changed_descriptors(&self) -> impl Iterator<Item = u32> {
        self.table.changed()
    }

    /// The bytes that were read and written so far.
    #[must_use]
    pub fn transferred(&self) -> Transferred {
        self.transferred
    }

    /// What is still to be read of an input in memory.
    pub(crate) fn input_left(&self) -> &[u8] {
        let input = self.input.as_ref().unwrap_or(&self.table.given().input);
        input.get(self.input_at..).unwrap_or_default()
    }

    /// Counts bytes of the input as read.
    pub(crate) fn advance_input(&mut self, count: usize) {
        self.input_at += count;
    }

    /// Returns where an output collects, and how many more bytes it takes. `wanted` is how many are
    /// about to be written: if they are more, the output has overflowed.
    pub(crate) fn collector(&mut self, output: Captured, wanted: u64) -> (&mut Vec<u8>, usize) {
        let limit = self.table.given().capture_limit(output);
        let collected = &mut self.captured[output as usize];
        let left = limit.saturating_sub(collected.len());
        self.overflowed[output as usize] |= wanted > left as u64;
        (collected, left)
    }
}
