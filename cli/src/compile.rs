//! `wasmaot compile`: modules become artifacts, one of the stages before, or standalone programs.
//!
//! **Invariant: with several modules, each is compiled as if it were alone.** One that fails does not keep
//! the others from being compiled; the status says that it failed.

mod emit;
mod provenance;
mod record;
mod targets;

use crate::artifact::Artifact;
use crate::bounds::BoundOpts;
use crate::codegen::CodegenOpts;
use crate::error::{CliError, Overdue};
use crate::executable;
use crate::grants::GrantOpts;
use crate::input::{self, Input};
use crate::origin::Origin;
use crate::output::{self, Kind};
use crate::preinit::{PreinitOpts, Preinited};
use crate::progress::Bar;
use crate::text::{Bytes, Count};
use clap::ValueEnum;
use emit::Emit;
pub(crate) use provenance::BUILDER;
use record::Record;
use std::path::{Path, PathBuf};
use std::time::Instant;
use targets::{Job, Request};
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_compiler::{FEATURES, Feature, FeatureSet};
use wasmaot_program::report;

/// Compile modules to native shared objects, or to executables
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Modules or components to compile, binary or text; `-` for standard input
    #[arg(value_name = "MODULE", required_unless_present = "features")]
    inputs: Vec<PathBuf>,

    /// Output file, or folder for one or more outputs; `-` for standard output [default: beside the module,
    /// with .so, .o, .clif, .s, or no extension]
    #[arg(short, value_name = "FILE|FOLDER")]
    output: Option<PathBuf>,

    #[command(flatten)]
    codegen: CodegenOpts,

    #[command(flatten)]
    bounds: BoundOpts,

    /// Kind of output to write
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Emit::So)]
    emit: Emit,

    /// List the WebAssembly features beyond version 1, and whether each is enabled
    #[arg(long, conflicts_with_all = ["inputs", "output", "emit", "json", "quiet"])]
    features: bool,

    /// Print one line of JSON per module instead of the summary
    #[arg(long)]
    json: bool,

    /// Write the provenance of the output to FILE: an in-toto statement with a SLSA provenance
    #[arg(long, value_name = "FILE")]
    provenance: Option<PathBuf>,

    /// Show neither progress nor summary
    #[arg(long)]
    quiet: bool,

    #[command(flatten, next_help_heading = "Initialisation at compile time")]
    preinit: PreinitOpts,

    #[command(
        flatten,
        next_help_heading = "What an executable is granted, besides arguments and standard streams"
    )]
    grants: GrantOpts,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot compile app.wasm                            app.so, for any x86-64 CPU since 2009
  wasmaot compile app.wat -o lib/app.so -O2           from the text format, fully optimised
  wasmaot compile a.wasm b.wasm -o lib                lib/a.so and lib/b.so
  wasmaot compile app.wasm --target-cpu native        for this machine only
  wasmaot compile app.wat --emit asm -o - --quiet     the machine code, on standard output
  wasmaot compile component.wasm --emit wasm          component.core.wasm, the one core module that it is flattened into
  wasmaot compile app.wasm --emit exe                 app, a program that needs nothing else to run
  wasmaot compile app.wasm --emit exe --dir .         the same, with access to the directory that it is started in
  wasmaot compile --features                          which proposals are enabled
  wasmaot compile app.wasm --max-memory 1G --timeout 30s   a module from somewhere else

The output is the same, byte for byte, for any number of jobs. An executable reads the program from its own file: its user needs
permission to read it, and it must not be stripped.

A line of JSON has input, output, emit, functions, code_bytes, image_bytes, bytes (of the output), wall_ns, parse_ns, translate_ns and
generate_ns (of all threads together), emit_ns, features (those that the module uses; null for obj, clif, asm and wasm), warnings, preinit (null unless the
module was initialised: calls, environment, directories, files, stdio, clock_reads, real_clock, random_bytes, real_random, reproducible, memory_bytes, hot_pages), and error (null if
there is none; otherwise the figures are null).";

