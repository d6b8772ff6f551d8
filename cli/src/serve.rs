//! `wasmaot serve`: serves components over HTTP.
//!
//! **Invariant: what an option says and what a file says mean the same**: options are turned into the
//! configuration that a file would be read as.

use crate::codegen::CodegenOpts;
use crate::error::CliError;
use crate::grants::variable;
use crate::opening::Opening;
use crate::{output, text};
use clap::ValueEnum;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wasmaot_program::grants::Variable;
use wasmaot_program::report;
use wasmaot_serve::{Application, Config, Host, Limits, LogFormat, ServeError, Server, Size, Time, Tls};

/// Serve a component over HTTP, each request in an instance of its own
#[derive(Debug, clap::Args)]
#[command(override_usage = "wasmaot serve [OPTIONS] <FILE|--config FILE>", after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Artifact or component that exports wasi:http/incoming-handler
    #[arg(value_name = "FILE", required_unless_present = "config")]
    file: Option<PathBuf>,

    /// Serve what this file says, in TOML: several applications, by host or path
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "Server", "Application"])]
    config: Option<PathBuf>,

    #[command(flatten)]
    server: ServerOpts,

    #[command(flatten)]
    application: ApplicationOpts,

    /// Check that everything could be served, and end
    #[arg(long)]
    check: bool,

    /// Load applications again when their files change
    #[arg(long)]
    dev: bool,

    /// Format of the log on standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    log: Log,

    /// What the log has at least: error, warn, info, debug (every request), trace
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "info")]
    log_level: Level,

    /// Run an artifact without proving that its native code obeys the sandbox: it can then do whatever you
    /// can
    #[arg(long)]
    allow_native: bool,

    /// Public key, in PEM, that has to have signed the artifact (see `wasmaot sign`); of several, one
    #[arg(long = "public-key", value_name = "KEY")]
    public_keys: Vec<PathBuf>,

    #[command(flatten)]
    codegen: CodegenOpts,
}

/// What concerns the whole process.
#[derive(Debug, clap::Args)]
#[group(id = "Server", multiple = true)]
struct ServerOpts {
    /// Address to listen at; may be repeated [default: 127.0.0.1:8080]
    #[arg(long = "addr", value_name = "ADDR")]
    addresses: Vec<SocketAddr>,

    /// Address for /metrics, /healthz and /readyz
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,

    /// Threads that serve [default: one per core]
    #[arg(long, value_name = "N", value_parser = text::number::<u16>)]
    threads: Option<u16>,

    /// Certificates for TLS, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// Private key for TLS, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// How long requests may take to end when the server is told to [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = text::duration)]
    drain: Option<Duration>,

    /// File to append a usage record of each request to, in JSON; `-` for standard output
    #[arg(long, value_name = "FILE")]
    usage: Option<PathBuf>,

    /// Maximum number of connections [default: 10000]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    max_connections: Option<u32>,
}

/// What concerns the application.
#[derive(Debug, clap::Args)]
#[group(id = "Application", multiple = true)]
struct ApplicationOpts {
    /// Requests at a time; further ones are answered with 503 [default: 128]
    #[arg(long, value_name = "N", value_parser = text::number::<u32>)]
    concurrency: Option<u32>,

    /// How long a request may take; then it is answered with 504 [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = text::duration)]
    timeout: Option<Duration>,

    /// CPU time of a request
    #[arg(long, value_name = "TIME", value_parser = text::duration)]
    cpu_time: Option<Duration>,

    /// Fuel of a request (instructions and bulk work); a component is compiled as with --meter
    #[arg(long, value_name = "N", value_parser = text::number::<u64>)]
    fuel: Option<u64>,

    /// Maximum size of each linear memory [default: 256M]
    #[arg(long, value_name = "SIZE", value_parser = text::size)]
    max_memory: Option<u64>,

    /// Maximum size of a request's body [default: 16M]
    #[arg(long, value_name = "SIZE", value_parser = text::size)]
    max_request_body: Option<u64>,

    /// Maximum size of a response's body [default: 1G]
    #[arg(long, value_name = "SIZE", value_parser = text::size)]
    max_response_body: Option<u64>,

    /// Host that the application may send requests to: NAME, *.DOMAIN or *, and :PORT if need be; may be
    /// repeated
    #[arg(long = "allow-http", value_name = "HOST")]
    allow_http: Vec<wasmaot_serve::Authority>,

    /// Maximum number of requests that a request sends [default: 16]
    #[arg(long, value_name = "N", value_parser = text::number::<u64>)]
    max_outgoing: Option<u64>,

    /// Environment variable to set; the application has no others
    #[arg(long = "env", value_name = "K=V", value_parser = OsStringValueParser::new().try_map(variable))]
    environment: Vec<Variable>,
}

/// Values of `--log`.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Log {
    /// Lines for people
    Text,
    /// An object of JSON a line
    Json,
}

