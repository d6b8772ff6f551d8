//! Starting an instance in a pool, calling it and finishing it: wasmaot against Wasmtime by each of its
//! settings.
//!
//! What is stated includes a reading of the clock. The setting with the least median is the peer; the rates
//! of one and two threads are of that one.

use crate::places::Places;
use crate::theirs;
use clap::Args;
use std::io;
use std::path::PathBuf;
use wasmaot_bench::guests::{self, Entry, Guest};
use wasmaot_bench::ours;
use wasmaot_bench::results::{InstanceTimes, write_rows};
use wasmaot_bench::stats::{Ratio, Times};
use wasmaot_bench::turns::{self, Side};
use wasmaot_runtime::{HotSets, PoolConfig};

/// Slots of each pool.
const SLOTS: u32 = 8;

#[derive(Args)]
pub(crate) struct Opts {
    #[command(flatten)]
    places: Places,
    /// Instances per side and program.
    #[arg(long, default_value_t = 20_000)]
    count: usize,
    /// Number of rounds that alternate between the sides.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Only programs whose name begins so.
    #[arg(long, default_value = "")]
    only: String,
    /// Instead of the programs: the WASI program in this file, under this name; repeat as needed.
    #[arg(long, value_name = "NAME=FILE", value_parser = named)]
    program: Vec<(String, PathBuf)>,
    /// Leave out the rates of one and two threads.
    #[arg(long)]
    no_rates: bool,
    /// A file for the times, as results of the suite hold them.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A program with the sides that are compared: wasmaot, then Wasmtime by each of its settings.
struct Subject {
    name: String,
    sides: Vec<Box<dyn Side>>,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!(
        "| start + call + finish, µs | | minimum | p50 | p99 | p99.9 | times wasmaot's p50 (by round) |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut clock = Times::default();
    clock.round(opts.count, || Ok(()))?;
    row("(the clock)", "", &clock, None);
    let (mut peers, mut rows) = (Vec::new(), Vec::new());
    for guest in guests(opts)? {
        if guest.name.starts_with(&opts.only) {
            let subject = subject(&guest, &opts.places)?;
            let best = compare(&subject, opts, &mut rows)?;
            peers.push((subject, best));
        }
    }
    if let Some(file) = &opts.json {
        write_rows(file, &rows)?;
    }
    if opts.no_rates {
        return Ok(());
    }
    println!(
        "\n| instances per second, median round | threads | wasmaot | Wasmtime, best setting | wasmaot / Wasmtime |"
    );
    println!("|---|---|---|---|---|");
    for (subject, best) in &peers {
        rates(subject, *best, opts)?;
    }
    Ok(())
}

/// A name with a file.
fn named(arg: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = arg.split_once('=').ok_or("expected NAME=FILE")?;
    Ok((name.to_string(), file.into()))
}

fn guests(opts: &Opts) -> io::Result<Vec<Guest>> {
    if opts.program.is_empty() {
        return guests::all(&opts.places.programs);
    }
    let guest = |(name, file): &(String, PathBuf)| {
        Ok(Guest { name: name.clone(), wasm: std::fs::read(file)?, entry: Entry::Start })
    };
    opts.program.iter().map(guest).collect()
}

fn subject(guest: &Guest, places: &Places) -> io::Result<Subject> {
    let module = ours::module(&guest.name, &guest.wasm, &places.scratch)?;
    let artifact = theirs::artifact(&guest.name, &guest.wasm, &places.scratch)?;
    let mut sides = vec![ours::side(
        &module,
        guest.entry,
        PoolConfig { slots: SLOTS, hot_sets: HotSets::Shared, ..PoolConfig::default() },
    )?];
    for setting in theirs::SETTINGS {
        sides.push(theirs::side(&artifact, guest.entry, setting, SLOTS)?);
    }
    Ok(Subject { name: guest.name.clone(), sides })
}

/// Prints a row per side and adds it to those that are kept, and gives the place of the best of Wasmtime's.
fn compare(subject: &Subject, opts: &Opts, rows: &mut Vec<InstanceTimes>) -> io::Result<usize> {
    let times = turns::instances(&subject.sides, opts.rounds, opts.count)?;
    let names = theirs::SETTINGS.iter().map(|setting| format!("Wasmtime, {}", setting.name));
    let names = std::iter::once("wasmaot".to_string()).chain(names);
    rows.extend(names.zip(&times).map(|(side, times)| InstanceTimes::new(&subject.name, &side, times)));
    row(&subject.name, "wasmaot", &times[0], None);
    let median = |at: &usize| times[*at].summary().p50;
    let best = (1..times.len()).min_by(|a, b| median(a).total_cmp(&median(b))).expect("there are settings");
    for (at, setting) in theirs::SETTINGS.iter().enumerate() {
        let side = format!("Wasmtime, {}{}", setting.name, if at + 1 == best { " (best)" } else { "" });
        row(&subject.name, &side, &times[at + 1], Some(times[at + 1].ratio(&times[0])));
    }
    Ok(best)
}

fn row(name: &str, side: &str, times: &Times, ratio: Option<Ratio>) {
    let summary = times.summary();
    let [minimum, p50, p99, p999] =
        [summary.minimum, summary.p50, summary.p99, summary.p999].map(|time| time / 1e3);
    let ratio = ratio.map_or(String::new(), |Ratio { of_medians, by_round: (least, greatest) }| {
        format!("{of_medians:.1} ({least:.1}–{greatest:.1})")
    });
    println!("| {name} | {side} | {minimum:.2} | {p50:.2} | {p99:.2} | {p999:.2} | {ratio} |");
}

fn rates(subject: &Subject, best: usize, opts: &Opts) -> io::Result<()> {
    let sides = [&subject.sides[0], &subject.sides[best]];
    let mut alone = [0.0; 2];
    for threads in [1, 2] {
        let mut rates = [Vec::new(), Vec::new()];
        for round in 0..opts.rounds {
            for step in 0..2 {
                let at = (round + step) % 2;
                rates[at].push(turns::rate(&**sides[at], threads, opts.count / opts.rounds)?);
            }
        }
        let [ours, theirs] = rates.map(wasmaot_bench::stats::median);
        let scaling = |rate: f64, side: usize| {
            if threads == 1 { String::new() } else { format!(" ({:.2}× one thread's)", rate / alone[side]) }
        };
        let (name, our_scaling, their_scaling) = (&subject.name, scaling(ours, 0), scaling(theirs, 1));
        println!(
            "| {name} | {threads} | {ours:.0}{our_scaling} | {theirs:.0}{their_scaling} | {:.1} |",
            ours / theirs
        );
        alone = [ours, theirs];
    }
    Ok(())
}
