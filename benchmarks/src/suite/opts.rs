//! What `suite` is asked for.

use crate::adapters;
use crate::report::BASELINE;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct Opts {
    /// A few minutes: three of the programs that compute, for a third of a second each.
    #[arg(long, conflicts_with = "full")]
    pub(super) quick: bool,
    /// The published sizes. Takes hours. [default: a tenth of the work]
    #[arg(long)]
    pub(super) full: bool,
    /// Where a runtime is that is not on PATH; repeat as needed. The names are those of the rows.
    #[arg(long, value_name = "NAME=PATH", value_parser = named_path)]
    pub(super) peer: Vec<(String, PathBuf)>,
    /// Only these runtimes, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// Only these programs, with commas between them, or `all`. [default: all, or with --quick nop, cat-sync,
    /// burst, nbody, binary-trees and json]
    #[arg(long, value_name = "PROGRAMS", value_delimiter = ',')]
    pub(super) programs: Vec<String>,
    /// Runs of each that count. [default: by the program and the size]
    #[arg(long)]
    pub(super) rounds: Option<usize>,
    /// Runs of programs that only start, if others than of those that compute.
    #[arg(long)]
    pub(super) starts: Option<usize>,
    /// Processes that `burst` starts at once.
    #[arg(long, default_value_t = 100)]
    pub(super) burst: usize,
    /// Draws the orders of the rounds. [default: by the clock]
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Seconds after which a run has failed.
    #[arg(long, default_value_t = 600.0)]
    pub(super) timeout: f64,
    /// Leave out the instances in one process.
    #[arg(long)]
    pub(super) no_instances: bool,
    /// The command `wasmaot-peers`, which has the same instances in Wasmtime. [default: where its workspace
    /// builds it, or on PATH]
    #[arg(long, value_name = "PATH")]
    pub(super) embedded: Option<PathBuf>,
    /// The runtime that the tables compare with.
    #[arg(long, value_name = "NAME", default_value = BASELINE)]
    pub(super) baseline: String,
    /// The file for the results; tables and pictures are written beside it.
    #[arg(long, short, default_value = "target/bench/results.json")]
    pub(super) output: PathBuf,
    /// Where the programs are.
    #[arg(long, value_name = "FOLDER", default_value = "benchmarks/programs")]
    pub(super) folder: PathBuf,
    /// Where the kernels are.
    #[arg(long, value_name = "FOLDER", default_value = "benchmarks/kernels")]
    pub(super) kernels: PathBuf,
    /// Where compiled files are kept while measuring.
    #[arg(long, default_value = "target/bench/suite")]
    pub(super) scratch: PathBuf,
}

fn named_path(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("expected NAME=PATH")?;
    let known = adapters::all().iter().any(|adapter| adapter.name == name || adapter.family() == name);
    if known { Ok((name.into(), path.into())) } else { Err(format!("there is no runtime {name}")) }
}
