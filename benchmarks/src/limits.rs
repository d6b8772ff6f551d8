//! What the worst modules within the default limits cost: linking, the first start in a slot and in one that
//! was prepared, later ones, and finishing.
//!
//! A start ends before the guest's first instruction, as these modules have no start function.

use crate::worst::{Worst, modules};
use clap::Args;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use wasmaot_compiler::{Options, compile};
use wasmaot_runtime::{Caller, Linker, Module, Pool, PoolConfig};

#[derive(Args)]
pub(crate) struct Opts {
    /// Number of measurements per module.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Directory for compiled files during the measurement.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

/// What one round took.
#[derive(Default)]
struct Times {
    link: Vec<Duration>,
    first: Vec<Duration>,
    prepared: Vec<Duration>,
    start: Vec<Duration>,
    finish: Vec<Duration>,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!(
        "| worst module by | link, ms | first start, ms | prepared, ms | start, ms | finish, ms |\n\
         |---|---|---|---|---|---|"
    );
    fs::create_dir_all(&opts.scratch)?;
    for Worst { name, text } in modules() {
        let wasm = wat::parse_str(&text).map_err(io::Error::other)?;
        let output = compile(&wasm, &Options::default(), &|_| {}).map_err(io::Error::other)?;
        let path = opts.scratch.join(format!("worst-{name}.so"));
        fs::write(&path, output.bytes)?;
        // SAFETY: it was compiled just now.
        let module = unsafe { Module::open_trusted(&path) }.map_err(io::Error::other)?;
        let mut times = Times::default();
        for _ in 0..opts.rounds {
            round(&module, &mut times)?;
        }
        let Times { link, first, prepared, start, finish } = &mut times;
        let [link, first, prepared, start, finish] =
            [link, first, prepared, start, finish].map(|times| median(times));
        println!("| `{name}` | {link:.3} | {first:.3} | {prepared:.4} | {start:.4} | {finish:.4} |");
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn round(module: &Module, times: &mut Times) -> io::Result<()> {
    let mut linker = Linker::<()>::new();
    linker.func_wrap("h", "f", |_: &mut Caller<'_, ()>| ()).map_err(io::Error::other)?;
    let pool = || Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).map_err(io::Error::other);
    let begin = Instant::now();
    let linked = linker.instantiate_pre(module).map_err(io::Error::other)?;
    times.link.push(begin.elapsed());
    let ready = pool()?;
    ready.prepare(&linked, 1).map_err(io::Error::other)?;
    let begin = Instant::now();
    let instance = ready.start(&linked, ()).map_err(io::Error::other)?;
    times.prepared.push(begin.elapsed());
    drop(instance);
    let pool = pool()?;
    for turn in 0..3 {
        let begin = Instant::now();
        let mut instance = pool.start(&linked, ()).map_err(io::Error::other)?;
        if turn == 0 { &mut times.first } else { &mut times.start }.push(begin.elapsed());
        instance.call("f", &[]).map_err(io::Error::other)?;
        let begin = Instant::now();
        instance.finish();
        times.finish.push(begin.elapsed());
    }
    Ok(())
}
