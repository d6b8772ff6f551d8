//! Tables and pictures of results.
//!
//! **Invariant: a report depends on the file of results only**, so the same file gives the same report, and
//! every figure of a report can be found again.

mod compare;
mod footprint;
mod pictures;
mod readme;
mod study;
mod tables;
mod view;

pub(crate) use compare::CompareOpts;
pub(crate) use view::BASELINE;

use clap::Args;
use std::io;
use std::path::{Path, PathBuf};
use view::View;
use wasmaot_bench::results::Results;

#[derive(Args)]
pub(crate) struct Opts {
    /// The file of results.
    results: PathBuf,
    /// Markdown file whose section between `<!-- figures: FILE -->` and `<!-- end of figures -->` is
    /// regenerated from FILE.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Markdown file with such a section, to show the figures next to those printed in the study.
    #[arg(long, value_name = "FILE", conflicts_with = "into")]
    study: Option<PathBuf>,
    /// Baseline runtime of the tables.
    #[arg(long, value_name = "NAME", default_value = BASELINE, conflicts_with = "into")]
    baseline: String,
}

/// Writes tables and pictures beside a file of results.
pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    let results = Results::read(&opts.results)?;
    match (&opts.into, &opts.study) {
        (Some(document), _) => readme::update(document, &readme::section(&opts.results, &results)),
        (_, Some(document)) => readme::update(document, &study::section(&opts.results, &results)),
        _ => write_all(&results, &opts.baseline, &opts.results),
    }
}

/// Writes tables and pictures beside the file of results, and prints the tables.
pub(crate) fn write_all(results: &Results, baseline: &str, file: &Path) -> io::Result<()> {
    let view = View { results, baseline };
    let tables = tables::all(view);
    std::fs::write(file.with_extension("md"), &tables)?;
    pictures::write(view, file)?;
    println!("{tables}");
    Ok(())
}

/// Compares two files of results. Says whether something became slower than it may.
pub(crate) fn compare(opts: &CompareOpts) -> io::Result<bool> {
    compare::run(opts)
}
