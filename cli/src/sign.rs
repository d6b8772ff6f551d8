//! `wasmaot sign`: signs artifacts.
//!
//! **Invariant: what is signed is the artifact alone**, so a signature stays right when others sign too, and
//! wherever signatures are kept.

use crate::artifact::Artifact;
use crate::error::CliError;
use crate::{inspect, output};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use wasmaot_abi::signature::{Block, MOST, split};
use wasmaot_signature::{KeyError, PublicKey, SecretKey, detached_signed_by, signed_by};

/// Sign artifacts
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Artifacts to sign
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Private key to sign with, in PEM (see `wasmaot keygen`)
    #[arg(long, value_name = "KEY")]
    key: PathBuf,

    /// Write the signature to a separate file, FILE.sig, instead of appending it to the artifact
    #[arg(long)]
    detached: bool,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot sign --key release.pem app.so               the signature follows the artifact in its file
  wasmaot sign --key release.pem --detached app.so    it is in app.so.sig, 64 bytes
  wasmaot verify --public-key release.pem.pub app.so  checks either

  openssl pkeyutl -sign -rawin -inkey release.pem -in app.so -out app.so.sig
  openssl pkeyutl -verify -rawin -pubin -inkey release.pem.pub -in app.so -sigfile app.so.sig

A file that is signed already gets another signature, or a new one by the same key. The artifact stays as it is, so its checksum, its digest
and what was proven of it stay right.";

impl Opts {
    /// Signs all files and returns the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let key = key(&self.key, SecretKey::from_pem)?;
        for path in &self.files {
            let file = inspect::read(path)?;
            let (artifact, mut blocks) = split(&file);
            Artifact::read(artifact)
                .map_err(|source| CliError::NotAnArtifact { path: path.clone(), source })?;
            let own = key.block(artifact);
            if self.detached {
                output::write_file(&signature_name(path), &own.signature, output::Kind::Data)?;
                continue;
            }
            blocks.retain(|block| block.key != own.key);
            if blocks.len() >= MOST {
                return Err(CliError::Signatures { path: path.clone(), most: MOST });
            }
            blocks.push(own);
            let signed = [artifact, &blocks.iter().flat_map(Block::to_bytes).collect::<Vec<_>>()].concat();
            output::write_file(path, &signed, output::Kind::Data)?;
        }
        Ok(0)
    }
}

/// Reads a key.
pub(crate) fn key<K>(path: &Path, parse: impl FnOnce(&str) -> Result<K, KeyError>) -> Result<K, CliError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| CliError::Read { path: path.into(), source })?;
    parse(&text).map_err(|source| CliError::Key { path: path.into(), source })
}

/// Reads public keys.
pub(crate) fn public_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>, CliError> {
    paths.iter().map(|path| key(path, PublicKey::from_pem)).collect()
}

/// Checks that one of these keys, if there are any, has signed a file: in the file itself, or in one beside
/// it.
pub(crate) fn check(path: &Path, file: &[u8], keys: &[PublicKey]) -> Result<(), CliError> {
    if keys.is_empty() {
        return Ok(());
    }
    let detached = || {
        let signature = std::fs::read(signature_name(path)).ok()?;
        detached_signed_by(split(file).0, &signature, keys)
    };
    match signed_by(file, keys).or_else(detached) {
        Some(_) => Ok(()),
        None => Err(CliError::NotSigned { path: path.into(), keys: keys.len() }),
    }
}

/// The file of the public key that belongs to a private one.
pub(crate) fn public_name(path: &Path) -> PathBuf {
    with_suffix(path, ".pub")
}

/// The file of an artifact's detached signature.
pub(crate) fn signature_name(path: &Path) -> PathBuf {
    with_suffix(path, ".sig")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
