//! What can be asked about the server, at an address of its own: `/metrics`, `/healthz`, `/readyz`.
//!
//! **Invariant: nothing of an application answers here, and nothing here is served to clients.**

use crate::shared::Shared;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The type of Prometheus's text format.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long a client may take to send its headers.
const HEADERS: Duration = Duration::from_secs(10);

/// Answers at this socket, for as long as it is polled.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection for metrics");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let shared = shared.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let response = answer(&shared, request.uri().path());
            async { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(async move {
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEADERS);
            // Its end is of no interest.
            _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn metrics(shared: &Shared) -> (StatusCode, String) {
    let site = shared.site();
    let pools = site.apps.iter().map(|app| (&*app.config.name, app.pool.stats()));
    match shared.metrics.text(pools) {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn answer(shared: &Shared, path: &str) -> Response<Full<Bytes>> {
    let is_full = || shared.usage.as_ref().is_some_and(|usage| usage.is_full());
    let (status, text) = match path {
        "/healthz" => (StatusCode::OK, "ok\n".to_string()),
        "/readyz" if shared.is_draining() => (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_string()),
        "/readyz" if is_full() => {
            (StatusCode::SERVICE_UNAVAILABLE, "usage records cannot be written\n".to_string())
        }
        "/readyz" => (StatusCode::OK, "ready\n".to_string()),
        "/metrics" => metrics(shared),
        _ => (StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz\n".to_string()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = if path == "/metrics" { TEXT } else { "text/plain; charset=utf-8" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
