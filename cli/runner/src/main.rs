//! The runner: starts the program that is attached to this very file.
//!
//! **Invariant: it does nothing at its start that a C program would not do, but for what the module needs.** So it is linked statically at a fixed address, has its `main` called by the C library
//! without the preparations that Rust makes for one, and ends by leaving everything to the kernel.
#![no_main]
#![deny(unsafe_op_in_unsafe_fn)]

use std::ffi::{OsStr, OsString, c_char, c_int};
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::path::Path;
use wasmaot_program::attached::{Attached, AttachedError};
use wasmaot_program::end::End;
use wasmaot_program::entry::{self, Entry, START};
use wasmaot_program::threads::{self, StartError, Terms};
use wasmaot_program::{report, sys};
use wasmaot_runtime::{CallError, Instance, InstantiateError, LinkError, Module, OpenError, Store};
use wasmaot_wasi::WasiError;

/// Why the program cannot be run.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("cannot open the program's own file, {OWN_FILE}")]
    Own(#[source] io::Error),
    #[error("cannot start the program: the file that it is in is damaged")]
    Attached(#[source] AttachedError),
    #[error("cannot load the program")]
    Open(#[source] OpenError),
    #[error("cannot give the program its directories and sockets")]
    Grants(#[source] WasiError),
    #[error("cannot set up WASI")]
    Wasi(#[source] LinkError),
    #[error("cannot instantiate the program")]
    Instantiate(#[source] InstantiateError),
    #[error("cannot run the program")]
    Call(#[source] CallError),
}

/// The file that this process was started from.
const OWN_FILE: &str = "/proc/self/exe";

// SAFETY: the C library calls this, and nothing else in the program has that name.
#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const c_char) -> c_int {
    sys::begin();
    report::panics_as_errors();
    let status = run().unwrap_or_else(|error| {
        report::note(&report::error(&error, None));
        1
    });
    sys::leave(status)
}

fn run() -> Result<i32, RunError> {
    let file = File::open(OWN_FILE).map_err(RunError::Own)?;
    let Attached { artifact, grants } = Attached::read(&file).map_err(RunError::Attached)?;
    let module = Module::open_at(file, artifact.offset, artifact.length).map_err(RunError::Open)?;
    let mut arguments = std::env::args_os();
    let path = arguments.next().unwrap_or_default();
    let context = grants.context(name(&path), arguments).map_err(RunError::Grants)?;
    if threads::is_threaded(&module) {
        let mut store = threads::first(&module, context, Terms::default()).map_err(|error| match error {
            StartError::Link(error) => RunError::Wasi(error),
            StartError::Memory(error) => RunError::Instantiate(error),
        })?;
        let instance = threads::instantiate(&mut store);
        return start(&mut store, instance, &module);
    }
    let linker = entry::linker(module.imports()).map_err(RunError::Wasi)?;
    // The end of the process takes its instances with it.
    let mut store = ManuallyDrop::new(Store::new(context));
    let instance = linker.instantiate(&mut store, &module);
    start(&mut store, instance, &module)
}

fn start<T>(
    store: &mut Store<T>,
    instance: Result<Instance, InstantiateError>,
    module: &Module,
) -> Result<i32, RunError> {
    let call = || match entry::entry(module.descriptor()) {
        Some(Entry::Start) => instance?.call(store, START, &[]).map(drop).map_err(InstantiateError::Run),
        _ => instance.map(drop),
    };
    match call() {
        Ok(()) => Ok(0),
        Err(InstantiateError::Run(error)) => {
            let end = End::of(error).map_err(RunError::Call)?;
            end.print();
            Ok(end.status())
        }
        Err(error) => Err(RunError::Instantiate(error)),
    }
}

/// The program's name without the path, which is none of its business.
fn name(path: &OsString) -> &OsStr {
    Path::new(path).file_name().unwrap_or(path)
}
