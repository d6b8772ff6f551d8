//! The cache of `run`: artifacts of modules, and proofs of others, under `$XDG_CACHE_HOME/wasmaot`; and
//! `wasmaot cache`.
//!
//! **Invariants: an entry is only used if it loads**, and is made anew if it does not; entries appear by
//! renaming, so any number of processes may run at once; a cache that cannot be used never keeps a program
//! from running; the cache never stays larger than its limit. Entries can be deleted at any time.

mod folder;
mod key;
mod proofs;

use crate::error::CliError;
use crate::output;
use crate::text::{self, Bytes, Count};
use folder::Entry;
use serde_json::json;
use std::path::{Path, PathBuf};
use wasmaot_compiler::Options;
use wasmaot_runtime::{Module, OpenError, ProofCache};

/// The environment variable with the cache's limit.
const LIMIT: &str = "WASMAOT_CACHE_LIMIT";

/// The limit without it.
const DEFAULT_LIMIT: u64 = 1 << 30;

/// Show or clear the cache of compiled modules
#[derive(Debug, clap::Args)]
#[command(after_help = HELP, arg_required_else_help = true)]
pub(crate) struct Opts {
    #[command(subcommand)]
    action: Action,
}

const HELP: &str = "\
Examples:
  wasmaot cache show                                  folder, number of artifacts, size and limit
  wasmaot cache show --json | jq .bytes               the same, for programs
  wasmaot cache clear                                 delete all artifacts

`run` compiles modules into $XDG_CACHE_HOME/wasmaot (or ~/.cache/wasmaot). When the artifacts there are larger than WASMAOT_CACHE_LIMIT
(bytes, or a number with K, M or G; default 1G; 0 for no cache), those that were used longest ago are deleted. Beside them it keeps which
other artifacts it has proven, in a folder `proofs`, so that each is proven once.";

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show where the cache is and how large
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete all artifacts in the cache
    Clear,
}

impl Opts {
    /// Does what was asked for, and returns the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let folder = folder::path().ok_or(CliError::NoCache)?;
        let printed = match self.action {
            Action::Show { json } => show(&folder, json)?,
            Action::Clear => {
                let deleted = proofs::clear(&folder).and_then(|()| folder::clear(&folder));
                let deleted = deleted.map_err(|source| CliError::Delete { path: folder.clone(), source })?;
                format!("deleted {}\n", size(&deleted))
            }
        };
        output::print(printed.as_bytes())?;
        Ok(0)
    }
}

fn show(folder: &Path, as_json: bool) -> Result<String, CliError> {
    let entries = folder::entries(folder).map_err(|source| CliError::Read { path: folder.into(), source })?;
    let limit = stated_limit()?;
    if as_json {
        let report = json!({
            "folder": folder.to_string_lossy(),
            "artifacts": entries.len(),
            "bytes": total(&entries),
            "limit": limit,
        });
        return Ok(format!("{report}\n"));
    }
    Ok(format!("{}\n{} of {}\n", folder.display(), size(&entries), Bytes(limit)))
}

fn size(entries: &[Entry]) -> String {
    format!("{}, {}", Count(entries.len(), "artifact"), Bytes(total(entries)))
}

fn total(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.bytes).sum()
}

/// Returns the most bytes of all entries together.
fn stated_limit() -> Result<u64, CliError> {
    let Some(value) = std::env::var_os(LIMIT) else { return Ok(DEFAULT_LIMIT) };
    let value = value.to_string_lossy();
    text::size(&value).map_err(|why| CliError::CacheLimit { variable: LIMIT, value: value.into(), why })
}

/// Returns the same for `run`, where a value that is no size counts as unset: the cache keeps no program from
/// running.
fn limit() -> u64 {
    stated_limit().unwrap_or(DEFAULT_LIMIT)
}

/// Returns the module that `source` compiles to: from the cache, or by way of `compile` and into it.
pub(crate) fn module(
    source: &[u8],
    options: &Options,
    compile: impl FnOnce() -> Result<Vec<u8>, CliError>,
) -> Result<Result<Module, OpenError>, CliError> {
    let limit = limit();
    let folder = folder::path().filter(|folder| limit > 0 && folder::prepare(folder));
    let entry = folder.as_ref().map(|folder| folder.join(key::key(source, options)));
    if let Some(entry) = &entry
        && let Ok(module) = open(entry)
    {
        folder::touch(entry);
        return Ok(Ok(module));
    }
    let artifact = compile()?;
    let stored = entry.filter(|_| artifact.len() as u64 <= limit).and_then(|entry| store(entry, &artifact));
    let opened = stored.as_ref().map(open);
    if let Some(folder) = &folder {
        // What cannot be deleted is deleted another time.
        let _ = folder::evict(folder, limit);
    }
    match opened {
        Some(Ok(module)) => Ok(Ok(module)),
        // SAFETY: this process has compiled it.
        _ => Ok(unsafe { Module::from_bytes_trusted(&artifact) }),
    }
}

/// Returns where `run` keeps what it has proven, unless there is to be no cache.
pub(crate) fn proofs() -> Option<ProofCache> {
    let folder = folder::path().filter(|folder| limit() > 0 && folder::prepare(folder))?;
    proofs::open(&folder).ok()
}

/// Opens an artifact of the cache.
fn open(entry: &PathBuf) -> Result<Module, OpenError> {
    // SAFETY: only the user can write to the folder, as was checked, and the command stores nothing there but
    // what it has compiled. Entries are replaced and deleted, never written to.
    unsafe { Module::open_trusted(entry) }
}

/// Stores an artifact. A full disk, or a file system that maps nothing executable, is no reason to fail.
fn store(entry: PathBuf, artifact: &[u8]) -> Option<PathBuf> {
    output::replace(&entry, artifact, output::Kind::Data).ok().map(|()| entry)
}
