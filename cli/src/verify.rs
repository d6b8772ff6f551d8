//! `wasmaot verify`: proves artifacts from their machine code.
//!
//! **Invariant: the report claims what [`wasmaot_verifier`] proves and nothing more**: both forms list the properties, and what is not
//! among them. Files are only read.

use crate::codegen;
use crate::error::CliError;
use crate::inspect;
use crate::output;
use crate::progress::Bar;
use crate::text::{Bytes, Count};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use wasmaot_compiler::Progress;
use wasmaot_program::report::Name;
use wasmaot_verifier::{NOT_PROVEN, Place, Proof, Property, Refused, Rejection, verify_with};

/// Prove from their machine code that artifacts obey the sandbox
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Artifacts, executables of `compile --emit exe`, or folders: all files in them whose names end in `.so`
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,

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
  wasmaot verify app.so --json | jq .proven    for programs

The exit status is 0 if all files are proven, and 1 if not. Nothing is loaded by proof yet: `wasmaot run` trusts an artifact as before.";

/// Rejections of a file that are printed; the rest is counted. JSON has all of them.
const SHOWN: usize = 20;

/// What became of a file.
struct Verdict {
    path: PathBuf,
    result: Result<Proof, Refused>,
}

impl Opts {
    /// Verifies all files and returns the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        let mut verdicts = Vec::new();
        for path in self.artifacts()? {
            let bytes = inspect::read(&path)?;
            let artifact = inspect::artifact_in(&bytes)
                .map_err(|source| CliError::NotAnArtifact { path: path.clone(), source })?;
            let bar = Bar::new(format!("verifying {}", path.display()), !self.quiet);
            let jobs = usize::from(self.jobs.unwrap_or(0));
            let report = |done, total| bar.report(Progress { done, total });
            let result = verify_with(artifact, jobs, &report);
            drop(bar);
            if !self.json {
                output::print(text(&path, &result).as_bytes())?;
            }
            verdicts.push(Verdict { path, result });
        }
        let proven = verdicts.iter().all(|verdict| verdict.result.is_ok());
        if self.json {
            output::print(format!("{:#}\n", report(&verdicts, proven)).as_bytes())?;
        } else if proven {
            output::print(claims().as_bytes())?;
        }
        Ok(i32::from(!proven))
    }

    /// The files, with those of folders in order of their names.
    fn artifacts(&self) -> Result<Vec<PathBuf>, CliError> {
        let mut files = Vec::new();
        for path in &self.files {
            if !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            let failed = |source| CliError::Read { path: path.clone(), source };
            let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(failed)?.collect();
            let paths = entries.map_err(failed)?.into_iter().map(|entry| entry.path());
            let mut found: Vec<_> =
                paths.filter(|path| path.extension().is_some_and(|name| name == "so")).collect();
            if found.is_empty() {
                return Err(CliError::NoArtifacts { path: path.clone() });
            }
            found.sort();
            files.extend(found);
        }
        Ok(files)
    }
}

/// The form for people.
fn text(path: &Path, result: &Result<Proof, Refused>) -> String {
    let name = Name(&path.to_string_lossy()).to_string();
    match result {
        Ok(proof) => {
            let functions = Count(proof.functions, "function");
            format!("{name}: proven: {functions}, {} of code\n", Bytes(proof.code_bytes))
        }
        Err(refused) => {
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
    }
}

/// What a proof says and what it does not.
fn claims() -> String {
    let names: Vec<&str> = Property::ALL.iter().map(|property| property.name()).collect();
    format!("properties: {}\nnot among them: {}\n", names.join(", "), NOT_PROVEN.join("; "))
}

/// The form for programs. Fields are only ever added.
fn report(verdicts: &[Verdict], proven: bool) -> Value {
    let files: Vec<Value> = verdicts.iter().map(file).collect();
    json!({
        "proven": proven,
        "properties": Property::ALL.iter().map(|property| property.name()).collect::<Vec<_>>(),
        "not_proven": NOT_PROVEN,
        "files": files,
    })
}

fn file(verdict: &Verdict) -> Value {
    let path = verdict.path.to_string_lossy();
    match &verdict.result {
        Ok(proof) => json!({
            "path": path, "proven": true, "functions": proof.functions, "code_bytes": proof.code_bytes, "rejections": [],
        }),
        Err(refused) => {
            let rejections: Vec<Value> = refused.rejections.iter().map(rejection).collect();
            json!({ "path": path, "proven": false, "rejections": rejections })
        }
    }
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
