//! The programs as C compilers make them: what everything else is compared with.

use super::adapter::{Adapter, Commands, Job, MakeCommands, NotReady, Work, text};
use crate::child::Task;

pub(super) const ADAPTERS: [Adapter; 2] = [
    adapter("native", "GCC 12 or Clang 19, -O3, dynamically linked", |job| commands(job, &[])),
    adapter("native static", "the same, -static", |job| commands(job, &["-static"])),
];

const fn adapter(name: &'static str, upstream: &'static str, commands: MakeCommands) -> Adapter {
    let (tools, version) = (&["cc|gcc|clang"], &["--version"]);
    Adapter { name, upstream, tools, version, work: Work::InProcess, commands }
}

/// Flags for the same arithmetic as in WebAssembly: no fused operations, no C extensions that allow any.
pub(super) const FLAGS: [&str; 2] = ["-std=c11", "-O3"];

fn commands(job: &Job<'_>, flags: &[&str]) -> Result<Commands, NotReady> {
    let program = job.artifact("exe");
    let (source, to) = (job.native_source()?, text(&program));
    let args = FLAGS.iter().chain(flags).copied().chain([&source, "-o", &to, "-lm"]);
    let compile = Task::new(&job.tools[0], args);
    let run = Task::new(&program, job.program.args()).within(job.program.directory());
    Ok(Commands { compile: Some((compile, program)), run, clean_up: Vec::new() })
}
