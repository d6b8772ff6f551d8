//! What became of a module, and its line of JSON.
//!
//! **Invariant: fields are only ever added**, and each is there in every line: programs read them.
//! What the artifact itself records is in the compiler's `record.rs`.

use super::emit::Emit;
use super::targets::Job;
use crate::error::CliError;
use crate::inspect::preinit_json;
use crate::preinit::Preinited;
use crate::text::{Bytes, Count};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::time::Duration;
use wasmaot_compiler::Summary;
use wasmaot_program::report::Name;

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
    /// How the module was initialised, if it was.
    pub(super) preinit: Option<Preinited>,
}

impl Preinited {
    /// Returns what people should know of it, a line each.
    pub(super) fn notes(&self) -> Vec<String> {
        let Self { record, memory_bytes, hot_pages } = self;
        let calls: Vec<_> = record.calls.iter().map(|call| format!("`{}`", Name(call))).collect();
        let mut notes =
            vec![format!("initialised by {}: {} of memory", calls.join(", "), Bytes(*memory_bytes))];
        let frozen = |what: String, is_real: bool, real: &str, fixed: &str| {
            let source = if is_real { real } else { fixed };
            format!(
                "note: the initialisation read {what}, {source}: what follows from it is the same in every instance"
            )
        };
        match hot_pages {
            Some(Some(pages)) => notes.push(format!("its calls write {}", Count(*pages as usize, "page"))),
            Some(None) => notes.push(
                "note: its calls write too many pages, or others each time: none are stored as hot".into(),
            ),
            None => {}
        }
        if record.clock_reads > 0 {
            let count = Count(record.clock_reads as usize, "clock").to_string();
            notes.push(frozen(count, record.real_clock, "of this machine", "which stood still"));
        }
        if record.random_bytes > 0 {
            let count = Count(record.random_bytes as usize, "random byte").to_string();
            notes.push(frozen(count, record.real_random, "of this machine", "which follow from the module"));
        }
        if !record.is_reproducible() {
            notes.push(
                "note: the output is not reproducible, because the initialisation depends on this machine"
                    .into(),
            );
        }
        notes
    }

    /// Returns the object of the line of JSON.
    fn json(&self) -> Value {
        let mut fields = preinit_json(&self.record);
        fields["memory_bytes"] = json!(self.memory_bytes);
        fields["hot_pages"] = json!(self.hot_pages.flatten());
        fields
    }
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
        "preinit": record.and_then(|record| record.preinit.as_ref()).map(Preinited::json),
        "error": result.err().map(CliError::report),
    });
    format!("{line}\n")
}
