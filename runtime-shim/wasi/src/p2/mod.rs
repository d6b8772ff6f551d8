//! WASI 0.2 as host functions for components.
//!
//! [`add_to_linker`] defines all of it; the modules here define a group of interfaces each. An instance has
//! what its [`WasiState`] has: a context, as preview 1 knows it, and a table of resources, in which an
//! embedder keeps those of its own, too. Nothing of the network is granted unless the state says so.
//!
//! ```text
//!  guest ──▶ io, cli, clocks, random    ──▶ stream ──▶ regular, pipe ──▶ sys, entry     of preview 1
//!        ──▶ filesystem                 ──▶ path, access rules                          of preview 1
//!        ──▶ sockets
//!                └── ready: pollables; waits with a thread, or by suspending the guest (wait)
//! ```
//!
//! What would wait suspends its guest in an asynchronous call, and waits with its thread in any other,
//! looking at the deadline: [`wait`].
//!
//! **Invariants.** A host descriptor that a guest has opened is counted against
//! [`max_descriptors`](crate::WasiCtxBuilder::max_descriptors) for as long as anything keeps it. Paths reach
//! the kernel as those of preview 1 do. Any version 0.2 of an interface is the same one.

pub mod cli;
pub mod clocks;
pub mod filesystem;
mod grants;
mod host;
pub mod io;
mod open;
mod pipe;
pub mod random;
mod ready;
mod regular;
pub mod sockets;
mod state;
mod stdio;
mod stream;

pub use grants::{NetworkGrants, SocketUse};
pub use host::{HostInput, HostOutput, IoError, Readiness, StreamError};
pub use ready::{Attempt, Pollable, any_ready, wait};
pub use sockets::resolve;
pub use state::{Access, WasiState};
pub use stream::{Input, Output};

use wasmaot_component::Linker;
use wasmaot_runtime::LinkError;

/// Defines all interfaces of WASI 0.2 that the world `wasi:cli/command` imports.
///
/// # Errors
/// [`LinkError`] when the linker has one of the names already.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    add_proxy_to_linker(linker, access)?;
    filesystem::add_to_linker(linker, access)?;
    sockets::add_to_linker(linker, access)
}

/// Defines the interfaces that need neither files nor sockets: what the world `wasi:http/proxy` imports,
/// apart from `wasi:http`, and with them the environment and the exit of `wasi:cli`.
///
/// # Errors
/// [`LinkError`] when the linker has one of the names already.
pub fn add_proxy_to_linker<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    io::add_to_linker(linker, access)?;
    clocks::add_to_linker(linker, access)?;
    random::add_to_linker(linker)?;
    cli::add_to_linker(linker, access)
}
