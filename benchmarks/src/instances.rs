//! In one process: `start`, a call and `finish` in a pool, by each way of resetting memory.
//!
//! The ways take turns in rounds of one run, and each row states the percentiles over all of them. What is stated includes two
//! readings of the clock; the first row says what those alone take.

use crate::child::Task;
use clap::Args;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};
use wasmaot_runtime::{Linked, LinkedFunc, Linker, Module, Pool, PoolConfig, ResetWay};

/// Rounds in which the ways take turns.
const ROUNDS: usize = 10;

/// Instances before the first that counts: the hot set is learned and the slot is made.
const WARM_UP: usize = 100;

#[derive(Args)]
pub(crate) struct Opts {
    /// The `wasmaot` command.
    #[arg(long, default_value = "target/x86_64-unknown-linux-gnu/release/wasmaot")]
    wasmaot: PathBuf,
    /// Where the programs are.
    #[arg(long, default_value = "benchmarks/programs/instances")]
    programs: PathBuf,
    /// Instances per way and program.
    #[arg(long, default_value_t = 100_000)]
    count: usize,
    /// Where compiled files are kept while measuring.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

/// A program with its argument, in a pool of its own for each way.
struct Subject {
    name: String,
    linked: Linked<()>,
    run: LinkedFunc<i32, ()>,
    argument: i32,
}

impl Subject {
    fn instance(&self, pool: &Pool) -> io::Result<()> {
        let mut instance = pool.start(&self.linked, ()).map_err(io::Error::other)?;
        self.run.call(&mut instance, self.argument).map_err(io::Error::other)?;
        instance.finish();
        Ok(())
    }

    fn times(&self, pool: &Pool, count: usize, times: &mut Vec<Duration>) -> io::Result<()> {
        for _ in 0..count {
            let before = Instant::now();
            self.instance(pool)?;
            times.push(before.elapsed());
        }
        Ok(())
    }

    /// Instances per second on so many threads.
    fn rate(&self, pool: &Pool, threads: usize, count: usize) -> io::Result<f64> {
        let barrier = Barrier::new(threads);
        let work = || {
            (0..WARM_UP).try_for_each(|_| self.instance(pool))?;
            barrier.wait();
            let before = Instant::now();
            (0..count).try_for_each(|_| self.instance(pool))?;
            Ok::<_, io::Error>(count as f64 / before.elapsed().as_secs_f64())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join().expect("no panics")).sum()
        })
    }
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    std::fs::create_dir_all(&opts.scratch)?;
    let mut subjects = vec![subject(opts, "nop", 0)?];
    for pages in [3, 16, 64, 256] {
        subjects.push(subject(opts, "dirty", pages)?);
    }
    println!(
        "| start + call + finish, µs | reset by | minimum | p50 | p99 | p99.9 |\n|---|---|---|---|---|---|"
    );
    let mut clock = Vec::new();
    for _ in 0..opts.count {
        let before = Instant::now();
        clock.push(before.elapsed());
    }
    row("(the clock)", "", &mut clock);
    for subject in &subjects {
        let ways = [("copy", ResetWay::Copy), ("scan", ResetWay::Scan), ("drop", ResetWay::Drop)];
        let mut sides = Vec::new();
        for (name, way) in ways {
            let pool = pool(way)?;
            subject.times(&pool, WARM_UP, &mut Vec::new())?;
            sides.push((name, pool, Vec::with_capacity(opts.count)));
        }
        for _ in 0..ROUNDS {
            for (_, pool, times) in &mut sides {
                subject.times(pool, opts.count / ROUNDS, times)?;
            }
        }
        sides.iter_mut().for_each(|(name, _, times)| row(&subject.name, name, times));
    }
    println!("\n| instances per second, best round | 1 thread | 2 threads | ratio |\n|---|---|---|---|");
    for subject in &subjects {
        let pool = pool(ResetWay::Copy)?;
        let (mut one, mut two) = (0.0f64, 0.0f64);
        for _ in 0..ROUNDS {
            one = one.max(subject.rate(&pool, 1, opts.count / ROUNDS)?);
            two = two.max(subject.rate(&pool, 2, opts.count / ROUNDS)?);
        }
        println!("| {} | {one:.0} | {two:.0} | {:.2} |", subject.name, two / one);
    }
    Ok(())
}

fn pool(reset: ResetWay) -> io::Result<Pool> {
    Pool::new(PoolConfig { slots: 8, reset, ..PoolConfig::default() }).map_err(io::Error::other)
}

fn subject(opts: &Opts, program: &str, argument: i32) -> io::Result<Subject> {
    let text = |path: &Path| path.display().to_string();
    let (source, so) =
        (opts.programs.join(program).with_extension("wat"), opts.scratch.join(program).with_extension("so"));
    Task::new("wasmaot compile", &opts.wasmaot, &["compile", "--quiet", &text(&source), "-o", &text(&so)])
        .run()?;
    let module = Module::open(&so).map_err(io::Error::other)?;
    let linked = Linker::new().link(&module).map_err(io::Error::other)?;
    let run = linked.typed("run").map_err(io::Error::other)?;
    let name = if argument == 0 { program.to_string() } else { format!("{program} {argument} pages") };
    Ok(Subject { name, linked, run, argument })
}

fn row(name: &str, way: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |fraction: f64| times[((times.len() - 1) as f64 * fraction) as usize].as_secs_f64() * 1e6;
    println!("| {name} | {way} | {:.2} | {:.2} | {:.2} | {:.2} |", at(0.0), at(0.5), at(0.99), at(0.999));
}
