//! The life of a server: start, reloads, end.
//!
//! **Invariants.** A configuration is taken as a whole or not at all. A reload closes no socket and ends no
//! request. When the server ends, its records are written.

use crate::admin;
use crate::app::{App, Site};
use crate::config::{Application, Config, Server};
use crate::error::{BoxError, ServeError};
use crate::listen;
use crate::metrics::Metrics;
use crate::shared::Shared;
use crate::tls;
use crate::usage::Usage;
use crate::watch::Files;
use crate::worker;
use sd_notify::NotifyState;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use wasmaot_runtime::{Module, prepare_thread};

/// How long giving up requests may take.
const GIVING_UP: Duration = Duration::from_secs(5);

/// Opens an application's file.
pub type Open = dyn Fn(&Application) -> Result<Module, BoxError> + Send + Sync;

/// Is told the addresses of a server, and that of its metrics.
pub type Ready = dyn Fn(&[SocketAddr], Option<SocketAddr>) + Send + Sync;

/// What a server asks its host for.
pub struct Host {
    /// Reads the configuration: when the server starts, and for each reload.
    pub config: Box<dyn Fn() -> Result<Config, ServeError> + Send + Sync>,
    /// Opens an application's file, compiled if need be.
    pub open: Box<Open>,
    /// Is told where the server listens, when it does.
    pub ready: Box<Ready>,
    /// Whether to reload when a file of an application changes.
    pub watch: bool,
}

/// Checks a configuration as a start does, without serving. Returns the names of the applications.
///
/// # Errors
/// Why the server would not start.
pub fn check(host: &Host) -> Result<Vec<String>, ServeError> {
    let config = (host.config)()?;
    config.check()?;
    let site = site(host, &config, &Metrics::new())?;
    acceptor(&config.server)?;
    Ok(site.apps.iter().map(|app| app.config.name.clone()).collect())
}

/// Serves until the process is told to end.
///
/// # Errors
/// Why the server does not start.
pub fn serve(host: Host) -> Result<(), ServeError> {
    let config = (host.config)()?;
    config.check()?;
    let metrics = Metrics::new();
    let site = site(&host, &config, &metrics)?;
    let tls = acceptor(&config.server)?;
    let usage = config.server.usage.as_deref().map(Usage::open).transpose()?.map(Arc::new);
    let threads = match config.server.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let sockets = listen::sockets(&config.server.listen, threads)?;
    let addresses: Vec<_> = sockets[0].iter().filter_map(|socket| socket.local_addr().ok()).collect();
    let admin = config.server.metrics.map(|address| {
        let error = |source| ServeError::Listen { address, source };
        let socket = TcpListener::bind(address).map_err(error)?;
        socket.set_nonblocking(true).map_err(error)?;
        Ok::<_, ServeError>(socket)
    });
    let admin = admin.transpose()?;
    let admin_address = admin.as_ref().and_then(|socket| socket.local_addr().ok());
    let shared = Arc::new(Shared::new(config.server.clone(), metrics, site, tls, usage));
    let runtime = runtime().map_err(ServeError::Start)?;
    let control = {
        let _inside = runtime.enter();
        Control::new(Arc::new(host), shared.clone(), &config)?
    };
    let workers = Workers::start(&shared, sockets).map_err(ServeError::Start)?;
    (control.host.ready)(&addresses, admin_address);
    notify(&[NotifyState::Ready]);
    let ended = runtime.block_on(control.run(admin, workers));
    if let Some(usage) = &shared.usage {
        usage.close();
    }
    ended
}

/// Opens and links all applications.
fn site(host: &Host, config: &Config, metrics: &Metrics) -> Result<Site, ServeError> {
    let apps = config.applications.iter().map(|app| {
        let open = |source| ServeError::Open { name: app.name.clone(), source };
        let module = (host.open)(app).map_err(open)?;
        App::new(app.clone(), module, metrics.app(&app.name)).map(Arc::new)
    });
    Ok(Site { apps: apps.collect::<Result<_, _>>()? })
}

