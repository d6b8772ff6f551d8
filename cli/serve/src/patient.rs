//! Connections whose clients may stall, but not for ever.
//!
//! **Invariants.** Bytes that a client does not accept for the time it has end its connection. So does a
//! beginning whose version of HTTP cannot be told in time. How long a client may take to send otherwise is
//! limited elsewhere: headers by their own time, bodies by the request's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Bytes by which HTTP/2 is told from HTTP/1.1 at the latest.
const PREFACE: usize = 24;

/// A connection with limits on how long writing, and the beginning of reading, may stall.
pub(crate) struct Patient<S> {
    stream: S,
    time: Duration,
    /// When the first bytes have to be there.
    begins_until: Instant,
    /// Bytes that were read, up to the first few.
    received: usize,
    beginning: Option<Pin<Box<Sleep>>>,
    /// Since when a write waits, made when it first does.
    stalled: Option<Pin<Box<Sleep>>>,
    is_stalled: bool,
}

impl<S> Patient<S> {
    /// A write may stall for some time, and the first bytes may take some.
    pub(crate) fn new(stream: S, time: Duration, beginning: Duration) -> Self {
        let begins_until = Instant::now() + beginning;
        Self { stream, time, begins_until, received: 0, beginning: None, stalled: None, is_stalled: false }
    }

    /// Fails if the first bytes have not come in time.
    fn poll_beginning(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let until = self.begins_until;
        let sleep = self.beginning.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Fails if a write has waited for too long.
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_stalled = false;
            return written;
        }
        let until = Instant::now() + self.time;
        let sleep = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if !std::mem::replace(&mut self.is_stalled, true) {
            sleep.as_mut().reset(until);
        }
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.received >= PREFACE {
            return read;
        }
        if read.is_pending() {
            return self.poll_beginning(cx);
        }
        self.received += buffer.filled().len() - before;
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.watch(cx, shut)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
