//! Certificates, and what is offered to clients.
//!
//! **Invariant: HTTP/2 and HTTP/1.1 are offered**, in this order.

use crate::config::Tls;
use crate::error::{BoxError, ServeError};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

/// Reads certificate and key.
///
/// # Errors
/// They cannot be read, or are not of each other.
pub(crate) fn acceptor(files: &Tls) -> Result<TlsAcceptor, ServeError> {
    let path = files.certificate.clone();
    config(files).map(TlsAcceptor::from).map_err(|source| ServeError::Tls { path, source })
}

fn config(files: &Tls) -> Result<Arc<ServerConfig>, BoxError> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(&files.certificate)?.collect::<Result<_, _>>()?;
    if chain.is_empty() {
        return Err("there is no certificate in it".into());
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| format!("the key in `{}`: {error}", files.key.display()))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
