//! Two versions of wasmaot against each other, in turns, as a nightly check does; and one against itself, as
//! a check of the method.
//!
//! **Invariant: both are treated alike**: in each round the order of the two is drawn, and what is stated is
//! the median of the ratios of the rounds with its interval. Where both are the same, the interval is to hold
//! 1.

use super::machine;
use super::peer::SuitePeer;
use super::place::{install_command, last_cpu};
use super::row::Row;
use crate::adapters::{self, Adapter, executable};
use crate::child::Terms;
use crate::programs::{Program, Size};
use clap::Args;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmaot_bench::results::{Figure, Found, Measurement, Outcome, Peer, Run};
use wasmaot_bench::stats::{Median, Shuffle};

#[derive(Args)]
pub(crate) struct VersionsOpts {
    /// The command that the other is compared with.
    old: PathBuf,
    /// The command that is judged.
    new: PathBuf,
    /// Measure only these programs, separated by commas.
    #[arg(
        long,
        value_name = "PROGRAMS",
        value_delimiter = ',',
        default_value = "nop,cat-sync,nbody,json,hashmap,interpreter"
    )]
    programs: Vec<String>,
    /// Number of rounds per program.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Number of repetitions of the whole comparison, including compilation.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// Compare user and kernel CPU time instead of wall time, for a machine with other load.
    #[arg(long)]
    cpu_time: bool,
    /// Allowed slowdown of the new version beyond noise, in percent.
    #[arg(long, default_value_t = 5.0)]
    threshold: f64,
    /// Seed of the random order of the rounds. [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Seconds after which a run counts as failed.
    #[arg(long, default_value_t = 600.0)]
    timeout: f64,
    /// Directory of the programs.
    #[arg(long, value_name = "FOLDER", default_value = "benchmarks/programs")]
    folder: PathBuf,
    /// Directory of the kernels.
    #[arg(long, value_name = "FOLDER", default_value = "benchmarks/kernels")]
    kernels: PathBuf,
    /// Directory for compiled files during the measurement.
    #[arg(long, default_value = "target/bench/versions")]
    scratch: PathBuf,
}

/// Says whether the new version is slower than it may be.
pub(crate) fn run(opts: &VersionsOpts) -> io::Result<bool> {
    std::fs::create_dir_all(&opts.scratch)?;
    let scratch = opts.scratch.canonicalize()?;
    let peers = [("old", &opts.old), ("new", &opts.new)].map(|(name, path)| version(name, path, &scratch));
    let [old, new] = peers;
    let peers = [old?, new?];
    let mut programs = Program::all(&opts.folder, &opts.kernels, Size::Quick)?;
    programs.retain(|program| opts.programs.contains(&program.name));
    let mut shuffle = Shuffle::new(opts.seed.unwrap_or_else(machine::seed));
    let mut ratios: Vec<Median> = Vec::new();
    for _ in 0..opts.repeat {
        for program in &programs {
            let ratio = measure(&peers, program, opts, &scratch, &mut shuffle)?;
            let (low, high) = ratio.interval;
            println!("{}: {:.3} ({low:.3}–{high:.3})", program.name, ratio.value);
            ratios.push(ratio);
        }
    }
    let held = ratios.iter().filter(|ratio| holds_one(ratio)).count();
    let furthest = ratios.iter().map(|ratio| (ratio.value - 1.0).abs() * 100.0).fold(0.0, f64::max);
    println!("{held} of {} intervals hold 1; the furthest ratio is {furthest:.1} % away", ratios.len());
    Ok(ratios.iter().any(|ratio| ratio.interval.0 > 1.0 && ratio.value > 1.0 + opts.threshold / 100.0))
}

fn holds_one(ratio: &Median) -> bool {
    ratio.interval.0 <= 1.0 && ratio.interval.1 >= 1.0
}

/// A copy of a command as a runtime by this name: both are written alike, by the same program.
fn version(name: &'static str, path: &Path, scratch: &Path) -> io::Result<SuitePeer> {
    let error = || io::Error::other(format!("{} is no command", path.display()));
    let copy = scratch.join(name);
    install_command(&executable(path).ok_or_else(error)?, &copy)?;
    let adapter = adapters::all().into_iter().find(|adapter| adapter.name == "wasmaot");
    let adapter = Adapter { name, ..adapter.expect("the suite has a row for wasmaot") };
    let found = Found::Present { version: name.into(), bytes: copy.metadata()?.len() };
    let info = Peer { name: name.into(), upstream: path.display().to_string(), level: adapter.level, found };
    Ok(SuitePeer { adapter, tools: vec![copy], info })
}

/// The ratio of the new version's times to the old one's.
fn measure(
    peers: &[SuitePeer; 2],
    program: &Program,
    opts: &VersionsOpts,
    scratch: &Path,
    shuffle: &mut Shuffle,
) -> io::Result<Median> {
    let terms = Terms { timeout: Duration::from_secs_f64(opts.timeout), cpu: last_cpu(), burst: 100 };
    let mut rows = Vec::new();
    for peer in peers {
        let folder = scratch.join(format!("of-{}", peer.adapter.name)).join(&program.name);
        rows.push(Row::prepare(peer, program, &folder, &terms, &[])?);
    }
    for _ in 0..opts.rounds {
        shuffle.order(2).into_iter().for_each(|row| rows[row].run());
    }
    let times: Vec<Vec<f64>> = rows
        .into_iter()
        .map(|row| times(row.finish(), program.figure, opts.cpu_time))
        .collect::<Result<_, _>>()?;
    Ok(Median::of_ratios(&times[1], &times[0]))
}

/// The times of a row, or why there are none.
fn times(rows: Vec<Measurement>, figure: Figure, of_cpu: bool) -> io::Result<Vec<f64>> {
    let row = rows.into_iter().find(|row| row.figure == figure);
    let row = row.ok_or_else(|| io::Error::other("there is no such figure"))?;
    let time = |run: &Run| match &run.used {
        Some(used) if of_cpu => (used.user + used.system) as f64,
        _ => run.wall as f64,
    };
    match row.outcome {
        Outcome::Measured { runs, .. } if !runs.is_empty() => Ok(runs.iter().map(time).collect()),
        Outcome::Failed(message) | Outcome::Inapplicable(message) => Err(io::Error::other(message)),
        _ => Err(io::Error::other(format!("{} was not run", row.program))),
    }
}
