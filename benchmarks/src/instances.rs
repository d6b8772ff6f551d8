//! In one process: `start`, a call and `finish` in a pool, by each way of resetting memory, and with signals
//! checked.
//!
//! What is stated includes a reading of the clock; the first row says what that alone takes.

use clap::Args;
use std::io;
use std::path::PathBuf;
use wasmaot_bench::results::{InstanceTimes, write_rows};
use wasmaot_bench::stats::Times;
use wasmaot_bench::{guests, ours, turns};
use wasmaot_runtime::{HostSignals, HotSets, PoolConfig, ResetWay};

/// Rounds in which the ways take turns.
const ROUNDS: usize = 10;

/// The ways, the default first.
const WAYS: [(&str, ResetWay, HostSignals); 4] = [
    ("copy", ResetWay::Copy, HostSignals::Unchanged),
    ("copy, signals checked", ResetWay::Copy, HostSignals::Checked),
    ("scan", ResetWay::Scan, HostSignals::Unchanged),
    ("drop", ResetWay::Drop, HostSignals::Unchanged),
];

#[derive(Args)]
pub(crate) struct Opts {
    /// Directory of the programs.
    #[arg(long, default_value = "benchmarks/programs")]
    programs: PathBuf,
    /// Number of instances per method and program.
    #[arg(long, default_value_t = 100_000)]
    count: usize,
    /// Directory for compiled files during the measurement.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
    /// Write the times to FILE, in the format of the suite's results.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!(
        "| start + call + finish, µs | reset by | minimum | p50 | p99 | p99.9 |\n|---|---|---|---|---|---|"
    );
    let mut clock = Times::default();
    clock.round(opts.count, || Ok(()))?;
    row("(the clock)", "", &clock);
    let (mut subjects, mut rows) = (Vec::new(), Vec::new());
    for guest in guests::all(&opts.programs)? {
        let module = ours::module(&guest.name, &guest.wasm, &opts.scratch)?;
        let side = |(_, reset, host_signals)| {
            let hot_sets = HotSets::Shared;
            let config = PoolConfig { slots: 8, reset, host_signals, hot_sets, ..PoolConfig::default() };
            ours::side(&module, guest.entry, config)
        };
        let mut sides = WAYS.into_iter().map(side).collect::<io::Result<Vec<_>>>()?;
        let times = turns::instances(&sides, ROUNDS, opts.count)?;
        for ((way, ..), times) in WAYS.iter().zip(&times) {
            row(&guest.name, way, times);
            rows.push(InstanceTimes::new(&guest.name, &format!("wasmaot, {way}"), times));
        }
        subjects.push((guest.name, sides.swap_remove(0)));
    }
    println!("\n| instances per second, best round | 1 thread | 2 threads | ratio |\n|---|---|---|---|");
    for (name, side) in &subjects {
        let (mut one, mut two) = (0.0f64, 0.0f64);
        for _ in 0..ROUNDS {
            one = one.max(turns::rate(&**side, 1, opts.count / ROUNDS)?);
            two = two.max(turns::rate(&**side, 2, opts.count / ROUNDS)?);
        }
        println!("| {name} | {one:.0} | {two:.0} | {:.2} |", two / one);
    }
    opts.json.as_ref().map_or(Ok(()), |file| write_rows(file, &rows))
}

fn row(name: &str, way: &str, times: &Times) {
    let summary = times.summary();
    let micros = [summary.minimum, summary.p50, summary.p99, summary.p999].map(|time| time / 1e3);
    println!(
        "| {name} | {way} | {:.2} | {:.2} | {:.2} | {:.2} |",
        micros[0], micros[1], micros[2], micros[3]
    );
}
