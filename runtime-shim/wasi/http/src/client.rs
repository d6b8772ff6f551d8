//! Requests of guests: who may be asked, and asking.
//!
//! **Invariants.** Nothing is sent to a host that is not allowed, and the check is of the name that the guest
//! gave, before it is resolved. An address that only a wildcard allows is reached only if it is public.

use crate::error::ErrorCode;
use crate::receiving::{Intake, Shared};
use crate::sending::SendingBody;
use bytes::Bytes;
use http::uri::Scheme;
use http_body_util::combinators::UnsyncBoxBody;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long connecting may take, and how long nothing may arrive, if the guest says nothing.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Bytes that the body of a response may have.
const MAX_RESPONSE: u64 = 1 << 40;

/// A host that guests may send requests to: `NAME`, `*.DOMAIN` for the names below a domain, or `*` for all;
/// each may be followed by `:PORT`.
///
/// ```
/// use wasmaot_wasi_http::Authority;
///
/// # fn main() -> Result<(), wasmaot_wasi_http::ClientError> {
/// let below: Authority = "*.example.com:8443".parse()?;
/// assert!(below.matches("api.example.com", 8443));
/// assert!(!below.matches("example.com", 8443) && !below.matches("api.example.com", 443));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    /// With the dot before it.
    Below(String),
    Name(String),
}

/// What a [`Client`] cannot be made of.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It is no host.
    #[error(
        "`{0}` is no host that requests can be sent to; write NAME, *.DOMAIN or *, and :PORT behind it if need be"
    )]
    Authority(String),
    /// The library for TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

impl std::str::FromStr for Authority {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, ClientError> {
        let wrong = || ClientError::Authority(text.to_string());
        // The colons of an address in brackets are none before a port.
        let colon = text.rfind(':').filter(|&colon| !text[colon..].contains(']'));
        let (host, port) = match colon {
            Some(colon) => (&text[..colon], Some(text[colon + 1..].parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let host = host.to_ascii_lowercase();
        let is_name = |name: &str| {
            let is_address = name.starts_with('[') && name.ends_with(']');
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            !name.is_empty() && (is_address || name.chars().all(is_part))
        };
        let host = match host.strip_prefix('*') {
            Some("") => Host::Any,
            Some(domain) if domain.starts_with('.') && is_name(&domain[1..]) => {
                Host::Below(domain.to_string())
            }
            None if is_name(&host) => Host::Name(host),
            _ => return Err(wrong()),
        };
        Ok(Self { host, port })
    }
}

impl Authority {
    /// Returns whether it allows a host, in lower case, and port.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let is_host = match &self.host {
            Host::Any => true,
            Host::Below(domain) => host.len() > domain.len() && host.ends_with(&**domain),
            Host::Name(name) => host == name,
        };
        is_host && self.port.is_none_or(|known| known == port)
    }

    /// Whether it names this one host.
    fn is_named(&self) -> bool {
        matches!(self.host, Host::Name(_))
    }
}

/// Sends requests of guests to the hosts that are allowed. Cloning it is cheap.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    allowed: Vec<Authority>,
    tls: Arc<ClientConfig>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("allowed", &self.inner.allowed).finish_non_exhaustive()
    }
}

impl Client {
    /// Returns a client for these hosts. Certificates of TLS are compared with Mozilla's roots.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(allowed: Vec<Authority>) -> Result<Self, ClientError> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { inner: Arc::new(Inner { allowed, tls: Arc::new(tls) }) })
    }
}

/// The outgoing requests that one instance may make.
#[derive(Debug)]
pub struct Outgoing {
    client: Option<Client>,
    limit: u64,
    made: u64,
}

impl Outgoing {
    /// None.
    pub fn denied() -> Self {
        Self { client: None, limit: 0, made: 0 }
    }

