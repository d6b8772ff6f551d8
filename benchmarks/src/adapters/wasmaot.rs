//! wasmaot itself: one row per optimisation level and CPU level, one for metered code, and one for standalone
//! executables.

use super::adapter::{Adapter, AheadOfTime, Commands, Job, MakeCommands, NotReady, Work, text};
use crate::child::Task;
use wasmaot_bench::results::Level;

pub(super) const ADAPTERS: [Adapter; 7] = [
    adapter("wasmaot", Level::Any, |job| {
        job.ahead_of_time(&form(&["compile", "--quiet", "{module}", "-o", "{artifact}"]))
    }),
    adapter("wasmaot -O0", Level::Any, |job| {
        job.ahead_of_time(&form(&["compile", "--quiet", "-O", "0", "{module}", "-o", "{artifact}"]))
    }),
    adapter("wasmaot -O2", Level::Any, |job| {
        job.ahead_of_time(&form(&["compile", "--quiet", "-O", "2", "{module}", "-o", "{artifact}"]))
    }),
    adapter("wasmaot native", Level::Host, |job| {
        let native = ["compile", "--quiet", "--target-cpu", "native", "{module}", "-o", "{artifact}"];
        job.ahead_of_time(&form(&native))
    }),
    adapter("wasmaot -O2 native", Level::Host, |job| {
        let native =
            ["compile", "--quiet", "-O", "2", "--target-cpu", "native", "{module}", "-o", "{artifact}"];
        job.ahead_of_time(&form(&native))
    }),
    adapter("wasmaot metered", Level::Any, |job| {
        job.ahead_of_time(&form(&["compile", "--quiet", "--meter", "{module}", "-o", "{artifact}"]))
    }),
    adapter("wasmaot exe", Level::Any, executable),
];

const fn adapter(name: &'static str, level: Level, commands: MakeCommands) -> Adapter {
    Adapter {
        name,
        upstream: "wasmaot, this repository",
        tools: &["wasmaot"],
        version: &["--version"],
        work: Work::InProcess,
        level,
        commands,
    }
}

const fn form<'a>(compile: &'a [&'a str]) -> AheadOfTime<'a> {
    AheadOfTime {
        compiler: 0,
        extension: "so",
        compile,
        open: &["--dir", "{directory}::."],
        run: &["run", "{open}", "{artifact}"],
    }
}

/// Executables are given their directories when they are made.
fn executable(job: &Job<'_>) -> Result<Commands, NotReady> {
    let program = job.artifact("exe");
    let mut compile: Vec<String> = ["compile", "--quiet", "--emit", "exe"].map(Into::into).into();
    if job.program.reads_files() {
        compile.extend(["--dir".into(), format!("{}::.", text(job.program.directory()))]);
    }
    compile.extend([text(job.program.module()), "-o".into(), text(&program)]);
    let compile = Task::new(&job.tools[0], compile);
    let run = Task::new(&program, job.program.args());
    Ok(Commands { compile: Some((compile, program)), run, clean_up: Vec::new() })
}
