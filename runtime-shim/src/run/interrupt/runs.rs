//! The runs on a thread: the current one, and those beside it.
//!
//! Usually there is one. A run stays beside the current one while a host function of it calls another guest,
//! or while the host has switched to another stack (a fiber). The runtime is not told when the host switches
//! stacks, moves one to another thread, or drops frames by a jump. It finds that out when a run begins, when
//! a host function returns, and when a run ends:
//!
//! * a run whose host function returns becomes the current one, on the thread where it returns;
//! * a run whose record lies in a dropped part of the thread's own stack is over, and is forgotten.
//!
//! **Invariants.** While compiled code runs, its run is the current one of its thread. A record of a run is
//! read only where it lies in the living part of the stack that the reader is on. The list belongs to its
//! thread; another thread only takes a run away that has moved to it, and holds the list of threads locked
//! meanwhile.

use super::causes::Announcement;
use super::thread::{self, Thread};
use crate::os::stack;
use crate::run::activation::{Activation, Running};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the watchdog looks at while a run is the current one.
pub(super) type Announced = Option<Announcement>;

/// A run that is not the current one.
#[derive(Debug)]
struct Aside {
    /// Address of its record.
    at: *mut Activation,
    announced: Announced,
    is_checked: bool,
}

/// The runs on a thread.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// Null if there is none. Its own thread writes it, and, while the list is locked, the thread that the
    /// run has moved to.
    current: AtomicPtr<Activation>,
    /// In the order in which they were set aside.
    aside: Mutex<Vec<Aside>>,
    /// The stack that the system has made for the thread.
    own_stack: Range<usize>,
}

// SAFETY: the addresses are only compared, except on the thread itself.
unsafe impl Send for Aside {}

impl Runs {
    /// No runs, on a thread with this stack.
    pub(super) fn on(own_stack: Range<usize>) -> Self {
        Self { own_stack, ..Self::default() }
    }

    fn aside(&self) -> MutexGuard<'_, Vec<Aside>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the record of a run is known to be gone when there is a record of another run at this address.
    /// Only the thread's own stack is known well enough: those that the host allocates may lie side by side.
    pub(super) fn is_dropped(&self, run: usize, other: usize) -> bool {
        self.is_left(run, other) || run.abs_diff(other) < size_of::<Activation>()
    }

    /// Whether the record of a run is known to be gone when the stack ends at this address. One may begin
    /// just there, at the end of the frame that makes it.
    pub(super) fn is_left(&self, run: usize, pointer: usize) -> bool {
        self.own_stack.contains(&run) && self.own_stack.contains(&pointer) && run < pointer
    }

    /// Whether a stack pointer may be on the stack of a run, and below it.
    pub(super) fn may_be_inside(&self, run: usize, pointer: usize) -> bool {
        match (self.own_stack.contains(&run), self.own_stack.contains(&pointer)) {
            (true, true) => pointer < run,
            (one, other) => one == other,
        }
    }

    /// Whether there may be any.
    fn is_empty(&self) -> bool {
        self.current.load(Relaxed).is_null() && self.aside().is_empty()
    }
}

/// Among runs, the innermost one around a place of a stack.
fn around(runs: &Runs, aside: &[Aside], place: usize) -> Option<usize> {
    let on_stack = |run: &Aside| run.at as usize > place && runs.may_be_inside(run.at as usize, place);
    let found = aside.iter().enumerate().filter(|(_, run)| on_stack(run));
    found.min_by_key(|(_, run)| run.at as usize).map(|(position, _)| position)
}

/// A host function of this run has returned, and there is reason to look at the thread: makes it the thread's
/// current run, and the innermost one of its store. Prepares the thread, where it is to be checked.
///
/// # Errors
/// The kernel refuses what the thread needs.
///
/// # Safety
/// The record is that of a run that waits for the host function, and nothing else refers to it.
pub(crate) unsafe fn go_on_here(run: *mut Activation) -> io::Result<()> {
    // SAFETY: the run waits for the host function, as the caller states.
    let thread = unsafe { Thread::go_on_here(run)? };
    // SAFETY: the host function has just returned to the run, to which nothing else refers, as the caller
    // states.
    unsafe { Activation::becomes_innermost(run, |inner, place| thread.runs.is_dropped(inner, place)) };
    if thread.is_checked() { thread.check() } else { Ok(()) }
}

