//! `wasmaot compile`: a module becomes an artifact, one of the stages before it, or a program of its own.

use crate::bounds::BoundOpts;
use crate::codegen::CodegenOpts;
use crate::error::CliError;
use crate::executable;
use crate::grants::GrantOpts;
use crate::input::{self, Input};
use crate::output::{self, Kind};
use crate::progress::Bar;
use crate::text::{Bytes, Count};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wasmaot_compiler::{FEATURES, Feature, FeatureSet, Summary};
use wasmaot_program::report;

/// Compile a module to a native shared object, or to an executable
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Module to compile, binary or text
    #[arg(value_name = "MODULE", required_unless_present = "features")]
    input: Option<PathBuf>,

    /// File to write; `-` for standard output [default: the module's name with .so, .o, .clif, .s, or without]
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    codegen: CodegenOpts,

    #[command(flatten)]
    bounds: BoundOpts,

    /// What to write
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Emit::So)]
    emit: Emit,

    /// List the features of WebAssembly beyond version 1, and which of them are taken
    #[arg(long)]
    features: bool,

    /// Show neither progress nor summary
    #[arg(long)]
    quiet: bool,

    #[command(
        flatten,
        next_help_heading = "What an executable is given, besides arguments and standard streams"
    )]
    grants: GrantOpts,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot compile app.wasm                            app.so, for any x86-64 CPU since 2009
  wasmaot compile app.wat -o lib/app.so -O2           from the text format, fully optimised
  wasmaot compile app.wasm --target-cpu native        for this machine only
  wasmaot compile app.wat --emit asm -o - --quiet     the machine code, on standard output
  wasmaot compile app.wasm --emit exe                 app, a program that needs nothing else to run
  wasmaot compile app.wasm --emit exe --dir .         the same, which may use the directory that it is started in
  wasmaot compile --features                          which proposals are taken
  wasmaot compile app.wasm --max-memory 1G --timeout 30    a module from somewhere else

The output is the same, byte for byte, for any number of jobs.";

/// Values of `--emit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Emit {
    /// The artifact, a shared object
    So,
    /// A relocatable object: code without the module's tables
    Obj,
    /// Cranelift's intermediate representation, before optimisation
    Clif,
    /// Machine code in words
    Asm,
    /// A static program that runs the module, and needs nothing else
    Exe,
}

impl Emit {
    fn extension(self) -> &'static str {
        match self {
            Emit::So => "so",
            Emit::Obj => "o",
            Emit::Clif => "clif",
            Emit::Asm => "s",
            Emit::Exe => "",
        }
    }

    fn for_compiler(self) -> wasmaot_compiler::Emit {
        match self {
            Emit::So | Emit::Exe => wasmaot_compiler::Emit::SharedObject,
            Emit::Obj => wasmaot_compiler::Emit::Object,
            Emit::Clif => wasmaot_compiler::Emit::Clif,
            Emit::Asm => wasmaot_compiler::Emit::Asm,
        }
    }
}

impl Opts {
    /// Compiles, and gives the exit status.
    pub(crate) fn run(&self) -> Result<i32, CliError> {
        match &self.input {
            Some(input) if !self.features => self.compile(input),
            _ => {
                output::print(feature_list(self.codegen.features()).as_bytes())?;
                Ok(0)
            }
        }
    }

    fn compile(&self, input: &Path) -> Result<i32, CliError> {
        let start = Instant::now();
        let is_program = self.emit == Emit::Exe;
        if !is_program && !self.grants.is_empty() {
            return Err(CliError::GrantsWithoutExecutable);
        }
        self.bounds.limit_process()?;
        let Input::Source(source) = input::read(input)? else {
            return Err(CliError::AlreadyCompiled { path: input.into() });
        };
        let wasm = input::to_wasm(input, &source)?;
        let target = self.output.clone().unwrap_or_else(|| input.with_extension(self.emit.extension()));
        if same_file(input, &target) {
            return Err(CliError::Overwrite { path: input.into() });
        }
        let bar = Bar::new(format!("compiling {}", input.display()), !self.quiet);
        let options = self.bounds.add_to(self.codegen.options(self.emit.for_compiler()));
        let compiled = wasmaot_compiler::compile(&wasm, &options, &|progress| bar.report(progress));
        drop(bar);
        let compiled = compiled.map_err(|source| CliError::Compile { path: input.into(), source })?;
        let (bytes, kind) = match is_program {
            true => (executable::make(input, &compiled.bytes, &self.grants.grants())?, Kind::Program),
            false => (compiled.bytes, Kind::Data),
        };
        if target.as_os_str() == "-" {
            output::print(&bytes)?;
        } else {
            output::write_file(&target, &bytes, kind)?;
        }
        if !self.quiet {
            report::note(&summary(&compiled.summary, bytes.len(), &target, start.elapsed()));
        }
        Ok(0)
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

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn summary(summary: &Summary, size: usize, target: &Path, time: Duration) -> String {
    let name =
        if target.as_os_str() == "-" { "standard output".into() } else { target.display().to_string() };
    format!(
        "{}, {} code, {} image -> {name} ({}) in {:.2} s",
        Count(summary.functions, "function"),
        Bytes(summary.code_bytes as u64),
        Bytes(summary.image_bytes as u64),
        Bytes(size as u64),
        time.as_secs_f64()
    )
}
