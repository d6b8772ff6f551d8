//! Limits on the memory and time of `compile`, for untrusted modules.
//!
//! The compiler counts what it allocates by design, and refuses a module that takes more. That
//! count is an estimate, so the process also limits itself (`RLIMIT_DATA`), and ends with a plain
//! error where the kernel refuses it memory. Likewise the compiler looks at the time, but not
//! inside of the passes over one function: there the process ends itself.

use crate::error::CliError;
use crate::text;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;
use wasmaot_compiler::Options;
use wasmaot_program::sys;

/// Options that bound a compilation.
#[derive(Debug, clap::Args)]
pub(crate) struct BoundOpts {
    /// Maximum memory of the compilation: bytes, or a number with K, M or G; each thread counts as 2M
    #[arg(long, value_name = "SIZE", value_parser = text::size)]
    max_memory: Option<u64>,

    /// Time limit of the compilation of each module: seconds, or a number with ms, s, m or h
    #[arg(long, value_name = "TIME", value_parser = text::duration)]
    timeout: Option<Duration>,

    /// Maximum number of values, operands and branch targets in the intermediate code of one function
    /// [default: 1048576]
    #[arg(long, value_name = "N", value_parser = text::number::<u64>)]
    max_function_size: Option<u64>,
}

impl BoundOpts {
    /// Limits the memory of this process from here on.
    pub(crate) fn limit_process(&self) -> Result<(), CliError> {
        let Some(bytes) = self.max_memory else { return Ok(()) };
        let Rlimit { maximum, .. } = getrlimit(Resource::Data);
        let current = Some(maximum.map_or(bytes, |maximum| maximum.min(bytes)));
        setrlimit(Resource::Data, Rlimit { current, maximum })
            .map_err(|error| CliError::MemoryLimit(io::Error::from(error)))?;
        IS_LIMITED.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The compiler's options with these bounds.
    pub(crate) fn add_to(&self, options: Options) -> Options {
        let Self { max_memory, timeout, max_function_size } = *self;
        Options { max_memory, timeout, max_function_size, ..options }
    }
}

/// How much longer than it may a compilation takes before the process is ended: the compiler, which can say
/// more, sees first that the time is over.
const GRACE: Duration = Duration::from_millis(200);

impl BoundOpts {
    /// Runs a compilation. Where it takes longer than it may and does not end by itself, `overdue` reports
    /// that, and the process ends.
    pub(crate) fn guard<R>(
        &self,
        overdue: impl FnOnce(Duration) + Send,
        compile: impl FnOnce() -> R,
    ) -> Result<R, CliError> {
        let Some(timeout) = self.timeout else { return Ok(compile()) };
        let (running, ended) = mpsc::channel::<()>();
        let watch = move || {
            if ended.recv_timeout(timeout.saturating_add(GRACE)) == Err(RecvTimeoutError::Timeout) {
                overdue(timeout);
                sys::leave(1);
            }
        };
        thread::scope(|scope| {
            let spawned = thread::Builder::new().spawn_scoped(scope, watch);
            spawned.map_err(CliError::Timer)?;
            let result = compile();
            drop(running);
            Ok(result)
        })
    }
}

/// Whether memory is limited by the command line.
static IS_LIMITED: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static ALLOCATOR: Reporting = Reporting;

/// The system's allocator. Where the command line limits memory and that is used up, the process
/// ends with an error that says so.
struct Reporting;

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Reporting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's.
        reported(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is the system's.
        reported(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `realloc`, and all memory is the system
        // allocator's.
        reported(unsafe { System.realloc(pointer, layout, size) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and all memory is the system
        // allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn reported(memory: *mut u8) -> *mut u8 {
    if memory.is_null() && IS_LIMITED.load(Ordering::Relaxed) {
        // Nothing is left to report a failure to, and nothing may be allocated.
        let _ = rustix::io::write(
            rustix::stdio::stderr(),
            b"error: limit exceeded: the compilation takes more memory than `--max-memory` allows\n",
        );
        sys::leave(1);
    }
    memory
}
