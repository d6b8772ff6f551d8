//! Figures of all requests, in Prometheus's text format.
//!
//! **Invariant: counters of an application go on when it is loaded again.**

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::atomic::AtomicU64;
use wasmaot_runtime::PoolStats;

type Labels = Vec<(&'static str, String)>;

type Seconds = Counter<f64, AtomicU64>;

/// Upper bounds of durations, in seconds.
const BUCKETS: [f64; 13] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Figures of all applications.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    cpu: Family<Labels, Seconds>,
    instructions: Family<Labels, Counter>,
    received: Family<Labels, Counter>,
    sent: Family<Labels, Counter>,
    outgoing: Family<Labels, Counter>,
    traps: Family<Labels, Counter>,
    slots: Family<Labels, Gauge>,
    in_use: Family<Labels, Gauge>,
    reloads: Family<Labels, Counter>,
    pub(crate) connections: Gauge,
    pub(crate) unrouted: Counter,
}

/// Figures of one application.
#[derive(Clone)]
pub(crate) struct AppMetrics {
    /// By the first digit of the status.
    classes: [Counter; 6],
    durations: Histogram,
    cpu: Seconds,
    instructions: Counter,
    received: Counter,
    sent: Counter,
    outgoing: Counter,
    traps: Counter,
}

/// What a request adds to them.
pub(crate) struct Sample {
    pub(crate) status: u16,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) instructions: u64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) outgoing: u64,
    pub(crate) has_trapped: bool,
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn of_app(name: &str) -> Labels {
    vec![("application", name.to_string())]
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let this = Self {
            registry: Registry::with_prefix("wasmaot"),
            requests: Family::default(),
            durations: Family::new_with_constructor(histogram as fn() -> Histogram),
            cpu: Family::default(),
            instructions: Family::default(),
            received: Family::default(),
            sent: Family::default(),
            outgoing: Family::default(),
            traps: Family::default(),
            slots: Family::default(),
            in_use: Family::default(),
            reloads: Family::default(),
            connections: Gauge::default(),
            unrouted: Counter::default(),
        };
        this.register()
    }

    fn register(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("requests", "Requests, by the first digit of their status", self.requests.clone());
        let help = "Time from a request's headers to the end of its response";
        registry.register_with_unit("request_duration", help, Unit::Seconds, self.durations.clone());
        let help = "CPU time in guests and their host functions";
        registry.register_with_unit("request_cpu", help, Unit::Seconds, self.cpu.clone());
        registry.register("instructions", "Instructions of metered guests", self.instructions.clone());
        let help = "Bytes of the bodies of requests that guests read";
        registry.register_with_unit("received", help, Unit::Bytes, self.received.clone());
        registry.register_with_unit(
            "sent",
            "Bytes of the bodies of responses",
            Unit::Bytes,
            self.sent.clone(),
        );
        registry.register("outgoing_requests", "Requests that guests made", self.outgoing.clone());
        registry.register("traps", "Requests whose guest trapped or failed", self.traps.clone());
        registry.register("slots", "Requests that may run at a time", self.slots.clone());
        registry.register("slots_in_use", "Requests that run", self.in_use.clone());
        registry.register("reloads", "Reloads of the configuration, by result", self.reloads.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("unrouted_requests", "Requests for no application", self.unrouted.clone());
        self
    }

    /// Those of an application.
    pub(crate) fn app(&self, name: &str) -> AppMetrics {
        let labels = of_app(name);
        let class = |digit: usize| {
            let mut labels = labels.clone();
            labels.push(("class", format!("{digit}xx")));
            self.requests.get_or_create(&labels).clone()
        };
        AppMetrics {
            classes: std::array::from_fn(class),
            durations: self.durations.get_or_create(&labels).clone(),
            cpu: self.cpu.get_or_create(&labels).clone(),
            instructions: self.instructions.get_or_create(&labels).clone(),
            received: self.received.get_or_create(&labels).clone(),
            sent: self.sent.get_or_create(&labels).clone(),
            outgoing: self.outgoing.get_or_create(&labels).clone(),
            traps: self.traps.get_or_create(&labels).clone(),
        }
    }

    /// Counts a reload.
    pub(crate) fn reloaded(&self, is_done: bool) {
        let result = if is_done { "done" } else { "failed" };
        self.reloads.get_or_create(&vec![("result", result.to_string())]).inc();
    }

    /// All of them as text, with those of the applications' pools.
    ///
    /// # Errors
    /// Never, as text takes everything.
    pub(crate) fn text<'a>(
        &self,
        pools: impl Iterator<Item = (&'a str, PoolStats)>,
    ) -> Result<String, fmt::Error> {
        for (name, stats) in pools {
            let labels = of_app(name);
            self.slots.get_or_create(&labels).set(gauge(stats.slots));
            self.in_use.get_or_create(&labels).set(gauge(stats.in_use));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl AppMetrics {
    pub(crate) fn add(&self, sample: &Sample) {
        self.classes[usize::from(sample.status / 100).min(5)].inc();
        self.durations.observe(sample.seconds);
        self.cpu.inc_by(sample.cpu_seconds);
        self.instructions.inc_by(sample.instructions);
        self.received.inc_by(sample.received);
        self.sent.inc_by(sample.sent);
        self.outgoing.inc_by(sample.outgoing);
        self.traps.inc_by(sample.has_trapped.into());
    }
}
