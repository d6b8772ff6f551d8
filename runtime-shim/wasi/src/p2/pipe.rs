//! Streams of what has no position: pipes, terminals and sockets.
//!
//! **Invariant: no transfer waits.** What blocks is asked first whether it is ready, and is then written no
//! more than it takes at once; sockets are told not to wait, and what they do not take is kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::{RecvFlags, SendFlags, Shutdown};

use super::host::StreamError;
use super::open::Open;
use super::ready::{Pollable, lock};
use crate::errno::Errno;
use crate::sys::again;
use crate::sys::signals::held_back;

/// What a file is to be ready for.
const READABLE: PollFlags = PollFlags::IN;
const WRITABLE: PollFlags = PollFlags::OUT;

/// Bytes that a pipe which can be written to takes without waiting for more room.
const PIPE_AT_ONCE: usize = 4096;

/// Bytes that a socket is handed at once.
const SOCKET_AT_ONCE: usize = 64 << 10;

/// Whether something can be done with a file now.
pub(crate) fn is_ready(file: &Open, wanted: PollFlags) -> Result<bool, Errno> {
    let mut asked = [PollFd::from_borrowed_fd(file.entry.fd(Errno::BadF)?, wanted)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    again(|| Ok(rustix::event::poll(&mut asked, Some(&now))? > 0))
}

/// Reads.
#[derive(Clone)]
pub(crate) struct PipeInput {
    file: Open,
    is_socket: bool,
    /// The guest wants nothing more of it.
    has_ended: Arc<AtomicBool>,
}

impl PipeInput {
    pub(crate) fn new(file: Open, is_socket: bool) -> Self {
        Self { file, is_socket, has_ended: Arc::default() }
    }

    /// Ends the stream, whatever is left to be read.
    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    pub(crate) fn read(&mut self, max: usize) -> Result<Vec<u8>, StreamError> {
        if self.has_ended.load(Ordering::Relaxed) {
            return Err(StreamError::Closed);
        }
        let (file, mut bytes) = (self.file.entry.fd(Errno::BadF)?, Vec::new());
        if !self.is_socket {
            if !is_ready(&self.file, READABLE)? {
                return Ok(bytes);
            }
            bytes.reserve_exact(max.min(SOCKET_AT_ONCE));
            again(|| Ok(rustix::io::read(file, spare_capacity(&mut bytes))?))?;
        } else {
            bytes.reserve_exact(max.min(SOCKET_AT_ONCE));
            let flags = RecvFlags::DONTWAIT;
            let received = again(|| Ok(rustix::net::recv(file, spare_capacity(&mut bytes), flags)?.0));
            match received {
                Err(Errno::Again) => return Ok(Vec::new()),
                received => _ = received?,
            }
        }
        if bytes.is_empty() { Err(StreamError::Closed) } else { Ok(bytes) }
    }

    pub(crate) fn pollable(&self) -> Pollable {
        Pollable::file(&self.file.entry.handle, READABLE, self.file.permit.as_ref())
    }
}

/// Writes.
#[derive(Clone)]
pub(crate) struct PipeOutput {
    file: Open,
    is_socket: bool,
    left: Arc<Mutex<Left>>,
}

/// What has not been taken yet.
#[derive(Default)]
struct Left {
    bytes: Vec<u8>,
    /// Nothing more is to be written, and the socket is to be told behind these bytes.
    is_last: bool,
}

impl PipeOutput {
    pub(crate) fn new(file: Open, is_socket: bool) -> Self {
        Self { file, is_socket, left: Arc::default() }
    }

    pub(crate) fn check_write(&mut self) -> Result<usize, StreamError> {
        self.send_left()?;
        if !lock(&self.left).bytes.is_empty() || !is_ready(&self.file, WRITABLE)? {
            return Ok(0);
        }
        Ok(if self.is_socket { SOCKET_AT_ONCE } else { PIPE_AT_ONCE })
    }

    /// Writes what was permitted.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        let mut left = lock(&self.left);
        if left.is_last {
            return Err(StreamError::Closed);
        }
        left.bytes.extend_from_slice(bytes);
        drop(left);
        self.send_left()
    }

    /// Ends the stream behind what has been written. Returns whether all of that is through.
    pub(crate) fn end(&mut self) -> Result<bool, Errno> {
        lock(&self.left).is_last = true;
        // What cannot be sent any more, the guest has been or will be told by its stream.
        _ = self.send_left();
        Ok(lock(&self.left).bytes.is_empty())
    }

    pub(crate) fn flush(&mut self) -> Result<(), StreamError> {
        self.send_left()
    }

    /// Returns whether all that has been written is through.
    pub(crate) fn is_flushed(&mut self) -> Result<bool, StreamError> {
        self.send_left()?;
        Ok(lock(&self.left).bytes.is_empty())
    }

    /// Has the file take what it can now.
    fn send_left(&mut self) -> Result<(), StreamError> {
        let mut left = lock(&self.left);
        let has_any = !left.bytes.is_empty();
        while !left.bytes.is_empty() {
            match self.transfer(&left.bytes) {
                Ok(0) => return Err(StreamError::Closed),
                Ok(written) => _ = left.bytes.drain(..written),
                // The descriptor is one that does not wait.
                Err(Errno::Again) => break,
                Err(Errno::Pipe | Errno::ConnReset) => return Err(StreamError::Closed),
                Err(error) => return Err(error.into()),
            }
        }
        if has_any && left.is_last && left.bytes.is_empty() {
            _ = rustix::net::shutdown(self.file.entry.fd(Errno::BadF)?, Shutdown::Write);
        }
        Ok(())
    }

    fn transfer(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let file = self.file.entry.fd(Errno::BadF)?;
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        match self.is_socket {
            true => again(|| Ok(rustix::net::send(file, bytes, flags)?)),
            false => {
                let write = || again(|| Ok(rustix::io::write(file, bytes)?));
                held_back(write, |&count| count == bytes.len())
            }
        }
    }

    pub(crate) fn pollable(&self) -> Pollable {
        Pollable::file(&self.file.entry.handle, WRITABLE, self.file.permit.as_ref())
    }
}
