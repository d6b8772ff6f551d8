//! `wasmaot verify`: proves artifacts from their machine code.
//!
//! **Invariants.** The report claims what [`wasmaot_verifier`] proves and nothing more: both forms list the
//! properties, and what is not among them. A file that loading would refuse on every machine is not proven.
//! Each file is verified as if it were alone: one that cannot be read does not keep others from being
//! verified. Files are only read.

use crate::codegen;
use crate::error::CliError;
use crate::inspect;
use crate::output;
use crate::progress::Bar;
use crate::rebuild;
use crate::sign;
use crate::text::{Bytes, Count};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use wasmaot_compiler::Progress;
use wasmaot_program::report::Name;
use wasmaot_runtime::Module;
use wasmaot_signature::PublicKey;
use wasmaot_verifier::{NOT_PROVEN, Place, Proof, Property, Refused, Rejection, verify_with};

/// Prove from their machine code that artifacts obey the sandbox
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Artifacts, executables from `compile --emit exe`, or folders, whose `.so` files are verified; `-` for
    /// standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Print one line of JSON per file
    #[arg(long)]
    json: bool,

    /// Require each file to be signed with this public key, in PEM (see `wasmaot sign`); if repeated, with
    /// any of the keys
    #[arg(long = "public-key", value_name = "KEY")]
    public_keys: Vec<PathBuf>,

    /// Require that compiling this module with the recorded options reproduces the artifact byte for byte
    #[arg(long, value_name = "MODULE")]
    rebuild: Option<PathBuf>,

    /// Threads to verify with [default: one per core]
    #[arg(long, value_name = "N", value_parser = codegen::jobs)]
    jobs: Option<u16>,

    /// Do not show progress
    #[arg(long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot verify app.so                        proven or not, and why not
  wasmaot verify build/                        every artifact in a folder
  wasmaot verify --public-key key.pub app.so   signed by this key besides (see `wasmaot sign`)
  wasmaot verify --rebuild app.wasm app.so     and what this module compiles to
  wasmaot verify app.so --json | jq .proven    for programs

The exit status is 0 if all files are proven, and 1 if not. A file that no runtime of this version would load, such as one with a wrong
checksum, is not proven. `wasmaot run` proves an artifact before it runs it.

A line of JSON has path, proven, functions and code_bytes (null if it is not proven), rejections (property, problem, and place, which is
null for the file as a whole), error (null, or why the file cannot be examined), properties (those proven), and not_proven (what a proof
does not say).";

/// Rejections of a file that are printed; the rest is counted. JSON has all of them.
const SHOWN: usize = 20;

/// What became of a file: a proof, or why there is none, or why it cannot be examined.
type Verdict = Result<Result<Proof, Refused>, CliError>;

impl Opts {
    /// Verifies all files and returns the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let keys = sign::public_keys(&self.public_keys)?;
        let files = self.artifacts();
        let (all, mut failed) = (files.len(), 0);
        for (path, found) in files {
            let verdict = found.and_then(|()| self.verify(&path, &keys));
            let shown = if self.json { line(&path, &verdict) } else { text(&path, &verdict) };
            output::print(shown.as_bytes())?;
            failed += usize::from(!matches!(verdict, Ok(Ok(_))));
            if let Err(error) = verdict {
                error.fails();
            }
        }
        if failed == 0 && !self.json {
            output::print(claims().as_bytes())?;
        }
        match failed {
            0 => Ok(0),
            _ if all == 1 => Ok(1),
            _ => Err(CliError::NotProven { failed, all }),
        }
    }

    fn verify(&self, path: &Path, keys: &[PublicKey]) -> Verdict {
        let bytes = inspect::read(path)?;
        sign::check(path, &bytes, keys)?;
        let artifact = inspect::artifact_in(&bytes)
            .map_err(|source| CliError::NotAnArtifact { path: path.into(), source })?;
        // What would not be loaded need not be proven, and may be another file to the loader than to the
        // verifier.
        if let Err(error) = Module::check(artifact) {
            let rejection = Rejection { property: Property::Form, problem: error.to_string(), place: None };
            return Ok(Err(Refused { rejections: vec![rejection] }));
        }
        if let Some(module) = &self.rebuild {
            rebuild::check(module, path, artifact)?;
        }
        let bar = Bar::new(format!("verifying {}", path.display()), !self.quiet);
        let jobs = usize::from(self.jobs.unwrap_or(0));
        Ok(verify_with(artifact, jobs, &|done, total| bar.report(Progress { done, total })))
    }

    /// The files, with those of folders in order of their names; and the folders that have none or cannot be
    /// read.
    fn artifacts(&self) -> Vec<(PathBuf, Result<(), CliError>)> {
        let mut files = Vec::new();
        for path in &self.files {
            match folder(path) {
                None => files.push((path.clone(), Ok(()))),
                Some(Ok(found)) => files.extend(found.into_iter().map(|path| (path, Ok(())))),
                Some(Err(error)) => files.push((path.clone(), Err(error))),
            }
        }
        files
    }
}

