//! A thread that serves: its executor, its connections, and how they end.
//!
//! ```text
//!  running ──SIGTERM──▶ draining: what waits is accepted, then nothing more; answers say `close`
//!                          │ a second
//!                          ▼
//!                       closing: idle connections close, HTTP/2 says GOAWAY; requests end
//! ```
//!
//! **Invariants.** Everything of a connection is on the thread that accepted it. A connection that was
//! accepted is not closed while a request is in it.

use crate::config::Server;
use crate::patient::Patient;
use crate::request::{self, ResponseBody};
use crate::shared::Shared;
use http::header::CONNECTION;
use http::uri::Scheme;
use http::{HeaderValue, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};

/// How long a connection without a request stays open when the server is to end: its client may have sent
/// one.
const LINGER: Duration = Duration::from_secs(1);

/// How long accepting waits when the system has no descriptors left.
const NO_DESCRIPTORS: Duration = Duration::from_millis(50);

/// Serves until the server is to end, and all connections have.
pub(crate) async fn work(
    shared: Arc<Shared>,
    listeners: Vec<std::net::TcpListener>,
    mut ends: watch::Receiver<()>,
) -> io::Result<()> {
    let listeners = listeners.into_iter().map(TcpListener::from_std).collect::<io::Result<Vec<_>>>()?;
    let open = Arc::new(GracefulShutdown::new());
    let builder = Arc::new(builder(&shared.server));
    loop {
        let accepted = tokio::select! {
            biased;
            _ = ends.changed() => break,
            accepted = poll_fn(|cx| poll_accept(&listeners, cx)) => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(NO_DESCRIPTORS).await;
                continue;
            }
        };
        // One connection waits here, the others before they are accepted.
        let permit = tokio::select! {
            permit = shared.connections.clone().acquire_owned() => permit.ok(),
            _ = ends.changed() => {
                begin(&shared, &builder, stream, open.watcher(), None);
                break;
            }
        };
        begin(&shared, &builder, stream, open.watcher(), permit);
    }
    // What has been accepted by the kernel for these sockets is lost with them.
    while let Poll::Ready(Ok(stream)) = poll_accept(&listeners, &mut Context::from_waker(Waker::noop())) {
        begin(&shared, &builder, stream, open.watcher(), None);
    }
    drop(listeners);
    let linger = tokio::time::sleep(LINGER.min(shared.server.drain.0));
    tokio::pin!(linger);
    // Connections that are left after that are idle, or end with their requests.
    poll_fn(|cx| if open.count() == 0 { Poll::Ready(()) } else { linger.as_mut().poll(cx) }).await;
    if let Some(open) = Arc::into_inner(open) {
        tokio::select! {
            () = open.shutdown() => {}
            // Told a second time: what has not ended is given up, with this thread's executor.
            _ = ends.changed() => {}
        }
    }
    Ok(())
}

fn poll_accept(listeners: &[TcpListener], cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
    for listener in listeners {
        if let Poll::Ready(accepted) = listener.poll_accept(cx) {
            return Poll::Ready(accepted.map(|(stream, _)| stream));
        }
    }
    Poll::Pending
}

fn builder(server: &Server) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let headers = usize::try_from(server.max_headers.0).unwrap_or(usize::MAX);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(server.header_timeout.0)
        // hyper refuses less.
        .max_buf_size(headers.max(8 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(server.header_timeout.0)
        .keep_alive_timeout(server.header_timeout.0)
        .max_header_list_size(u32::try_from(headers).unwrap_or(u32::MAX));
    builder
}

/// Serves a connection.
fn begin(
    shared: &Arc<Shared>,
    builder: &Arc<Builder<TokioExecutor>>,
    stream: TcpStream,
    watcher: Watcher,
    permit: Option<OwnedSemaphorePermit>,
) {
    let (shared, builder) = (shared.clone(), builder.clone());
    // Responses are written as a whole: a delay for more to come would only delay them.
    _ = stream.set_nodelay(true);
    tokio::spawn(async move {
        shared.metrics.connections.inc();
        match shared.tls() {
            None => connection(&shared, &builder, stream, Scheme::HTTP, watcher).await,
            Some(acceptor) => {
                let handshake = tokio::time::timeout(shared.server.header_timeout.0, acceptor.accept(stream));
                match handshake.await {
                    Ok(Ok(stream)) => connection(&shared, &builder, stream, Scheme::HTTPS, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no handshake"),
                    Err(_) => tracing::debug!("no handshake in time"),
                }
            }
        }
        shared.metrics.connections.dec();
        drop(permit);
    });
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    shared: &Arc<Shared>,
    builder: &Builder<TokioExecutor>,
    stream: S,
    scheme: Scheme,
    watcher: Watcher,
) {
    let io =
        TokioIo::new(Patient::new(stream, shared.server.write_timeout.0, shared.server.header_timeout.0));
    let service = service_fn(|request| answer(shared.clone(), request, scheme.clone()));
    let served = watcher.watch(builder.serve_connection(io, service).into_owned()).await;
    if let Err(error) = served {
        // The client's business: it left, or broke the protocol.
        tracing::debug!(error, "connection ended");
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: http::Request<Incoming>,
    scheme: Scheme,
) -> Result<http::Response<ResponseBody>, Infallible> {
    let is_http1 = request.version() <= Version::HTTP_11;
    let mut response = request::serve(shared.clone(), request, scheme).await;
    if is_http1 && shared.is_draining() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
