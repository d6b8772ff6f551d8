//! WAVM, with code compiled ahead of time. It gives programs a root directory rather than one of their own.

use super::adapter::{Adapter, AheadOfTime, Work};
use wasmaot_bench::results::Level;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "wavm",
    upstream: "WAVM nightly/2022-05-14, https://wavm.github.io",
    tools: &["wavm"],
    version: &["version"],
    work: Work::InProcess,
    level: Level::Host,
    commands: |job| job.ahead_of_time(&FORM),
};

const FORM: AheadOfTime = AheadOfTime {
    compiler: 0,
    extension: "precompiled.wasm",
    compile: &["compile", "{module}", "{artifact}"],
    open: &["--mount-root", "{directory}"],
    run: &["run", "--precompiled", "--abi=wasi", "{open}", "{artifact}"],
};