impl Thread {
    /// Makes a run that begins the current one. `false` if calls are nested too deep for that.
    #[inline]
    pub(crate) fn enter(&self, run: *mut Activation, nesting: u32) -> bool {
        if !self.runs.current.load(Relaxed).is_null() {
            return self.enter_beside(run, nesting);
        }
        self.runs.current.store(run, Relaxed);
        true
    }

    #[cold]
    #[inline(never)]
    fn enter_beside(&self, run: *mut Activation, nesting: u32) -> bool {
        let mut aside = self.runs.aside();
        self.set_aside(&mut aside);
        aside.retain(|other| !self.runs.is_dropped(other.at as usize, run as usize));
        if !aside.is_empty() && !self.may_nest(&aside, run as usize, nesting) {
            self.take_back(aside, run as usize);
            return false;
        }
        let inherited = around(&self.runs, &aside, run as usize).map(|outer| &aside[outer]);
        let (announced, checked) =
            inherited.map_or((None, false), |outer| (outer.announced, outer.is_checked));
        self.make_current(aside, run, announced, checked);
        true
    }

    /// Whether the stack has room for another call, and there are less than `nesting` on it.
    fn may_nest(&self, aside: &[Aside], place: usize, nesting: u32) -> bool {
        let (has_room, bounds) = stack::room();
        let is_here = |run: &&Aside| bounds.as_ref().is_none_or(|bounds| bounds.contains(&(run.at as usize)));
        let around = aside.iter().filter(|run| run.at as usize > place).filter(is_here).count();
        has_room && around < nesting as usize
    }

    /// Ends a run.
    #[inline]
    pub(crate) fn exit(&self, run: *mut Activation) {
        if self.has_runs_aside() {
            self.exit_beside(run);
        } else {
            self.runs.current.store(std::ptr::null_mut(), Relaxed);
        }
    }

    #[cold]
    #[inline(never)]
    fn exit_beside(&self, run: *mut Activation) {
        let mut aside = self.runs.aside();
        self.set_aside(&mut aside);
        aside.retain(|other| !self.runs.is_dropped(other.at as usize, run as usize));
        self.take_back(aside, run as usize);
    }

