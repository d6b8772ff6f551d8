//! What an embedder implements: sources and sinks of streams, and what becomes ready; and how they fail.
//!
//! **Invariant: nothing here waits.** What is not ready says so, and wakes a task when it is.

use std::error::Error;
use std::fmt;
use std::task::{self, Poll};

use crate::errno::Errno;

/// Something of the host's that becomes ready.
pub trait Readiness: Send {
    /// Returns whether it is ready: its next use makes progress, meets an end, or fails. Otherwise the task
    /// is woken when that changes. A later call replaces the waker of an earlier one.
    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<()>;
}

/// Why a stream's operation failed.
#[derive(Debug)]
pub enum StreamError {
    /// The stream is at its end, or was closed.
    Closed,
    /// The operation failed, for a reason that the guest can ask for. The stream is closed afterwards.
    Failed(Box<dyn Error + Send + Sync>),
}

impl StreamError {
    /// As [`StreamError::Failed`], with an error of any type.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Errno> for StreamError {
    fn from(error: Errno) -> Self {
        Self::Failed(Box::new(SystemError(error)))
    }
}

/// An error of the system, as streams of files have it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemError(pub(crate) Errno);

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Error for SystemError {}

/// The resource `error` of `wasi:io/error`: why a stream failed.
#[derive(Debug)]
pub struct IoError(Box<dyn Error + Send + Sync>);

impl IoError {
    /// Returns an error for a guest.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// Returns the error, if it is of this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A source of an embedder's. It is ready when there is something to read, an end or an error included.
pub trait HostInput: Readiness {
    /// Reads at most `max` bytes, at least one. Returns none if there are none yet.
    ///
    /// # Errors
    /// The source is at its end ([`StreamError::Closed`]), or fails. It is not read afterwards.
    fn read(&mut self, max: usize) -> Result<Vec<u8>, StreamError>;

    /// Passes over at most `max` bytes. Returns how many.
    ///
    /// # Errors
    /// As for [`HostInput::read`].
    fn skip(&mut self, max: usize) -> Result<usize, StreamError> {
        self.read(max).map(|bytes| bytes.len())
    }

    /// Is called when the guest drops the stream; pollables of it may be left.
    fn close(&mut self) {}
}

/// A sink of an embedder's. It is ready when [`HostOutput::check_write`] permits some bytes, or fails.
pub trait HostOutput: Readiness {
    /// Returns how many bytes the next write may have: none as long as earlier ones are not through.
    ///
    /// # Errors
    /// The sink is closed, or an earlier write failed.
    fn check_write(&mut self) -> Result<usize, StreamError>;

    /// Takes bytes, no more than [`HostOutput::check_write`] last permitted.
    ///
    /// # Errors
    /// The sink is closed, or fails. It is not used afterwards.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StreamError>;

    /// Begins to pass on what has been written. [`HostOutput::check_write`] permits nothing until that is
    /// done.
    ///
    /// # Errors
    /// As for [`HostOutput::write`].
    fn flush(&mut self) -> Result<(), StreamError>;

    /// Is called when the guest drops the stream; pollables of it may be left.
    fn close(&mut self) {}
}
