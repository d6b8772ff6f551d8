//! `wasmaot`: compiles WebAssembly programs to native shared objects, runs them, and shows what is in them.
//!
//! Each subcommand is a module with its options (`Opts`) and `run`, which gives the exit status: the program's own,
//! 134 for a trap. An error of the tool is status 1, one of usage 2.
//!
//! **Invariant: `run` of an artifact does nothing at its start that it can do without**, see the runner.
#![cfg_attr(not(test), no_main)]

mod artifact;
mod bounds;
mod cache;
mod codegen;
mod compile;
mod error;
mod executable;
mod grants;
mod input;
mod inspect;
mod invoke;
mod items;
mod output;
mod progress;
mod run;
mod text;
mod usage;

use clap::Parser;
use wasmaot_program::report;

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
  wasmaot compile app.wasm --emit exe  make a program of its own, ./app
  wasmaot inspect app.so               show imports, exports, sections and versions

`wasmaot COMMAND --help` says more.";

/// Called by the C library, without what Rust prepares for a `main` of its own.
// SAFETY: nothing else in the program has that name.
#[cfg(not(test))]
#[unsafe(no_mangle)]
extern "C" fn main(_: std::ffi::c_int, _: *const *const std::ffi::c_char) -> std::ffi::c_int {
    wasmaot_program::sys::begin();
    wasmaot_program::sys::leave(status())
}

/// Does what the command line says, and gives the status that the process ends with.
#[cfg_attr(test, expect(dead_code, reason = "tests of the modules have a `main` of their own"))]
fn status() -> i32 {
    report::panics_as_errors();
    let run = || match run::Opts::without_options(std::env::args_os()) {
        Some(opts) => opts.run(),
        None => match Command::parse() {
            Command::Compile(opts) => opts.run(),
            Command::Run(opts) => opts.run(),
            Command::Inspect(opts) => opts.run(),
        },
    };
    match std::panic::catch_unwind(run) {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => error.fails(),
        Err(_) => 1,
    }
}
