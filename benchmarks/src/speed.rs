//! User time of the benchmark programs against Wasmtime's ahead-of-time code, each compiled for this CPU.

use crate::Tools;
use crate::child::Task;
use crate::pairs::{self, Pairs};
use clap::Args;
use std::io;
use std::path::{Path, PathBuf};
use wasmaot_bench::stats::geometric_mean;

/// The study's programs, and an argument that takes each a second or so.
const PROGRAMS: [(&str, &str); 5] = [
    ("nbody", "5000000"),
    ("fannkuch-redux", "10"),
    ("mandelbrot", "2000"),
    ("binary-trees", "16"),
    ("fasta", "2500000"),
];

#[derive(Args)]
pub(crate) struct Opts {
    #[command(flatten)]
    tools: Tools,
    /// Where the programs are.
    #[arg(long, default_value = "benchmarks/programs")]
    programs: PathBuf,
    /// Only these programs.
    #[arg(long)]
    only: Vec<String>,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    std::fs::create_dir_all(&opts.tools.scratch)?;
    println!("{}", pairs::HEAD);
    let mut ratios = Vec::new();
    for (name, argument) in PROGRAMS {
        if opts.only.is_empty() || opts.only.iter().any(|only| only == name) {
            let pairs = measure(opts, name, argument)?;
            println!("{}", pairs.row(&format!("{name} {argument}"), "ms user", pairs::USER));
            ratios.push(pairs.ratio(pairs::USER));
        }
    }
    println!("\ngeometric mean of the ratios: {:.3}", geometric_mean(&ratios));
    Ok(())
}

fn measure(opts: &Opts, name: &str, argument: &str) -> io::Result<Pairs> {
    let Tools { wasmaot, wasmtime, pairs, scratch } = &opts.tools;
    let wasm = opts.programs.join(name).with_extension("wasm");
    let (so, cwasm) = (scratch.join(name).with_extension("so"), scratch.join(name).with_extension("cwasm"));
    let text = |path: &Path| path.display().to_string();
    let compile = ["compile", "--quiet", "--target-cpu", "native", &text(&wasm), "-o", &text(&so)];
    Task::new("wasmaot compile", wasmaot, &compile).run()?;
    Task::new("wasmtime compile", wasmtime, &["compile", &text(&wasm), "-o", &text(&cwasm)]).run()?;
    let ours = Task::new("wasmaot", wasmaot, &["run", &text(&so), argument]);
    let theirs = Task::new("wasmtime", wasmtime, &["run", "--allow-precompiled", &text(&cwasm), argument]);
    Pairs::measure(&ours, &theirs, *pairs)
}