    /// A host function of a run has returned, on the calling thread: makes its run the current one.
    ///
    /// # Errors
    /// The kernel refuses what the thread needs, to which the run has moved.
    ///
    /// # Safety
    /// The record is that of a run that waits for the host function.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn go_on_here(run: *mut Activation) -> io::Result<&'static Self> {
        let this: &'static Self = thread::prepared()?;
        // SAFETY: the run waits for the host function that has returned, as the caller says, so its record is
        // alive; a thread's record outlives its runs.
        let (before, causes, is_checked) =
            unsafe { ((*run).thread(), *(*run).causes(), (*run).is_checked()) };
        if !std::ptr::eq(this, before) {
            thread::take_away(before, run, &causes);
            // SAFETY: the run waits for the host function that has returned, so its record is alive, and
            // nothing else refers to it, as the caller says.
            unsafe { (*run).move_to(this) };
        } else if this.runs.current.load(Relaxed) == run {
            return Ok(this);
        }
        // SAFETY: the run waits for the host function that has returned, so its record is alive, and nothing
        // else refers to it, as the caller says.
        let of_its_own = causes.is_watched().then(|| unsafe { (*run).announcement() });
        let mut aside = this.runs.aside();
        this.set_aside(&mut aside);
        let known = aside.iter().position(|other| other.at == run).map(|position| aside.remove(position));
        let place = run as usize;
        aside.retain(|other| !this.runs.is_dropped(other.at as usize, place));
        let announced = known.map_or(of_its_own, |known| known.announced);
        this.make_current(aside, run, announced, is_checked);
        Ok(this)
    }

    /// Sets the current run aside.
    fn set_aside(&self, aside: &mut Vec<Aside>) {
        let at = self.runs.current.load(Relaxed);
        if !at.is_null() {
            aside.push(Aside { at, announced: self.announced(), is_checked: self.is_checked() });
            self.runs.current.store(std::ptr::null_mut(), Relaxed);
        }
    }

    /// Makes a run current that was set aside: the one around a place of a stack or, if there is none, the
    /// last one.
    fn take_back(&self, mut aside: MutexGuard<'_, Vec<Aside>>, place: usize) {
        let position = around(&self.runs, &aside, place).or(aside.len().checked_sub(1));
        match position.map(|position| aside.remove(position)) {
            Some(run) => self.make_current(aside, run.at, run.announced, run.is_checked),
            None => self.make_current(aside, std::ptr::null_mut(), None, false),
        }
    }

    fn make_current(
        &self,
        aside: MutexGuard<'_, Vec<Aside>>,
        run: *mut Activation,
        announced: Announced,
        checked: bool,
    ) {
        self.runs.current.store(run, Relaxed);
        self.set_runs_aside(!aside.is_empty());
        // The watchdog, which may be woken, is not to be waited for with the list locked.
        drop(aside);
        self.set_checked(checked);
        self.announce_again(announced);
    }

    /// Forgets a run that goes on on another thread, which calls this. The list of threads is locked.
    pub(super) fn forget(&self, run: *mut Activation, number: u64) {
        let mut aside = self.runs.aside();
        aside.retain(|other| other.at != run);
        _ = self.runs.current.compare_exchange(run, std::ptr::null_mut(), Relaxed, Relaxed);
        self.stop_announcing(number);
    }

    /// The run whose host function calls this, if that is on the calling thread.
    fn run_here(&self) -> Option<*mut Activation> {
        let marker = 0u8;
        let here = std::hint::black_box(&raw const marker) as usize;
        let current = self.runs.current.load(Relaxed);
        let is_around =
            |run: &*mut Activation| *run as usize > here && self.runs.may_be_inside(*run as usize, here);
        let innermost = if self.has_runs_aside() {
            let aside = self.runs.aside();
            aside.iter().map(|run| run.at).chain([current]).filter(is_around).min()
        } else {
            Some(current).filter(is_around)
        };
        let is_readable = self.runs.own_stack.contains(&here);
        innermost.filter(|&run| Activation::is_of(run, self, is_readable))
    }

    /// The run whose builtin or host function calls this, if that is on the calling thread.
    pub(super) fn running_here(&self) -> Option<Running> {
        let run = NonNull::new(self.run_here()?)?;
        // SAFETY: a run around the caller is alive. Its owner waits for the guest, which waits for the
        // builtin that asks for this.
        Some(unsafe { Running::of(run) })
    }

    /// What the run is stopped by whose host function calls this, if that is on the calling thread.
    pub(super) fn announcement_here(&self) -> Option<Announcement> {
        // SAFETY: a run around the caller is alive: its owner waits for the guest. Its causes and its time
        // slice do not change meanwhile.
        self.run_here().map(|run| unsafe { (*run).announcement() })
    }

    /// Keeps the record of a thread that ends, if runs remain that may go on on other threads.
    pub(super) fn outlives_its_thread(&self) -> bool {
        !self.runs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: Range<usize> = 0x10000..0x20000;

    #[test]
    fn a_run_is_alive_while_its_frame_is_the_last_one() {
        let runs = Runs::on(STACK);
        // Compilers put a record anywhere in its frame, also at the end that the stack pointer is at.
        for in_frame in [0, 8, 64, size_of::<Activation>(), 4096] {
            assert!(!runs.is_left(0x18000 + in_frame, 0x18000), "{in_frame:#x}");
        }
        assert!(runs.is_left(0x17ff8, 0x18000));
    }

    #[test]
    fn records_in_one_place_follow_each_other() {
        let runs = Runs::on(STACK);
        for base in [0x18000, 0x28000] {
            assert!(runs.is_dropped(base, base + 8) && runs.is_dropped(base + 8, base));
            assert!(!runs.is_dropped(base + 0x1000, base));
        }
        assert!(runs.is_dropped(0x18000, 0x19000));
        assert!(!runs.is_dropped(0x28000, 0x29000), "stacks of the host's may lie side by side");
    }
}
