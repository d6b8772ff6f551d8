//! Limits on the memory and time of `compile`, for untrusted modules.
//!
//! The compiler counts what it allocates by design, and refuses a module that takes more. That
//! count is an estimate, so the process also limits itself (`RLIMIT_DATA`), and ends with a plain
//! error where the kernel refuses it memory.

use crate::error::CliError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wasmaot_compiler::Options;
use wasmaot_program::sys;

/// Options that bound a compilation.
#[derive(Debug, clap::Args)]
pub(crate) struct BoundOpts {
    /// Bytes of memory that the compilation may take, as a number or with K, M or G behind it;
    /// threads take 2M each
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_memory: Option<u64>,

    /// Seconds that the compilation may take, looked at between functions
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
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
        Options { max_memory: self.max_memory, timeout: self.timeout, ..options }
    }
}

/// A number of bytes, with a binary unit behind it if any.
fn size(text: &str) -> Result<u64, &'static str> {
    let (number, unit) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 = number.parse().map_err(|_| "not a size such as 500000000, 512M or 2G")?;
    number.checked_mul(1 << unit).ok_or("more bytes than can be counted")
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds such as 10 or 0.5")?;
    Duration::try_from_secs_f64(number).map_err(|_| "not a number of seconds such as 10 or 0.5")
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
        // SAFETY: the caller keeps the contract of `alloc`.
        reported(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let sizes = ["0", "17", "3K", "512M", "2g"].map(|text| size(text).unwrap());
        assert_eq!(sizes, [0, 17, 3 << 10, 512 << 20, 2 << 30]);
        for text in ["", "M", "-1", "1T", "1.5G", "17179869184G"] {
            size(text).unwrap_err();
        }
    }

    #[test]
    fn times() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["", "-1", "NaN", "inf", "1s"] {
            seconds(text).unwrap_err();
        }
    }
}