    /// This many.
    pub fn at_most(client: Client, limit: u64) -> Self {
        Self { client: Some(client), limit, made: 0 }
    }

    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// Begins a request, if the instance may make it. What is to be done then is in the future.
    pub(crate) fn begin(
        &mut self,
        request: http::Request<UnsyncBoxBody<Bytes, ErrorCode>>,
        times: Times,
    ) -> Result<impl Future<Output = Result<Received, ErrorCode>> + Send + 'static, ErrorCode> {
        let client = self.client.as_ref().ok_or(ErrorCode::HttpRequestDenied)?;
        let target = Target::of(&request)?;
        let is_named = target.check(&client.inner.allowed)?;
        if self.made >= self.limit {
            return Err(ErrorCode::ConnectionLimitReached);
        }
        self.made += 1;
        Ok(send(client.clone(), target, is_named, request, times))
    }
}

/// How long parts of a request may take.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) connect: Option<Duration>,
    pub(crate) first_byte: Option<Duration>,
    pub(crate) between_bytes: Option<Duration>,
}

/// A response that has arrived.
pub(crate) struct Received {
    pub(crate) parts: http::response::Parts,
    pub(crate) body: Shared,
}

/// Where a request goes.
struct Target {
    host: String,
    port: u16,
    is_tls: bool,
}

impl Target {
    fn of<B>(request: &http::Request<B>) -> Result<Self, ErrorCode> {
        let uri = request.uri();
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(ErrorCode::HttpRequestUriInvalid),
        };
        let host = uri.host().ok_or(ErrorCode::HttpRequestUriInvalid)?.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self { host, port, is_tls })
    }

    /// Returns whether the host is allowed by its name, and not by a wildcard only.
    fn check(&self, allowed: &[Authority]) -> Result<bool, ErrorCode> {
        let mut matching = allowed.iter().filter(|known| known.matches(&self.host, self.port)).peekable();
        match matching.peek() {
            None => Err(ErrorCode::HttpRequestDenied),
            Some(_) => Ok(matching.any(Authority::is_named)),
        }
    }

    /// The host without the brackets of an address.
    fn name(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }
}

/// Whether an address is of the network that everyone is in.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let is_shared = first == 100 && (second & 0xc0) == 64;
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.is_documentation()
                || first == 0
                || first >= 240
                || is_shared)
        }
        IpAddr::V6(v6) => {
            let is_inside = |prefix: u16, mask: u16| v6.segments()[0] & mask == prefix;
            !(v6.is_loopback()
                || v6 == Ipv6Addr::UNSPECIFIED
                || v6.is_multicast()
                || is_inside(0xfc00, 0xfe00)
                || is_inside(0xfe80, 0xffc0))
        }
    }
}

async fn connect(target: &Target, is_named: bool) -> Result<TcpStream, ErrorCode> {
    let addresses = match target.name().parse() {
        Ok(address) => vec![address],
        Err(_) => wasmaot_wasi::p2::resolve(target.name()).await.map_err(|_| ErrorCode::no_address())?,
    };
    let mut error = ErrorCode::no_address();
    for address in addresses {
        if !is_named && !is_public(address) {
            error = ErrorCode::DestinationIpProhibited;
            continue;
        }
        match TcpStream::connect((address, target.port)).await {
            Ok(stream) => {
                // Requests are small: a delay for more to come would only delay them.
                _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(_) => error = ErrorCode::ConnectionRefused,
        }
    }
    Err(error)
}

async fn send(
    client: Client,
    target: Target,
    is_named: bool,
    request: http::Request<UnsyncBoxBody<Bytes, ErrorCode>>,
    times: Times,
) -> Result<Received, ErrorCode> {
    let connecting = async {
        let stream = connect(&target, is_named).await?;
        if !target.is_tls {
            return Connection::http1(stream).await;
        }
        let name = ServerName::try_from(target.name().to_string());
        let name = name.map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
        let connected = TlsConnector::from(client.inner.tls.clone()).connect(name, stream).await;
        let stream = connected.map_err(|error| tls_error(&error))?;
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Connection::http2(stream).await,
            _ => Connection::http1(stream).await,
        }
    };
    let connecting = timeout(times.connect.unwrap_or(TIMEOUT), connecting).await;
    let connection = connecting.map_err(|_| ErrorCode::ConnectionTimeout)??;
    let answering = timeout(times.first_byte.unwrap_or(TIMEOUT), connection.send(request)).await;
    let response = answering.map_err(|_| ErrorCode::HttpResponseTimeout)??;
    let (parts, body) = response.into_parts();
    let intake = Intake { limit: MAX_RESPONSE, received: Arc::new(AtomicU64::new(0)) };
    let body = Shared::response(body, intake, times.between_bytes.unwrap_or(TIMEOUT));
    Ok(Received { parts, body })
}

