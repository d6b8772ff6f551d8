//! An application that is ready to serve: its component, linked, with a pool and limits.
//!
//! **Invariant: whatever can be wrong with an application is found before it gets its first request.**

use crate::config::Application;
use crate::error::ServeError;
use crate::logs::Lines;
use crate::metrics::AppMetrics;
use crate::trace::RequestId;
use std::sync::Arc;
use std::time::Instant;
use wasmaot_component::{Component, InstancePre, Limits as HandleLimits, Linker, TypedFunc};
use wasmaot_runtime::{HotSets, Module, Pool, PoolConfig, ResourceLimits};
use wasmaot_wasi::p2::{self, Output, WasiState};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};
use wasmaot_wasi_http::{Access, Client, Handles, HttpState, Outgoing};

/// The function that serves a request.
const HANDLE: &str = "wasi:http/incoming-handler@0.2.0#handle";

/// Handles that a request may have at a time, each of which takes some memory of the host.
const HANDLES: u64 = 10_000;

/// The data of an instance.
pub(crate) struct Guest {
    wasi: WasiState,
    http: HttpState,
}

impl Guest {
    /// Outgoing requests that it made.
    pub(crate) fn outgoing_requests(&self) -> u64 {
        self.http.outgoing_requests()
    }
}

/// Where host functions find their state.
pub(crate) const ACCESS: Access<Guest> =
    Access { wasi: |guest| &mut guest.wasi, both: |guest| (&mut guest.wasi, &mut guest.http) };

/// An application that is ready to serve.
pub(crate) struct App {
    pub(crate) config: Application,
    pub(crate) pool: Pool,
    pub(crate) linked: InstancePre<Guest>,
    pub(crate) handle: TypedFunc<Handles, ()>,
    pub(crate) metrics: AppMetrics,
    client: Option<Client>,
    wasi: WasiCtxBuilder,
}

impl App {
    /// Makes an application of an opened artifact.
    ///
    /// # Errors
    /// It is no component, imports what is not defined, or cannot be limited as it is to be.
    pub(crate) fn new(config: Application, module: Module, metrics: AppMetrics) -> Result<Self, ServeError> {
        let name = || config.name.clone();
        if config.limits.fuel.is_some() && !module.is_metered() {
            return Err(ServeError::NotMetered { name: name() });
        }
        let component =
            Component::new(module).map_err(|source| ServeError::Component { name: name(), source })?;
        let link = |source| ServeError::Link { name: name(), source: Box::new(source) };
        let linked = linker()?.instantiate_pre(&component).map_err(link)?;
        let handle = linked.get_typed_func(HANDLE).map_err(link)?;
        let pool = Pool::new(PoolConfig {
            slots: config.limits.concurrency,
            memory: config.limits.max_memory.0,
            // All requests of an application are one tenant's.
            hot_sets: HotSets::Shared,
            ..PoolConfig::default()
        });
        let pool = pool.map_err(|source| ServeError::Pool { name: name(), source })?;
        let client = match &config.allow_http[..] {
            [] => None,
            allowed => Some(Client::new(allowed.to_vec())?),
        };
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdin_bytes(*b"");
        config.env.iter().for_each(|(name, value)| {
            wasi.env(name, value);
        });
        Ok(Self { config, pool, linked, handle, metrics, client, wasi })
    }

    /// The data of an instance for one request.
    pub(crate) fn guest(&self, id: RequestId) -> Guest {
        let ctx: WasiCtx = self.wasi.build();
        let mut wasi = WasiState::new(ctx);
        let lines = |stream| Output::new(Lines::new(id, self.config.name.clone(), stream));
        wasi.set_stdout(lines("stdout"));
        wasi.set_stderr(lines("stderr"));
        let outgoing = match &self.client {
            Some(client) => Outgoing::at_most(client.clone(), self.config.limits.max_outgoing),
            None => Outgoing::denied(),
        };
        Guest { wasi, http: HttpState::new(outgoing, self.config.limits.max_response_body.0) }
    }

    /// The limits of a request that begins now.
    pub(crate) fn limits(&self, now: Instant) -> ResourceLimits {
        let limits = &self.config.limits;
        ResourceLimits {
            memory: limits.max_memory.0,
            fuel: limits.fuel,
            deadline: Some(now + limits.timeout.0),
            cpu_time: limits.cpu_time.map(|time| time.0),
            ..ResourceLimits::default()
        }
    }

    /// Whether it answers for this host and path. Returns how specific that is.
    fn answers(&self, host: &str, path: &str) -> Option<(bool, usize)> {
        let is_named = self.config.hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
        let prefix = self.config.path.trim_end_matches('/');
        let rest = path.strip_prefix(prefix)?;
        let is_whole = rest.is_empty() || rest.starts_with(['/', '?']);
        (is_whole && (is_named || self.config.hosts.is_empty())).then_some((is_named, prefix.len()))
    }
}

/// The definitions that all applications get.
fn linker() -> Result<Linker<Guest>, ServeError> {
    let mut linker = Linker::new();
    linker.set_limits(HandleLimits { handles: HANDLES, ..HandleLimits::default() });
    p2::add_to_linker(&mut linker, ACCESS.wasi)?;
    wasmaot_wasi_http::add_to_linker(&mut linker, ACCESS)?;
    Ok(linker)
}

/// All applications of a server, as one configuration has them.
pub(crate) struct Site {
    pub(crate) apps: Vec<Arc<App>>,
}

impl Site {
    /// The application that answers for a host, without its port, and path: the one that names the host
    /// before those that do not, then the one with the longest path.
    pub(crate) fn find(&self, host: &str, path: &str) -> Option<&Arc<App>> {
        if let [app] = &self.apps[..] {
            return app.answers(host, path).map(|_| app);
        }
        let found = self.apps.iter().filter_map(|app| Some((app.answers(host, path)?, app)));
        found.max_by_key(|(how, _)| *how).map(|(_, app)| app)
    }
}
