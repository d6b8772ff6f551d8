//! Options that the measurements share.

use clap::Args;
use std::path::PathBuf;

/// Where things are.
#[derive(Args, Clone)]
pub(crate) struct Places {
    /// Where the programs are.
    #[arg(long, default_value = "benchmarks/programs")]
    pub(crate) programs: PathBuf,
    /// Where compiled files are kept while measuring.
    #[arg(long, default_value = "target/bench")]
    pub(crate) scratch: PathBuf,
}
