//! Whole process of a program that does nothing: `wasmaot run nop.so` against a native, dynamically linked one; and the standalone
//! executable against a native static one.
//!
//! All are measured as copies, as an installation makes them: a file as a linker wrote it starts more slowly, for how it lies in the page
//! cache.

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
    let (so, exe, cwasm) = (scratch.join("nop.so"), scratch.join("nop.exe"), scratch.join("nop.cwasm"));
    let wasmaot = copied(wasmaot, scratch, "wasmaot")?;
    for (kind, output) in [("so", &so), ("exe", &exe)] {
        let arguments = ["compile", "--quiet", &text(&wasm), "--emit", kind, "-o", &text(output)];
        Task::new("wasmaot compile", &wasmaot, &arguments).run()?;
    }
    let native = |name: &str, flags: &[&str]| {
        let linked = scratch.join("linked");
        let (from, to) = (text(&source), text(&linked));
        Task::new("cc", &opts.cc, &[&["-O2", &from, "-o", &to], flags].concat()).run()?;
        Ok::<_, io::Error>(Task::new(name, &copied(&linked, scratch, name)?, &[]))
    };
    let ours = Task::new("wasmaot", &wasmaot, &["run", &text(&so)]);
    println!("{}", pairs::HEAD);
    let compare = |ours: &Task, theirs: &Task| {
        let measured = Pairs::measure(ours, theirs, *pairs)?;
        println!("{}", measured.row("nop, whole process", "ms", pairs::WALL));
        println!("{}", measured.row("nop, peak memory", "MiB", pairs::PEAK));
        Ok::<_, io::Error>(())
    };
    compare(&ours, &native("native", &[])?)?;
    compare(&Task::new("executable", &exe, &[]), &native("native-static", &["-static"])?)?;
    if Task::new("wasmtime compile", wasmtime, &["compile", &text(&wasm), "-o", &text(&cwasm)]).run().is_err()
    {
        println!("\n{} is missing or fails: not compared", wasmtime.display());
        return Ok(());
    }
    compare(&ours, &Task::new("wasmtime", wasmtime, &["run", "--allow-precompiled", &text(&cwasm)]))
}

/// A copy of a program.
fn copied(program: &Path, scratch: &Path, name: &str) -> io::Result<PathBuf> {
    let copy = scratch.join(name);
    // Contents are written anew, not shared with the original's.
    let contents = std::fs::read(program)?;
    let _ = std::fs::remove_file(&copy);
    std::fs::write(&copy, contents)?;
    std::fs::set_permissions(&copy, std::fs::metadata(program)?.permissions())?;
    Ok(copy)
}
