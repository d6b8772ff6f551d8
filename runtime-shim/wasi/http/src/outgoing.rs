//! A request that a guest makes, and its response: the resources `outgoing-request`, `request-options`,
//! `incoming-response` and `future-incoming-response`, and the interface `outgoing-handler`.
//!
//! **Invariant: a request ends with the guest's last handle of it**: what is on its way then is given up.

use crate::bodies::{IncomingBody, OutgoingBody};
use crate::client::{Received, Times, boxed};
use crate::error::ErrorCode;
use crate::fields::{Fields, remove_forbidden};
use crate::incoming::content_length;
use crate::receiving::Shared;
use crate::sending::{self, SendingBody, Size};
use crate::state::{Access, HttpContext};
use crate::values::{GuestMethod, GuestScheme};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Uri};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::task::JoinHandle;
use wasmaot_component::{Context, Linker, Resource};
use wasmaot_runtime::LinkError;
use wasmaot_wasi::p2::{Pollable, Readiness};

/// The resource `outgoing-request`.
struct OutgoingRequest {
    method: Method,
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    path: Option<PathAndQuery>,
    headers: Arc<HeaderMap>,
    body: Option<SendingBody>,
}

/// The resource `request-options`.
#[derive(Default)]
struct RequestOptions(Times);

/// The resource `incoming-response`.
struct IncomingResponse {
    status: u16,
    headers: Arc<HeaderMap>,
    body: Option<Shared>,
}

/// The resource `future-incoming-response`.
struct FutureResponse(Arc<Mutex<Progress>>);

/// A request on its way, which is given up when this is dropped.
struct Sent(JoinHandle<Result<Received, ErrorCode>>);

impl Drop for Sent {
    fn drop(&mut self) {
        self.0.abort();
    }
}

enum Progress {
    Waiting(Sent),
    Arrived(Box<Result<Received, ErrorCode>>),
    Taken,
}

