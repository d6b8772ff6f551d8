//! Bodies that guests read: those of requests that are served, and of responses to outgoing requests.
//!
//! **Invariants.** What arrives is taken from the connection only when the guest asks for it, so a guest that
//! does not read holds its peer back. At most one frame is kept. A body beyond its limit ends with an error.

use crate::error::ErrorCode;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as _;
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use wasmaot_wasi::p2::{HostInput, Readiness, StreamError};

/// What limits a body, and counts its bytes.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Bytes that it may have.
    pub limit: u64,
    /// What it has had so far, in bytes.
    pub received: Arc<AtomicU64>,
}

/// A body that is being received.
pub(crate) struct Receiving {
    /// None when it has ended.
    body: Option<Incoming>,
    buffer: Bytes,
    trailers: Option<HeaderMap>,
    end: Option<Result<(), ErrorCode>>,
    /// The stream's user was told of the error.
    is_reported: bool,
    intake: Intake,
    /// The error of a body beyond the limit.
    beyond: fn(Option<u64>) -> ErrorCode,
    patience: Option<Patience>,
}

/// How long the next frame may take.
struct Patience {
    time: Duration,
    sleep: Pin<Box<Sleep>>,
}

/// A [`Receiving`] that several resources of a guest share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Receiving>>);

impl Shared {
    /// The body of a request that is served.
    pub(crate) fn request(body: Incoming, intake: Intake) -> Self {
        Self::new(body, intake, ErrorCode::HttpRequestBodySize, None)
    }

    /// The body of a response, each frame of which may take some time.
    pub(crate) fn response(body: Incoming, intake: Intake, time: Duration) -> Self {
        let patience = Patience { time, sleep: Box::pin(tokio::time::sleep(time)) };
        Self::new(body, intake, ErrorCode::HttpResponseBodySize, Some(patience))
    }

    fn new(
        body: Incoming,
        intake: Intake,
        beyond: fn(Option<u64>) -> ErrorCode,
        patience: Option<Patience>,
    ) -> Self {
        Self(Arc::new(Mutex::new(Receiving {
            body: Some(body),
            buffer: Bytes::new(),
            trailers: None,
            end: None,
            is_reported: false,
            intake,
            beyond,
            patience,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Receiving> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes ready with the trailers.
    pub(crate) fn trailers(&self) -> Trailers {
        Trailers(self.clone())
    }

    /// Returns the trailers, or the error that the body ended with; `None` while it has not ended. Discards
    /// what was not read of the body.
    pub(crate) fn take_trailers(&self) -> Option<Result<Option<HeaderMap>, ErrorCode>> {
        let mut receiving = self.lock();
        let poll = receiving.poll_end(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(end) = poll else { return None };
        Some(end.map(|()| receiving.trailers.take()))
    }
}

impl Receiving {
    /// Becomes ready when there are bytes to read, or the body has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.buffer.is_empty() && self.end.is_none() {
            let Some(body) = &mut self.body else {
                self.end = Some(Ok(()));
                break;
            };
            let frame = match Pin::new(body).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    ready!(self.poll_patience(cx));
                    break;
                }
            };
            if let Some(patience) = &mut self.patience {
                patience.sleep.as_mut().reset(Instant::now() + patience.time);
            }
            match frame {
                None => self.finish(Ok(())),
                Some(Err(error)) => self.finish(Err(ErrorCode::of_hyper(&error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.take(data),
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
            }
        }
        Poll::Ready(())
    }

    /// Ends a body that has taken too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(patience) = &mut self.patience else { return Poll::Pending };
        ready!(patience.sleep.as_mut().poll(cx));
        self.finish(Err(ErrorCode::ConnectionReadTimeout));
        Poll::Ready(())
    }

    fn take(&mut self, data: Bytes) {
        let received = self.intake.received.fetch_add(data.len() as u64, Relaxed) + data.len() as u64;
        if received > self.intake.limit {
            return self.finish(Err((self.beyond)(Some(self.intake.limit))));
        }
        self.buffer = data;
        if self.body.as_ref().is_some_and(|body| body.is_end_stream()) {
            self.body = None;
        }
    }

    fn finish(&mut self, end: Result<(), ErrorCode>) {
        self.end = Some(end);
        self.body = None;
    }

    /// Becomes ready when the body has ended, whose rest is discarded.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ErrorCode>> {
        loop {
            self.buffer = Bytes::new();
            ready!(self.poll(cx));
            if let Some(end) = &self.end {
                return Poll::Ready(end.clone());
            }
        }
    }
}

impl Readiness for Shared {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.lock().poll(cx)
    }
}

impl HostInput for Shared {
    fn read(&mut self, max: usize) -> Result<Vec<u8>, StreamError> {
        let mut receiving = self.lock();
        let is_ready = receiving.poll(&mut Context::from_waker(Waker::noop())).is_ready();
        if !receiving.buffer.is_empty() {
            let count = receiving.buffer.len().min(max);
            return Ok(receiving.buffer.split_to(count).to_vec());
        }
        match &receiving.end {
            Some(Err(code)) if !receiving.is_reported => {
                let code = code.clone();
                receiving.is_reported = true;
                Err(StreamError::Failed(Box::new(code)))
            }
            Some(_) => Err(StreamError::Closed),
            None => {
                debug_assert!(!is_ready, "a body is ready that has bytes or has ended");
                Ok(Vec::new())
            }
        }
    }
}

/// Becomes ready with a body's trailers.
pub(crate) struct Trailers(Shared);

impl Readiness for Trailers {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.lock().poll_end(cx).map(|_| ())
    }
}
