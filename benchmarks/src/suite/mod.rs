//! The published comparison: every program on every runtime that is there, in turns.
//!
//! **Invariants.** All runtimes of a program take turns, and each round begins with another one, so that what disturbs one disturbs its
//! neighbours too. A runtime that is missing, fails, or gives a wrong answer has a row that says so, and the others go on.

mod in_process;
mod machine;
mod row;

use crate::adapters::{self, Adapter, Tools};
use crate::programs::{Program, Size};
use crate::report::BASELINE;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use row::Row;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmaot_bench::results::{Figure, Found, Measurement, Outcome, Peer, Results, SCHEMA};
use wasmaot_bench::stats::spread;

#[derive(Args)]
pub(crate) struct Opts {
    /// A minute or two for everything, with little work and few runs.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// The published sizes. Takes hours. [default: a tenth of the work]
    #[arg(long)]
    full: bool,
    /// Where a runtime is that is not on PATH; repeat as needed. The names are those of the rows.
    #[arg(long, value_name = "NAME=PATH", value_parser = named_path)]
    peer: Vec<(String, PathBuf)>,
    /// Only these runtimes, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these programs, with commas between them.
    #[arg(long, value_name = "PROGRAMS", value_delimiter = ',')]
    programs: Vec<String>,
    /// Runs of each that count. [default: by the program and the size]
    #[arg(long)]
    rounds: Option<usize>,
    /// Seconds after which a run has failed.
    #[arg(long, default_value_t = 600.0)]
    timeout: f64,
    /// Leave out the instances in one process.
    #[arg(long)]
    no_instances: bool,
    /// The command `wasmaot-peers`, which has the same instances in Wasmtime. [default: where its workspace builds it, or on PATH]
    #[arg(long, value_name = "PATH")]
    embedded: Option<PathBuf>,
    /// The runtime that the tables compare with.
    #[arg(long, value_name = "NAME", default_value = BASELINE)]
    baseline: String,
    /// The file for the results; tables and pictures are written beside it.
    #[arg(long, short, default_value = "target/bench/results.json")]
    output: PathBuf,
    /// Where the programs are.
    #[arg(long, value_name = "FOLDER", default_value = "benchmarks/programs")]
    folder: PathBuf,
    /// Where compiled files are kept while measuring.
    #[arg(long, default_value = "target/bench/suite")]
    scratch: PathBuf,
}

fn named_path(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("expected NAME=PATH")?;
    let known = adapters::all().iter().any(|adapter| adapter.name == name || adapter.family() == name);
    if known { Ok((name.into(), path.into())) } else { Err(format!("there is no runtime {name}")) }
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    let before = machine::Before::now()?;
    let suite = Suite::new(opts)?;
    let (date, size) = (machine::date(), suite.size.name().to_string());
    let mut measurements = Vec::new();
    for program in &suite.programs {
        measurements.extend(suite.measure(program)?);
    }
    suite.bar.finish_and_clear();
    let mut peers: Vec<Peer> = suite.peers.into_iter().map(|peer| peer.info).collect();
    let (mut instances, mut density) = (Vec::new(), Vec::new());
    if !opts.no_instances {
        let in_process = in_process::InProcess::find(opts);
        peers.push(in_process.peer());
        (instances, density) = (in_process.instances()?, in_process.density()?);
    }
    let machine = before.machine(suite.cpu)?;
    let results = Results {
        schema: SCHEMA,
        date,
        command: command_line(),
        size,
        noise: machine::noise(&machine, least_spread(&measurements)),
        machine,
        peers,
        measurements,
        instances,
        density,
    };
    if let Some(folder) = opts.output.parent() {
        std::fs::create_dir_all(folder)?;
    }
    results.write(&opts.output)?;
    crate::report::write_all(&results, &opts.baseline, &opts.output)
}

/// A runtime, found or not.
struct SuitePeer {
    adapter: Adapter,
    tools: Vec<PathBuf>,
    info: Peer,
}

/// What does not change from one program to the next.
struct Suite {
    size: Size,
    programs: Vec<Program>,
    peers: Vec<SuitePeer>,
    scratch: PathBuf,
    cpu: Option<usize>,
    timeout: Duration,
    bar: ProgressBar,
}

