//! Measures wasmaot side by side with its peers: `cargo run --release -p wasmaot-bench -- --help`.
//!
//! Everything that is compared runs in turns within one run, and what is stated is the median of the ratios
//! of runs that followed each other: on a shared machine a ratio is stable where a time is not.

mod adapters;
mod cat;
mod child;
mod deadline;
mod exceptions;
mod fuel;
mod instances;
mod late;
mod limits;
mod programs;
mod report;
mod slices;
mod suite;
mod verify;
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
    /// Measures every program on every available runtime; writes results, tables and pictures.
    Suite(suite::Opts),
    /// Writes tables and pictures for a results file.
    Report(report::Opts),
    /// Compares two results files; exits with 1 if wasmaot became slower than allowed.
    Compare(report::CompareOpts),
    /// Compares two versions of wasmaot in alternation; exits with 1 if the new one is slower than allowed.
    Versions(suite::VersionsOpts),
    /// In one process: measures starting, calling and finishing an instance of a pool.
    Instances(instances::Opts),
    /// Measures resident memory per instance, with many instances in one process.
    Density(density::Opts),
    /// In one process: links, starts and finishes the worst modules that the default limits accept.
    Worst(limits::Opts),
    /// Used by `density`: creates the instances of one row and prints the memory of the process.
    #[command(hide = true)]
    Resident(density::ResidentOpts),
    /// In one process: compares a program with a distant deadline with one without a deadline.
    Deadline(deadline::Opts),
    /// In one process: measures how long after its deadline a call returns that works or waits.
    Late(late::Opts),
    /// In one process: measures the time per unit of fuel, in plain code and in bulk operators.
    Fuel(fuel::Opts),
    /// In one process: compares a call inside a `try_table`, without a throw, with the same call outside.
    Exceptions(exceptions::Opts),
    /// On one thread: measures short requests next to an endless guest that yields.
    Slices(slices::Opts),
    /// Compares the CPU time of `cat` through WASI with that of the system's `cat`.
    Cat(cat::Opts),
    /// Code proven per second, and the share of that in the time that it took to compile.
    Verify(verify::Opts),
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
        What::Late(opts) => late::run(&opts),
        What::Fuel(opts) => fuel::run(&opts),
        What::Exceptions(opts) => exceptions::run(&opts),
        What::Slices(opts) => slices::run(&opts),
        What::Cat(opts) => cat::run(&opts),
        What::Verify(opts) => verify::run(&opts),
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
