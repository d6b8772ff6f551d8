//! `wasmaot inspect`: what is in an artifact.
//!
//! **Invariant: the file is only read.** Nothing of it is mapped or run, so an artifact that cannot be loaded here (another ABI
//! version, a better CPU, a wrong checksum) is shown as far as it can be told, with what is the matter.

mod artifact;
mod json;
mod text;

use crate::error::CliError;
use crate::output;
use artifact::Artifact;
pub(crate) use artifact::NotAnArtifact;
use std::path::PathBuf;

/// Show what is in an artifact
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Artifact to look at
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot inspect app.so                              for people
  wasmaot inspect app.so --json | jq .cpu.level       for programs

An artifact of another ABI version, or for a better CPU, is shown as far as it can be read.";

impl Opts {
    /// Prints, and gives the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let bytes =
            std::fs::read(&self.file).map_err(|source| CliError::Read { path: self.file.clone(), source })?;
        let artifact = Artifact::read(&bytes)
            .map_err(|source| CliError::NotAnArtifact { path: self.file.clone(), source })?;
        let shown = if self.json { json::render(&artifact) } else { text::render(&artifact) };
        output::print(shown.as_bytes())?;
        Ok(0)
    }
}
