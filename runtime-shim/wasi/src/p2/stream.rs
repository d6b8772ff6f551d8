//! Streams: the resources `input-stream` and `output-stream`, and what they read and write.
//!
//! | source, sink | is |
//! |---|---|
//! | `Memory` | bytes in the context |
//! | `File` | a file at a position of the stream's own |
//! | `Pipe` | whatever has no position: pipes, terminals, sockets |
//! | `Host` | an object of the embedder's, [`HostInput`] or [`HostOutput`] |
//!
//! **Invariants.** Nothing here waits: what is not ready returns nothing, and its pollable says when it is.
//! After an end or an error a stream stays closed. No more is written at once than was permitted before.

use std::sync::{Arc, Mutex};

use super::host::{HostInput, HostOutput, StreamError};
use super::pipe::{PipeInput, PipeOutput};
use super::ready::{Pollable, lock};
use super::regular::{FileInput, FileOutput};
use crate::ctx::WasiCtx;
use crate::entry::Captured;
use crate::errno::Errno;

/// The most bytes that a read returns, or a write of a file takes, at once: calls look at the deadline in
/// between.
pub(crate) const AT_ONCE: usize = 1 << 20;

/// A stream to read from: the resource `input-stream`.
#[derive(Clone)]
pub struct Input {
    source: Source,
    is_closed: bool,
}

#[derive(Clone)]
enum Source {
    Empty,
    /// Standard input that lies in the context.
    Memory,
    File(FileInput),
    Pipe(PipeInput),
    Host(Arc<Mutex<dyn HostInput>>),
}

impl Input {
    /// Returns a stream that reads from a source of the embedder's.
    pub fn new(source: impl HostInput + 'static) -> Self {
        Self::of(Source::Host(Arc::new(Mutex::new(source))))
    }

    /// Returns a stream that is at its end.
    pub fn empty() -> Self {
        Self::of(Source::Empty)
    }

    pub(crate) fn memory() -> Self {
        Self::of(Source::Memory)
    }

    pub(crate) fn file(file: FileInput) -> Self {
        Self::of(Source::File(file))
    }

    pub(crate) fn pipe(pipe: PipeInput) -> Self {
        Self::of(Source::Pipe(pipe))
    }

    fn of(source: Source) -> Self {
        Self { source, is_closed: false }
    }

    /// Reads at most `max` bytes; none if there are none yet.
    pub(crate) fn read(&mut self, ctx: &mut WasiCtx, max: u64) -> Result<Vec<u8>, StreamError> {
        let max = usize::try_from(max).unwrap_or(usize::MAX).min(AT_ONCE);
        let read = self.open()?.read(ctx, max);
        self.is_closed |= read.is_err();
        ctx.transferred.read += read.as_ref().map_or(0, |bytes| bytes.len() as u64);
        read
    }

    /// Passes over at most `max` bytes.
    pub(crate) fn skip(&mut self, ctx: &mut WasiCtx, max: u64) -> Result<u64, StreamError> {
        let most = usize::try_from(max).unwrap_or(usize::MAX).min(AT_ONCE);
        let skipped = match self.open()? {
            Source::Host(host) => lock(host).skip(most),
            source => source.read(ctx, most).map(|bytes| bytes.len()),
        };
        self.is_closed |= skipped.is_err();
        ctx.transferred.read += skipped.as_ref().map_or(0, |&count| count as u64);
        skipped.map(|count| count as u64)
    }

    fn open(&mut self) -> Result<&mut Source, StreamError> {
        if self.is_closed { Err(StreamError::Closed) } else { Ok(&mut self.source) }
    }

    pub(crate) fn pollable(&self) -> Pollable {
        match &self.source {
            Source::Pipe(pipe) if !self.is_closed => pipe.pollable(),
            Source::Host(host) if !self.is_closed => Pollable::input(host),
            _ => Pollable::ready(),
        }
    }

    pub(crate) fn close(&mut self) {
        if let Source::Host(host) = &self.source {
            lock(host).close();
        }
    }
}

impl Source {
    fn read(&mut self, ctx: &mut WasiCtx, max: usize) -> Result<Vec<u8>, StreamError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        match self {
            Source::Empty => Err(StreamError::Closed),
            Source::Memory => {
                let left = ctx.input_left();
                let bytes = left[..left.len().min(max)].to_vec();
                ctx.advance_input(bytes.len());
                if bytes.is_empty() { Err(StreamError::Closed) } else { Ok(bytes) }
            }
            Source::File(file) => file.read(max),
            Source::Pipe(pipe) => pipe.read(max),
            Source::Host(host) => lock(host).read(max),
        }
    }
}

/// A stream to write to: the resource `output-stream`.
#[derive(Clone)]
pub struct Output {
    sink: Sink,
    /// Bytes that the next write may have.
    permitted: usize,
    is_closed: bool,
}

