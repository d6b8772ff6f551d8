//! HTTP/2, and TLS.

use crate::server::Server;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::Signal;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, std::convert::Infallible>;

type Sender = http2::SendRequest<Body>;

fn block_on<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(crate::server::PATIENCE, future).await.expect("in time") })
}

/// A connection of HTTP/2, and its end.
async fn connect(server: &Server) -> (Sender, JoinHandle<hyper::Result<()>>) {
    over(TcpStream::connect(server.address()).await.expect("the server listens")).await
}

async fn over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (sender, connection) = handshake.expect("both speak HTTP/2");
    (sender, tokio::spawn(connection))
}

fn request(path: &str, body: Body) -> Request<Body> {
    let uri = format!("http://test.example{path}");
    Request::post(uri).body(body).expect("a request")
}

fn full(text: &'static str) -> Body {
    Full::new(Bytes::from(text)).boxed_unsync()
}

/// A body whose parts come through a channel.
struct Parts(mpsc::UnboundedReceiver<Bytes>);

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

/// The next bytes of a body; none at its end.
async fn data(body: &mut hyper::body::Incoming) -> Option<Bytes> {
    loop {
        let frame = body.frame().await?.expect("it is connected");
        let data = frame.into_data().expect("there are no trailers");
        if !data.is_empty() {
            return Some(data);
        }
    }
}

async fn seen(response: Response<hyper::body::Incoming>) -> (StatusCode, String, bool) {
    let status = response.status();
    let body = response.into_body().collect().await.expect("a whole body");
    let has_trailer = body.trailers().is_some_and(|trailers| trailers["t"] == "1");
    (status, String::from_utf8_lossy(&body.to_bytes()).into_owned(), has_trailer)
}

#[test]
fn requests_share_a_connection() {
    let server = Server::start(&["--timeout", "600s"]);
    block_on(async {
        let (sender, _end) = connect(&server).await;
        let requests = (0..50).map(|number| {
            let mut sender = sender.clone();
            tokio::spawn(async move {
                let path = if number % 2 == 0 { "/count" } else { "/echo" };
                let response = sender.send_request(request(path, full("text"))).await.expect("an answer");
                let expected = if number % 2 == 0 { "1" } else { "text" };
                assert_eq!(seen(response).await, (StatusCode::OK, expected.to_string(), false));
            })
        });
        let requests: Vec<_> = requests.collect();
        for request in requests {
            request.await.expect("no check failed");
        }
        let mut sender = sender;
        let response = sender.send_request(request("/trailer", full(""))).await.expect("an answer");
        assert_eq!(seen(response).await, (StatusCode::OK, "hello".to_string(), true));
        let late = sender.send_request(request("/late", full(""))).await.expect("an answer");
        assert!(late.into_body().collect().await.is_err(), "the guest trapped");
        let trap = sender.send_request(request("/trap", full(""))).await.expect("an answer");
        assert_eq!(trap.status(), StatusCode::INTERNAL_SERVER_ERROR);
    });
    server.end();
}

#[test]
fn bodies_go_both_ways_at_a_time() {
    let server = Server::start(&[]);
    block_on(async {
        let (mut sender, _end) = connect(&server).await;
        let (parts, receiver) = mpsc::unbounded_channel();
        let response = sender.send_request(request("/echo", Parts(receiver).boxed_unsync())).await;
        let mut body = response.expect("an answer").into_body();
        for part in ["one", "two", "three"] {
            parts.send(Bytes::from(part)).expect("it is read");
            assert_eq!(data(&mut body).await.as_deref(), Some(part.as_bytes()));
        }
        drop(parts);
        assert_eq!(data(&mut body).await, None);
    });
    server.end();
}

#[test]
fn a_stream_that_is_reset_ends_its_guest() {
    let server = Server::start(&["--timeout", "600s"]);
    block_on(async {
        let (mut sender, _end) = connect(&server).await;
        let waiting = tokio::spawn({
            let mut sender = sender.clone();
            async move { sender.send_request(request("/spin", full(""))).await.map(|_| ()) }
        });
        while server.figure("wasmaot_slots_in_use{application=\"handler\"}") != 1.0 {
            tokio::task::yield_now().await;
        }
        waiting.abort();
        while server.figure("wasmaot_slots_in_use{application=\"handler\"}") != 0.0 {
            tokio::task::yield_now().await;
        }
        // The connection is of use afterwards.
        let response = sender.send_request(request("/hello", full(""))).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
    });
    server.end();
}

#[test]
fn an_end_says_goaway_and_lets_streams_end() {
    let mut server = Server::start(&["--timeout", "600s"]);
    block_on(async {
        let (mut sender, end) = connect(&server).await;
        let (parts, receiver) = mpsc::unbounded_channel();
        let response = sender.send_request(request("/echo", Parts(receiver).boxed_unsync())).await;
        let mut body = response.expect("an answer").into_body();
        server.signal(Signal::TERM);
        server.log().wait_for_line(&["draining"]);
        // Its client is told to go elsewhere with further requests.
        while sender.ready().await.is_ok() && !sender.is_closed() {
            match sender.send_request(request("/hello", full(""))).await {
                Ok(response) => assert_eq!(response.status(), StatusCode::OK),
                Err(_) => break,
            }
            tokio::task::yield_now().await;
        }
        parts.send(Bytes::from("late")).expect("it is read");
        assert_eq!(data(&mut body).await.as_deref(), Some(&b"late"[..]));
        drop(parts);
        assert_eq!(data(&mut body).await, None);
        end.await.expect("it does not panic").expect("it ends as it is to");
    });
    assert!(server.wait().success());
}

/// A certificate of `localhost` for the tests, and its key.
fn certificate(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http").join(name)
}

#[test]
fn connections_are_encrypted_if_there_is_a_certificate() {
    let (cert, key) = (certificate("localhost.crt"), certificate("localhost.key"));
    let path = |path: &Path| path.to_str().expect("a path").to_string();
    let server = Server::start(&["--tls-cert", &path(&cert), "--tls-key", &path(&key)]);
    block_on(async {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&cert).expect("a certificate")).expect("a certificate");
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut config =
            config.expect("the versions are known").with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(server.address()).await.expect("the server listens");
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, _end) = over(stream).await;
        let response = sender.send_request(request("/hello", full(""))).await.expect("an answer");
        assert_eq!(seen(response).await, (StatusCode::OK, "hello".to_string(), false));
    });
    // What is not encrypted is no request.
    let mut plain = server.connect();
    _ = plain.send(b"GET /hello HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(plain.head().is_err());
    server.end();
}