impl Opts {
    /// Compiles, and returns the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        if self.features {
            output::print(feature_list(self.codegen.features()).as_bytes())?;
            return Ok(0);
        }
        if self.emit != Emit::Exe && !self.grants.is_empty() {
            return Err(CliError::GrantsWithoutExecutable);
        }
        let request = Request {
            inputs: &self.inputs,
            output: self.output.as_deref(),
            emit: self.emit,
            json: self.json,
        };
        let jobs = request.jobs()?;
        if self.provenance.is_some() && jobs.len() > 1 {
            return Err(CliError::ProvenanceOfSeveral { all: jobs.len() });
        }
        self.bounds.limit_process()?;
        let mut failed = 0;
        for job in &jobs {
            let result = self.compile(job);
            if self.json {
                output::print(record::line(job, self.emit, result.as_ref()).as_bytes())?;
            }
            match result {
                Ok(record) => self.report(job, &record),
                Err(error) if jobs.len() == 1 => return Err(error),
                Err(error) => failed += error.fails(),
            }
        }
        match failed {
            0 => Ok(0),
            _ => Err(CliError::Failed { failed: failed as usize, all: jobs.len() }),
        }
    }

    fn compile(&self, job: &Job) -> Result<Record, CliError> {
        let start = Instant::now();
        let input = &job.input;
        let source = match input::read(input)? {
            Input::Source(source) => source,
            Input::PipedElf(piped) => return Err(elf(input, || piped.read(input).ok())),
            Input::Elf => return Err(elf(input, || std::fs::read(input).ok())),
        };
        let mut wasm = input::to_wasm(input, &source)?;
        let overdue = |limit| {
            let error = CliError::Overdue { path: input.into(), source: Overdue { limit } };
            if self.json {
                // The end is reported below, too.
                let _ = output::print(record::line(job, self.emit, Err(&error)).as_bytes());
            }
            error.fails();
        };
        let preinit = match self.preinit.is_asked_for() {
            true => {
                let initialised = self.preinit.initialise(input, &wasm, &self.codegen, &self.bounds)?;
                wasm = initialised.wasm.into();
                Some(initialised.how)
            }
            false => None,
        };
        let bar = Bar::new(format!("compiling {}", input.display()), !self.quiet);
        let options = self.bounds.add_to(self.codegen.options(self.emit.for_compiler()));
        let compiled = self.bounds.guard(overdue, || {
            wasmaot_compiler::compile(&wasm, &options, &|progress| bar.report(progress))
        })?;
        drop(bar);
        let compiled = compiled.map_err(|error| CliError::compile(input, &source, error))?;
        let artifact = self.emit.is_loadable().then(|| artifact(input, &compiled.bytes)).transpose()?;
        let descriptor = artifact.as_ref().and_then(|artifact| artifact.descriptor.as_ref().ok());
        let (bytes, kind) = match (descriptor, self.emit) {
            (Some(descriptor), Emit::Exe) => {
                (executable::make(input, &compiled.bytes, descriptor, &self.grants.grants())?, Kind::Program)
            }
            _ => (compiled.bytes, Kind::Data),
        };
        if let Some(path) = &self.provenance {
            let emit =
                self.emit.to_possible_value().map_or_else(String::new, |value| value.get_name().into());
            let statement =
                provenance::statement(job, &emit, &options, (&source, &wasm), &bytes, artifact.as_ref());
            output::write_file(path, statement.as_bytes(), Kind::Data)?;
        }
        match job.is_to_stdout() {
            true => output::print(&bytes)?,
            false => output::write_file(&job.output, &bytes, kind)?,
        }
        Ok(Record {
            summary: compiled.summary,
            bytes: bytes.len(),
            wall: start.elapsed(),
            features: descriptor.map(|descriptor| descriptor.wasm_features.clone()),
            preinit,
            warnings: descriptor.iter().filter_map(|descriptor| self.warning(job, descriptor)).collect(),
        })
    }

    /// Returns a warning if the module was built for JavaScript.
    fn warning(&self, job: &Job, descriptor: &Descriptor) -> Option<String> {
        if descriptor.component.is_some() {
            return None;
        }
        let imports = descriptor.imports.iter().map(|import| (&*import.module, &*import.name));
        let origin = Origin::of(imports)?;
        Some(format!("`wasmaot run` cannot run `{}`: {origin}", job.shown_output()))
    }

    /// Prints the warnings and, unless disabled, the summary of a compilation.
    fn report(&self, job: &Job, record: &Record) {
        for warning in &record.warnings {
            report::note(&format!("warning: {warning}"));
        }
        if !self.quiet && !self.json {
            record.preinit.iter().flat_map(Preinited::notes).for_each(|note| report::note(&note));
            report::note(&summary(record, &job.shown_output()));
        }
    }
}

/// Reads an artifact that was just made.
fn artifact(input: &Path, bytes: &[u8]) -> Result<Artifact, CliError> {
    Artifact::read(bytes).map_err(|source| CliError::NotAnArtifact { path: input.into(), source })
}

/// Returns the error for an input that is an ELF file with this content.
fn elf(path: &Path, content: impl FnOnce() -> Option<Vec<u8>>) -> CliError {
    let path = path.to_path_buf();
    match content().is_some_and(|bytes| Artifact::read(&bytes).is_ok()) {
        true => CliError::AlreadyCompiled { path },
        false => CliError::Elf { path },
    }
}

/// A line for each feature.
fn feature_list(taken: FeatureSet) -> String {
    let width = FEATURES.iter().map(|feature| feature.name.len()).max().unwrap_or(0);
    let line = |feature: &Feature| {
        let state = match feature.translated {
            true if taken.contains(feature) => "on",
            true => "off",
            false => "not translated",
        };
        format!("{:width$}  {state}\n", feature.name)
    };
    FEATURES.iter().map(line).collect()
}

fn summary(record: &Record, output: &str) -> String {
    let Record { summary, bytes, wall, .. } = record;
    format!(
        "{}, {} code, {} image -> {output} ({}) in {:.2} s",
        Count(summary.functions, "function"),
        Bytes(summary.code_bytes as u64),
        Bytes(summary.image_bytes as u64),
        Bytes(*bytes as u64),
        wall.as_secs_f64()
    )
}
