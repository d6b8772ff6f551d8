//! The published comparison: every program on every runtime that is there, in turns.
//!
//! **Invariants.** All runtimes of a program take turns, in an order drawn anew for each round, so that what
//! disturbs one disturbs the others as often. A row whose times differ by more than they should is measured
//! again, and marked if it stays so. A runtime that is missing, fails, or gives a wrong answer has a row that
//! says so, and the others go on.

mod in_process;
mod machine;
mod opts;
mod peer;
mod place;
mod row;
mod versions;

use crate::adapters::{self, Adapter};
use crate::child::Terms;
use crate::programs::{Program, Size};
use indicatif::{ProgressBar, ProgressStyle};
pub(crate) use opts::Opts;
use peer::SuitePeer;
use place::{install_command, last_cpu};
use row::Row;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
pub(crate) use versions::{VersionsOpts, run as versions};
use wasmaot_bench::results::{Figure, Measurement, Peer, Results, SCHEMA};
use wasmaot_bench::stats::Shuffle;

/// The programs of a quick run, unless others are asked for.
const QUICK: [&str; 6] = ["nop", "cat-sync", "burst", "nbody", "binary-trees", "json"];

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
        seed: suite.seed,
        noise: machine::noise(&machine),
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
    seed: u64,
    programs: Vec<Program>,
    peers: Vec<SuitePeer>,
    scratch: PathBuf,
    cpu: Option<usize>,
    timeout: Duration,
    burst: usize,
    bar: ProgressBar,
}

impl Suite {
    fn new(opts: &Opts) -> io::Result<Self> {
        let size = match (opts.quick, opts.full) {
            (true, _) => Size::Quick,
            (_, true) => Size::Full,
            _ => Size::Tenth,
        };
        let mut programs = Program::all(&opts.folder, &opts.kernels, size)?;
        let is_wanted = |program: &Program| match &opts.programs[..] {
            [] => size != Size::Quick || QUICK.contains(&&program.name[..]),
            [all] if all == "all" => true,
            names => names.contains(&program.name),
        };
        programs.retain(is_wanted);
        for program in &mut programs {
            let starts = opts.starts.filter(|_| program.figure == Figure::Start);
            program.rounds = starts.or(opts.rounds).unwrap_or(program.rounds).max(1);
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
            seed: opts.seed.unwrap_or_else(machine::seed),
            programs,
            peers,
            scratch,
            cpu: last_cpu(),
            timeout: Duration::from_secs_f64(opts.timeout),
            burst: opts.burst,
            bar: ProgressBar::new(steps as u64).with_style(style),
        })
    }

    /// Lets all runtimes take turns at a program, and at compiling it.
    fn measure(&self, program: &Program) -> io::Result<Vec<Measurement>> {
        let terms = Terms { timeout: self.timeout, cpu: self.cpu, burst: self.burst };
        let mut rows = Vec::new();
        for (number, peer) in self.peers.iter().filter(|peer| peer.is_present()).enumerate() {
            self.say(program, peer);
            let folder = self.scratch.join(&program.name).join(number.to_string());
            rows.push(Row::prepare(peer, program, &folder, &terms, &rows)?);
            self.bar.inc(1);
        }
        let mut shuffle = Shuffle::new(self.seed);
        for _ in 0..program.rounds {
            for row in shuffle.order(rows.len()) {
                self.bar.set_message(rows[row].describe());
                rows[row].run();
                self.bar.inc(1);
            }
        }
        self.measure_again(&mut rows, program.rounds, &mut shuffle);
        Ok(rows.into_iter().flat_map(Row::finish).collect())
    }

    /// Lets noisy rows take turns once more, with those that they are compared with.
    fn measure_again(&self, rows: &mut [Row<'_>], rounds: usize, shuffle: &mut Shuffle) {
        let noisy: Vec<bool> = rows.iter().map(Row::is_noisy).collect();
        if !noisy.contains(&true) {
            return;
        }
        for _ in 0..rounds {
            for row in shuffle.order(rows.len()) {
                if noisy[row] || rows[row].is_native() {
                    self.bar.set_message(format!("{} once more", rows[row].describe()));
                    rows[row].run();
                }
            }
        }
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
    install_command(&std::env::current_exe()?.with_file_name("wasmaot"), &copy)?;
    Ok(copy)
}

fn command_line() -> String {
    let quoted = |arg: String| if arg.contains([' ', ',']) { format!("'{arg}'") } else { arg };
    let args: Vec<String> = std::env::args().skip(1).map(quoted).collect();
    format!("cargo run --release -p wasmaot-bench -- {}", args.join(" "))
}
