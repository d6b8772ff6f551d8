//! What became of a module, and its line of JSON.
//!
//! **Invariant: fields are only ever added**, and each is there in every line: programs read them.

use super::emit::Emit;
use super::targets::Job;
use crate::error::CliError;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::time::Duration;
use wasmaot_compiler::Summary;

/// What became of a module.
pub(super) struct Record {
    pub(super) summary: Summary,
    /// Bytes of the output.
    pub(super) bytes: usize,
    /// Time from reading the input to having written the output.
    pub(super) wall: Duration,
    /// Features that the module uses, if the output says.
    pub(super) features: Option<Vec<String>>,
    pub(super) warnings: Vec<String>,
}

/// Returns the line of JSON for a module.
pub(super) fn line(job: &Job, emit: Emit, result: Result<&Record, &CliError>) -> String {
    let record = result.ok();
    let figure = |figure: fn(&Record) -> u64| record.map(figure);
    let nanoseconds = |time: fn(&Record) -> Duration| record.map(|record| time(record).as_nanos() as u64);
    let line = json!({
        "input": job.input.to_string_lossy(),
        "output": job.output.to_string_lossy(),
        "emit": emit.to_possible_value().map(|value| value.get_name().to_string()),
        "functions": figure(|record| record.summary.functions as u64),
        "code_bytes": figure(|record| record.summary.code_bytes as u64),
        "image_bytes": figure(|record| record.summary.image_bytes as u64),
        "bytes": figure(|record| record.bytes as u64),
        "wall_ns": nanoseconds(|record| record.wall),
        "parse_ns": nanoseconds(|record| record.summary.phases.parse),
        "translate_ns": nanoseconds(|record| record.summary.phases.translate),
        "generate_ns": nanoseconds(|record| record.summary.phases.generate),
        "emit_ns": nanoseconds(|record| record.summary.phases.emit),
        "features": record.map_or(Value::Null, |record| json!(record.features)),
        "warnings": record.map_or(json!([]), |record| json!(record.warnings)),
        "error": result.err().map(CliError::report),
    });
    format!("{line}\n")
}
