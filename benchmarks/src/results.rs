//! The results of a run of the suite, as they are kept in JSON. `results/README.md` describes the format for
//! readers.
//!
//! **Invariant: what is kept is what was measured**, run by run: every mean, median, ratio and interval is
//! derived from it when it is shown, so that another report can be made of an old file. Times are in
//! nanoseconds, sizes in bytes.

use crate::stats::{self, Times};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// The version of this format. A reader refuses others.
pub const SCHEMA: u32 = 1;

/// Buckets of a latency histogram per factor of ten.
const PER_DECADE: f64 = 20.0;

/// A run of the suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Version of the format, [`SCHEMA`].
    pub schema: u32,
    /// When it began, in UTC: `2026-11-24T16:05:00Z`.
    pub date: String,
    /// Command line of the run.
    pub command: String,
    /// How much work each program did.
    pub size: String,
    /// By which the orders of the rounds were drawn; 0 in files from before there were such.
    #[serde(default)]
    pub seed: u64,
    /// Machine that the suite ran on.
    pub machine: Machine,
    /// What disturbed it; empty for a quiet machine.
    pub noise: Vec<String>,
    /// The runtimes that were asked for, whether or not they were found.
    pub peers: Vec<Peer>,
    /// A row per figure, program and runtime.
    pub measurements: Vec<Measurement>,
    /// Start, call and finish in one process.
    pub instances: Vec<InstanceTimes>,
    /// What many instances take in one process.
    pub density: Vec<Density>,
}

/// The machine, and what else it did meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The CPU's own name.
    pub cpu: String,
    /// Number of logical CPUs.
    pub cores: usize,
    /// Release of the running kernel.
    pub kernel: String,
    /// Total memory in bytes.
    pub memory: u64,
    /// The CPU that single-threaded programs were pinned to.
    pub pinned: Option<usize>,
    /// Load average over a minute, before.
    pub load_before: f64,
    /// Load average over a minute, afterwards. The suite itself makes about 1.
    pub load_after: f64,
    /// Share of CPU time that the hypervisor gave to others, 0 to 1.
    pub steal: f64,
}

/// A runtime that the suite compares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// Its name in all rows.
    pub name: String,
    /// The project and the version that the adapter was written for.
    pub upstream: String,
    /// The CPU that its code is made for.
    #[serde(default)]
    pub level: Level,
    /// Whether the runtime was found.
    pub found: Found,
}

/// The CPU that a runtime's code is made for: only code for the same CPU is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Any of the architecture.
    #[default]
    Any,
    /// The one that it runs on.
    Host,
}

/// Whether a runtime is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// The runtime was found.
    Present {
        /// What it says its version is.
        version: String,
        /// Bytes of its executables and of the shared libraries that they are linked to.
        bytes: u64,
    },
    /// It is not, for this reason.
    Missing(String),
}

/// The figure that a row reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// A whole process, of a program that does next to nothing.
    Start,
    /// A hundred processes of a program that does nothing, started at once: until the last of them has ended.
    Burst,
    /// A program that computes.
    Compute,
    /// Making an artifact of a module.
    Compile,
}

/// A figure of one program on one runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The figure that was measured.
    pub figure: Figure,
    /// Name of the measured program.
    pub program: String,
    /// Its argument, or nothing.
    pub argument: String,
    /// Name of the measured runtime.
    pub peer: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All runs ended well, and their output was the known answer.
    Measured {
        /// In the order of the rounds, in which all runtimes took turns.
        runs: Vec<Run>,
        /// Bytes of the artifact, if there is one.
        artifact: Option<u64>,
    },
    /// It failed, or gave something else, or did not end; the first such run is the last one.
    Failed(String),
    /// It would run the same bytes as another runtime.
    SameAs(String),
    /// There is nothing to measure, for this reason.
    Inapplicable(String),
}

