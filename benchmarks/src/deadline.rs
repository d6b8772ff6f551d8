//! In one process: a program with a deadline that is far away, against the same without one, in turns.
//!
//! Deadlines ask nothing of compiled code, so the ratio is to be 1.

use clap::Args;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use wasmaot_bench::stats::Median;
use wasmaot_bench::{guests, ours, turns};
use wasmaot_runtime::{CallError, HotSets, Linker, Pool, PoolConfig, ResourceLimits, TypedFunc};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// The programs, and an argument that takes each a few tenths of a second.
const PROGRAMS: [(&str, &str); 4] =
    [("nbody", "2000000"), ("fannkuch-redux", "10"), ("mandelbrot", "1500"), ("binary-trees", "15")];

/// Far away, yet watched.
const DEADLINE: Duration = Duration::from_secs(3600);

#[derive(Args)]
pub(crate) struct Opts {
    /// Directory of the programs.
    #[arg(long, default_value = "benchmarks/programs")]
    programs: PathBuf,
    /// Number of runs of each program with a deadline, and of runs without.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Directory for compiled files during the measurement.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!("| program | without a deadline, ms | with one, ms | ratio (95 %) |\n|---|---|---|---|");
    for (name, argument) in PROGRAMS {
        let subject = Subject::new(opts, name, argument)?;
        subject.time(None)?;
        let turn = |deadline: &Option<Duration>, times: &mut Vec<f64>| {
            times.push(subject.time(*deadline)?);
            Ok(())
        };
        let times = turns::take(&[None, Some(DEADLINE)], opts.rounds, turn)?;
        let ratio = Median::of_ratios(&times[1], &times[0]);
        let [without, with] = [0, 1].map(|side| Median::of(times[side].clone()).value * 1e3);
        let (low, high) = ratio.interval;
        println!(
            "| {name} {argument} | {without:.1} | {with:.1} | {:.3} ({low:.3}–{high:.3}) |",
            ratio.value
        );
    }
    Ok(())
}

struct Subject {
    pool: Pool,
    linked: wasmaot_runtime::InstancePre<WasiCtx>,
    start: TypedFunc<(), ()>,
    wasi: WasiCtxBuilder,
}

impl Subject {
    fn new(opts: &Opts, name: &str, argument: &str) -> io::Result<Self> {
        let wasm = std::fs::read(opts.programs.join(name).with_extension("wasm"))?;
        let module = ours::module(name, &wasm, &opts.scratch)?;
        let mut linker = Linker::<WasiCtx>::new();
        wasmaot_wasi::add_to_linker(&mut linker, |ctx| ctx).map_err(io::Error::other)?;
        let linked = linker.instantiate_pre(&module).map_err(io::Error::other)?;
        let start = linked.get_typed_func(guests::START).map_err(io::Error::other)?;
        let pool = Pool::new(PoolConfig { slots: 1, hot_sets: HotSets::Shared, ..PoolConfig::default() })
            .map_err(io::Error::other)?;
        let mut wasi = WasiCtxBuilder::new();
        wasi.args([name, argument]).stdout(File::create("/dev/null")?);
        Ok(Self { pool, linked, start, wasi })
    }

    /// Seconds of a run in a fresh instance.
    fn time(&self, deadline: Option<Duration>) -> io::Result<f64> {
        let limits = ResourceLimits {
            deadline: deadline.map(|time| Instant::now() + time),
            ..ResourceLimits::default()
        };
        let instance = self.pool.start_with(&self.linked, self.wasi.build(), &limits);
        let mut instance = instance.map_err(io::Error::other)?;
        let before = Instant::now();
        let result = self.start.call(&mut instance, ());
        let time = before.elapsed().as_secs_f64();
        match result {
            Ok(()) | Err(CallError::Exit(0)) => Ok(time),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}
