//! A request that is served, and the response to it: the resources `incoming-request`, `outgoing-response`
//! and `response-outparam`.
//!
//! **Invariant: a request gets one response**, which has left the guest as soon as that has set it.

use crate::bodies::{IncomingBody, OutgoingBody};
use crate::error::ErrorCode;
use crate::fields::{Fields, remove_forbidden};
use crate::receiving::{Intake, Shared};
use crate::sending::{self, SendingBody, Size};
use crate::state::{Access, HttpContext, HttpState};
use crate::values::{GuestMethod, GuestScheme};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Method, StatusCode};
use std::sync::Arc;
use tokio::sync::oneshot;
use wasmaot_component::{Context, Linker, Resource, TableError};
use wasmaot_runtime::LinkError;

/// The resource `incoming-request`.
pub struct IncomingRequest {
    method: Method,
    scheme: Scheme,
    authority: Option<Authority>,
    path: Option<String>,
    headers: Arc<HeaderMap>,
    body: Option<Shared>,
}

/// The resource `response-outparam`.
pub struct ResponseOutparam {
    sender: oneshot::Sender<Answer>,
}

/// The resource `outgoing-response`.
struct OutgoingResponse {
    status: StatusCode,
    headers: Arc<HeaderMap>,
    /// The body, if the guest has asked for its writer.
    body: Option<SendingBody>,
}

/// A response, or the error that the guest set in its place.
type Answer = Result<http::Response<SendingBody>, ErrorCode>;

/// What a guest answers a request with.
#[derive(Debug)]
pub enum Response {
    /// A response.
    Sent(Box<http::Response<SendingBody>>),
    /// The guest answered with this error.
    Error(ErrorCode),
    /// The guest dropped its means of answering.
    Missing,
}

/// A request that is given to a guest.
#[derive(Debug)]
pub struct Incoming {
    receiver: oneshot::Receiver<Answer>,
}

/// What `wasi:http/incoming-handler.handle` is called with.
pub type Handles = (Resource<IncomingRequest>, Resource<ResponseOutparam>);

impl std::fmt::Debug for SendingBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendingBody").finish_non_exhaustive()
    }
}

impl Incoming {
    /// Gives a request that arrived by this scheme to a guest with this data. Returns what the guest's
    /// handler is called with.
    ///
    /// # Errors
    /// The guest's table of resources is full.
    pub fn new<T>(
        access: Access<T>,
        data: &mut T,
        request: http::Request<hyper::body::Incoming>,
        scheme: Scheme,
        intake: Intake,
    ) -> Result<(Self, Handles), TableError> {
        let (mut parts, body) = request.into_parts();
        let host = parts.headers.get(http::header::HOST);
        let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let authority = parts.uri.authority().cloned().or(host);
        remove_forbidden(&mut parts.headers);
        let HttpContext { wasi, http } = access.of_data(data);
        http.is_head = parts.method == Method::HEAD;
        let request = wasi.table.push(IncomingRequest {
            method: parts.method,
            scheme,
            authority,
            path: parts.uri.path_and_query().map(|path| path.as_str().to_string()),
            headers: Arc::new(parts.headers),
            body: Some(Shared::request(body, intake)),
        })?;
        let (sender, receiver) = oneshot::channel();
        let outparam = wasi.table.push(ResponseOutparam { sender })?;
        Ok((Self { receiver }, (request, outparam)))
    }

    /// Becomes ready when the guest has answered.
    pub async fn response(&mut self) -> Response {
        match (&mut self.receiver).await {
            Ok(Ok(response)) => Response::Sent(Box::new(response)),
            Ok(Err(code)) => Response::Error(code),
            Err(_) => Response::Missing,
        }
    }

    /// Returns the answer if the guest has given it.
    pub fn try_response(&mut self) -> Option<Response> {
        match self.receiver.try_recv() {
            Ok(Ok(response)) => Some(Response::Sent(Box::new(response))),
            Ok(Err(code)) => Some(Response::Error(code)),
            Err(oneshot::error::TryRecvError::Closed) => Some(Response::Missing),
            Err(oneshot::error::TryRecvError::Empty) => None,
        }
    }
}

/// Bytes of the body that its headers announce.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl OutgoingResponse {
    /// The size that its body has to have. That of a response to `HEAD` is not sent, and not compared.
    fn size(&self, http: &HttpState) -> Size {
        let announced = content_length(&self.headers).filter(|_| !http.is_head);
        Size { announced, limit: http.response_limit, wrong: ErrorCode::HttpResponseBodySize }
    }

    fn into_response(self, http: &HttpState) -> http::Response<SendingBody> {
        let size = self.size(http);
        let Self { status, headers, body } = self;
        let body = body.unwrap_or_else(|| SendingBody::empty(size));
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = Arc::unwrap_or_clone(headers);
        response
    }
}

