//! Lucet, which is no longer developed: `lucetc-wasi` compiles, `lucet-wasi` runs.

use super::adapter::{Adapter, AheadOfTime, Work};
use wasmaot_bench::results::Level;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "lucet",
    upstream: "Lucet 0.6, https://github.com/bytecodealliance/lucet",
    tools: &["lucet-wasi", "lucetc-wasi"],
    version: &["--version"],
    work: Work::InProcess,
    level: Level::Host,
    commands: |job| job.ahead_of_time(&FORM),
};

const FORM: AheadOfTime = AheadOfTime {
    compiler: 1,
    extension: "so",
    compile: &["-o", "{artifact}", "{module}"],
    open: &["--dir", "{directory}:."],
    run: &["{artifact}", "{open}", "--"],
};
