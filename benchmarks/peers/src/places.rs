//! Options that the measurements share.

use clap::Args;
use std::path::PathBuf;

/// Where things are.
#[derive(Args, Clone)]
pub(crate) struct Places {
    /// Directory of the programs.
    #[arg(long, default_value = "benchmarks/programs")]
    pub(crate) programs: PathBuf,
    /// Directory for compiled files during the measurement.
    #[arg(long, default_value = "target/bench")]
    pub(crate) scratch: PathBuf,
}
