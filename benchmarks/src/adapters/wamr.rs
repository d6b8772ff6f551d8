//! WebAssembly Micro Runtime: `wamrc` compiles, `iwasm` runs.

use super::adapter::{Adapter, AheadOfTime, Work};

pub(super) const ADAPTER: Adapter = Adapter {
    name: "wamr",
    upstream: "WAMR 2.4, https://github.com/bytecodealliance/wasm-micro-runtime",
    tools: &["iwasm", "wamrc"],
    version: &["--version"],
    work: Work::InProcess,
    commands: |job| job.ahead_of_time(&FORM),
};

const FORM: AheadOfTime = AheadOfTime {
    compiler: 1,
    extension: "aot",
    compile: &["-o", "{artifact}", "{module}"],
    open: &["--map-dir=.::{directory}"],
    run: &["{open}", "{artifact}"],
};
