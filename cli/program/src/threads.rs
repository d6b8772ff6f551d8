//! Programs with several threads: `wasi` `thread-spawn` and `wasi_thread_start`.
//!
//! A program that imports a shared memory gets one. `thread-spawn` makes another instance of the module over
//! that memory, on a thread of its own. All threads share one WASI context.
//!
//! **Invariants.** The process ends with the first thread that ends it: by the end of `_start`, an exit or a
//! trap; later ends are neither reported nor counted. A number that `thread-spawn` returns is that of a
//! thread whose code will run: whatever can fail on the way has succeeded by then. Where the program's usage
//! is recorded, all other threads are stopped at its end, so that their share is counted.

use crate::end::End;
use crate::used::Used;
use crate::{entry, limits, report, sys};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use wasmaot_abi::descriptor::{Descriptor, Import, ImportKind};
use wasmaot_abi::types::ValType;
use wasmaot_runtime::{
    CallError, Caller, Instance, InstantiateError, InterruptError, InterruptHandle, LimitKind, LinkError,
    Linker, Module, ModuleLimits, ResourceLimits, SharedMemory, Store, Val,
};
use wasmaot_wasi::WasiCtx;

/// The module and name of the import that starts a thread.
const SPAWN: (&str, &str) = ("wasi", "thread-spawn");

/// The export that a new thread calls, with its number and the argument of `thread-spawn`.
const THREAD_START: &str = "wasi_thread_start";

/// The greatest number of a thread, as the proposal has it.
const MAX_NUMBER: u32 = 0x1fff_ffff;

/// The result of `thread-spawn` when no thread can be started.
const NO_THREAD: i32 = -1;

/// The most threads of a program that run at a time, besides the first. Each takes about eight mappings of
/// the 65,530 that Linux allows a process by default.
pub const MAX_THREADS: u32 = 4096;

/// Why a program does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Two imports have the same name.
    #[error("cannot set up WASI and memories")]
    Link(#[from] LinkError),
    /// An import is not defined or has another type.
    #[error(transparent)]
    Instantiate(#[from] InstantiateError),
    /// The program starts threads that would have nothing to call.
    #[error("it imports {:?} {:?} but exports no function `{THREAD_START}` with two i32 parameters and no results", SPAWN.0, SPAWN.1)]
    NoThreadStart,
}

/// The conditions that a program runs under.
pub struct Terms {
    /// Limits of each thread's store. The deadline is one for all threads.
    pub limits: ResourceLimits,
    /// What the module may ask for.
    pub module: ModuleLimits,
    /// Called with the usage of all threads if another thread than the first ends the program. Returns the
    /// exit status.
    pub record: Option<Record>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { limits: limits::resources(), module: limits::of_module(), record: None }
    }
}

/// Callback that records a program's usage, see [`Terms::record`].
pub type Record = Box<dyn Fn(&End, &Used) -> i32 + Send + Sync>;

/// The data of a thread's store.
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
    /// The number given out last.
    last: AtomicU32,
    /// Threads that run now, besides the first.
    live: AtomicU32,
    limits: ResourceLimits,
    record: Option<Record>,
    books: Mutex<Books>,
    /// A thread has left.
    left: Condvar,
}

/// Which threads run, and what the others used.
#[derive(Default)]
struct Books {
    /// Threads that may still execute something; empty if the usage is not recorded.
    running: HashMap<u32, InterruptHandle>,
    /// Usage of all threads that have left.
    used: Used,
    /// A thread is ending the program.
    closing: bool,
}

/// Returns whether a module with these imports is run as a program with several threads.
pub fn is_threaded(imports: &[Import]) -> bool {
    let shared = |import: &Import| matches!(import.kind, ImportKind::Memory { ty } if ty.shared);
    imports.iter().any(|import| shared(import) || is_spawn(import))
}

fn is_spawn(import: &Import) -> bool {
    (&*import.module, &*import.name) == SPAWN
}

/// Checks that a program with several threads can be started, as far as its descriptor tells.
///
/// # Errors
/// [`StartError`], as [`first`] and [`instantiate`] would fail.
pub fn check(descriptor: &Descriptor) -> Result<(), StartError> {
    check_thread_start(descriptor)?;
    Ok(linker(&descriptor.imports, &Terms::default())?.check(descriptor)?)
}

fn check_thread_start(descriptor: &Descriptor) -> Result<(), StartError> {
    let is_right = || {
        entry::function(descriptor, THREAD_START)
            .is_some_and(|ty| *ty.params == [ValType::I32; 2] && ty.results.is_empty())
    };
    match descriptor.imports.iter().any(is_spawn) && !is_right() {
        true => Err(StartError::NoThreadStart),
        false => Ok(()),
    }
}

