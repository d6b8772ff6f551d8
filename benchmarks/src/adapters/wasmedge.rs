//! WasmEdge, the study's SSVM, with code compiled ahead of time.
//!
//! From 0.17 on it interprets even a compiled file unless it is told not to; before, it does not know the
//! option.

use super::adapter::{Adapter, AheadOfTime, Commands, Job, NotReady, Work};
use crate::child::Task;
use wasmaot_bench::results::Level;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "wasmedge",
    upstream: "WasmEdge 0.17, https://wasmedge.org",
    tools: &["wasmedge"],
    version: &["--version"],
    work: Work::InProcess,
    level: Level::Host,
    commands,
};

fn commands(job: &Job<'_>) -> Result<Commands, NotReady> {
    let help = Task::new(&job.tools[0], ["run", "--help"]).print(job.timeout)?;
    let run: &[&str] = if help.contains("--run-mode") {
        &["run", "--run-mode", "aot", "{open}", "{artifact}"]
    } else {
        &["run", "{open}", "{artifact}"]
    };
    job.ahead_of_time(&AheadOfTime {
        compiler: 0,
        extension: "so",
        compile: &["compile", "{module}", "{artifact}"],
        open: &["--dir", ".:{directory}"],
        run,
    })
}
