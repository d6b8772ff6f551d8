//! What all threads of a server share.
//!
//! **Invariant: applications and certificates are replaced as a whole**, and a request keeps those that it
//! began with.

use crate::app::Site;
use crate::config::Server;
use crate::metrics::Metrics;
use crate::usage::Usage;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// What all threads share.
pub(crate) struct Shared {
    site: RwLock<Arc<Site>>,
    tls: RwLock<Option<TlsAcceptor>>,
    pub(crate) metrics: Metrics,
    pub(crate) usage: Option<Arc<Usage>>,
    pub(crate) server: Server,
    is_draining: AtomicBool,
    /// A permit for each connection that may be open.
    pub(crate) connections: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(
        server: Server,
        metrics: Metrics,
        site: Site,
        tls: Option<TlsAcceptor>,
        usage: Option<Arc<Usage>>,
    ) -> Self {
        let connections = Arc::new(Semaphore::new(server.max_connections.min(Semaphore::MAX_PERMITS)));
        Self {
            site: RwLock::new(Arc::new(site)),
            tls: RwLock::new(tls),
            metrics,
            usage,
            server,
            is_draining: AtomicBool::new(false),
            connections,
        }
    }

    /// The applications as they are now.
    pub(crate) fn site(&self) -> Arc<Site> {
        self.site.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Certificates, as they are now.
    pub(crate) fn tls(&self) -> Option<TlsAcceptor> {
        self.tls.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces applications and certificates. Requests that have begun go on with the former ones.
    pub(crate) fn replace(&self, site: Site, tls: Option<TlsAcceptor>) {
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(site);
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = tls;
    }

    /// Has answers say that their connections close.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Relaxed)
    }
}
