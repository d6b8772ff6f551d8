//! How long each phase of a compilation took, for people who tune it.
//!
//! **Invariant: it is looked at by nothing that decides what is generated.**

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Where the time of a compilation went. What several threads did counts for each of them, so the sum may
/// exceed the time that passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// Parsing, validating and surveying the module, as time that passed.
    pub parse: Duration,
    /// From WebAssembly to Cranelift's intermediate form, by all threads together.
    pub translate: Duration,
    /// From there to machine code or a listing, by all threads together.
    pub generate: Duration,
    /// From machine code to the artifact or object, as time that passed.
    pub emit: Duration,
}

/// Adds up the time of phases, in nanoseconds.
#[derive(Default)]
pub(crate) struct Watch {
    translate: AtomicU64,
    generate: AtomicU64,
    emit: AtomicU64,
}

impl Watch {
    /// Adds what this takes to the time of translating.
    pub(crate) fn translate<T>(&self, work: impl FnOnce() -> T) -> T {
        timed(&self.translate, work)
    }

    /// Adds what this takes to the time of generating.
    pub(crate) fn generate<T>(&self, work: impl FnOnce() -> T) -> T {
        timed(&self.generate, work)
    }

    /// Adds what this takes to the time of emitting.
    pub(crate) fn emit<T>(&self, work: impl FnOnce() -> T) -> T {
        timed(&self.emit, work)
    }

    /// What was added up, with the time of parsing.
    pub(crate) fn phases(&self, parse: Duration) -> Phases {
        let read = |total: &AtomicU64| Duration::from_nanos(total.load(Ordering::Relaxed));
        Phases {
            parse,
            translate: read(&self.translate),
            generate: read(&self.generate),
            emit: read(&self.emit),
        }
    }
}

fn timed<T>(total: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = work();
    total.fetch_add(begin.elapsed().as_nanos() as u64, Ordering::Relaxed);
    result
}
