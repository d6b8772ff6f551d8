//! Bodies that guests write: those of responses, and of outgoing requests.
//!
//! ```text
//!  guest ── write ──▶ buffer ── frame ──▶ connection
//!        ◀─ room ────         ◀─ poll ───
//! ```
//!
//! **Invariants.** At most [`CAPACITY`] bytes wait for the connection, so a peer that does not read holds the
//! guest back. A body that was not finished, or has another size than announced, ends with an error, never as
//! if it were complete.

use crate::budget::{Budget, Charge};
use crate::error::ErrorCode;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wasmaot_runtime::HostError;
use wasmaot_wasi::p2::{HostOutput, Readiness, StreamError};

/// Bytes that wait for the connection at most.
const CAPACITY: usize = 64 << 10;

/// A body that is being sent.
struct Sending {
    buffer: BytesMut,
    /// How it ended, until its reader knows.
    end: Option<Result<Option<HeaderMap>, ErrorCode>>,
    /// The guest finished it or gave it up.
    is_over: bool,
    /// The connection does not want it any more.
    is_unwanted: bool,
    is_flushing: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    written: u64,
    size: Size,
    _charge: Option<Charge>,
}

/// What size a body has to have.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Bytes that were announced.
    pub(crate) announced: Option<u64>,
    /// Bytes that it may have.
    pub(crate) limit: u64,
    /// The error of another size.
    pub(crate) wrong: fn(Option<u64>) -> ErrorCode,
}

/// The guest's side.
#[derive(Clone)]
struct Shared(Arc<Mutex<Sending>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Sending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a body that a guest writes to; if it is dropped, the body is not complete.
pub(crate) struct Writer {
    shared: Shared,
    has_stream: bool,
}

/// The end of a body that a connection reads from.
pub struct SendingBody {
    shared: Shared,
}

/// Makes a body.
pub(crate) fn body(size: Size, budget: &Budget) -> Result<(Writer, SendingBody), HostError> {
    let charge = budget.charge(CAPACITY)?;
    let shared = shared(size, Some(charge));
    Ok((Writer { shared: shared.clone(), has_stream: false }, SendingBody { shared }))
}

fn shared(size: Size, charge: Option<Charge>) -> Shared {
    Shared(Arc::new(Mutex::new(Sending {
        buffer: BytesMut::new(),
        end: None,
        is_over: false,
        is_unwanted: false,
        is_flushing: false,
        reader: None,
        writer: None,
        written: 0,
        size,
        _charge: charge,
    })))
}

impl SendingBody {
    /// Returns a body without content.
    pub(crate) fn empty(size: Size) -> Self {
        let shared = shared(size, None);
        shared.lock().end(Ok(None));
        Self { shared }
    }

    /// Returns whether the guest has finished it, whether or not the connection has all of it yet.
    pub fn is_finished(&self) -> bool {
        matches!(self.shared.lock().end, Some(Ok(_)))
    }
}

impl Writer {
    /// The stream that the body is written by, once.
    pub(crate) fn stream(&mut self) -> Option<impl HostOutput + 'static> {
        (!std::mem::replace(&mut self.has_stream, true)).then(|| self.shared.clone())
    }

    /// Finishes the body.
    pub(crate) fn finish(self, trailers: Option<HeaderMap>) -> Result<(), ErrorCode> {
        let mut sending = self.shared.lock();
        if sending.is_over
            && let Some(Err(code)) = &sending.end
        {
            return Err(code.clone());
        }
        let end = match sending.size {
            Size { announced: Some(announced), wrong, .. } if announced != sending.written => {
                Err(wrong(Some(sending.written)))
            }
            _ => Ok(trailers),
        };
        let result = end.as_ref().map(|_| ()).map_err(ErrorCode::clone);
        sending.end(end);
        result
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut sending = self.shared.lock();
        if !sending.is_over {
            sending.end(Err(ErrorCode::ConnectionTerminated));
        }
    }
}

impl Sending {
    fn end(&mut self, end: Result<Option<HeaderMap>, ErrorCode>) {
        self.end = Some(end);
        self.is_over = true;
        self.wake_reader();
    }