/// Defines the functions of requests that are served.
pub(crate) fn define<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    define_request(linker, interface, access)?;
    define_response(linker, interface, access)?;
    let mut types = linker.instance(interface)?;
    types.resource::<ResponseOutparam>("response-outparam", move |cx, rep| {
        access.drop::<ResponseOutparam>(cx, rep)
    })?;
    types.func_wrap(
        "[static]response-outparam.set",
        move |cx: &mut Context<'_, '_, T>,
              outparam: Resource<ResponseOutparam>,
              response: Result<Resource<OutgoingResponse>, ErrorCode>| {
            let mut http = access.of(cx);
            let sender = http.delete(outparam)?.sender;
            let answer = match response {
                Ok(response) => Ok(http.delete(response)?.into_response(http.http)),
                Err(code) => Err(code),
            };
            // The client may have gone.
            _ = sender.send(answer);
            Ok(())
        },
    )?;
    Ok(())
}

type Request = Resource<IncomingRequest>;

fn define_request<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    types.resource::<IncomingRequest>("incoming-request", move |cx, rep| {
        access.drop::<IncomingRequest>(cx, rep)
    })?;
    types.func_wrap(
        "[method]incoming-request.method",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            Ok(GuestMethod::from(&access.of(cx).get(&request)?.method))
        },
    )?;
    types.func_wrap(
        "[method]incoming-request.path-with-query",
        move |cx: &mut Context<'_, '_, T>, request: Request| Ok(access.of(cx).get(&request)?.path.clone()),
    )?;
    types.func_wrap(
        "[method]incoming-request.scheme",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            Ok(Some(GuestScheme::from(&access.of(cx).get(&request)?.scheme)))
        },
    )?;
    types.func_wrap(
        "[method]incoming-request.authority",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            Ok(access.of(cx).get(&request)?.authority.as_ref().map(Authority::to_string))
        },
    )?;
    types.func_wrap(
        "[method]incoming-request.headers",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            let mut http = access.of(cx);
            let headers = http.get(&request)?.headers.clone();
            http.push(Fields::immutable(headers))
        },
    )?;
    types.func_wrap(
        "[method]incoming-request.consume",
        move |cx: &mut Context<'_, '_, T>, request: Request| {
            let mut http = access.of(cx);
            let body = http.get_mut(&request)?.body.take();
            IncomingBody::consume(&mut http, body)
        },
    )?;
    Ok(())
}

type OutgoingHandle = Resource<OutgoingResponse>;

fn define_response<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    types.resource::<OutgoingResponse>("outgoing-response", move |cx, rep| {
        access.drop::<OutgoingResponse>(cx, rep)
    })?;
    types.func_wrap(
        "[constructor]outgoing-response",
        move |cx: &mut Context<'_, '_, T>, headers: Resource<Fields>| {
            let mut http = access.of(cx);
            let headers = http.delete(headers)?.headers;
            http.push(OutgoingResponse { status: StatusCode::OK, headers, body: None })
        },
    )?;
    types.func_wrap(
        "[method]outgoing-response.status-code",
        move |cx: &mut Context<'_, '_, T>, response: OutgoingHandle| {
            Ok(access.of(cx).get(&response)?.status.as_u16())
        },
    )?;
    types.func_wrap(
        "[method]outgoing-response.set-status-code",
        move |cx: &mut Context<'_, '_, T>, response: OutgoingHandle, status: u16| {
            let mut http = access.of(cx);
            let response = http.get_mut(&response)?;
            // An interim response cannot be the only one.
            match StatusCode::from_u16(status).ok().filter(|status| !status.is_informational()) {
                Some(status) => response.status = status,
                None => return Ok(Err(())),
            }
            Ok(Ok(()))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-response.headers",
        move |cx: &mut Context<'_, '_, T>, response: OutgoingHandle| {
            let mut http = access.of(cx);
            let headers = http.get(&response)?.headers.clone();
            http.push(Fields::immutable(headers))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-response.body",
        move |cx: &mut Context<'_, '_, T>, response: OutgoingHandle| {
            let mut http = access.of(cx);
            let known = http.get(&response)?;
            if known.body.is_some() {
                return Ok(Err(()));
            }
            let size = known.size(http.http);
            let (writer, body) = sending::body(size, &http.http.budget)?;
            http.get_mut(&response)?.body = Some(body);
            http.push(OutgoingBody(writer)).map(Ok::<_, ()>)
        },
    )?;
    Ok(())
}
