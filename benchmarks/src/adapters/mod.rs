//! Runtimes as rows: how each is found, and by which commands it compiles a program and runs it. One file per
//! project, each of which fills in what `adapter.rs` defines.
//!
//! **Invariant: an adapter only says what to run.** Running it, looking at the clock and comparing the output
//! is the same for all.

mod adapter;
mod docker;
mod lucet;
mod native;
mod node;
mod oci;
mod wamr;
mod wasm2c;
mod wasmaot;
mod wasmedge;
mod wasmtime;
mod wavm;

pub(crate) use adapter::{Adapter, Commands, Job, NotReady, Tools, Work, executable, on_path, present, text};

/// All of them, in the order of the rows.
pub(crate) fn all() -> Vec<Adapter> {
    let mut all = Vec::from(native::ADAPTERS);
    all.extend(wasmaot::ADAPTERS);
    all.extend(docker::ADAPTERS);
    all.extend(oci::ADAPTERS);
    all.extend(wasmtime::ADAPTERS);
    all.push(wasmedge::ADAPTER);
    all.extend(wamr::ADAPTERS);
    all.extend([wavm::ADAPTER, wasm2c::ADAPTER, node::ADAPTER, lucet::ADAPTER]);
    all
}