fn tls_error(error: &std::io::Error) -> ErrorCode {
    use tokio_rustls::rustls::Error as TlsError;
    match error.get_ref().and_then(|error| error.downcast_ref::<TlsError>()) {
        Some(TlsError::InvalidCertificate(_)) => ErrorCode::TlsCertificateError,
        Some(_) => ErrorCode::TlsProtocolError,
        None => ErrorCode::ConnectionTerminated,
    }
}

/// A connection that is ready for one request.
enum Connection {
    Http1(hyper::client::conn::http1::SendRequest<UnsyncBoxBody<Bytes, ErrorCode>>),
    Http2(hyper::client::conn::http2::SendRequest<UnsyncBoxBody<Bytes, ErrorCode>>),
}

impl Connection {
    async fn http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Result<Self, ErrorCode> {
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| ErrorCode::of_hyper(&error))?;
        // It ends when nothing is left that sends or reads.
        tokio::spawn(connection);
        Ok(Self::Http1(sender))
    }

    async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Result<Self, ErrorCode> {
        let io = TokioIo::new(stream);
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await;
        let (sender, connection) = handshake.map_err(|error| ErrorCode::of_hyper(&error))?;
        tokio::spawn(connection);
        Ok(Self::Http2(sender))
    }

    async fn send(
        self,
        mut request: http::Request<UnsyncBoxBody<Bytes, ErrorCode>>,
    ) -> Result<http::Response<hyper::body::Incoming>, ErrorCode> {
        let response = match self {
            Self::Http1(mut sender) => {
                let uri = request.uri();
                let host = uri.authority().map(|authority| authority.as_str().parse());
                let host = host.and_then(Result::ok).ok_or(ErrorCode::HttpRequestUriInvalid)?;
                let path = uri.path_and_query().map_or("/", |path| path.as_str()).parse();
                request.headers_mut().insert(http::header::HOST, host);
                *request.uri_mut() = path.map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
                sender.send_request(request).await
            }
            Self::Http2(mut sender) => sender.send_request(request).await,
        };
        response.map_err(|error| ErrorCode::of_hyper(&error))
    }
}

/// The body of a request that a guest sends.
pub(crate) fn boxed(body: SendingBody) -> UnsyncBoxBody<Bytes, ErrorCode> {
    UnsyncBoxBody::new(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_allowed_by_what_is_written() {
        let matches = |pattern: &str, host: &str, port| {
            pattern.parse::<Authority>().expect("a pattern").matches(host, port)
        };
        for (pattern, host, port, expected) in [
            ("*", "example.com", 80, true),
            ("*:443", "example.com", 80, false),
            ("Example.com", "example.com", 80, true),
            ("example.com", "api.example.com", 80, false),
            ("*.example.com", "api.example.com", 80, true),
            ("*.example.com", "example.com", 80, false),
            ("*.example.com", "badexample.com", 80, false),
            ("[::1]:8080", "[::1]", 8080, true),
            ("[::1]", "[::1]", 1, true),
        ] {
            assert_eq!(matches(pattern, host, port), expected, "{pattern} {host} {port}");
        }
        for wrong in [
            "",
            "*example.com",
            "exa mple",
            "example.com:",
            "example.com:x",
            "http://example.com",
            "*.",
            ":80",
        ] {
            assert!(wrong.parse::<Authority>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn wildcards_reach_public_addresses_only() {
        for (address, expected) in [
            ("93.184.216.34", true),
            ("2606:2800:220:1::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("fe80::1", false),
            ("fd00::1", false),
        ] {
            assert_eq!(is_public(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