    fn wake_reader(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    /// Bytes that may be written now. An error if there will never be any.
    fn room(&self) -> Result<usize, StreamError> {
        match self {
            _ if self.is_unwanted || self.is_over => Err(StreamError::Closed),
            _ if self.is_flushing && !self.buffer.is_empty() => Ok(0),
            _ => Ok(CAPACITY.saturating_sub(self.buffer.len())),
        }
    }
}

impl Readiness for Shared {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut sending = self.lock();
        if !matches!(sending.room(), Ok(0)) {
            return Poll::Ready(());
        }
        sending.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl HostOutput for Shared {
    fn check_write(&mut self) -> Result<usize, StreamError> {
        self.lock().room()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        let mut sending = self.lock();
        let _ = sending.room()?;
        let written = sending.written + bytes.len() as u64;
        let most = sending.size.announced.unwrap_or(u64::MAX).min(sending.size.limit);
        if written > most {
            let code = (sending.size.wrong)(Some(written));
            sending.end(Err(code.clone()));
            return Err(StreamError::Failed(Box::new(code)));
        }
        sending.written = written;
        sending.is_flushing = false;
        sending.buffer.extend_from_slice(bytes);
        sending.wake_reader();
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        let mut sending = self.lock();
        let _ = sending.room()?;
        sending.is_flushing = true;
        Ok(())
    }
}

impl http_body::Body for SendingBody {
    type Data = Bytes;
    type Error = ErrorCode;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ErrorCode>>> {
        let mut sending = self.shared.lock();
        if !sending.buffer.is_empty() {
            let data = sending.buffer.split().freeze();
            sending.writer.take().into_iter().for_each(Waker::wake);
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match sending.end.take() {
            Some(Ok(trailers)) => {
                sending.end = Some(Ok(None));
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
            Some(Err(error)) => {
                sending.end = Some(Err(error.clone()));
                Poll::Ready(Some(Err(error)))
            }
            None => {
                sending.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let sending = self.shared.lock();
        sending.buffer.is_empty() && matches!(sending.end, Some(Ok(None)))
    }

    fn size_hint(&self) -> SizeHint {
        let sending = self.shared.lock();
        match sending.end {
            Some(Ok(None)) => SizeHint::with_exact(sending.buffer.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

impl Drop for SendingBody {
    fn drop(&mut self) {
        let mut sending = self.shared.lock();
        sending.is_unwanted = true;
        sending.buffer = BytesMut::new();
        sending.writer.take().into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;
    use std::task::Wake;

    const SIZE: Size = Size { announced: None, limit: 1 << 20, wrong: ErrorCode::HttpResponseBodySize };

    fn new(size: Size) -> (Writer, SendingBody) {
        body(size, &Budget::new(1 << 20)).expect("the budget is enough")
    }

    fn frame(body: &mut SendingBody) -> Poll<Option<Result<Frame<Bytes>, ErrorCode>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
    }

    fn data(body: &mut SendingBody) -> Bytes {
        match frame(body) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().expect("data"),
            other => panic!("{other:?}"),
        }
    }

    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }

    #[test]
    fn a_body_that_is_not_read_holds_its_writer_back() {
        let (mut writer, mut body) = new(SIZE);
        let mut stream = writer.stream().expect("the first");
        assert!(writer.stream().is_none(), "a body has one stream");
        assert_eq!(stream.check_write().ok(), Some(CAPACITY));
        stream.write(&[7; CAPACITY]).expect("there is room");
        assert_eq!(stream.check_write().ok(), Some(0));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        assert!(stream.poll_ready(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(data(&mut body).len(), CAPACITY);
        assert_eq!(woken.0.load(std::sync::atomic::Ordering::SeqCst), 1);
        assert_eq!(stream.check_write().ok(), Some(CAPACITY));
    }

    #[test]
    fn a_flush_is_over_when_the_connection_has_everything() {
        let (mut writer, mut body) = new(SIZE);
        let mut stream = writer.stream().expect("the first");
        stream.write(b"abc").expect("there is room");
        stream.flush().expect("it is open");
        assert_eq!(stream.check_write().ok(), Some(0));
        assert_eq!(&*data(&mut body), b"abc");
        assert_eq!(stream.check_write().ok(), Some(CAPACITY));
        assert!(frame(&mut body).is_pending());
    }

    #[test]
    fn a_body_ends_as_its_writer_says() {
        let mut trailers = HeaderMap::new();
        trailers.insert("checksum", http::HeaderValue::from_static("1"));
        let (mut writer, mut body) = new(SIZE);
        writer.stream().expect("the first").write(b"abc").expect("there is room");
        writer.finish(Some(trailers.clone())).expect("the size is right");
        assert_eq!(&*data(&mut body), b"abc");
        match frame(&mut body) {
            Poll::Ready(Some(Ok(frame))) => assert_eq!(frame.into_trailers().ok(), Some(trailers)),
            other => panic!("{other:?}"),
        }
        assert!(matches!(frame(&mut body), Poll::Ready(None)));

        let (writer, mut body) = new(SIZE);
        drop(writer);
        assert!(matches!(frame(&mut body), Poll::Ready(Some(Err(ErrorCode::ConnectionTerminated)))));

        let (mut writer, body) = new(SIZE);
        let mut stream = writer.stream().expect("the first");
        drop(body);
        assert!(matches!(stream.write(b"abc"), Err(StreamError::Closed)));
    }

    #[test]
    fn a_body_has_the_size_that_was_announced() {
        let size = Size { announced: Some(3), ..SIZE };
        let (mut writer, _body) = new(size);
        let mut stream = writer.stream().expect("the first");
        stream.write(b"ab").expect("there is room");
        assert!(matches!(stream.write(b"cd"), Err(StreamError::Failed(_))));
        assert_eq!(writer.finish(None), Err(ErrorCode::HttpResponseBodySize(Some(4))));

        let (mut writer, _body) = new(size);
        writer.stream().expect("the first").write(b"ab").expect("there is room");
        assert_eq!(writer.finish(None), Err(ErrorCode::HttpResponseBodySize(Some(2))));

        let (mut writer, body) = new(size);
        writer.stream().expect("the first").write(b"abc").expect("there is room");
        assert_eq!(writer.finish(None), Ok(()));
        assert_eq!(body.size_hint().exact(), Some(3));
        assert!(!body.is_end_stream());
    }
}
