//! Which file each module is compiled to.
//!
//! **Invariants.** No output replaces an input, and no two modules have the same output: both are found
//! before anything is compiled.

use super::emit::Emit;
use crate::error::CliError;
use crate::input;
use crate::kind;
use crate::output::same_file;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use wasmaot_program::report::Name;

/// An input module and its output path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) input: PathBuf,
    /// `-` for standard output.
    pub(super) output: PathBuf,
}

impl Job {
    pub(super) fn is_to_stdout(&self) -> bool {
        self.output.as_os_str() == "-"
    }

    /// Returns the output's name for people.
    pub(super) fn shown_output(&self) -> String {
        match self.is_to_stdout() {
            true => "standard output".into(),
            false => Name(&self.output.to_string_lossy()).to_string(),
        }
    }
}

/// What the command line asks for.
pub(super) struct Request<'a> {
    pub(super) inputs: &'a [PathBuf],
    pub(super) output: Option<&'a Path>,
    pub(super) emit: Emit,
    /// Whether standard output is taken by lines of JSON.
    pub(super) json: bool,
}

impl Request<'_> {
    /// Returns what to compile to where, and creates the output folder.
    pub(super) fn jobs(&self) -> Result<Vec<Job>, CliError> {
        let folder = self.folder()?;
        let mut jobs: Vec<Job> = Vec::new();
        let mut outputs = HashMap::new();
        for input in self.inputs {
            let output = match (self.output, folder) {
                (Some(file), None) => file.to_path_buf(),
                _ if kind::is_stdin(input) => {
                    return Err(CliError::NoName { folder: folder.map(Into::into) });
                }
                (_, Some(folder)) => folder.join(self.emit.name_for(input).file_name().unwrap_or_default()),
                (None, None) => self.emit.name_for(input),
            };
            let job = Job { input: input.clone(), output };
            // What is native code already is refused when it is read, with a better reason.
            if same_file(input, &job.output) && !input.is_dir() && !input::is_elf(input) {
                return Err(CliError::Overwrite { path: input.into(), named: self.output.is_some() });
            }
            if self.json && job.is_to_stdout() {
                return Err(CliError::JsonAndOutput);
            }
            if let Some(first) = outputs.insert(job.output.clone(), input) {
                let (first, second) = (first.clone(), input.clone());
                return Err(CliError::SameOutput { first, second, output: job.output });
            }
            jobs.push(job);
        }
        if let Some(folder) = folder {
            let created = std::fs::create_dir_all(folder);
            created.map_err(|source| CliError::Write { path: folder.into(), source })?;
        }
        Ok(jobs)
    }

    /// Returns the output if it is a folder: one that exists, is named like one, or has to be one for several
    /// modules.
    fn folder(&self) -> Result<Option<&Path>, CliError> {
        let Some(output) = self.output else { return Ok(None) };
        let is_named = output.as_os_str().as_encoded_bytes().ends_with(b"/");
        match self.inputs.len() > 1 {
            _ if output.is_dir() || is_named => Ok(Some(output)),
            true if output.exists() || output.as_os_str() == "-" || is_file_name(output) => {
                Err(CliError::ManyToOne { output: output.into() })
            }
            true => Ok(Some(output)),
            false => Ok(None),
        }
    }
}

/// Returns whether a name is one of a file that this command reads or writes, and so hardly meant for a
/// folder.
fn is_file_name(path: &Path) -> bool {
    let is_ours = |extension| ["so", "o", "clif", "s", "wasm", "wat"].contains(&extension);
    path.extension().and_then(|extension| extension.to_str()).is_some_and(is_ours)
}
