//! Time and peak memory of compiling one module, against Wasmtime, both for speed.

use crate::Tools;
use crate::child::Task;
use crate::pairs::{self, Pairs};
use clap::Args;
use std::io;
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct Opts {
    #[command(flatten)]
    tools: Tools,
    /// The module. Figures of modules below 1 MB are mostly process starts.
    wasm: PathBuf,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    let Tools { wasmaot, wasmtime, pairs, scratch } = &opts.tools;
    std::fs::create_dir_all(scratch)?;
    let wasm = opts.wasm.display().to_string();
    let (so, cwasm) = (scratch.join("module.so"), scratch.join("module.cwasm"));
    let (so, cwasm) = (so.display().to_string(), cwasm.display().to_string());
    let ours = Task::new("wasmaot", wasmaot, &["compile", "--quiet", "-O", "1", &wasm, "-o", &so]);
    let theirs = Task::new("wasmtime", wasmtime, &["compile", "-O", "opt-level=2", &wasm, "-o", &cwasm]);
    let measured = Pairs::measure(&ours, &theirs, *pairs)?;
    println!("{}", pairs::HEAD);
    println!("{}", measured.row("compile, wall", "ms", pairs::WALL));
    println!("{}", measured.row("compile, user", "ms", pairs::USER));
    println!("{}", measured.row("compile, peak memory", "MiB", pairs::PEAK));
    let size = |path: &str| std::fs::metadata(path).map(|meta| meta.len());
    println!("\nartifact: wasmaot {} bytes, wasmtime {} bytes", size(&so)?, size(&cwasm)?);
    Ok(())
}