/// Returns the store of a program's first thread.
///
/// # Errors
/// [`StartError`]; undefined imports are reported by [`instantiate`].
pub fn first(module: &Module, context: WasiCtx, terms: Terms) -> Result<Store<Thread>, StartError> {
    check_thread_start(module.descriptor())?;
    let linker = linker(&module.descriptor().imports, &terms)?;
    let process = Arc::new(Process {
        module: module.clone(),
        linker: OnceLock::new(),
        context: Mutex::new(context),
        last: AtomicU32::new(FIRST),
        live: AtomicU32::new(0),
        limits: terms.limits,
        record: terms.record,
        books: Mutex::default(),
        left: Condvar::new(),
    });
    process.linker.get_or_init(|| linker);
    let entered = process.store(FIRST).and_then(|mut store| process.enter(&mut store).map(|_| store));
    entered.map_err(|error| InstantiateError::Run(error.into()).into())
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

/// Ends the program on behalf of the first thread and returns the usage of all threads, if it is recorded.
/// Those that still run are stopped first, so their count of instructions may be up to
/// [`MAX_ROW`](wasmaot_abi::meter::MAX_ROW) short. Does not return if another thread is ending the program
/// already.
pub fn close(store: &Store<Thread>) -> Used {
    store.data().process.close(store)
}

fn linker(imports: &[Import], terms: &Terms) -> Result<Linker<Thread>, StartError> {
    let max_memory = terms.limits.memory;
    let mut linker = Linker::new();
    linker.set_module_limits(terms.module);
    wasmaot_wasi::add_shared_imports_to_linker(&mut linker, entry::names(imports), |thread: &mut Thread| {
        &thread.process.context
    })?;
    linker.func_wrap(SPAWN.0, SPAWN.1, |caller: &mut Caller<'_, Thread>, argument: i32| {
        caller.data().process.spawn(argument)
    })?;
    for import in imports {
        if let ImportKind::Memory { ty } = import.kind
            && ty.shared
        {
            let size = ty.bytes(ty.limits.min);
            if size > max_memory {
                let (limit, value) = (LimitKind::Memory, max_memory);
                return Err(InstantiateError::Limit { limit, value, asked: size }.into());
            }
            linker.define_shared(
                &import.module,
                &import.name,
                SharedMemory::new(ty).map_err(InstantiateError::from)?,
            )?;
        }
    }
    Ok(linker)
}

impl Process {
    fn store(self: &Arc<Self>, number: u32) -> Result<Store<Thread>, InterruptError> {
        let mut store = Store::new(Thread { process: self.clone(), number });
        if self.limits != ResourceLimits::default() {
            store.set_limits(self.limits)?;
        }
        Ok(store)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a thread is about to run. Returns false if the program is ending.
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

    /// Ends the program on behalf of a thread, see [`close`].
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

    /// Ends the process on behalf of another thread than the first.
    fn end(&self, store: &Store<Thread>, error: CallError) -> ! {
        let used = self.close(store);
        sys::leave(match (End::of(error), &self.record) {
            (Ok(end), Some(record)) => record(&end, &used),
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

    /// Starts a thread. Returns its number, or [`NO_THREAD`].
    fn spawn(self: &Arc<Self>, argument: i32) -> i32 {
        let Some(live) = Live::one_more(self) else { return NO_THREAD };
        let number = self.last.fetch_add(1, Relaxed) + 1;
        if number > MAX_NUMBER {
            return NO_THREAD;
        }
        let Ok(mut store) = self.store(number) else { return NO_THREAD };
        if !self.enter(&mut store).unwrap_or(false) {
            return NO_THREAD;
        }
        let Ok(instance) = instantiate(&mut store) else {
            self.leave(number, Used::of(&store));
            return NO_THREAD;
        };
        let (ready, is_ready) = mpsc::sync_channel(1);
        let run = move || {
            let _live = live;
            if wasmaot_runtime::prepare_thread().is_ok() && ready.send(()).is_ok() {
                run_thread(store, instance, argument);
            }
        };
        let spawned = std::thread::Builder::new().spawn(run);
        match spawned.is_ok() && is_ready.recv().is_ok() {
            true => number as i32,
            false => {
                self.leave(number, Used::default());
                NO_THREAD
            }
        }
    }
}

fn run_thread(mut store: Store<Thread>, instance: Instance, argument: i32) {
    let Thread { process, number } = store.data();
    let (process, number) = (process.clone(), *number);
    let arguments = [Val::I32(number as i32), Val::I32(argument)];
    match instance.call(&mut store, THREAD_START, &arguments) {
        Err(error) => process.end(&store, error),
        Ok(_) => process.leave(number, Used::of(&store)),
    }
}

/// A running thread's share of [`MAX_THREADS`].
struct Live(Arc<Process>);

impl Live {
    /// Counts one more thread, or returns `None` if there are as many as may be.
    fn one_more(process: &Arc<Process>) -> Option<Self> {
        let more = |live| (live < MAX_THREADS).then_some(live + 1);
        process.live.fetch_update(Relaxed, Relaxed, more).ok()?;
        Some(Self(process.clone()))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Relaxed);
    }
}
