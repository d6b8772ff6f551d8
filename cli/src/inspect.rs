//! `wasmaot inspect`: what is in an artifact, or attached to an executable.
//!
//! **Invariant: the file is only read.** Nothing of it is mapped or run, so an artifact that cannot be loaded
//! here (another ABI version, a better CPU, a wrong checksum) is shown as far as it can be told, with what is
//! the matter.

mod json;
mod text;
mod wit;

pub(crate) use json::preinit as preinit_json;

use crate::artifact::{Artifact, NotAnArtifact};
use crate::error::CliError;
use crate::input::{self, MAX_ARTIFACT};
use crate::kind::ELF_MAGIC;
use crate::output;
use crate::text::hex;
use std::io::Read;
use std::path::{Path, PathBuf};
use wasmaot_abi::signature::{Block, split};
use wasmaot_program::attached::{Attached, AttachedError};

/// Show what is in an artifact, or in an executable
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Artifact, or executable of `compile --emit exe`; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// Print what a component imports and exports, in WIT
    #[arg(long, conflicts_with = "json")]
    wit: bool,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot inspect app.so                              for people
  wasmaot inspect app.so --json | jq .cpu.level       for programs
  wasmaot inspect component.so --wit                  the world of a component, with types
  wasmaot inspect app                                 an executable: what it is granted, and the artifact in it

An artifact of another ABI version, or for a better CPU, is shown as far as it can be read.";

impl Opts {
    /// Prints, and gives the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let bytes = read(&self.file)?;
        let shown = self.show(&bytes);
        let shown = shown.map_err(|source| CliError::NotAnArtifact { path: self.file.clone(), source })?;
        output::print(shown.as_bytes())?;
        Ok(0)
    }

    fn show(&self, bytes: &[u8]) -> Result<String, NotAnArtifact> {
        let (attached, (bytes, signatures)) = match Attached::find(bytes) {
            Ok((attached, artifact)) => (Some(attached), (artifact, Vec::new())),
            Err(AttachedError::Nothing) => (None, split(bytes)),
            Err(source) => return Err(NotAnArtifact::Executable(source)),
        };
        let artifact = Artifact::read(bytes)?;
        if self.wit {
            let descriptor = artifact.into_descriptor()?;
            return Ok(wit::render(&descriptor.component.ok_or(NotAnArtifact::Module)?));
        }
        let signers: Vec<String> = signatures.iter().map(signer).collect();
        Ok(match self.json {
            true => json::render(&artifact, attached.as_ref(), &signers),
            false => text::render(&artifact, attached.as_ref(), &signers),
        })
    }
}

/// The key that a signature claims to be by, in hexadecimal digits.
fn signer(block: &Block) -> String {
    hex(&block.key)
}

/// Reads an artifact or executable. A file that does not begin as ELF files do is not read any further: it
/// may be endless.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |source| CliError::Read { path: path.into(), source };
    let mut file = input::open(path)?;
    let mut bytes = Vec::new();
    (&mut file).take(ELF_MAGIC.len() as u64).read_to_end(&mut bytes).map_err(failed)?;
    if bytes != ELF_MAGIC {
        return Err(CliError::NotAnArtifact { path: path.into(), source: NotAnArtifact::NotElf });
    }
    file.take(MAX_ARTIFACT).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > MAX_ARTIFACT {
        true => Err(CliError::TooLarge { path: path.into(), limit: MAX_ARTIFACT }),
        false => Ok(bytes),
    }
}

/// The artifact that a file is, without the signatures that follow it, or that is attached to it.
pub(crate) fn artifact_in(bytes: &[u8]) -> Result<&[u8], NotAnArtifact> {
    match Attached::find(bytes) {
        Ok((_, artifact)) => Ok(artifact),
        Err(AttachedError::Nothing) => Ok(split(bytes).0),
        Err(source) => Err(NotAnArtifact::Executable(source)),
    }
}