#[derive(Clone)]
enum Sink {
    /// Drops what it is given.
    Void,
    /// Standard output or error that the context collects.
    Memory(Captured),
    File(FileOutput),
    Pipe(PipeOutput),
    Host(Arc<Mutex<dyn HostOutput>>),
}

/// More was written than was permitted.
#[derive(Debug, thiserror::Error)]
#[error("{written} bytes were written to a stream that permitted {permitted}")]
pub(crate) struct NotPermitted {
    written: u64,
    permitted: u64,
}

impl Output {
    /// Returns a stream that writes to a sink of the embedder's.
    pub fn new(sink: impl HostOutput + 'static) -> Self {
        Self::of(Sink::Host(Arc::new(Mutex::new(sink))))
    }

    /// Returns a stream that drops what is written to it.
    pub fn void() -> Self {
        Self::of(Sink::Void)
    }

    pub(crate) fn memory(captured: Captured) -> Self {
        Self::of(Sink::Memory(captured))
    }

    pub(crate) fn file(file: FileOutput) -> Self {
        Self::of(Sink::File(file))
    }

    pub(crate) fn pipe(pipe: PipeOutput) -> Self {
        Self::of(Sink::Pipe(pipe))
    }

    fn of(sink: Sink) -> Self {
        Self { sink, permitted: 0, is_closed: false }
    }

    /// Returns how many bytes the next write may have.
    pub(crate) fn check_write(&mut self) -> Result<usize, StreamError> {
        let permitted = match self.open()? {
            Sink::Void | Sink::Memory(_) | Sink::File(_) => Ok(AT_ONCE),
            Sink::Pipe(pipe) => pipe.check_write(),
            Sink::Host(host) => lock(host).check_write(),
        };
        self.is_closed |= permitted.is_err();
        self.permitted = *permitted.as_ref().unwrap_or(&0);
        permitted
    }

    /// Compares a number of bytes with what was permitted.
    ///
    /// # Errors
    /// They are more, for which the guest is trapped.
    pub(crate) fn permit(&mut self, written: u64) -> Result<(), NotPermitted> {
        let permitted = self.permitted as u64;
        if written > permitted && !self.is_closed {
            return Err(NotPermitted { written, permitted });
        }
        Ok(())
    }

    /// Writes what was permitted.
    pub(crate) fn write(&mut self, ctx: &mut WasiCtx, bytes: &[u8]) -> Result<(), StreamError> {
        self.permitted = self.permitted.saturating_sub(bytes.len());
        let written = match self.open()? {
            Sink::Void => Ok(()),
            Sink::Memory(captured) => {
                let (collected, room) = ctx.collector(*captured, bytes.len() as u64);
                collected.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if room < bytes.len() { Err(Errno::NoSpc.into()) } else { Ok(()) }
            }
            Sink::File(file) => file.write(bytes),
            Sink::Pipe(pipe) => pipe.write(bytes),
            Sink::Host(host) => lock(host).write(bytes),
        };
        self.is_closed |= written.is_err();
        if written.is_ok() {
            ctx.transferred.written += bytes.len() as u64;
        }
        written
    }

    /// Writes as many zeroes as were permitted.
    pub(crate) fn write_zeroes(&mut self, ctx: &mut WasiCtx, count: u64) -> Result<(), StreamError> {
        // A closed stream permits any number, and takes none.
        self.open()?;
        self.write(ctx, &vec![0; count as usize])
    }

    /// Begins to pass on what has been written.
    pub(crate) fn flush(&mut self) -> Result<(), StreamError> {
        let flushed = match self.open()? {
            Sink::Void | Sink::Memory(_) | Sink::File(_) => Ok(()),
            Sink::Pipe(pipe) => pipe.flush(),
            Sink::Host(host) => lock(host).flush(),
        };
        self.is_closed |= flushed.is_err();
        self.permitted = 0;
        flushed
    }

    /// Returns whether all that has been written is through.
    pub(crate) fn is_flushed(&mut self) -> Result<bool, StreamError> {
        let flushed = match self.open()? {
            Sink::Void | Sink::Memory(_) | Sink::File(_) => Ok(true),
            Sink::Pipe(pipe) => pipe.is_flushed(),
            Sink::Host(host) => lock(host).check_write().map(|permitted| permitted > 0),
        };
        self.is_closed |= flushed.is_err();
        flushed
    }

    fn open(&mut self) -> Result<&mut Sink, StreamError> {
        if self.is_closed { Err(StreamError::Closed) } else { Ok(&mut self.sink) }
    }

    pub(crate) fn pollable(&self) -> Pollable {
        match &self.sink {
            Sink::Pipe(pipe) if !self.is_closed => pipe.pollable(),
            Sink::Host(host) if !self.is_closed => Pollable::output(host),
            _ => Pollable::ready(),
        }
    }

    pub(crate) fn close(&mut self) {
        if let Sink::Host(host) = &self.sink {
            lock(host).close();
        }
    }
}
