//! Snapshots: a module that is initialised before it is compiled behaves as one that initialises itself, and
//! whatever cannot be written down is refused by name.
//!
//! Programs with their sources are in `tests/snapshot/`.

mod denied;
mod hot;
mod programs;
mod python;
mod refused;
mod shapes;
mod state;

use wasmaot_compiler::{OptLevel, Options as CompilerOptions};
use wasmaot_runtime::Module;
use wasmaot_snapshot::{Options, PreinitError, Preinitialised, preinit};
use wasmaot_tests::{load, options};

/// Compiles a module to an artifact as quickly as possible.
fn artifact(wasm: &[u8]) -> Vec<u8> {
    compile_with(wasm, &CompilerOptions { opt: OptLevel::None, ..options() })
}

fn compile_with(wasm: &[u8], options: &CompilerOptions) -> Vec<u8> {
    let compiled = wasmaot_compiler::compile(wasm, options, &|_| ());
    compiled.unwrap_or_else(|error| panic!("the module does not compile: {error}")).bytes
}

fn module(wasm: &[u8]) -> Module {
    load(&artifact(wasm)).expect("an artifact that was just made")
}

fn parse(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}"))
}

/// Initialises a module.
fn initialise(wasm: &[u8], options: &Options) -> Result<Preinitialised, PreinitError> {
    preinit(&module(wasm), wasm, options)
}

/// The message for an initialisation that is refused.
fn refusal(wasm: &[u8], options: &Options) -> String {
    match initialise(wasm, options) {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.to_string(),
    }
}
