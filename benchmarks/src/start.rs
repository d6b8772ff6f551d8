//! Whole process of a program that does nothing: `wasmaot run nop.so` against a native, dynamically linked one.

use crate::Tools;
use crate::child::Task;
use crate::pairs::{self, Pairs};
use clap::Args;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(crate) struct Opts {
    #[command(flatten)]
    tools: Tools,
    /// Where the programs are.
    #[arg(long, default_value = "benchmarks/programs")]
    programs: PathBuf,
    /// The C compiler for the native program.
    #[arg(long, default_value = "cc")]
    cc: PathBuf,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    let Tools { wasmaot, wasmtime, pairs, scratch } = &opts.tools;
    std::fs::create_dir_all(scratch)?;
    let text = |path: &Path| path.display().to_string();
    let (wasm, source) = (opts.programs.join("nop.wasm"), opts.programs.join("nop.c"));
    let (so, cwasm, native) = (scratch.join("nop.so"), scratch.join("nop.cwasm"), scratch.join("nop"));
    Task::new("wasmaot compile", wasmaot, &["compile", "--quiet", &text(&wasm), "-o", &text(&so)]).run()?;
    Task::new("cc", &opts.cc, &["-O2", &text(&source), "-o", &text(&native)]).run()?;
    let ours = Task::new("wasmaot", wasmaot, &["run", &text(&so)]);
    let native = Task::new("native", &native, &[]);
    println!("{}", pairs::HEAD);
    let measured = Pairs::measure(&ours, &native, *pairs)?;
    println!("{}", measured.row("nop, whole process", "ms", pairs::WALL));
    println!("{}", measured.row("nop, peak memory", "MiB", pairs::PEAK));
    if Task::new("wasmtime compile", wasmtime, &["compile", &text(&wasm), "-o", &text(&cwasm)]).run().is_err()
    {
        println!("\n{} is missing or fails: not compared", wasmtime.display());
        return Ok(());
    }
    let theirs = Task::new("wasmtime", wasmtime, &["run", "--allow-precompiled", &text(&cwasm)]);
    let measured = Pairs::measure(&ours, &theirs, *pairs)?;
    println!("{}", measured.row("nop, whole process", "ms", pairs::WALL));
    Ok(())
}
