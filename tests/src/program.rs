//! WASI programs: run to their end, with what they wrote.
//!
//! **Invariant: a program gets what its context was told and nothing of the test's own process.**

use std::fs::File;
use std::io::{Read, Seek, Write};

use wasmaot_runtime::{CallError, Linker, Module, Store};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// How a program ended and what it wrote.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit status, 0 if it returned.
    pub status: i32,
    /// All of standard output.
    pub stdout: Vec<u8>,
    /// All of standard error.
    pub stderr: Vec<u8>,
}

/// Runs `_start` of a module that is already loaded. The context is `builder`'s, with empty standard input
/// and the output in files.
///
/// # Errors
///
/// A description of what kept the program from ending by itself, traps included.
pub fn run_program(module: &Module, builder: &mut WasiCtxBuilder) -> Result<Ended, String> {
    run_program_with(module, builder, b"")
}

/// As [`run_program`], with standard input.
///
/// # Errors
///
/// As [`run_program`].
pub fn run_program_with(
    module: &Module,
    builder: &mut WasiCtxBuilder,
    input: &[u8],
) -> Result<Ended, String> {
    let [mut stdin, stdout, stderr] = [(); 3].map(|()| tempfile::tempfile().expect("a temporary file"));
    let copy = |file: &File| file.try_clone().expect("a descriptor");
    stdin.write_all(input).and_then(|()| stdin.rewind()).expect("a writable file");
    builder.stdin(stdin).stdout(copy(&stdout)).stderr(copy(&stderr));
    let status = start(module, builder.build())?;
    Ok(Ended { status, stdout: contents(stdout), stderr: contents(stderr) })
}

/// Runs `_start` with a context and gives the exit status.
///
/// # Errors
///
/// As [`run_program`].
pub fn start(module: &Module, ctx: WasiCtx) -> Result<i32, String> {
    let mut linker = Linker::<WasiCtx>::new();
    wasmaot_wasi::add_to_linker(&mut linker, |ctx| ctx).expect("new names");
    let mut store = Store::new(ctx);
    let instance = linker.instantiate(&mut store, module).map_err(|error| error.to_string())?;
    match instance.call(&mut store, "_start", &[]) {
        Ok(_) => Ok(0),
        Err(CallError::Exit(status)) => Ok(status),
        Err(error) => Err(error.to_string()),
    }
}

fn contents(mut file: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().expect("a file");
    file.read_to_end(&mut bytes).expect("a readable file");
    bytes
}
