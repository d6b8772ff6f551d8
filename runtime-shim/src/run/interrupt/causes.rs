//! What stops a run: a deadline, or a word by which it is killed.
//!
//! **Invariant: a run is told by its store's number**, so what was meant for an earlier run in the same
//! place does not concern it.

use crate::os::clock;
use crate::run::store_id::StoreId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use wasmaot_abi::trap::TrapCode;

/// The deadline of a run that has none, in the clock's nanoseconds.
pub(super) const NEVER: u64 = u64::MAX;

/// The highest number of an instance in this place that was killed. Numbers of one place ascend, so those before it are gone.
#[derive(Debug, Default)]
pub(super) struct KillWord(pub(super) AtomicU64);

/// When a store's runs are to be stopped.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(super) deadline: u64,
    pub(super) word: Arc<KillWord>,
    /// A handle was given out, so the kill word may change.
    pub(super) killable: bool,
}

impl Default for Watch {
    fn default() -> Self {
        Self { deadline: NEVER, word: Arc::default(), killable: false }
    }
}

impl Watch {
    /// Forgets the deadline; handles that were given out are for another number from now on.
    pub(crate) fn reset(&mut self) {
        (self.deadline, self.killable) = (NEVER, false);
    }

    /// What a run of the store with this number is stopped by.
    pub(crate) fn causes(&self, id: StoreId) -> Causes {
        let word = if self.killable { Arc::as_ptr(&self.word) } else { std::ptr::null() };
        Causes { deadline: self.deadline, word, id }
    }
}

/// What one run is stopped by. Does not change while it runs, so that the signal handler may look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Causes {
    pub(super) deadline: u64,
    /// Null if nobody has a handle. The store keeps it.
    word: *const KillWord,
    pub(super) id: StoreId,
}

impl Causes {
    pub(crate) fn is_watched(&self) -> bool {
        self.deadline != NEVER || !self.word.is_null()
    }

    /// Why the run has to end now, if it has to. Callable in a signal handler.
    pub(crate) fn due(&self) -> Option<TrapCode> {
        // SAFETY: the store outlives its runs and keeps the word.
        let killed =
            unsafe { self.word.as_ref() }.is_some_and(|word| word.0.load(SeqCst) == self.id.number());
        let late = || self.deadline != NEVER && clock::now() >= self.deadline;
        match killed {
            true => Some(TrapCode::Killed),
            false => late().then_some(TrapCode::DeadlineExceeded),
        }
    }
}
