//! WasmEdge, the study's SSVM, with code compiled ahead of time.

use super::adapter::{Adapter, AheadOfTime, Work};

pub(super) const ADAPTER: Adapter = Adapter {
    name: "wasmedge",
    upstream: "WasmEdge 0.14, https://wasmedge.org",
    tools: &["wasmedge"],
    version: &["--version"],
    work: Work::InProcess,
    commands: |job| job.ahead_of_time(&FORM),
};

const FORM: AheadOfTime = AheadOfTime {
    compiler: 0,
    extension: "so",
    compile: &["compile", "{module}", "{artifact}"],
    open: &["--dir", ".:{directory}"],
    run: &["run", "{open}", "{artifact}"],
};