/// The artifacts in a folder, or `None` if the path is no folder.
fn folder(path: &Path) -> Option<Result<Vec<PathBuf>, CliError>> {
    let failed = |source| CliError::Read { path: path.into(), source };
    let list = || {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(failed)?.collect();
        let paths = entries.map_err(failed)?.into_iter().map(|entry| entry.path());
        let mut found: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|name| name == "so")).collect();
        found.sort();
        match found.is_empty() {
            true => Err(CliError::NoArtifacts { path: path.into() }),
            false => Ok(found),
        }
    };
    path.is_dir().then(list)
}

/// The form for people.
fn text(path: &Path, verdict: &Verdict) -> String {
    let name = Name(&path.to_string_lossy()).to_string();
    match verdict {
        Ok(Ok(proof)) => {
            let functions = Count(proof.functions, "function");
            format!("{name}: proven: {functions}, {} of code\n", Bytes(proof.code_bytes))
        }
        Ok(Err(refused)) => {
            let all = refused.rejections.len();
            let mut text = format!("{name}: not proven: {}\n", Count(all, "rejection"));
            for rejection in refused.rejections.iter().take(SHOWN) {
                let _ = writeln!(text, "{rejection}");
            }
            if all > SHOWN {
                let _ = writeln!(text, "and {} more, which --json lists", all - SHOWN);
            }
            text
        }
        // Standard error says why.
        Err(_) => format!("{name}: not proven: cannot be examined\n"),
    }
}

/// What a proof says and what it does not.
fn claims() -> String {
    let names: Vec<&str> = Property::ALL.iter().map(|property| property.name()).collect();
    format!("properties: {}\nnot among them: {}\n", names.join(", "), NOT_PROVEN.join("; "))
}

/// The form for programs. Fields are only ever added, and each is there in every line.
fn line(path: &Path, verdict: &Verdict) -> String {
    let proof = verdict.as_ref().ok().and_then(|result| result.as_ref().ok());
    let refused = verdict.as_ref().ok().and_then(|result| result.as_ref().err());
    let rejections = refused.map_or(&[][..], |refused| &refused.rejections);
    let properties = if proof.is_some() { Property::ALL } else { &[] };
    let line = json!({
        "path": path.to_string_lossy(),
        "proven": proof.is_some(),
        "functions": proof.map(|proof| proof.functions),
        "code_bytes": proof.map(|proof| proof.code_bytes),
        "rejections": rejections.iter().map(rejection).collect::<Vec<_>>(),
        "error": verdict.as_ref().err().map(CliError::report),
        "properties": properties.iter().map(|property| property.name()).collect::<Vec<_>>(),
        "not_proven": NOT_PROVEN,
    });
    format!("{line}\n")
}

fn rejection(rejection: &Rejection) -> Value {
    json!({
        "property": rejection.property.name(),
        "problem": rejection.problem,
        "place": rejection.place.as_deref().map(place),
    })
}

fn place(place: &Place) -> Value {
    json!({
        "kind": place.kind_name(),
        "index": place.index,
        "name": place.name,
        "address": place.address,
        "offset": place.offset,
        "wasm_offset": place.wasm_offset,
        "instruction": place.instruction,
        "state": place.state,
    })
}
