//! What a proof costs: code proven per second of user time on one thread, and the share of it in the user
//! time that the code took to compile.
//!
//! Large modules of packages are given as arguments: `npm pack esbuild-wasm @duckdb/duckdb-wasm`, then
//! `package/esbuild.wasm` and `package/dist/duckdb-mvp.wasm`. One whose proof fails is an error.

use clap::Args;
use std::io;
use std::path::PathBuf;
use wasmaot_bench::stats::median;
use wasmaot_compiler::{Options, compile};
use wasmaot_verifier::verify_with;

#[derive(Args)]
pub(crate) struct Opts {
    /// Modules. SQLite and a JavaScript engine unless given.
    #[arg(default_values = ["tests/programs/sqlite3.wasm", "tests/programs/qjs.wasm"])]
    modules: Vec<PathBuf>,
    /// Times that each is compiled and proven, in turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Times that it is proven in a round.
    #[arg(long, default_value_t = 5)]
    proofs: u32,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!(
        "| module | code, MB | compiled, s | proven, ms | MB/s | share of compile time |\n|---|---|---|---|---|---|"
    );
    let (mut logarithms, mut highest) = (0.0, 0.0_f64);
    for path in &opts.modules {
        let wasm = std::fs::read(path)?;
        let rounds = (0..opts.rounds).map(|_| round(&wasm, opts.proofs)).collect::<io::Result<Vec<_>>>()?;
        let of = |value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        let megabytes = of(|round| round.bytes) / 1e6;
        let (compiled, proven) = (of(|round| round.compiled), of(|round| round.proven));
        let share = of(|round| round.proven / round.compiled);
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        println!(
            "| {name} | {megabytes:.2} | {compiled:.2} | {:.1} | {:.1} | {:.1} % |",
            proven * 1e3,
            megabytes / proven,
            share * 1e2
        );
        logarithms += (megabytes / proven).ln();
        highest = highest.max(share);
    }
    let mean = (logarithms / opts.modules.len() as f64).exp();
    println!("\ngeometric mean {mean:.1} MB/s, at most {:.1} % of the compile time", highest * 1e2);
    Ok(())
}

/// One compilation, and the mean of the proofs of its output, in seconds.
struct Round {
    compiled: f64,
    proven: f64,
    bytes: f64,
}

fn round(wasm: &[u8], proofs: u32) -> io::Result<Round> {
    let begin = user_time();
    let output = compile(wasm, &Options { jobs: 1, ..Options::default() }, &|_| {});
    let output = output.map_err(io::Error::other)?;
    let compiled = user_time() - begin;
    let begin = user_time();
    let mut bytes = 0;
    for _ in 0..proofs {
        bytes = verify_with(&output.bytes, 1, &|_, _| {}).map_err(io::Error::other)?.code_bytes;
    }
    let proven = (user_time() - begin) / f64::from(proofs);
    Ok(Round { compiled, proven, bytes: bytes as f64 })
}

/// User time of the process, in seconds.
fn user_time() -> f64 {
    // SAFETY: an all-zero `rusage` is valid, and the pointer is to a live, writable one.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    usage.ru_utime.tv_sec as f64 + usage.ru_utime.tv_usec as f64 / 1e6
}
