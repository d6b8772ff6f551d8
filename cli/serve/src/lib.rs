//! Serves HTTP components, each request in an instance of its own.
//!
//! ```text
//!  main thread: signals, reloads, metrics          control.rs, admin.rs, watch.rs
//!     │ phase, site
//!     ▼
//!  worker (one for each CPU): accept ──▶ connection    worker.rs
//!                                            ▼
//!                                 record ◀── request ──▶ guest, which takes turns
//!                                 record.rs, usage.rs    request.rs, turns.rs
//! ```
//!
//! | file | has |
//! |---|---|
//! | `config.rs`, `error.rs` | what a server is told, and why it does not start |
//! | `app.rs`, `shared.rs` | components with pools and limits; what all threads share |
//! | `listen.rs`, `tls.rs`, `patient.rs` | sockets, certificates, clients that stall |
//! | `trace.rs`, `logs.rs`, `metrics.rs` | numbers of requests, lines of guests, figures |
//!
//! **Invariants.** No request sees another one's instance. A client learns of a failure its kind and a
//! number, never more. Each request has one record. What is replaced, an application or the whole server,
//! ends the requests that it has begun.
#![deny(unsafe_code)]

mod admin;
mod app;
mod config;
mod control;
mod error;
mod listen;
mod logs;
mod metrics;
mod patient;
mod record;
mod request;
mod shared;
mod tls;
mod trace;
mod turns;
mod usage;
mod watch;
mod worker;

pub use config::{Application, Config, Limits, Server, Size, Time, Tls};
pub use control::{Host, Open, Ready, check, serve};
pub use error::{BoxError, ServeError};
pub use logs::{LogFormat, start_log};
pub use tracing::Level as LogLevel;
pub use wasmaot_wasi_http::Authority;