/// Measurements of a single run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// From before the process starts to after its end.
    pub wall: u64,
    /// What the process and its children used; not there where others do the work.
    pub used: Option<Used>,
    /// CPU time of the whole machine meanwhile, where others do the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<u64>,
}

/// What a process used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// User-mode CPU time, in nanoseconds.
    pub user: u64,
    /// Kernel CPU time, in nanoseconds.
    pub system: u64,
    /// Peak resident memory, in bytes. Never less than the measuring process's own, about 3 MiB: Linux counts
    /// that.
    pub peak: u64,
}

/// Latencies of start, call and finish in one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceTimes {
    /// What runs in each instance.
    pub guest: String,
    /// Whose instances, by which setting.
    pub side: String,
    /// Instances that were timed.
    pub count: usize,
    /// Shortest time over all rounds.
    pub minimum: f64,
    /// Median over all rounds.
    pub p50: f64,
    /// Exceeded once in a hundred.
    pub p99: f64,
    /// Exceeded once in a thousand.
    pub p999: f64,
    /// The medians of the rounds, in which all sides took turns.
    pub rounds: Vec<f64>,
    /// Upper bounds of the buckets that are not empty, and how many times lie in each.
    pub histogram: Vec<(f64, usize)>,
}

/// What many instances take in one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Density {
    /// What runs in each instance, and what it is waiting for.
    pub guest: String,
    /// Whose instances, by which setting.
    pub side: String,
    /// Instances in the process.
    pub count: u32,
    /// What came of it.
    pub taken: Taken,
}

/// What each of many instances takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// All of them could be made.
    Measured {
        /// While they are there.
        there: Share,
        /// Once they have finished, and their slots wait for the next.
        finished: Share,
    },
    /// They could not, for this reason.
    Failed(String),
}

/// One instance's share of what a process takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Bytes of resident memory and page tables.
    pub bytes: f64,
    /// Mappings, of which the kernel allows a process 65,530 unless told otherwise.
    pub mappings: f64,
}

impl InstanceTimes {
    /// What is kept of these times.
    pub fn new(guest: &str, side: &str, times: &Times) -> Self {
        let summary = times.summary();
        let mut histogram: Vec<(f64, usize)> = Vec::new();
        let all = times.ascending();
        for time in &all {
            let bucket = (time.max(1.0).log10() * PER_DECADE).floor() + 1.0;
            let bound = 10f64.powf(bucket / PER_DECADE);
            match histogram.last_mut() {
                Some((last, count)) if *last == bound => *count += 1,
                _ => histogram.push((bound, 1)),
            }
        }
        Self {
            guest: guest.into(),
            side: side.into(),
            count: all.len(),
            minimum: summary.minimum,
            p50: summary.p50,
            p99: summary.p99,
            p999: summary.p999,
            rounds: times.medians(),
            histogram,
        }
    }
}

/// The relative distance of the quartiles of a row's times from which on it is marked as noisy.
pub const MAX_SPREAD: f64 = 0.10;

/// The distance of the quartiles of wall times as a share of their median, if there are enough of them.
pub fn spread(runs: &[Run]) -> Option<f64> {
    let walls = runs.iter().map(|run| run.wall as f64).collect();
    (runs.len() >= 4).then(|| stats::spread(walls))
}

impl Results {
    /// Reads results from a file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let error = |what: String| io::Error::other(format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|cause| error(cause.to_string()))?;
        let results: Self = serde_json::from_str(&text).map_err(|cause| error(cause.to_string()))?;
        if results.schema != SCHEMA {
            return Err(error(format!("schema {}; this program knows {SCHEMA}", results.schema)));
        }
        Ok(results)
    }

    /// Writes the results to a file.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        write_object(path, self)
    }

    /// The runs of a measurement that went well.
    pub fn runs(&self, figure: Figure, program: &str, peer: &str) -> Option<&[Run]> {
        self.measurements.iter().find_map(|row| match &row.outcome {
            Outcome::Measured { runs, .. }
                if row.figure == figure && row.program == program && row.peer == peer =>
            {
                Some(&runs[..])
            }
            _ => None,
        })
    }
}

