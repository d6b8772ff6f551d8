//! In one process: a loop whose call stands inside a `try_table`, nothing thrown, against the same loop
//! without, in turns.
//!
//! Eight values live across the call (`benchmarks/programs/instances/exceptions.wat`), so that what the
//! region does to the allocation of registers can be seen.

use clap::Args;
use std::io;
use std::path::PathBuf;
use std::time::Instant;
use wasmaot_bench::stats::Median;
use wasmaot_bench::{guests, ours, turns};
use wasmaot_runtime::{Linker, Store, TypedFunc};

#[derive(Args)]
pub(crate) struct Opts {
    /// Directory of the programs.
    #[arg(long, default_value = "benchmarks/programs")]
    programs: PathBuf,
    /// Number of calls per run.
    #[arg(long, default_value_t = 20_000_000)]
    count: i64,
    /// Number of runs per loop.
    #[arg(long, default_value_t = 25)]
    rounds: usize,
    /// Directory for compiled files during the measurement.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    let wasm = guests::exceptions(&opts.programs)?;
    let module = ours::module("exceptions", &wasm, &opts.scratch)?;
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module).map_err(io::Error::other)?;
    let [plain, guarded] = ["plain", "guarded"].map(|name| instance.get_typed_func(&store, name));
    let (plain, guarded) = (plain.map_err(io::Error::other)?, guarded.map_err(io::Error::other)?);
    let turn = |loop_: &TypedFunc<i64, i64>, times: &mut Vec<f64>| {
        times.push(nanoseconds(&mut store, loop_, opts.count)?);
        Ok(())
    };
    let times = turns::take(&[plain, guarded], opts.rounds, turn)?;
    let ratio = Median::of_ratios(&times[1], &times[0]);
    let [without, with] = [0, 1].map(|side| Median::of(times[side].clone()).value);
    let (low, high) = ratio.interval;
    println!("| per call, ns: plain | inside `try_table` | ratio (95 %) |\n|---|---|---|");
    println!("| {without:.2} | {with:.2} | {:.3} ({low:.3}–{high:.3}) |", ratio.value);
    Ok(())
}

/// Time of one turn of the loop.
fn nanoseconds(store: &mut Store<()>, loop_: &TypedFunc<i64, i64>, count: i64) -> io::Result<f64> {
    let before = Instant::now();
    loop_.call(store, count).map_err(io::Error::other)?;
    Ok(before.elapsed().as_secs_f64() * 1e9 / count as f64)
}
