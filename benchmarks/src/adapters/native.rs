//! The programs as C compilers make them: what everything else is compared with.

use super::{Adapter, Commands, Job, Work, text};
use crate::child::{Failure, Task};

pub(super) const ADAPTER: Adapter = Adapter {
    name: "native",
    upstream: "GCC 12 or Clang 19, -O3, dynamically linked",
    tools: &["cc|gcc|clang"],
    version: &["--version"],
    work: Work::InProcess,
    commands,
};

/// Flags for the same arithmetic as in WebAssembly: no fused operations, no C extensions that allow any.
pub(super) const FLAGS: [&str; 2] = ["-std=c11", "-O3"];

fn commands(job: &Job<'_>) -> Result<Commands, Failure> {
    let program = job.artifact("exe");
    let (source, to) = (text(&job.program.source()?), text(&program));
    let args = FLAGS.into_iter().chain([&source, "-o", &to, "-lm"]);
    let compile = Task::new(&job.tools[0], args);
    let run = Task::new(&program, job.program.args()).within(job.program.directory());
    Ok(Commands { compile: Some((compile, program)), run, clean_up: Vec::new() })
}