/// Writes a list as JSON, a row to a line.
pub fn write_rows<T: Serialize>(path: &Path, rows: &[T]) -> io::Result<()> {
    let rows: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    std::fs::write(path, format!("[\n{}\n]\n", rows.map_err(io::Error::other)?.join(",\n")))
}

/// Reads what [`write_rows`] wrote.
pub fn read_rows<T: DeserializeOwned>(path: &Path) -> io::Result<Vec<T>> {
    serde_json::from_str(&std::fs::read_to_string(path)?).map_err(io::Error::other)
}

/// Writes an object as readable, diff-friendly JSON with one line per table row.
fn write_object(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let error = |cause: String| io::Error::other(format!("{}: {cause}", path.display()));
    let value = serde_json::to_value(value).map_err(|cause| error(cause.to_string()))?;
    let fields = value.as_object().into_iter().flatten().map(|(name, value)| match value.as_array() {
        Some(rows) if rows.iter().any(|row| row.is_object()) => {
            let rows: Vec<String> = rows.iter().map(|row| format!("  {row}")).collect();
            format!("\"{name}\": [\n{}\n]", rows.join(",\n"))
        }
        _ => format!("\"{name}\": {value}"),
    });
    let text = format!("{{\n{}\n}}\n", fields.collect::<Vec<_>>().join(",\n"));
    std::fs::write(path, text).map_err(|cause| error(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let used = Used { user: 1, system: 2, peak: 3 };
        let run = |used: Option<Used>| Run { wall: 7, used, busy: used.map_or(Some(9), |_| None) };
        let outcomes = [
            Outcome::Measured { runs: vec![run(Some(used)), run(None)], artifact: Some(4096) },
            Outcome::Failed("exit status 1: \"no\"".into()),
            Outcome::SameAs("wasmaot".into()),
            Outcome::Inapplicable("it does not compile".into()),
        ];
        let row = |outcome| Measurement {
            figure: Figure::Start,
            program: "nop".into(),
            argument: String::new(),
            peer: "native".into(),
            outcome,
        };
        let share = Share { bytes: 4096.5, mappings: 3.0 };
        let mut times = Times::default();
        times.round(100, || Ok(())).expect("nothing fails");
        let results = Results {
            schema: SCHEMA,
            date: "2026-11-24T16:05:00Z".into(),
            command: "suite".into(),
            size: "quick".into(),
            seed: 5,
            machine: Machine {
                cpu: "a CPU".into(),
                cores: 2,
                kernel: "6.18".into(),
                memory: 1 << 30,
                pinned: None,
                load_before: 0.25,
                load_after: 1.0,
                steal: 0.0,
            },
            noise: vec!["another process".into()],
            peers: vec![Peer {
                name: "native".into(),
                upstream: "gcc".into(),
                level: Level::Host,
                found: Found::Missing("no gcc".into()),
            }],
            measurements: outcomes.map(row).into(),
            instances: vec![InstanceTimes::new("nop", "wasmaot", &times)],
            density: [Taken::Measured { there: share, finished: share }, Taken::Failed("no".into())]
                .map(|taken| Density { guest: "nop".into(), side: "wasmaot".into(), count: 1000, taken })
                .into(),
        };
        assert_eq!(results.instances[0].histogram.iter().map(|(_, count)| count).sum::<usize>(), 100);
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        results.write(file.path()).expect("it can be written");
        assert_eq!(Results::read(file.path()).expect("it can be read"), results);
        let other = Results { schema: SCHEMA + 1, ..results };
        other.write(file.path()).expect("it can be written");
        let error = Results::read(file.path()).expect_err("another schema is refused");
        assert!(error.to_string().contains("schema 2"), "{error}");
    }
}
