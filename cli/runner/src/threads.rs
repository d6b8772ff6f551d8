//! Programs of several threads: `wasi_thread_start`.
//!
//! A program that imports a shared memory gets one, and `thread-spawn` of the module `wasi` makes an instance of the same module over it, on
//! a thread of its own. All have one WASI context together. **Invariant: the process ends when the first thread ends it**: by the
//! end of `_start`, an exit, or a trap.

use crate::{program, report, sys};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use wasmaot_runtime::abi::descriptor::ImportKind;
use wasmaot_runtime::{
    Caller, Instance, InstantiateError, LinkError, Linker, Module, SharedMemory, Store, Val,
};
use wasmaot_wasi::WasiCtx;

/// The module and name of the import that starts a thread.
const SPAWN: (&str, &str) = ("wasi", "thread-spawn");

/// What a program exports for its threads: takes the thread's number and the argument of `thread-spawn`.
const THREAD_START: &str = "wasi_thread_start";

/// The greatest number of a thread, as the proposal has it.
const MAX_NUMBER: u32 = 0x1fff_ffff;

/// What `thread-spawn` gives when there is no thread to be had.
const NO_THREAD: i32 = -1;

/// Why a program does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Two of its imports have one name.
    #[error("cannot set up WASI and memories")]
    Link(#[from] LinkError),
    /// It cannot be instantiated, or its start function failed.
    #[error(transparent)]
    Instantiate(#[from] InstantiateError),
}

/// What a thread of a program has: all is the process's.
pub struct Thread {
    process: Arc<Process>,
}

struct Process {
    module: Module,
    linker: OnceLock<Linker<Thread>>,
    context: Mutex<WasiCtx>,
    threads: AtomicU32,
}

/// Whether a module is run as a program of several threads.
pub fn is_threaded(module: &Module) -> bool {
    module.imports().iter().any(|import| match import.kind {
        ImportKind::Memory { ty } => ty.shared,
        _ => (&*import.module, &*import.name) == SPAWN,
    })
}

/// The first thread of a program: its store and instance, the start function run.
///
/// # Errors
/// See [`StartError`].
pub fn first(module: &Module, context: WasiCtx) -> Result<(Store<Thread>, Instance), StartError> {
    let process = Arc::new(Process {
        module: module.clone(),
        linker: OnceLock::new(),
        context: Mutex::new(context),
        threads: AtomicU32::new(0),
    });
    let linker = linker(module)?;
    process.linker.get_or_init(|| linker);
    Ok(process.instantiate()?)
}

fn linker(module: &Module) -> Result<Linker<Thread>, StartError> {
    let mut linker = Linker::new();
    wasmaot_wasi::add_shared_imports_to_linker(&mut linker, module.imports(), |thread: &mut Thread| {
        &thread.process.context
    })?;
    linker.func(SPAWN.0, SPAWN.1, |caller: &mut Caller<'_, Thread>, argument: i32| {
        caller.data().process.spawn(argument)
    })?;
    for import in module.imports() {
        if let ImportKind::Memory { ty } = import.kind
            && ty.shared
        {
            linker.define_shared(&import.module, &import.name, SharedMemory::of_type(ty)?)?;
        }
    }
    Ok(linker)
}

impl Process {
    fn instantiate(self: &Arc<Self>) -> Result<(Store<Thread>, Instance), InstantiateError> {
        let mut store = Store::new(Thread { process: self.clone() });
        let linker = self.linker.get().expect("a process has its linker before its first thread");
        let instance = linker.instantiate(&mut store, &self.module)?;
        Ok((store, instance))
    }

    /// Starts a thread. Its number, or [`NO_THREAD`].
    fn spawn(self: &Arc<Self>, argument: i32) -> i32 {
        let number = self.threads.fetch_add(1, Relaxed) + 1;
        if number > MAX_NUMBER {
            return NO_THREAD;
        }
        let Ok((mut store, instance)) = self.instantiate() else { return NO_THREAD };
        let arguments = [Val::I32(number as i32), Val::I32(argument)];
        let run = move || {
            if let Err(error) = instance.call(&mut store, THREAD_START, &arguments) {
                // Whatever the other threads are doing: theirs is the same process.
                sys::leave(program::ended(error).unwrap_or_else(|error| {
                    report::note(&report::error(&error, None));
                    1
                }));
            }
        };
        match std::thread::Builder::new().spawn(run) {
            Ok(_) => number as i32,
            Err(_) => NO_THREAD,
        }
    }
}
