//! `wasmaot`: compiles WebAssembly programs to native shared objects, runs them, and shows what is in them.
//!
//! Each subcommand is a module with its options (`Opts`) and a `run` that returns the exit status: the
//! program's own, or 134 for a trap. An error of the tool is status 1, wrong usage 2.
//!
//! **Invariant: `run` of an artifact does nothing at its start that it can do without**, see the runner.
#![cfg_attr(not(test), no_main)]

mod artifact;
mod bounds;
mod cache;
mod codegen;
mod compile;
mod completions;
mod error;
mod executable;
mod grants;
mod image;
mod input;
mod inspect;
mod invoke;
mod items;
mod keygen;
mod kind;
mod limits;
mod manual;
mod misspelt;
mod network;
mod opening;
mod origin;
mod output;
mod preinit;
mod progress;
mod rebuild;
mod resources;
mod run;
#[cfg(feature = "serve")]
mod serve;
mod sign;
mod source;
mod text;
mod verify;
mod wave;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser};
use error::CliError;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use wasmaot_program::report::{self, Name};

/// Ahead-of-time compiler for WebAssembly: modules become native shared objects
#[derive(Debug, Parser)]
#[command(name = "wasmaot", version = VERSION, arg_required_else_help = true, after_help = EXAMPLES)]
enum Command {
    Compile(Box<compile::Opts>),
    Run(Box<run::Opts>),
    #[cfg(feature = "serve")]
    Serve(Box<serve::Opts>),
    Inspect(inspect::Opts),
    Verify(verify::Opts),
    Image(image::Opts),
    Sign(sign::Opts),
    Keygen(keygen::Opts),
    Cache(cache::Opts),
    Completions(completions::Opts),
    Man(manual::Opts),
}

/// The package's version and, in a checkout, the commit.
const VERSION: &str = env!("WASMAOT_VERSION");

const EXAMPLES: &str = "\
Examples:
  wasmaot compile app.wasm             compile to app.so
  wasmaot run app.so one two           run it with two arguments
  wasmaot run app.wasm                 compile into a cache and run
  wasmaot serve app.wasm               answer HTTP requests by it
  wasmaot compile app.wasm --emit exe  make a standalone program, ./app
  wasmaot inspect app.so               show imports, exports, sections and versions
  wasmaot verify app.so                prove from its machine code that it obeys the sandbox
  wasmaot image app -t app:1 -o image.tar  make an OCI image of the program
  wasmaot sign --key key.pem app.so    sign it, with a key of `wasmaot keygen`
  wasmaot cache show                   show what `run` has compiled

`wasmaot COMMAND --help` says more.";

/// Called by the C library, without what Rust prepares for a `main` of its own.
// SAFETY: nothing else in the program has that name.
#[cfg(not(test))]
#[unsafe(no_mangle)]
extern "C" fn main(_: std::ffi::c_int, _: *const *const std::ffi::c_char) -> std::ffi::c_int {
    wasmaot_program::sys::begin();
    wasmaot_program::sys::leave(status())
}

/// Does what the command line says and returns the exit status.
#[cfg_attr(test, expect(dead_code, reason = "tests of the modules have a `main` of their own"))]
fn status() -> i32 {
    report::panics_as_errors();
    let run = || match run::Opts::of_frequent_options(std::env::args_os()) {
        Some(opts) => opts.run(),
        None => match parse(std::env::args_os()) {
            Ok(Command::Compile(opts)) => opts.run(),
            Ok(Command::Run(opts)) => opts.run(),
            #[cfg(feature = "serve")]
            Ok(Command::Serve(opts)) => opts.run(),
            Ok(Command::Inspect(opts)) => opts.run(),
            Ok(Command::Verify(opts)) => opts.run(),
            Ok(Command::Image(opts)) => opts.run(),
            Ok(Command::Sign(opts)) => opts.run(),
            Ok(Command::Keygen(opts)) => opts.run(),
            Ok(Command::Cache(opts)) => opts.run(),
            Ok(Command::Completions(opts)) => opts.run::<Command>(),
            Ok(Command::Man(opts)) => opts.run::<Command>(),
            Err(message) => print(message),
        },
    };
    match std::panic::catch_unwind(run) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => error.fails(),
        Err(_) => 1,
    }
}

/// Parses a command line. A negative number behind an option is a value, so that what the option takes is
/// said of it.
fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    let takes_value = |arg: &clap::Arg| !arg.is_positional() && arg.get_action().takes_values();
    let with_negatives = |arg: clap::Arg| {
        let takes_value = takes_value(&arg);
        if takes_value { arg.allow_negative_numbers(true) } else { arg }
    };
    let command = Command::command().mut_subcommands(|command| command.mut_args(with_negatives));
    let matches = command.try_get_matches_from(line)?;
    Command::from_arg_matches(&matches)
}

/// Prints help, the version, or what is wrong with the command line.
fn print(mut message: clap::Error) -> Result<i32, CliError> {
    if message.kind() == ErrorKind::UnknownArgument {
        let line = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
        misspelt::suggest(&mut message, &Command::command(), line);
    }
    let printed = message.print().and_then(|()| std::io::stdout().flush());
    output::unless_closed(printed).map_err(match message.use_stderr() {
        true => CliError::Stderr,
        false => CliError::Stdout,
    })?;
    if message.kind() == ErrorKind::InvalidSubcommand
        && let Some(file) = std::env::args_os().nth(1).filter(|file| Path::new(file).is_file())
        && Command::command().find_subcommand(&file).is_none()
    {
        let file = file.to_string_lossy();
        let file = Name(&file);
        report::note(&format!("  hint: `wasmaot run {file}` runs it, `wasmaot compile {file}` compiles it"));
    }
    Ok(message.exit_code())
}
