//! wasmaot itself, a row per level of optimisation and of the CPU.

use super::{Adapter, AheadOfTime, Work};

pub(super) const ADAPTERS: [Adapter; 4] = [
    adapter("wasmaot", |job| {
        job.ahead_of_time(&form(&["compile", "--quiet", "{module}", "-o", "{artifact}"]))
    }),
    adapter("wasmaot -O0", |job| {
        job.ahead_of_time(&form(&["compile", "--quiet", "-O", "0", "{module}", "-o", "{artifact}"]))
    }),
    adapter("wasmaot -O2", |job| {
        job.ahead_of_time(&form(&["compile", "--quiet", "-O", "2", "{module}", "-o", "{artifact}"]))
    }),
    adapter("wasmaot native", |job| {
        let native = ["compile", "--quiet", "--target-cpu", "native", "{module}", "-o", "{artifact}"];
        job.ahead_of_time(&form(&native))
    }),
];

const fn adapter(name: &'static str, commands: super::MakeCommands) -> Adapter {
    Adapter {
        name,
        upstream: "wasmaot, this repository",
        tools: &["wasmaot"],
        version: &["--version"],
        work: Work::InProcess,
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
