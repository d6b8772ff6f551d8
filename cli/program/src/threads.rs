//! Programs of several threads: `wasi_thread_start`.
//!
//! A program that imports a shared memory gets one, and `thread-spawn` of the module `wasi` makes an instance of the same module over it, on
//! a thread of its own. All have one WASI context together. **Invariant: the process ends when the first thread ends it**: by the
//! end of `_start`, an exit, or a trap. Where it is recorded what the program used, the others are stopped then, so that what they
//! executed can be counted.

use crate::end::End;
use crate::used::Used;
use crate::{report, sys};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use wasmaot_runtime::abi::descriptor::ImportKind;
use wasmaot_runtime::{
    CallError, Caller, Instance, InstantiateError, InterruptError, InterruptHandle, LinkError, Linker,
    Module, ResourceLimits, SharedMemory, Store, Val,
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
    /// A shared memory cannot be made.
    #[error(transparent)]
    Memory(#[from] InstantiateError),
}

/// On what terms a program runs.
#[derive(Default)]
pub struct Terms {
    /// Operators that each thread may execute.
    pub fuel: Option<u64>,
    /// What is to be done when another thread than the first one ends the program; its answer is the exit status. It is told what all threads used.
    pub record: Option<Record>,
}

/// See [`Terms::record`].
pub type Record = Box<dyn Fn(&End, &Used) -> i32 + Send + Sync>;

/// What a thread of a program has: all but the number is the process's.
pub struct Thread {
    process: Arc<Process>,
    number: u32,
}

/// The number of the first thread.
const FIRST: u32 = 0;

struct Process {
    module: Module,
    linker: OnceLock<Linker<Thread>>,
    context: Mutex<WasiCtx>,
    threads: AtomicU32,
    fuel: Option<u64>,
    record: Option<Record>,
    books: Mutex<Books>,
    /// A thread has left.
    left: Condvar,
}

/// Who runs, where it is recorded what the program uses, and what was used.
#[derive(Default)]
struct Books {
    /// Threads that may still execute something.
    running: HashMap<u32, InterruptHandle>,
    /// What all others used.
    used: Used,
    /// A thread is ending the program.
    closing: bool,
}

/// Whether a module is run as a program of several threads.
pub fn is_threaded(module: &Module) -> bool {
    module.imports().iter().any(|import| match import.kind {
        ImportKind::Memory { ty } => ty.shared,
        _ => (&*import.module, &*import.name) == SPAWN,
    })
}

/// The store of the first thread of a program.
///
/// # Errors
/// See [`StartError`].
pub fn first(module: &Module, context: WasiCtx, terms: Terms) -> Result<Store<Thread>, StartError> {
    let process = Arc::new(Process {
        module: module.clone(),
        linker: OnceLock::new(),
        context: Mutex::new(context),
        threads: AtomicU32::new(FIRST),
        fuel: terms.fuel,
        record: terms.record,
        books: Mutex::default(),
        left: Condvar::new(),
    });
    let linker = linker(module)?;
    process.linker.get_or_init(|| linker);
    let mut store = process.store(FIRST);
    process.enter(&mut store).map_err(|error| InstantiateError::Run(error.into()))?;
    Ok(store)
}

/// Makes a thread's instance.
///
/// # Errors
/// It cannot be made, or its start function failed.
pub fn instantiate(store: &mut Store<Thread>) -> Result<Instance, InstantiateError> {
    let process = store.data().process.clone();
    let linker = process.linker.get().expect("a process has its linker before its first thread");
    linker.instantiate(store, &process.module)
}

/// Has the first thread end the program, and says what all threads used. The others are stopped first, so the operators of those that are still
/// running may be up to 180 short. Does not return if another thread is ending the program already. For programs whose [`Terms`] have it recorded.
pub fn close(store: &Store<Thread>) -> Used {
    store.data().process.close(store)
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
    fn store(self: &Arc<Self>, number: u32) -> Store<Thread> {
        let mut store = Store::new(Thread { process: self.clone(), number });
        if self.fuel.is_some() {
            store
                .set_limits(ResourceLimits { fuel: self.fuel, ..ResourceLimits::default() })
                .expect("limits without a deadline need no thread");
        }
        store
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a thread is about to run. False if the program is ending.
    fn enter(&self, store: &mut Store<Thread>) -> Result<bool, InterruptError> {
        if self.record.is_none() {
            return Ok(true);
        }
        let (number, handle) = (store.data().number, store.interrupt_handle()?);
        let mut books = self.books();
        if !books.closing {
            books.running.insert(number, handle);
        }
        Ok(!books.closing)
    }

    /// Notes that a thread executes nothing more, and what it used.
    fn leave(&self, number: u32, used: Used) {
        let mut books = self.books();
        books.running.remove(&number);
        books.used.add(&used);
        self.left.notify_all();
    }

    /// Has a thread end the program, and gives what all threads used. Does not return if another one is ending it already.
    fn close(&self, store: &Store<Thread>) -> Used {
        self.leave(store.data().number, Used::of(store));
        let mut books = self.books();
        if books.closing {
            drop(books);
            loop {
                std::thread::park();
            }
        }
        books.closing = true;
        books.running.values().for_each(InterruptHandle::kill);
        while !books.running.is_empty() {
            books = self.left.wait(books).unwrap_or_else(PoisonError::into_inner);
        }
        let transferred = self.context.lock().unwrap_or_else(PoisonError::into_inner).transferred();
        Used { transferred, ..books.used }
    }

    /// Ends the program from another thread than the first: whatever the other threads are doing, theirs is the same process.
    fn end(&self, store: &Store<Thread>, error: CallError) -> ! {
        sys::leave(match (End::of(error), &self.record) {
            (Ok(end), Some(record)) => record(&end, &self.close(store)),
            (Ok(end), None) => {
                end.print();
                end.status()
            }
            (Err(error), _) => {
                report::note(&report::error(&error, None));
                1
            }
        })
    }

    /// Starts a thread. Its number, or [`NO_THREAD`].
    fn spawn(self: &Arc<Self>, argument: i32) -> i32 {
        let number = self.threads.fetch_add(1, Relaxed) + 1;
        if number > MAX_NUMBER {
            return NO_THREAD;
        }
        let mut store = self.store(number);
        if !self.enter(&mut store).unwrap_or(false) {
            return NO_THREAD;
        }
        let Ok(instance) = instantiate(&mut store) else {
            self.leave(number, Used::of(&store));
            return NO_THREAD;
        };
        let arguments = [Val::I32(number as i32), Val::I32(argument)];
        let run = move || {
            let process = store.data().process.clone();
            match instance.call(&mut store, THREAD_START, &arguments) {
                Err(error) => process.end(&store, error),
                Ok(_) => process.leave(number, Used::of(&store)),
            }
        };
        match std::thread::Builder::new().spawn(run) {
            Ok(_) => number as i32,
            Err(_) => {
                self.leave(number, Used::default());
                NO_THREAD
            }
        }
    }
}
