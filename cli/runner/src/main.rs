//! The runner: starts the program that is attached to its own file.
//!
//! **Invariant: at its start it does nothing that a C program would not do, except what the module needs.**
//! So it is linked statically at a fixed address, has its `main` called by the C library without the
//! preparations that Rust makes for one, and leaves all cleaning up to the kernel.
#![no_main]
#![deny(unsafe_op_in_unsafe_fn)]

use std::ffi::{OsStr, OsString, c_char, c_int};
use std::io::{self, ErrorKind};
use std::mem::ManuallyDrop;
use std::path::Path;
use wasmaot_program::attached::{Attached, AttachedError};
use wasmaot_program::end::End;
use wasmaot_program::limits::{self, WasiLimits};
use wasmaot_program::threads::{self, StartError, Terms};
use wasmaot_program::{entry, report, sys};
use wasmaot_runtime::{CallError, Instance, InstantiateError, LinkError, Module, OpenError, Store};
use wasmaot_wasi::WasiError;

/// Why the program cannot be run.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("cannot read the program's own file")]
    Own(#[source] io::Error),
    #[error("cannot start the program: the file that it is in is damaged")]
    Attached(#[source] AttachedError),
    #[error("cannot load the program")]
    Open(#[source] OpenError),
    #[error("cannot grant the program its directories and sockets")]
    Grants(#[source] WasiError),
    #[error("cannot set up WASI")]
    Wasi(#[from] LinkError),
    #[error("cannot instantiate the program")]
    Instantiate(#[from] InstantiateError),
    #[error("cannot start the program")]
    Start(#[source] StartError),
    #[error("cannot run the program")]
    Call(#[source] CallError),
}

impl RunError {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Own(error) if error.kind() == ErrorKind::PermissionDenied => Some(
                "the program is read from the executable: the user who starts it needs permission to read it, too (chmod +r)",
            ),
            Self::Attached(AttachedError::Nothing) => Some(
                "it is lost where a file is copied or downloaded in part, and to `strip`, `objcopy` and packers; compile it again and leave the file \
                 as it is",
            ),
            _ => None,
        }
    }
}

// SAFETY: the C library calls this, and nothing else in the program has that name.
#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const c_char) -> c_int {
    sys::begin();
    sys::end_on_signals_as_init();
    report::panics_as_errors();
    let status = run().unwrap_or_else(|error| {
        report::note(&report::error(&error, error.hint()));
        1
    });
    sys::leave(status)
}

fn run() -> Result<i32, RunError> {
    let file = sys::own_file().map_err(RunError::Own)?;
    let Attached { artifact, grants } = Attached::read(&file).map_err(RunError::Attached)?;
    // SAFETY: it is part of the program that runs, and as trusted as the rest of it. A program's file that
    // runs is not written to.
    let module = unsafe { Module::open_at_trusted(file, artifact.offset, artifact.length) };
    let module = module.map_err(RunError::Open)?;
    let mut arguments = std::env::args_os();
    let path = arguments.next().unwrap_or_default();
    let context = grants.context(name(&path), arguments, WasiLimits::default()).map_err(RunError::Grants)?;
    let end = if threads::is_threaded(&module.descriptor().imports) {
        let mut store = threads::first(&module, context, Terms::default()).map_err(RunError::Start)?;
        let instance = threads::instantiate(&mut store);
        let end = start(&mut store, instance, &module)?;
        threads::close(&store);
        end
    } else {
        let linker = entry::linker(&module.descriptor().imports)?;
        // The end of the process takes its instances with it.
        let mut store = ManuallyDrop::new(Store::new(context));
        store.set_limits(limits::resources()).map_err(|error| InstantiateError::Run(error.into()))?;
        let instance = linker.instantiate(&mut store, &module);
        start(&mut store, instance, &module)?
    };
    end.print();
    Ok(end.status())
}

fn start<T>(
    store: &mut Store<T>,
    instance: Result<Instance, InstantiateError>,
    module: &Module,
) -> Result<End, RunError> {
    let call = || {
        let instance = instance?;
        let mut exports = entry::entry(module.descriptor()).unwrap_or_default().iter();
        exports.try_for_each(|name| instance.call(store, name, &[]).map(drop).map_err(InstantiateError::Run))
    };
    match call() {
        Ok(()) => Ok(End::Exit(0)),
        Err(InstantiateError::Run(error)) => End::of(error).map_err(RunError::Call),
        Err(error) => Err(error.into()),
    }
}

/// Returns the program's name without the folder, which would tell it about the host.
fn name(path: &OsString) -> &OsStr {
    Path::new(path).file_name().unwrap_or(path)
}
