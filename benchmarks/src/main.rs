//! Measures wasmaot side by side with its peers: `cargo run --release -p wasmaot-bench -- --help`.
//!
//! Everything that is compared runs in turns within one run, and what is stated is the median of the ratios
//! of runs that followed each other: on a shared machine a ratio is stable where a time is not.

mod adapters;
mod cat;
mod child;
mod deadline;
mod exceptions;
mod instances;
mod limits;
mod programs;
mod report;
mod slices;
mod suite;
mod worst;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use wasmaot_bench::{density, ours};

#[derive(Parser)]
#[command(about = "Measures wasmaot side by side with its peers")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Every program on every runtime that is there; writes results, tables and pictures.
    Suite(suite::Opts),
    /// Tables and pictures of a file of results.
    Report(report::Opts),
    /// What changed between two files of results; exits with 1 if wasmaot became slower than it may.
    Compare(report::CompareOpts),
    /// Two versions of wasmaot in turns; exits with 1 if the new one is slower than it may be.
    Versions(suite::VersionsOpts),
    /// In one process: starting an instance in a pool, calling it, finishing it.
    Instances(instances::Opts),
    /// Resident memory per instance, with many instances in one process.
    Density(density::Opts),
    /// In one process: the worst modules that the default limits let pass, linked, started and finished.
    Worst(limits::Opts),
    /// Used by `density`: makes the instances of a row and says what the process takes.
    #[command(hide = true)]
    Resident(density::ResidentOpts),
    /// In one process: a program with a deadline that is far away, against the same without one.
    Deadline(deadline::Opts),
    /// In one process: a call inside a `try_table`, nothing thrown, against the same outside of one.
    Exceptions(exceptions::Opts),
    /// On one thread: short requests beside a guest without end that yields.
    Slices(slices::Opts),
    /// CPU time of `cat` through WASI, against the system's.
    Cat(cat::Opts),
}

fn main() -> ExitCode {
    let result = match Cli::parse().what {
        What::Suite(opts) => suite::run(&opts),
        What::Report(opts) => report::run(&opts),
        What::Compare(opts) => match report::compare(&opts) {
            Ok(true) => return ExitCode::FAILURE,
            result => result.map(drop),
        },
        What::Versions(opts) => match suite::versions(&opts) {
            Ok(true) => return ExitCode::FAILURE,
            result => result.map(drop),
        },
        What::Instances(opts) => instances::run(&opts),
        What::Density(opts) => density::run(&opts, &["wasmaot"]),
        What::Resident(opts) => density::resident(&opts, ours::maker),
        What::Worst(opts) => limits::run(&opts),
        What::Deadline(opts) => deadline::run(&opts),
        What::Exceptions(opts) => exceptions::run(&opts),
        What::Slices(opts) => slices::run(&opts),
        What::Cat(opts) => cat::run(&opts),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            // Apart from what `compare` found.
            ExitCode::from(2)
        }
    }
}
