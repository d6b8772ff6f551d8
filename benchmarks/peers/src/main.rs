//! Measures wasmaot and the `wasmtime` crate side by side in one process.
//!
//! ```sh
//! RUSTFLAGS= cargo run --release --manifest-path benchmarks/peers/Cargo.toml -- instances
//! ```
//!
//! The sides take turns in rounds of one run, and a ratio is stated with its spread over the rounds: on a
//! shared machine a ratio is stable where a time is not.

mod calls;
mod components;
mod density;
mod instances;
mod places;
mod quiet;
mod requests;
mod theirs;
mod wasi;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    about = "Measures wasmaot and Wasmtime side by side in one process",
    version = "with Wasmtime 48.0.8"
)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measures starting, calling and finishing an instance of a pool.
    Instances(instances::Opts),
    /// Starting an instance of a component, calling it, finishing it.
    Components(components::Opts),
    /// Measures calls from guest to host and from host to guest.
    Calls(calls::Opts),
    /// Measures resident memory per instance.
    Density(wasmaot_bench::density::Opts),
    /// Measures reading the clock and writing a byte to `/dev/null` through WASI.
    Wasi(wasi::Opts),
    /// Serves two requests with the Wasmtime host of docs/from-wasmtime.md.
    Requests,
    /// Used by `density`: creates the instances of one side and prints the memory of the process.
    #[command(hide = true)]
    Resident(wasmaot_bench::density::ResidentOpts),
}

fn main() -> ExitCode {
    let result = match Cli::parse().what {
        What::Instances(opts) => instances::run(&opts),
        What::Components(opts) => components::run(&opts),
        What::Calls(opts) => calls::run(&opts),
        What::Density(opts) => density::run(&opts),
        What::Wasi(opts) => wasi::run(&opts),
        What::Requests => requests::run().map_err(std::io::Error::other),
        What::Resident(opts) => density::resident(&opts),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
