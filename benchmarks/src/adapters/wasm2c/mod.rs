//! wasm2c of the WebAssembly Binary Toolkit: it makes C of a module, which a C compiler and a host of WASI
//! make an executable of.
//!
//! What it needs at run time lies beside it as C sources: in `../wasm2c`, or, as Debian has it, in
//! `../share/wabt/wasm2c`.

use super::adapter::{Adapter, Commands, Job, NotReady, Work, text};
use crate::child::{Failure, Task};
use std::path::{Path, PathBuf};
use wasmaot_bench::results::Level;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "wasm2c",
    upstream: "wasm2c of WABT 1.0.42, https://github.com/WebAssembly/wabt, with a C compiler",
    tools: &["wasm2c", "clang|clang-21|clang-20|clang-19|gcc|cc", "sh"],
    version: &["--version"],
    work: Work::InProcess,
    level: Level::Host,
    commands,
};

/// The functions of WASI that the programs import.
const WASI: &str = include_str!("wasi.c");

/// Flags by which C means what WebAssembly does, as the documentation of wasm2c has them.
const FLAGS: &str = "-O3 -march=native -static -ffp-contract=off -fno-optimize-sibling-calls -frounding-math -fsignaling-nans";

/// `$1` is wasm2c, `$2` the compiler, `$3` the module, `$4` the folder of the sources, `$5` that of what is
/// made.
const COMPILE: &str = r#"
"$1" -n guest "$3" -o "$5/guest.c"
"$2" FLAGS -w -I "$5" -I "$4" -I "$4/../include" "$5/guest.c" "$5/wasi.c" \
    "$4/wasm-rt-impl.c" "$4/wasm-rt-mem-impl.c" -o "$5/guest.exe" -lm
"#;

fn commands(job: &Job<'_>) -> Result<Commands, NotReady> {
    let [wasm2c, compiler, shell] = job.tools else { unreachable!("an adapter gets its tools") };
    let sources = sources(wasm2c)?;
    std::fs::write(job.folder.join("wasi.c"), WASI)?;
    let script = COMPILE.replace("FLAGS", FLAGS);
    let paths = [wasm2c, compiler, job.program.module(), &sources, job.folder].map(text);
    let compile = Task::new(shell, ["-ec".to_string(), script, "sh".to_string()].into_iter().chain(paths));
    let program = job.folder.join("guest.exe");
    let run = Task::new(&program, job.program.args());
    let run =
        if job.program.reads_files() { run.with("WASI_DIRECTORY", job.program.directory()) } else { run };
    Ok(Commands { compile: Some((compile, program)), run, clean_up: Vec::new() })
}

/// The folder of the sources that every program needs.
fn sources(wasm2c: &Path) -> Result<PathBuf, Failure> {
    let folder = wasm2c.parent().unwrap_or(Path::new("/"));
    let candidates = ["../wasm2c", "../share/wabt/wasm2c"].map(|place| folder.join(place));
    let found = candidates.into_iter().find(|place| place.join("wasm-rt-impl.c").exists());
    found.ok_or_else(|| Failure(format!("wasm-rt-impl.c is not beside {}", wasm2c.display())))
}
