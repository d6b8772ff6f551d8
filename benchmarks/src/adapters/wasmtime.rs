//! Wasmtime, with code compiled ahead of time.

use super::{Adapter, AheadOfTime, Work};

pub(super) const ADAPTER: Adapter = Adapter {
    name: "wasmtime",
    upstream: "Wasmtime 48.0.8, https://wasmtime.dev",
    tools: &["wasmtime"],
    version: &["--version"],
    work: Work::InProcess,
    commands: |job| job.ahead_of_time(&FORM),
};

const FORM: AheadOfTime = AheadOfTime {
    compiler: 0,
    extension: "cwasm",
    compile: &["compile", "{module}", "-o", "{artifact}"],
    open: &["--dir", "{directory}::."],
    run: &["run", "--allow-precompiled", "{open}", "{artifact}"],
};
