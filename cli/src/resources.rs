//! The resources that a run used, as one line of JSON.
//!
//! **Invariant: fields are only ever added**, and each is there in every record: programs read it.

use crate::error::CliError;
use crate::output;
use clap::ValueEnum;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use wasmaot_program::end::End;
use wasmaot_program::used::Used;

/// Options for the report of the resources used.
#[derive(Debug, PartialEq, clap::Args)]
pub(crate) struct ReportOpts {
    /// Report the resources that the program used, on the last line of standard error
    #[arg(long, value_name = "FORMAT", value_enum)]
    report: Option<Format>,

    /// Write the report to FILE instead, which is created before the program starts; `-` for standard output
    #[arg(long, value_name = "FILE", requires = "report")]
    report_to: Option<PathBuf>,
}

/// Values of `--report`.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// One line of JSON
    Json,
}

impl ReportOpts {
    /// The defaults.
    pub(crate) const DEFAULT: Self = Self { report: None, report_to: None };

    /// Returns the recorder of the run of a program, which begins now, if a report is asked for.
    pub(crate) fn recorder(&self, program: &Path, fuel: Option<u64>) -> Result<Option<Recorder>, CliError> {
        let Some(Format::Json) = self.report else { return Ok(None) };
        if self.report_to.as_ref().is_some_and(|path| output::same_file(path, program)) {
            return Err(CliError::ReportOverProgram { path: program.into() });
        }
        let to = match &self.report_to {
            None => Destination::Stderr,
            Some(path) if path.as_os_str() == "-" => Destination::Stdout,
            Some(path) => {
                let file = File::create(path);
                let file = file.map_err(|source| CliError::Write { path: path.clone(), source })?;
                Destination::File(path.clone(), file)
            }
        };
        Ok(Some(Recorder { to, fuel, cpu: cpu_time(), begun: Instant::now() }))
    }
}

/// Times a run and writes its record.
pub(crate) struct Recorder {
    to: Destination,
    fuel: Option<u64>,
    cpu: u64,
    begun: Instant,
}

impl Recorder {
    /// Reports how the program ended, and then what it used. Returns its exit status.
    pub(crate) fn finish(&self, end: &End, used: &Used) -> Result<i32, CliError> {
        let (wall, cpu) = (self.begun.elapsed(), cpu_time() - self.cpu);
        end.print();
        let (name, trap) = match end {
            End::Exit(_) => ("exit", Value::Null),
            End::Trap(trap) => ("trap", trap.code.to_string().into()),
            End::Exception(_) => ("exception", Value::Null),
            End::Broken(rule) => ("trap", rule.clone().into()),
        };
        let record = json!({
            "operators": used.operators,
            "fuel": self.fuel,
            "fuel_used": used.fuel,
            "wall_ns": wall.as_nanos() as u64,
            "cpu_ns": cpu,
            "memory_bytes": used.memory,
            "host_calls": used.host_calls,
            "bytes_read": used.transferred.read,
            "bytes_written": used.transferred.written,
            "end": name,
            "status": end.status(),
            "trap": trap,
        });
        self.write(format!("{record}\n").as_bytes())?;
        Ok(end.status())
    }

    fn write(&self, line: &[u8]) -> Result<(), CliError> {
        match &self.to {
            Destination::Stderr => {
                output::unless_closed(std::io::stderr().write_all(line)).map_err(CliError::Stderr)
            }
            Destination::Stdout => output::print(line),
            Destination::File(path, file) => {
                let written = { file }.write_all(line);
                written.map_err(|source| CliError::Write { path: path.clone(), source })
            }
        }
    }
}

/// Where a report goes.
enum Destination {
    Stderr,
    Stdout,
    File(PathBuf, File),
}

/// Nanoseconds that the threads of this process have run, in it and in the kernel.
fn cpu_time() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
