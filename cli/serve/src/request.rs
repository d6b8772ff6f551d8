//! One request: an instance for it, its guest, and the response.
//!
//! ```text
//!  headers ──▶ application ──▶ slot ──▶ guest ──set──▶ response's headers
//!                                         └──────────▶ its body, which polls the guest on
//! ```
//!
//! **Invariants.** The guest is polled by who waits for the response: when the client leaves, the guest is
//! dropped with it. What a client learns of a failure is its kind and the request's number.

use crate::app::{ACCESS, App, Guest};
use crate::record::Record;
use crate::shared::Shared;
use crate::trace::{REQUEST_ID, RequestId, Trace};
use crate::turns::Turns;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Method, StatusCode};
use http_body::{Body, Frame, SizeHint};
use rustix::time::{ClockId, clock_gettime};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use wasmaot_component::{Error, Instance};
use wasmaot_runtime::{CallError, StartError, TrapCode};
use wasmaot_wasi_http::{ErrorCode, Incoming, Intake, Response, SendingBody};

/// How long a guest runs before others get their turn.
const SLICE: Duration = Duration::from_millis(1);

/// The body of a response.
pub(crate) struct ResponseBody {
    content: Content,
    record: Option<Arc<Record>>,
}

enum Content {
    /// Text of the server's own.
    Text(Option<Bytes>),
    /// What the guest writes.
    Guest {
        body: SendingBody,
        /// The guest, as long as it runs.
        guest: Option<Running>,
        /// The client gets no body: the guest goes on all the same.
        is_headers_only: bool,
        /// The next frame is an error.
        has_failed: bool,
        /// Bytes that are left of those that the headers announce. The client has all of the response when
        /// there are none, whether or not the guest has finished it.
        left: Option<u64>,
    },
}

type Running = Turns<Result<(), Error>>;

