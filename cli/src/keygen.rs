//! `wasmaot keygen`: makes a pair of keys to sign artifacts with.
//!
//! **Invariant: a private key is written for its owner only, and no key in the place of a file that exists.**

use crate::error::CliError;
use crate::output;
use crate::sign::public_name;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use wasmaot_program::report::Name;
use wasmaot_signature::SecretKey;

/// Make a pair of keys to sign artifacts with
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// File for the private key; the public key is written to the same name with `.pub` appended
    #[arg(value_name = "KEY")]
    key: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot keygen release.pem                          release.pem, to be kept secret, and release.pem.pub
  openssl genpkey -algorithm ed25519 -out key.pem     makes a key that works as well

Keys are Ed25519, in PEM: PKCS#8, not encrypted, and SubjectPublicKeyInfo.";

impl Opts {
    /// Makes both files, and returns the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let mut seed = [0; 32];
        rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| CliError::Random { source: error.into() })?;
        let key = SecretKey::from_seed(&seed);
        let public = public_name(&self.key);
        create(&self.key, &key.to_pem(), 0o600)?;
        create(&public, &key.public_key().to_pem(), 0o644).inspect_err(|_| {
            // A private key without its public one would only be in the way.
            let _ = std::fs::remove_file(&self.key);
        })?;
        let name = public.to_string_lossy();
        output::print(format!("{}: {}\n", Name(&name), key.public_key()).as_bytes())?;
        Ok(0)
    }
}

fn create(path: &Path, text: &str, mode: u32) -> Result<(), CliError> {
    let file = File::options().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| CliError::Write { path: path.into(), source })
}
