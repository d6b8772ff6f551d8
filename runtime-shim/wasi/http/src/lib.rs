//! `wasi:http` for components: what a server passes to a guest, and the requests that a guest makes.
//!
//! ```text
//!  http::Request ──▶ Incoming::new ──▶ handles ──▶ wasi:http/incoming-handler.handle
//!  http::Response ◀── Incoming::response ◀───────── response-outparam.set
//! ```
//!
//! | file | has |
//! |---|---|
//! | `fields.rs` | headers and trailers |
//! | `receiving.rs`, `sending.rs` | bodies that a guest reads, and those that it writes |
//! | `bodies.rs` | the resources around them |
//! | `incoming.rs` | a request that is served, and its response |
//! | `outgoing.rs` | a request that a guest makes, and its response |
//! | `client.rs` | who may be asked, and asking |
//! | `background.rs` | a runtime for hosts that have none |
//! | `budget.rs` | what an instance may keep in the host |
//!
//! **Invariants.** A guest reaches only what [`Client`] allows. Bodies are never kept as a whole: a side that
//! does not read holds the other one back. A message that did not end is never passed on as a complete one.
#![forbid(unsafe_code)]

mod background;
mod bodies;
mod budget;
mod client;
mod error;
mod fields;
mod incoming;
mod outgoing;
mod receiving;
mod sending;
mod state;
mod values;

pub use background::Background;
pub use budget::BudgetExceeded;
pub use client::{Authority, Client, ClientError, Outgoing};
pub use error::{DnsErrorPayload, ErrorCode, FieldSizePayload, TlsAlertReceivedPayload};
pub use incoming::{Handles, Incoming, Response};
pub use receiving::Intake;
pub use sending::SendingBody;
pub use state::{Access, HttpState};

use wasmaot_component::Linker;
use wasmaot_runtime::LinkError;

/// The interface of types. A definition stands for every compatible version.
const TYPES: &str = "wasi:http/types@0.2.0";

/// The interface by which guests make requests.
const OUTGOING_HANDLER: &str = "wasi:http/outgoing-handler@0.2.0";

/// Defines `wasi:http/types` and `wasi:http/outgoing-handler`. Requests of guests need a runtime of tokio
/// around the call.
///
/// # Errors
/// A definition is taken.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    fields::define(linker, TYPES, access)?;
    bodies::define(linker, TYPES, access)?;
    incoming::define(linker, TYPES, access)?;
    outgoing::define(linker, TYPES, OUTGOING_HANDLER, access)
}
