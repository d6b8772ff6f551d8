//! `cat` of a large file through WASI against the system's own: CPU time in user and kernel mode together,
//! whole process.
//!
//! Both copy in pieces of 128 KiB. The output goes to `/dev/null`; to a file, the system's `cat` would let
//! the kernel copy.

use clap::Args;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wasmaot_bench::stats::median;

#[derive(Args)]
pub(crate) struct Opts {
    /// The `wasmaot` command.
    #[arg(long, default_value = "target/x86_64-unknown-linux-gnu/release/wasmaot")]
    wasmaot: PathBuf,
    /// The system's `cat`.
    #[arg(long, default_value = "cat")]
    cat: PathBuf,
    /// Directory of the programs.
    #[arg(long, default_value = "benchmarks/programs")]
    programs: PathBuf,
    /// Directory for the file and compiled programs during the measurement.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
    /// Size of the file, in MiB.
    #[arg(long, default_value_t = 256)]
    size: usize,
    /// Number of runs per side.
    #[arg(long, default_value_t = 31)]
    pairs: usize,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    std::fs::create_dir_all(&opts.scratch)?;
    let file = opts.scratch.join("cat.bin");
    std::fs::write(&file, (0..opts.size << 20).map(|at| (at >> 7) as u8).collect::<Vec<u8>>())?;
    println!(
        "| {} MiB, user + sys | ms | `cat`, ms | ratio: median (quartiles) |\n|---|---|---|---|",
        opts.size
    );
    for program in ["cat", "cat-sync"] {
        let compiled = opts.scratch.join(program).with_extension("so");
        let wasm = opts.programs.join(program).with_extension("wasm");
        cpu(Command::new(&opts.wasmaot).args(["compile", "--quiet"]).arg(wasm).arg("-o").arg(&compiled))?;
        let mut ours = Command::new(&opts.wasmaot);
        ours.arg("run").arg("--dir").arg(shared(&opts.scratch)).arg(compiled).arg("/cat.bin");
        let mut theirs = Command::new(&opts.cat);
        theirs.arg(&file);
        compare(program, [&mut ours, &mut theirs], opts.pairs)?;
    }
    std::fs::remove_file(file)
}

/// The folder as the guest's root.
fn shared(folder: &Path) -> std::ffi::OsString {
    let mut text = folder.as_os_str().to_owned();
    text.push("::/");
    text
}

/// Prints the row of a program, of runs that took turns.
fn compare(program: &str, sides: [&mut Command; 2], pairs: usize) -> io::Result<()> {
    let [ours, theirs] = sides;
    let mut run = || Ok::<_, io::Error>([cpu(ours)?, cpu(theirs)?]);
    run()?;
    let runs = (0..pairs).map(|_| run()).collect::<io::Result<Vec<_>>>()?;
    let side = |index: usize| median(runs.iter().map(|run| run[index] * 1e3).collect());
    let mut ratios: Vec<f64> = runs.iter().map(|[ours, theirs]| ours / theirs).collect();
    ratios.sort_by(f64::total_cmp);
    let quartile = |quarter: usize| ratios[(ratios.len() - 1) * quarter / 4];
    println!(
        "| {program} | {:.1} | {:.1} | {:.2} ({:.2}–{:.2}) |",
        side(0),
        side(1),
        quartile(2),
        quartile(1),
        quartile(3)
    );
    Ok(())
}

/// Runs a command and gives the CPU time that it used, in seconds. One that fails is an error.
fn cpu(command: &mut Command) -> io::Result<f64> {
    let before = used();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{command:?}: {status}")));
    }
    Ok(used() - before)
}

/// CPU time of all children that have ended, in seconds. No other ends meanwhile.
fn used() -> f64 {
    // SAFETY: an all-zero `rusage` is valid, and the pointer is to a live, writable one.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
