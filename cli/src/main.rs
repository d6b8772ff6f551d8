//! `wasmaot`: compiles WebAssembly programs to native shared objects, runs them, and shows what is in them.
//!
//! Each subcommand is a module with its options (`Opts`) and `run`, which gives the exit status: the program's own,
//! 134 for a trap. An error of the tool is status 1, one of usage 2.

mod cache;
mod codegen;
mod compile;
mod error;
mod input;
mod inspect;
mod invoke;
mod items;
mod output;
mod progress;
mod run;
mod text;
mod trap;

use clap::Parser;

/// Ahead-of-time compiler for WebAssembly: modules become native shared objects
#[derive(Debug, Parser)]
#[command(name = "wasmaot", version, arg_required_else_help = true, after_help = EXAMPLES)]
enum Command {
    Compile(compile::Opts),
    Run(run::Opts),
    Inspect(inspect::Opts),
}

const EXAMPLES: &str = "\
Examples:
  wasmaot compile app.wasm             compile to app.so
  wasmaot run app.so -- one two        run it with two arguments
  wasmaot run app.wasm                 compile into a cache and run
  wasmaot inspect app.so               show imports, exports, sections and versions

`wasmaot COMMAND --help` says more.";

fn main() {
    report_panics_as_errors();
    let run = || match run::Opts::without_options(std::env::args_os()) {
        Some(opts) => opts.run(),
        None => match Command::parse() {
            Command::Compile(opts) => opts.run(),
            Command::Run(opts) => opts.run(),
            Command::Inspect(opts) => opts.run(),
        },
    };
    let status = match std::panic::catch_unwind(run) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => {
            output::note(&error.report());
            1
        }
        Err(_) => 1,
    };
    std::process::exit(status);
}

/// A panic is a bug of this program, and is reported as that.
fn report_panics_as_errors() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| format!(" ({place})"));
        let message = panic.payload_as_str().unwrap_or("no message");
        output::note(&format!(
            "error: internal error: {message}{place}\n  hint: please report it at {}",
            env!("CARGO_PKG_REPOSITORY")
        ));
    }));
}
