//! What `suite` is asked for.

use crate::adapters;
use crate::report::BASELINE;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct Opts {
    /// Quick run of a few minutes: three compute programs, a third of a second each.
    #[arg(long, conflicts_with = "full")]
    pub(super) quick: bool,
    /// Use the sizes of the study; takes hours. [default: a tenth of the work]
    #[arg(long)]
    pub(super) full: bool,
    /// Path of a runtime that is not on PATH; may be repeated. NAME is the runtime's name in the tables.
    #[arg(long, value_name = "NAME=PATH", value_parser = named_path)]
    pub(super) peer: Vec<(String, PathBuf)>,
    /// Measure only these runtimes, separated by commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// Measure only these programs, separated by commas, or `all`. [default: all, or with --quick nop,
    /// cat-sync, burst, nbody, binary-trees and json]
    #[arg(long, value_name = "PROGRAMS", value_delimiter = ',')]
    pub(super) programs: Vec<String>,
    /// Number of counted runs. [default: depends on the program and the size]
    #[arg(long)]
    pub(super) rounds: Option<usize>,
    /// Number of runs of start-up programs, if different from compute programs.
    #[arg(long)]
    pub(super) starts: Option<usize>,
    /// Number of processes that `burst` starts at once.
    #[arg(long, default_value_t = 100)]
    pub(super) burst: usize,
    /// Seed of the random order of the rounds. [default: from the clock]
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Seconds after which a run counts as failed.
    #[arg(long, default_value_t = 600.0)]
    pub(super) timeout: f64,
    /// Skip the measurements of instances in one process.
    #[arg(long)]
    pub(super) no_instances: bool,
    /// Path of `wasmaot-peers`, which measures the same instances in Wasmtime. [default: where its workspace
    /// builds it, or on PATH]
    #[arg(long, value_name = "PATH")]
    pub(super) embedded: Option<PathBuf>,
    /// Baseline runtime of the tables.
    #[arg(long, value_name = "NAME", default_value = BASELINE)]
    pub(super) baseline: String,
    /// Results file; tables and pictures are written next to it.
    #[arg(long, short, default_value = "target/bench/results.json")]
    pub(super) output: PathBuf,
    /// Directory of the programs.
    #[arg(long, value_name = "FOLDER", default_value = "benchmarks/programs")]
    pub(super) folder: PathBuf,
    /// Directory of the kernels.
    #[arg(long, value_name = "FOLDER", default_value = "benchmarks/kernels")]
    pub(super) kernels: PathBuf,
    /// Directory for compiled files during the measurement.
    #[arg(long, default_value = "target/bench/suite")]
    pub(super) scratch: PathBuf,
}

fn named_path(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("expected NAME=PATH")?;
    let known = adapters::all().iter().any(|adapter| adapter.name == name || adapter.family() == name);
    if known { Ok((name.into(), path.into())) } else { Err(format!("there is no runtime {name}")) }
}
