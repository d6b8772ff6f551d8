//! Measures wasmaot side by side with its peers: `cargo run --release -p wasmaot-bench -- --help`.
//!
//! Everything that is compared runs in turns within one run, and what is stated is the median of the ratios
//! of runs that followed each other: on a shared machine a ratio is stable where a time is not.

mod cat;
mod child;
mod compile;
mod instances;
mod pairs;
mod speed;
mod start;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Measures wasmaot side by side with its peers")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// User time of the benchmark programs, both sides compiled for this CPU.
    Speed(speed::Opts),
    /// Time and peak memory of compiling a module.
    Compile(compile::Opts),
    /// Whole process of a program that does nothing, against a native one.
    Start(start::Opts),
    /// In one process: starting an instance in a pool, calling it, finishing it.
    Instances(instances::Opts),
    /// CPU time of `cat` through WASI, against the system's.
    Cat(cat::Opts),
}

/// The tools that are measured.
#[derive(Args, Clone)]
struct Tools {
    /// The `wasmaot` command.
    #[arg(long, default_value = "target/x86_64-unknown-linux-gnu/release/wasmaot")]
    wasmaot: PathBuf,
    /// The `wasmtime` command, version 48.
    #[arg(long, default_value = "wasmtime")]
    wasmtime: PathBuf,
    /// How often each side runs.
    #[arg(long, default_value_t = 15)]
    pairs: usize,
    /// Where compiled files are kept while measuring.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

fn main() -> ExitCode {
    let result = match Cli::parse().what {
        What::Speed(opts) => speed::run(&opts),
        What::Compile(opts) => compile::run(&opts),
        What::Start(opts) => start::run(&opts),
        What::Instances(opts) => instances::run(&opts),
        What::Cat(opts) => cat::run(&opts),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
