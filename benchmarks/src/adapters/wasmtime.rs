//! Wasmtime, with code compiled ahead of time: as it is, and such that it counts what it executes.

use super::adapter::{Adapter, AheadOfTime, MakeCommands, Work};
use wasmaot_bench::results::Level;

pub(super) const ADAPTERS: [Adapter; 2] = [
    adapter("wasmtime", |job| {
        let compile = ["compile", "{module}", "-o", "{artifact}"];
        job.ahead_of_time(&form(&compile, &["run", "--allow-precompiled", "{open}", "{artifact}"]))
    }),
    adapter("wasmtime fuel", |job| {
        let compile = ["compile", "-W", "fuel=1", "{module}", "-o", "{artifact}"];
        let run = ["run", "--allow-precompiled", "-W", ENOUGH, "{open}", "{artifact}"];
        job.ahead_of_time(&form(&compile, &run))
    }),
];

/// As much as there can be.
const ENOUGH: &str = "fuel=18446744073709551615";

const fn adapter(name: &'static str, commands: MakeCommands) -> Adapter {
    Adapter {
        name,
        upstream: "Wasmtime 49.0.3, https://wasmtime.dev",
        tools: &["wasmtime"],
        version: &["--version"],
        work: Work::InProcess,
        level: Level::Host,
        commands,
    }
}

const fn form<'a>(compile: &'a [&'a str], run: &'a [&'a str]) -> AheadOfTime<'a> {
    AheadOfTime { compiler: 0, extension: "cwasm", compile, open: &["--dir", "{directory}::."], run }
}