/// Values of `--log-level`.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Level {
    /// Errors only
    Error,
    /// And what may become one
    Warn,
    /// And what the server does, and what applications print
    Info,
    /// And each request
    Debug,
    /// And everything else
    Trace,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot serve app.so                                at 127.0.0.1:8080, until SIGTERM or Ctrl-C
  wasmaot serve app.so --addr 0.0.0.0:80 --addr '[::]:80' --metrics 127.0.0.1:9090
  wasmaot serve app.so --timeout 2s --max-memory 64M --concurrency 500
  wasmaot serve app.so --usage usage.jsonl            a line for each request: status, CPU time, bytes, ...
  wasmaot serve app.so --allow-http api.example.com   the application may send requests there
  wasmaot serve app.so --tls-cert cert.pem --tls-key key.pem --addr 0.0.0.0:443
  wasmaot serve --dev app.wasm                        compile and load it again when it changes
  wasmaot serve --config serve.toml --check           could all of this be served?

Each request has an instance of its own, so no request sees what another one left behind. SIGTERM ends the server when its requests have
ended, SIGHUP loads configuration, certificates and artifacts again. The guide describes the file of --config, the usage records, the
metrics and every answer that the server gives by itself.";

impl Opts {
    /// Serves until the process is told to end, and returns the exit status.
    pub(crate) fn run(self) -> Result<i32, CliError> {
        let level = match self.log_level {
            Level::Error => wasmaot_serve::LogLevel::ERROR,
            Level::Warn => wasmaot_serve::LogLevel::WARN,
            Level::Info => wasmaot_serve::LogLevel::INFO,
            Level::Debug => wasmaot_serve::LogLevel::DEBUG,
            Level::Trace => wasmaot_serve::LogLevel::TRACE,
        };
        let format = if self.log == Log::Json { LogFormat::Json } else { LogFormat::Text };
        let is_check = self.check;
        let host = self.host();
        if is_check {
            let names = wasmaot_serve::check(&host).map_err(failed)?;
            let lines: String = names.iter().map(|name| format!("{name}: ok\n")).collect();
            output::print(lines.as_bytes())?;
            return Ok(0);
        }
        wasmaot_serve::start_log(format, level);
        wasmaot_serve::serve(host).map_err(failed)?;
        Ok(0)
    }

    fn host(self) -> Host {
        let watch = self.dev;
        let opts = Arc::new(self);
        let (read, open) = (opts.clone(), opts);
        Host {
            config: Box::new(move || read.configuration()),
            open: Box::new(move |app| {
                let opening = Opening {
                    file: &app.file,
                    public_keys: &open.public_keys,
                    allow_native: open.allow_native,
                    codegen: &open.codegen,
                    meter: app.limits.fuel.is_some(),
                };
                Ok(opening.module()?)
            }),
            ready: Box::new(|addresses, metrics| {
                for address in addresses {
                    report::note(&format!("serving at {address}"));
                }
                if let Some(address) = metrics {
                    report::note(&format!("metrics at {address}"));
                }
            }),
            watch,
        }
    }

    fn configuration(&self) -> Result<Config, ServeError> {
        match (&self.config, &self.file) {
            (Some(config), _) => Config::read(config),
            (None, Some(file)) => Ok(Config {
                server: self.server.server(),
                applications: vec![self.application.application(file.clone())],
            }),
            (None, None) => Err(ServeError::NoApplication),
        }
    }
}

fn failed(error: ServeError) -> CliError {
    CliError::Serve(Box::new(error))
}

impl ServerOpts {
    fn server(&self) -> Server {
        let default = Server::default();
        let tls = self.tls_cert.clone().zip(self.tls_key.clone());
        Server {
            listen: match &self.addresses[..] {
                [] => vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
                addresses => addresses.to_vec(),
            },
            metrics: self.metrics,
            threads: self.threads.map_or(default.threads, usize::from),
            tls: tls.map(|(certificate, key)| Tls { certificate, key }),
            drain: self.drain.map_or(default.drain, Time),
            max_connections: self.max_connections.map_or(default.max_connections, |most| most as usize),
            usage: self.usage.clone(),
            ..default
        }
    }
}

impl ApplicationOpts {
    fn application(&self, file: PathBuf) -> Application {
        let default = Limits::default();
        let limits = Limits {
            concurrency: self.concurrency.unwrap_or(default.concurrency),
            timeout: self.timeout.map_or(default.timeout, Time),
            cpu_time: self.cpu_time.map(Time),
            fuel: self.fuel,
            max_memory: self.max_memory.map_or(default.max_memory, Size),
            max_request_body: self.max_request_body.map_or(default.max_request_body, Size),
            max_response_body: self.max_response_body.map_or(default.max_response_body, Size),
            max_outgoing: self.max_outgoing.unwrap_or(default.max_outgoing),
        };
        let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        let env = self.environment.iter().map(|Variable { key, value }| (text(key), text(value))).collect();
        Application { limits, allow_http: self.allow_http.clone(), env, ..Application::new(file) }
    }
}
