//! The published comparison: every program on every runtime that is there, in turns.
//!
//! **Invariants.** All runtimes of a program take turns, and each round begins with another one, so that what disturbs one disturbs its
//! neighbours too. A runtime that is missing, fails, or gives a wrong answer has a row that says so, and the others go on.

mod in_process;
mod machine;
mod opts;
mod peer;
mod row;

use crate::adapters::{self, Adapter};
use crate::child::Terms;
use crate::programs::{Program, Size};
use indicatif::{ProgressBar, ProgressStyle};
pub(crate) use opts::Opts;
use peer::SuitePeer;
use row::Row;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmaot_bench::results::{Figure, Measurement, Outcome, Peer, Results, SCHEMA};
use wasmaot_bench::stats::spread;

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
        let peers: Vec<SuitePeer> = adapters::all()
            .into_iter()
            .filter(wanted)
            .map(|adapter| SuitePeer::find(adapter, &given))
            .collect();
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
        let terms = Terms { timeout: self.timeout, cpu: self.cpu };
        let mut rows = Vec::new();
        for (number, peer) in self.peers.iter().filter(|peer| peer.is_present()).enumerate() {
            self.say(program, peer);
            let folder = self.scratch.join(&program.name).join(number.to_string());
            rows.push(Row::prepare(peer, program, &folder, &terms, &rows)?);
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
