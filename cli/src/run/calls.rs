//! Which exports a run calls, with which arguments. Settled before anything of the module runs.

use crate::error::CliError;
use crate::{invoke, items};
use std::ffi::OsString;
use std::path::Path;
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_program::entry::{self, INITIALIZE};
use wasmaot_runtime::Val;

/// An export to call, with its arguments.
pub(super) type Call = (String, Vec<Val>);

/// What the command line asks for.
pub(super) struct Request<'a> {
    pub(super) file: &'a Path,
    pub(super) invoke: Option<&'a str>,
    pub(super) arguments: &'a [OsString],
    /// The parser's description of `run`, for what stands behind the file and is one of its options.
    pub(super) command: fn() -> clap::Command,
}

impl Request<'_> {
    /// Returns the calls to make, in their order.
    pub(super) fn calls(&self, descriptor: &Descriptor) -> Result<Vec<Call>, CliError> {
        let path = || self.file.into();
        let Some(name) = self.invoke else {
            let entry = entry::entry(descriptor).ok_or_else(|| CliError::NoStart {
                path: path(),
                functions: items::functions(descriptor),
                parameters: items::start_parameters(descriptor),
                misplaced: self.misplaced_option(),
            })?;
            return Ok(entry.iter().map(|&name| (name.into(), Vec::new())).collect());
        };
        let Some(ty) = entry::function(descriptor, name) else {
            let functions = items::functions(descriptor);
            return Err(CliError::NoFunction { path: path(), name: name.into(), functions });
        };
        let arguments = invoke::arguments(name, &ty.params, self.arguments);
        let arguments = arguments.map_err(|error| match self.misplaced_option() {
            Some(option) => CliError::Misplaced { option, source: Box::new(error) },
            None => error,
        })?;
        let initialize = entry::function(descriptor, INITIALIZE).is_some_and(|ty| ty.params.is_empty());
        let mut calls = Vec::new();
        if initialize && name != INITIALIZE {
            calls.push((INITIALIZE.into(), Vec::new()));
        }
        calls.push((name.into(), arguments));
        Ok(calls)
    }

    /// Returns the name of the first option of `run` among the program's arguments.
    fn misplaced_option(&self) -> Option<String> {
        let command = (self.command)();
        let known = |argument: &OsString| {
            let text = argument.to_str()?;
            command.get_arguments().find_map(|option| {
                let long = option.get_long().map(|name| format!("--{name}"));
                let short = option.get_short().map(|name| format!("-{name}"));
                let is_long = |name: &String| text.split('=').next() == Some(name.as_str());
                let is_short = |name: &String| !text.starts_with("--") && text.starts_with(name.as_str());
                long.filter(is_long).or(short.filter(is_short))
            })
        };
        self.arguments.iter().find_map(known)
    }
}