impl Suite {
    fn new(opts: &Opts) -> io::Result<Self> {
        let size = match (opts.quick, opts.full) {
            (true, _) => Size::Quick,
            (_, true) => Size::Full,
            _ => Size::Tenth,
        };
        let mut programs = Program::all(&opts.folder, size)?;
        programs.retain(|program| opts.programs.is_empty() || opts.programs.contains(&program.name));
        for program in &mut programs {
            program.rounds = opts.rounds.unwrap_or(program.rounds).max(1);
        }
        std::fs::create_dir_all(&opts.scratch)?;
        let scratch = opts.scratch.canonicalize()?;
        let mut given: BTreeMap<String, PathBuf> = opts.peer.iter().cloned().collect();
        if !given.contains_key("wasmaot") {
            given.insert("wasmaot".into(), build_wasmaot(&scratch)?);
        }
        let wanted = |adapter: &Adapter| {
            opts.only.is_empty()
                || opts.only.iter().any(|name| name == adapter.name || name == adapter.family())
        };
        let peers: Vec<SuitePeer> =
            adapters::all().into_iter().filter(wanted).map(|adapter| find(adapter, &given)).collect();
        let present = peers.iter().filter(|peer| peer.is_present()).count();
        let steps: usize = programs.iter().map(|program| (program.rounds + 1) * present).sum();
        let style = ProgressStyle::with_template("{bar:30} {percent}%, {eta} left: {msg}")
            .map_err(io::Error::other)?;
        Ok(Self {
            size,
            programs,
            peers,
            scratch,
            cpu: last_cpu(),
            timeout: Duration::from_secs_f64(opts.timeout),
            bar: ProgressBar::new(steps as u64).with_style(style),
        })
    }

    /// Lets all runtimes take turns at a program, and at compiling it.
    fn measure(&self, program: &Program) -> io::Result<Vec<Measurement>> {
        let mut rows = Vec::new();
        for (number, peer) in self.peers.iter().filter(|peer| peer.is_present()).enumerate() {
            self.say(program, peer);
            let folder = self.scratch.join(&program.name).join(number.to_string());
            rows.push(Row::prepare(peer, program, &folder, self, &rows)?);
            self.bar.inc(1);
        }
        for round in 0..program.rounds {
            for step in 0..rows.len() {
                let row = (round + step) % rows.len();
                self.bar.set_message(rows[row].describe());
                rows[row].run();
                self.bar.inc(1);
            }
        }
        Ok(rows.into_iter().flat_map(Row::finish).collect())
    }

    fn say(&self, program: &Program, peer: &SuitePeer) {
        self.bar.set_message(format!("{} on {}", program.name, peer.adapter.name));
    }
}

impl SuitePeer {
    fn is_present(&self) -> bool {
        matches!(self.info.found, Found::Present { .. })
    }
}

fn find(adapter: Adapter, given: &BTreeMap<String, PathBuf>) -> SuitePeer {
    let (tools, found) = match adapter.find(given) {
        Ok(Tools { paths, found }) => (paths, found),
        Err(reason) => (Vec::new(), Found::Missing(reason)),
    };
    let info = Peer { name: adapter.name.into(), upstream: adapter.upstream.into(), found };
    SuitePeer { adapter, tools, info }
}

/// The command as an installation has it: a copy, since the file as the linker wrote it starts more slowly.
fn build_wasmaot(scratch: &Path) -> io::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let built =
        std::process::Command::new(cargo).args(["build", "--release", "--package", "wasmaot"]).status()?;
    if !built.success() {
        return Err(io::Error::other(
            "wasmaot does not build; use --peer wasmaot=PATH to measure one that is there",
        ));
    }
    let copy = scratch.join("wasmaot");
    // What runs cannot be written to.
    _ = std::fs::remove_file(&copy);
    let own = std::env::current_exe()?;
    std::fs::copy(own.with_file_name("wasmaot"), &copy)?;
    Ok(copy)
}

/// The CPU that programs are pinned to: the last one, since interrupts like the first.
fn last_cpu() -> Option<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).ok()?;
    let cpus: Vec<usize> = (0..rustix::thread::CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
    cpus.last().copied().filter(|_| cpus.len() > 1)
}

/// Of all that computed, the relative distance of the quartiles that is least.
fn least_spread(measurements: &[Measurement]) -> Option<f64> {
    let computed = measurements.iter().filter(|row| row.figure == Figure::Compute);
    let spreads = computed.filter_map(|row| match &row.outcome {
        Outcome::Measured { runs, .. } => Some(spread(runs.iter().map(|run| run.wall as f64).collect())),
        _ => None,
    });
    spreads.min_by(f64::total_cmp)
}

fn command_line() -> String {
    let quoted = |arg: String| if arg.contains([' ', ',']) { format!("'{arg}'") } else { arg };
    let args: Vec<String> = std::env::args().skip(1).map(quoted).collect();
    format!("cargo run --release -p wasmaot-bench -- {}", args.join(" "))
}
