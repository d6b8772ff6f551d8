//! What stops a run: a deadline, CPU time that is used up, or a word by which it is killed.
//!
//! **Invariant: a run is told by its store's number**, so what was meant for an earlier run in the same
//! place does not concern it.

use crate::os::clock;
use crate::run::slices::Slices;
use crate::run::store_id::StoreId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use wasmaot_abi::trap::TrapCode;

/// The deadline of a run that has none, in the clock's nanoseconds, and the CPU time of one that may use any.
pub(super) use crate::run::slices::NEVER;

/// The highest number of an instance in this place that was killed. Numbers of one place ascend, so those
/// before it are gone.
#[derive(Debug, Default)]
pub(super) struct KillWord(pub(super) AtomicU64);

/// When a store's runs are to be stopped.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(super) deadline: u64,
    /// Nanoseconds of CPU time that its runs may still use together.
    pub(super) cpu_time: u64,
    pub(super) word: Arc<KillWord>,
    /// [`KILLABLE`] and [`SLICED`].
    pub(super) flags: u8,
    /// Of its asynchronous calls, if the flags say that they have any. Boxed, as the registers of one are
    /// kept there.
    pub(super) slices: Option<Box<Slices>>,
}

/// A handle was given out, so the kill word may change.
pub(super) const KILLABLE: u8 = 1;

/// Asynchronous calls run in time slices.
pub(super) const SLICED: u8 = 2;

impl Default for Watch {
    fn default() -> Self {
        Self { deadline: NEVER, cpu_time: NEVER, word: Arc::default(), flags: 0, slices: None }
    }
}

impl Watch {
    /// Forgets the deadline, the limit of CPU time and the time slices; handles that were given out are for
    /// another number from now on.
    pub(crate) fn reset(&mut self) {
        (self.deadline, self.cpu_time, self.flags) = (NEVER, NEVER, 0);
    }

    /// The time slices of its asynchronous calls, if they have any. Callable in a signal handler.
    pub(crate) fn slices(&self) -> Option<&Slices> {
        self.slices.as_deref().filter(|_| self.flags & SLICED != 0)
    }

    /// The same, to be changed.
    pub(crate) fn slices_mut(&mut self) -> Option<&mut Slices> {
        self.slices.as_deref_mut().filter(|_| self.flags & SLICED != 0)
    }

    /// Takes what a run has used off the CPU time, when the clock of the thread that it was on last shows
    /// `now`.
    #[cold]
    pub(crate) fn spend(&mut self, causes: &Causes, now: u64) {
        self.cpu_time = causes.cpu_until.saturating_sub(now);
    }

    /// Whether anything may stop its runs.
    pub(crate) fn is_watched(&self) -> bool {
        self.deadline != NEVER || self.cpu_time != NEVER || self.flags != 0
    }

    /// Why a run of the store with this number would have to end that began now on the calling thread.
    pub(crate) fn due(&self, id: StoreId) -> Option<TrapCode> {
        // SAFETY: the result does not outlive the expression.
        unsafe { self.causes(id) }.due()
    }

    /// What a run of the store with this number is stopped by that begins now on the calling thread.
    ///
    /// # Safety
    /// The store with this watch outlives the result, and all copies of it.
    #[inline]
    pub(crate) unsafe fn causes(&self, id: StoreId) -> Causes {
        let cpu_until = if self.cpu_time == NEVER { NEVER } else { cpu_until(self.cpu_time) };
        // Who looks for the end of a slice is who looks for kills.
        let word = if self.flags != 0 { Arc::as_ptr(&self.word) } else { std::ptr::null() };
        Causes { deadline: self.deadline, cpu_until, word, id }
    }
}

/// What the calling thread's clock of CPU time shows when this much more is used.
#[cold]
fn cpu_until(left: u64) -> u64 {
    clock::cpu_time().saturating_add(left)
}

/// What the watchdog is told of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announcement {
    pub(crate) causes: Causes,
    /// When its time slice is over.
    pub(crate) slice: u64,
    /// Address of its record.
    pub(crate) at: usize,
}

impl Announcement {
    /// When the run has to be looked at whatever CPU time it uses.
    pub(super) fn deadline(&self) -> u64 {
        self.causes.deadline.min(self.slice)
    }

    /// When the watchdog has to look at the run at the latest.
    pub(super) fn first_look(&self) -> u64 {
        self.causes.used_up().min(self.deadline())
    }
}

/// What one run is stopped by. Does not change while it runs, so that the signal handler may look at it,
/// unless the run goes on on another thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Causes {
    pub(super) deadline: u64,
    /// What the clock of its thread's CPU time shows when the run has used its own.
    pub(super) cpu_until: u64,
    /// Null if there is no handle, and no time slices. The store keeps it, and is there (see
    /// [`Watch::causes`]).
    word: *const KillWord,
    pub(super) id: StoreId,
}

impl Causes {
    pub(crate) fn is_watched(&self) -> bool {
        self.deadline != NEVER || self.limits_cpu_time() || !self.word.is_null()
    }

    /// Whether the run may use so much CPU time only.
    #[inline]
    pub(crate) fn limits_cpu_time(&self) -> bool {
        self.cpu_until != NEVER
    }

    /// The same for a run that goes on on the calling thread, when the clock of the thread that it was on
    /// shows `before`.
    pub(crate) fn on_this_thread(self, before: u64) -> Self {
        if !self.limits_cpu_time() {
            return self;
        }
        Self { cpu_until: cpu_until(self.cpu_until.saturating_sub(before)), ..self }
    }

    fn cpu_left(&self) -> u64 {
        self.cpu_until.saturating_sub(clock::cpu_time())
    }

    /// Nanoseconds on the clock when the CPU time may be used up at the earliest: it does not pass faster
    /// than time does.
    fn used_up(&self) -> u64 {
        if self.limits_cpu_time() { clock::now().saturating_add(self.cpu_left()) } else { NEVER }
    }

    /// Why the run has to end now, if it has to. Callable in a signal handler.
    pub(crate) fn due(&self) -> Option<TrapCode> {
        // SAFETY: the store keeps the word and outlives this, as `Watch::causes` has its caller say.
        let killed =
            unsafe { self.word.as_ref() }.is_some_and(|word| word.0.load(SeqCst) == self.id.number());
        if killed {
            Some(TrapCode::Killed)
        } else if self.deadline != NEVER && clock::now() >= self.deadline {
            Some(TrapCode::DeadlineExceeded)
        } else {
            (self.limits_cpu_time() && self.cpu_left() == 0).then_some(TrapCode::CpuTimeExceeded)
        }
    }
}