/// Answers a request that came by this scheme.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    mut request: http::Request<hyper::body::Incoming>,
    scheme: Scheme,
) -> http::Response<ResponseBody> {
    let (id, trace) = (RequestId::new(), Trace::of(request.headers_mut()));
    let site = shared.site();
    let Some(app) = site.find(host(&request), request.uri().path()) else {
        shared.metrics.unrouted.inc();
        return answer(StatusCode::NOT_FOUND, "no application is served here", id, None);
    };
    let record = Arc::new(Record::new(app.clone(), id, trace, shared.usage.clone()));
    drop(site);
    request.headers_mut().insert(REQUEST_ID, id.header());
    match run(&shared, request, scheme, record.clone()).await {
        Ok(mut response) => {
            response.headers_mut().insert(REQUEST_ID, id.header());
            record.set_status(response.status());
            response
        }
        Err(failure) => {
            let mut response = answer(failure.status, failure.text, id, Some(record));
            if failure.status == StatusCode::SERVICE_UNAVAILABLE {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            response
        }
    }
}

/// The host that a request is for, without its port.
fn host(request: &http::Request<hyper::body::Incoming>) -> &str {
    let authority = request.uri().authority().map(Authority::as_str);
    let header = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = authority.or_else(header).unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Why a request gets no response of its guest's.
struct Failure {
    status: StatusCode,
    text: &'static str,
}

/// A response of the server's own.
fn answer(
    status: StatusCode,
    text: &str,
    id: RequestId,
    record: Option<Arc<Record>>,
) -> http::Response<ResponseBody> {
    if let Some(record) = &record {
        record.set_status(status);
    }
    let text = Bytes::from(format!("{text}\nrequest {id}\n"));
    let mut response = http::Response::new(ResponseBody { content: Content::Text(Some(text)), record });
    *response.status_mut() = status;
    response.headers_mut().insert(REQUEST_ID, id.header());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Starts an instance and runs it until it has answered.
async fn run(
    shared: &Shared,
    request: http::Request<hyper::body::Incoming>,
    scheme: Scheme,
    record: Arc<Record>,
) -> Result<http::Response<ResponseBody>, Failure> {
    let app = record.app().clone();
    let limit = app.config.limits.max_request_body.0;
    if request.body().size_hint().lower() > limit {
        return Err(Failure {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            text: "the request's body is too large",
        });
    }
    if shared.usage.as_ref().is_some_and(|usage| usage.is_full()) {
        return Err(Failure {
            status: StatusCode::SERVICE_UNAVAILABLE,
            text: "usage records cannot be written",
        });
    }
    let is_head = *request.method() == Method::HEAD;
    // The start counts with the first turn.
    let begun = clock();
    let spent = |record: &Record| record.add_cpu(clock().saturating_sub(begun));
    let mut metered = start(&app, &record).inspect_err(|_| spent(&record))?;
    let intake = Intake { limit, received: record.received.clone() };
    let data = metered.instance().data_mut();
    let incoming = Incoming::new(ACCESS, data, request, scheme, intake);
    let (mut incoming, handles) =
        incoming.map_err(|error| failure(&Error::Call(CallError::Host(error.into())), &record))?;
    let handle = app.handle;
    let mut guest: Running = Turns::new(async move { handle.call_async(metered.instance(), handles).await });
    let mut begun = Some(begun);
    let (response, ended) = poll_fn(|cx| {
        let began = begun.take().unwrap_or_else(clock);
        let ended = poll_guest_since(began, &mut guest, &record, cx);
        match (incoming.try_response(), ended) {
            (None, Poll::Pending) => Poll::Pending,
            (response, ended) => Poll::Ready((response, ended)),
        }
    })
    .await;
    let is_finished = matches!(&response, Some(Response::Sent(response)) if response.body().is_finished());
    let guest = match ended {
        Poll::Ready(Err(error)) => {
            let failed = failure(&error, &record);
            if !is_finished {
                return Err(failed);
            }
            None
        }
        Poll::Ready(Ok(())) => None,
        Poll::Pending => Some(guest),
    };
    match response {
        Some(Response::Sent(_)) if guest.is_none() && !is_finished => {
            record.set_end("the guest did not finish its response".to_string());
            tracing::warn!(request = %record.id, application = app.config.name, "the guest did not finish its response");
            Err(Failure { status: StatusCode::INTERNAL_SERVER_ERROR, text: "the application failed" })
        }
        Some(Response::Sent(response)) => {
            let has_no_body = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status());
            let is_headers_only = is_head || has_no_body;
            let left =
                response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
            let content = |body| Content::Guest { body, guest, is_headers_only, has_failed: false, left };
            Ok(response.map(|body| ResponseBody { content: content(body), record: Some(record) }))
        }
        Some(Response::Error(code)) => {
            record.set_end(format!("the guest answered with the error {code}"));
            tracing::warn!(request = %record.id, application = app.config.name, %code, "the guest answered with an error");
            Err(Failure { status: StatusCode::INTERNAL_SERVER_ERROR, text: "the application failed" })
        }
        Some(Response::Missing) | None => {
            record.set_end("the guest did not answer".to_string());
            tracing::warn!(request = %record.id, application = app.config.name, "the guest did not answer");
            Err(Failure { status: StatusCode::INTERNAL_SERVER_ERROR, text: "the application did not answer" })
        }
    }
}

/// Starts an instance for a request.
fn start(app: &Arc<App>, record: &Arc<Record>) -> Result<Metered, Failure> {
    let guest = app.guest(record.id);
    let instance = app.linked.start_with(&app.pool, guest, &app.limits(record.since()));
    let mut instance = instance.map_err(|error| failure(&error, record))?;
    let yields = instance.yield_every(SLICE);
    yields.map_err(|error| failure(&Error::Call(error.into()), record))?;
    Ok(Metered { instance: Some(instance), record: record.clone() })
}

/// Logs why a guest did not end by itself, notes it, and says what the client gets to know.
fn failure(error: &Error, record: &Record) -> Failure {
    let name = &*record.app().config.name;
    if let Error::Start(StartError::Exhausted { .. }) = error {
        record.set_end("no slot was free".to_string());
        return Failure { status: StatusCode::SERVICE_UNAVAILABLE, text: "too many requests at a time" };
    }
    record.set_end(first_line(&error.to_string()));
    let trap = match error {
        Error::Call(CallError::Trap(trap)) => Some(trap),
        _ => None,
    };
    let backtrace = trap.map(|trap| trap.frames().to_string()).unwrap_or_default();
    tracing::error!(request = %record.id, application = name, backtrace, "the guest failed: {error}");
    match trap.map(|trap| trap.code) {
        Some(TrapCode::DeadlineExceeded) => {
            Failure { status: StatusCode::GATEWAY_TIMEOUT, text: "the application took too long" }
        }
        _ => Failure { status: StatusCode::INTERNAL_SERVER_ERROR, text: "the application failed" },
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_string()
}

/// An instance whose use is noted when it ends, however it does.
struct Metered {
    instance: Option<Instance<Guest>>,
    record: Arc<Record>,
}

impl Metered {
    fn instance(&mut self) -> &mut Instance<Guest> {
        self.instance.as_mut().expect("it has not ended")
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.take() {
            let (guest, used) = instance.finish();
            if let Some(used) = used {
                self.record.set_used(&used, guest.outgoing_requests());
            }
        }
    }
}

/// The CPU time of this thread.
fn clock() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Polls a guest, and notes the CPU time.
fn poll_guest(guest: &mut Running, record: &Record, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
    poll_guest_since(clock(), guest, record, cx)
}

/// The same for a turn that began when the clock showed this.
fn poll_guest_since(
    began: Duration,
    guest: &mut Running,
    record: &Record,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    let polled = guest.poll(cx);
    record.add_cpu(clock().saturating_sub(began));
    polled
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = ErrorCode;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ErrorCode>>> {
        let Self { content, record } = self.get_mut();
        let frame = match content {
            Content::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Content::Guest { body, guest, has_failed, .. } => {
                let frame = poll_body(body, guest, record.as_deref(), cx);
                let is_error = matches!(frame, Poll::Ready(Some(Err(_))));
                if is_error && !std::mem::replace(has_failed, true) {
                    // What has been passed on is written to the client first: an error drops it.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                frame
            }
        };
        if let (Poll::Ready(Some(Ok(frame))), Some(record)) = (&frame, record) {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            record.add_sent(bytes);
            if let Content::Guest { left: Some(left), .. } = content {
                *left = left.saturating_sub(bytes as u64);
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Text(text) => text.is_none(),
            Content::Guest { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Content::Guest { body, .. } => body.size_hint(),
        }
    }
}

/// Polls what a guest writes, and the guest if there is nothing.
fn poll_body(
    body: &mut SendingBody,
    guest: &mut Option<Running>,
    record: Option<&Record>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, ErrorCode>>> {
    let frame = Pin::new(&mut *body).poll_frame(cx);
    if frame.is_ready() {
        return frame;
    }
    if let (Some(running), Some(record)) = (guest.as_mut(), record)
        && let Poll::Ready(ended) = poll_guest(running, record, cx)
    {
        *guest = None;
        if let Err(error) = ended {
            failure(&error, record);
        }
    }
    Pin::new(body).poll_frame(cx)
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        let Some(record) = &self.record else { return };
        let is_sent = self.is_end_stream();
        let content = std::mem::replace(&mut self.content, Content::Text(None));
        match content {
            Content::Text(_) => record.complete(),
            Content::Guest { body, guest, is_headers_only, left, .. }
                if is_sent || is_headers_only || left == Some(0) =>
            {
                record.complete();
                if let Some(guest) = guest {
                    go_on(body, guest, record.clone());
                }
            }
            // The client has left: the guest is dropped.
            Content::Guest { .. } => {}
        }
    }
}

/// Lets a guest go on whose response is complete. Nothing more of it reaches the client.
fn go_on(mut body: SendingBody, mut guest: Running, record: Arc<Record>) {
    let rest = poll_fn(move |cx| {
        if let Poll::Ready(ended) = poll_guest(&mut guest, &record, cx) {
            if let Err(error) = ended {
                failure(&error, &record);
            }
            return Poll::Ready(());
        }
        // Room for more wakes the guest.
        while let Poll::Ready(Some(Ok(_))) = Pin::new(&mut body).poll_frame(cx) {}
        Poll::Pending
    });
    // Outside of a runtime, the server has ended.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(rest);
    }
}
