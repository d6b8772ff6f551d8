//! WebAssembly Micro Runtime: `wamrc` compiles, `iwasm` runs.
//!
//! Three rows: as it is built by default; with the base of the memory in a segment register; and built with
//! WAMR_DISABLE_STACK_HW_BOUND_CHECK, which checks the depth of the stack in compiled code instead of in a
//! handler of signals, for which the default touches the whole stack at each start.

use super::adapter::{Adapter, AheadOfTime, MakeCommands, Work};
use wasmaot_bench::results::Level;

pub(super) const ADAPTERS: [Adapter; 3] = [
    adapter("wamr", &["iwasm", "wamrc"], |job| job.ahead_of_time(&form(&["-o", "{artifact}", "{module}"]))),
    adapter("wamr segue", &["iwasm", "wamrc"], |job| {
        job.ahead_of_time(&form(&["--enable-segue", "-o", "{artifact}", "{module}"]))
    }),
    adapter("wamr-soft-stack", &["iwasm-soft-stack", "wamrc"], |job| {
        job.ahead_of_time(&form(&["--stack-bounds-checks=1", "-o", "{artifact}", "{module}"]))
    }),
];

const fn adapter(name: &'static str, tools: &'static [&'static str], commands: MakeCommands) -> Adapter {
    Adapter {
        name,
        upstream: "WAMR 2.4, https://github.com/bytecodealliance/wasm-micro-runtime",
        tools,
        version: &["--version"],
        work: Work::InProcess,
        level: Level::Host,
        commands,
    }
}

const fn form<'a>(compile: &'a [&'a str]) -> AheadOfTime<'a> {
    AheadOfTime {
        compiler: 1,
        extension: "aot",
        compile,
        open: &["--map-dir=.::{directory}"],
        run: &["{open}", "{artifact}"],
    }
}