fn acceptor(server: &Server) -> Result<Option<TlsAcceptor>, ServeError> {
    server.tls.as_ref().map(tls::acceptor).transpose()
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Tells systemd, if it asks for it.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}

/// The threads that serve.
struct Workers {
    threads: Vec<JoinHandle<()>>,
    end: watch::Sender<()>,
    /// Closed when all threads have ended.
    ended: mpsc::Receiver<()>,
}

impl Workers {
    fn start(shared: &Arc<Shared>, sockets: Vec<Vec<TcpListener>>) -> io::Result<Self> {
        let (end, ends) = watch::channel(());
        let (is_running, ended) = mpsc::channel(1);
        let start = |(index, sockets): (usize, Vec<TcpListener>)| {
            let (shared, ends, is_running) = (shared.clone(), ends.clone(), is_running.clone());
            let runtime = runtime()?;
            std::thread::Builder::new().name(format!("worker {index}")).spawn(move || {
                // If it fails, each start says so.
                _ = prepare_thread();
                if let Err(error) = runtime.block_on(worker::work(shared, sockets, ends)) {
                    tracing::error!(%error, "a thread cannot serve");
                }
                // Requests that were given up end here, with their records.
                drop(runtime);
                drop(is_running);
            })
        };
        let threads = sockets.into_iter().enumerate().map(start).collect::<io::Result<_>>()?;
        Ok(Self { threads, end, ended })
    }
}

/// What the main thread does.
struct Control {
    host: Arc<Host>,
    shared: Arc<Shared>,
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    files: Option<Files>,
}

impl Control {
    fn new(host: Arc<Host>, shared: Arc<Shared>, config: &Config) -> Result<Self, ServeError> {
        let signal = |kind| signal(kind).map_err(ServeError::Start);
        let files = host.watch.then(|| Files::new(config.applications.iter().map(|app| app.file.clone())));
        Ok(Self {
            host,
            shared,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            files: files.transpose()?,
        })
    }

    async fn run(mut self, admin: Option<TcpListener>, workers: Workers) -> Result<(), ServeError> {
        if let Some(socket) = admin {
            let socket = tokio::net::TcpListener::from_std(socket).map_err(ServeError::Start)?;
            tokio::spawn(admin::serve(self.shared.clone(), socket));
        }
        loop {
            let changed = async {
                match &mut self.files {
                    Some(files) => files.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => {}
                () = changed => {}
            }
            self.reload().await;
        }
        self.drain(workers).await;
        Ok(())
    }

    /// Takes the configuration and the artifacts as they are now.
    async fn reload(&self) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            notify(&[NotifyState::Reloading, now]);
        }
        let (host, shared) = (self.host.clone(), self.shared.clone());
        let reloaded = tokio::task::spawn_blocking(move || {
            let config = (host.config)()?;
            config.check()?;
            let site = site(&host, &config, &shared.metrics)?;
            let tls = acceptor(&config.server)?;
            shared.replace(site, tls);
            Ok::<_, ServeError>(())
        });
        let reloaded = reloaded.await;
        match &reloaded {
            Ok(Ok(())) => tracing::info!("reloaded"),
            Ok(Err(error)) => tracing::error!("not reloaded: {}", with_causes(error)),
            Err(error) => tracing::error!(%error, "not reloaded"),
        }
        self.shared.metrics.reloaded(matches!(reloaded, Ok(Ok(()))));
        notify(&[NotifyState::Ready]);
    }

    /// Lets requests end, for a time.
    async fn drain(mut self, workers: Workers) {
        notify(&[NotifyState::Stopping]);
        tracing::info!("draining");
        self.shared.drain();
        let Workers { threads, end, mut ended } = workers;
        _ = end.send(());
        let is_over = tokio::select! {
            _ = ended.recv() => true,
            () = tokio::time::sleep(self.shared.server.drain.0) => false,
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => false,
        };
        if !is_over {
            tracing::warn!("requests are given up that have not ended");
            _ = end.send(());
            _ = tokio::time::timeout(GIVING_UP, ended.recv()).await;
            return;
        }
        for thread in threads {
            _ = thread.join();
        }
        tracing::info!("all requests have ended");
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
