//! The programs as C compilers make them: what everything else is compared with.
//!
//! Two compilers, each for any CPU of the architecture and for the host's: the faster one for the CPU that a
//! row's code is made for is what the row is compared with.

use super::adapter::{Adapter, Commands, Job, MakeCommands, NotReady, Work, text};
use crate::child::Task;
use wasmaot_bench::results::Level;

pub(super) const ADAPTERS: [Adapter; 5] = [
    adapter("native", "GCC 12 or later, -O3", GCC, Level::Any, |job| commands(job, &[])),
    adapter("native clang", "Clang 19 or later, -O3", CLANG, Level::Any, |job| commands(job, &[])),
    adapter("native host", "GCC, -O3 -march=native", GCC, Level::Host, |job| commands(job, &HOST)),
    adapter("native clang host", "Clang, -O3 -march=native", CLANG, Level::Host, |job| commands(job, &HOST)),
    adapter("native static", "GCC, -O3 -static", GCC, Level::Any, |job| commands(job, &["-static"])),
];

const GCC: &[&str] = &["gcc|cc"];
const CLANG: &[&str] = &["clang|clang-21|clang-20|clang-19"];
const HOST: [&str; 1] = ["-march=native"];

const fn adapter(
    name: &'static str,
    upstream: &'static str,
    tools: &'static [&'static str],
    level: Level,
    commands: MakeCommands,
) -> Adapter {
    Adapter { name, upstream, tools, version: &["--version"], work: Work::InProcess, level, commands }
}

/// Flags for the same arithmetic as in WebAssembly: no fused operations, no C extensions that allow any.
pub(super) const FLAGS: [&str; 3] = ["-std=c11", "-O3", "-ffp-contract=off"];

fn commands(job: &Job<'_>, flags: &[&str]) -> Result<Commands, NotReady> {
    let program = job.artifact("exe");
    let (source, to) = (job.native_source()?, text(&program));
    let args = FLAGS.iter().chain(flags).copied().chain([&source, "-o", &to, "-lm"]);
    let compile = Task::new(&job.tools[0], args);
    let run = Task::new(&program, job.program.args()).within(job.program.directory());
    Ok(Commands { compile: Some((compile, program)), run, clean_up: Vec::new() })
}
