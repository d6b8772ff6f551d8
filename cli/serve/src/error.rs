//! Why a server does not start, or does not take a new configuration.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use wasmaot_component::{ComponentError, Error};
use wasmaot_runtime::{LinkError, PoolError};
use wasmaot_wasi_http::ClientError;

/// An error of the embedder's own.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a server does not start, or does not take a new configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of configuration is wrong.
    #[error("`{}` is no configuration", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: Box<toml::de::Error>,
    },
    /// There is nothing to serve.
    #[error("there is no application to serve")]
    NoApplication,
    /// A path does not begin with `/`.
    #[error("the path of application `{name}` is `{path}`, and has to begin with `/`")]
    Path {
        /// The application.
        name: String,
        /// The path.
        path: String,
    },
    /// Two applications have one name, or answer for the same.
    #[error("applications `{first}` and `{second}` have one name, or answer for the same host and path")]
    SameApplication {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// An application's file cannot be opened.
    #[error("cannot open application `{name}`")]
    Open {
        /// The application.
        name: String,
        /// Why.
        source: BoxError,
    },
    /// An application's artifact has no component.
    #[error("application `{name}` cannot be served")]
    Component {
        /// The application.
        name: String,
        /// Why.
        source: ComponentError,
    },
    /// An application cannot be linked.
    #[error("application `{name}` cannot be served")]
    Link {
        /// The application.
        name: String,
        /// Why.
        source: Box<Error>,
    },
    /// An application has a limit of fuel, and its code does not count.
    #[error(
        "application `{name}` has a limit of fuel, and its code does not count instructions; compile it with --meter"
    )]
    NotMetered {
        /// The application.
        name: String,
    },
    /// The slots of an application cannot be reserved.
    #[error("cannot make the pool of application `{name}`")]
    Pool {
        /// The application.
        name: String,
        /// Why.
        source: PoolError,
    },
    /// WASI cannot be set up.
    #[error("cannot set up WASI")]
    Wasi(#[from] LinkError),
    /// The client for outgoing requests cannot be set up.
    #[error("cannot set up outgoing requests")]
    Client(#[from] ClientError),
    /// An address cannot be listened at.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// There is no address to listen at.
    #[error("there is no address to listen at")]
    NoAddress,
    /// The sockets that systemd passes cannot be taken.
    #[error("cannot take the sockets that systemd passes")]
    Systemd(#[source] io::Error),
    /// Certificate or key cannot be used.
    #[error("cannot use certificate `{}`", path.display())]
    Tls {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        source: BoxError,
    },
    /// The file of records cannot be written.
    #[error("cannot write usage records to `{}`", path.display())]
    Usage {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Threads, timers or signals are not to be had.
    #[error("cannot start the server")]
    Start(#[source] io::Error),
    /// The files cannot be watched.
    #[error("cannot watch files")]
    Watch(#[from] notify::Error),
}