impl Readiness for Progress {
    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        if let Progress::Waiting(sent) = self {
            match Pin::new(&mut sent.0).poll(cx) {
                Poll::Ready(Ok(result)) => *self = Progress::Arrived(Box::new(result)),
                Poll::Ready(Err(_)) => {
                    *self = Progress::Arrived(Box::new(Err(ErrorCode::InternalError(None))))
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

impl OutgoingRequest {
    fn into_request(self) -> Result<http::Request<SendingBody>, ErrorCode> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(self.scheme.unwrap_or(Scheme::HTTPS));
        uri.authority = Some(self.authority.ok_or(ErrorCode::HttpRequestUriInvalid)?);
        uri.path_and_query = Some(self.path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        let body = self.body.unwrap_or_else(|| SendingBody::empty(size(&self.headers)));
        let mut request = http::Request::new(body);
        *request.uri_mut() = Uri::from_parts(uri).map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
        *request.method_mut() = self.method;
        *request.headers_mut() = Arc::unwrap_or_clone(self.headers);
        Ok(request)
    }
}

fn size(headers: &HeaderMap) -> Size {
    Size { announced: content_length(headers), limit: u64::MAX, wrong: ErrorCode::HttpRequestBodySize }
}

/// Defines the functions of requests that guests make.
pub(crate) fn define<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    handler: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    define_request(linker, interface, access)?;
    define_uri(linker, interface, access)?;
    define_options(linker, interface, access)?;
    define_response(linker, interface, access)?;
    linker.instance(handler)?.func_wrap(
        "handle",
        move |cx: &mut Context<'_, '_, T>,
              request: Resource<OutgoingRequest>,
              options: Option<Resource<RequestOptions>>| {
            let mut http = access.of(cx);
            let request = http.delete(request)?;
            let options = options.map(|options| http.delete(options)).transpose()?;
            match begin(&mut http, request, options.unwrap_or_default().0) {
                Ok(future) => http.push(future).map(Ok::<_, ErrorCode>),
                Err(code) => Ok(Err(code)),
            }
        },
    )?;
    Ok(())
}

fn begin(
    http: &mut HttpContext<'_>,
    request: OutgoingRequest,
    times: Times,
) -> Result<FutureResponse, ErrorCode> {
    let request = request.into_request()?.map(boxed);
    let sending = http.http.outgoing.begin(request, times)?;
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| ErrorCode::InternalError(None))?;
    Ok(FutureResponse(Arc::new(Mutex::new(Progress::Waiting(Sent(runtime.spawn(sending)))))))
}

type Request = Resource<OutgoingRequest>;

fn define_request<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    types.resource::<OutgoingRequest>("outgoing-request", move |cx, rep| {
        access.drop::<OutgoingRequest>(cx, rep)
    })?;
    types.func_wrap(
        "[constructor]outgoing-request",
        move |cx: &mut Context<'_, '_, T>, headers: Resource<Fields>| {
            let mut http = access.of(cx);
            let headers = http.delete(headers)?.headers;
            http.push(OutgoingRequest {
                method: Method::GET,
                scheme: None,
                authority: None,
                path: None,
                headers,
                body: None,
            })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.body",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            let mut http = access.of(cx);
            let budget = http.http.budget.clone();
            let request = http.get_mut(&request)?;
            if request.body.is_some() {
                return Ok(Err(()));
            }
            let (writer, body) = sending::body(size(&request.headers), &budget)?;
            request.body = Some(body);
            http.push(OutgoingBody(writer)).map(Ok::<_, ()>)
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.headers",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            let mut http = access.of(cx);
            let headers = http.get(&request)?.headers.clone();
            http.push(Fields::immutable(headers))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.method",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            Ok(GuestMethod::from(&access.of(cx).get(&request)?.method))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        move |cx: &mut Context<'_, '_, T>, request: Request, method: GuestMethod| {
            let method = Method::try_from(method).map_err(|_| ());
            let mut http = access.of(cx);
            let request = http.get_mut(&request)?;
            Ok(method.map(|method| request.method = method))
        },
    )?;
    Ok(())
}

/// The parts of a request's address.
fn define_uri<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    types.func_wrap(
        "[method]outgoing-request.path-with-query",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            Ok(access.of(cx).get(&request)?.path.as_ref().map(PathAndQuery::to_string))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        move |cx: &mut Context<'_, '_, T>, request: Request, path: Option<String>| {
            let path = path.map(|path| path.parse().map_err(|_| ())).transpose();
            let mut http = access.of(cx);
            let request = http.get_mut(&request)?;
            Ok(path.map(|path| request.path = path))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.scheme",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            Ok(access.of(cx).get(&request)?.scheme.as_ref().map(GuestScheme::from))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-scheme",
        move |cx: &mut Context<'_, '_, T>, request: Request, scheme: Option<GuestScheme>| {
            let scheme = scheme.map(|scheme| Scheme::try_from(scheme).map_err(|_| ())).transpose();
            let mut http = access.of(cx);
            let request = http.get_mut(&request)?;
            Ok(scheme.map(|scheme| request.scheme = scheme))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.authority",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            Ok(access.of(cx).get(&request)?.authority.as_ref().map(Authority::to_string))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        move |cx: &mut Context<'_, '_, T>, request: Request, authority: Option<String>| {
            let authority = authority.map(|authority| authority.parse().map_err(|_| ())).transpose();
            let mut http = access.of(cx);
            let request = http.get_mut(&request)?;
            Ok(authority.map(|authority| request.authority = authority))
        },
    )?;
    Ok(())
}

type Options = Resource<RequestOptions>;

/// One of the times.
type TimeOf = fn(&mut Times) -> &mut Option<Duration>;

fn define_options<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    types.resource::<RequestOptions>("request-options", move |cx, rep| {
        access.drop::<RequestOptions>(cx, rep)
    })?;
    types.func_wrap("[constructor]request-options", move |cx: &mut Context<'_, '_, T>| {
        access.of(cx).push(RequestOptions::default())
    })?;
    let times: [(&str, TimeOf); 3] = [
        ("connect-timeout", |times| &mut times.connect),
        ("first-byte-timeout", |times| &mut times.first_byte),
        ("between-bytes-timeout", |times| &mut times.between_bytes),
    ];
    for (name, field) in times {
        types.func_wrap(
            &format!("[method]request-options.{name}"),
            move |cx: &mut Context<'_, '_, T>, options: Options| {
                let mut http = access.of(cx);
                let time = *field(&mut http.get_mut(&options)?.0);
                Ok(time.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
            },
        )?;
        types.func_wrap(
            &format!("[method]request-options.set-{name}"),
            move |cx: &mut Context<'_, '_, T>, options: Options, time: Option<u64>| {
                let mut http = access.of(cx);
                *field(&mut http.get_mut(&options)?.0) = time.map(Duration::from_nanos);
                Ok(Ok::<(), ()>(()))
            },
        )?;
    }
    Ok(())
}

/// The result of `future-incoming-response.get`.
type GotResponse = Option<Result<Result<Resource<IncomingResponse>, ErrorCode>, ()>>;

fn define_response<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    types.resource::<FutureResponse>("future-incoming-response", move |cx, rep| {
        access.drop::<FutureResponse>(cx, rep)
    })?;
    types.resource::<IncomingResponse>("incoming-response", move |cx, rep| {
        access.drop::<IncomingResponse>(cx, rep)
    })?;
    types.func_wrap(
        "[method]future-incoming-response.subscribe",
        move |cx: &mut Context<'_, '_, T>, future: Resource<FutureResponse>| {
            let mut http = access.of(cx);
            let progress = http.get(&future)?.0.clone();
            http.push(Pollable::new(progress))
        },
    )?;
    types.func_wrap(
        "[method]future-incoming-response.get",
        move |cx: &mut Context<'_, '_, T>, future: Resource<FutureResponse>| -> Result<GotResponse, _> {
            let mut http = access.of(cx);
            let progress = http.get(&future)?.0.clone();
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            if progress.poll_ready(&mut std::task::Context::from_waker(Waker::noop())).is_pending() {
                return Ok(None);
            }
            let arrived = match std::mem::replace(&mut *progress, Progress::Taken) {
                Progress::Arrived(arrived) => *arrived,
                Progress::Waiting(_) | Progress::Taken => return Ok(Some(Err(()))),
            };
            Ok(Some(Ok(match arrived {
                Ok(Received { mut parts, body }) => {
                    remove_forbidden(&mut parts.headers);
                    let (status, headers) = (parts.status.as_u16(), Arc::new(parts.headers));
                    Ok(http.push(IncomingResponse { status, headers, body: Some(body) })?)
                }
                Err(code) => Err(code),
            })))
        },
    )?;
    define_incoming_response(linker, interface, access)
}

type Response = Resource<IncomingResponse>;

fn define_incoming_response<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    types.func_wrap(
        "[method]incoming-response.status",
        move |cx: &mut Context<'_, '_, T>, response: Response| Ok(access.of(cx).get(&response)?.status),
    )?;
    types.func_wrap(
        "[method]incoming-response.headers",
        move |cx: &mut Context<'_, '_, T>, response: Response| {
            let mut http = access.of(cx);
            let headers = http.get(&response)?.headers.clone();
            http.push(Fields::immutable(headers))
        },
    )?;
    types.func_wrap(
        "[method]incoming-response.consume",
        move |cx: &mut Context<'_, '_, T>, response: Response| {
            let mut http = access.of(cx);
            let body = http.get_mut(&response)?.body.take();
            IncomingBody::consume(&mut http, body)
        },
    )?;
    Ok(())
}
