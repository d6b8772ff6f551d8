//! The write protection of one pooled memory, as the signal handler sees it.
//!
//! Pages that the module's instances usually write (the *hot runs*) are writable, all others only
//! readable. The first write to such a *cold* page ends in [`Tracker::open_page`], which makes a
//! range writable and notes it, so that the reset knows where to look. Ranges grow with each fault
//! of a run; when there is no room to note another, the whole memory is opened.
//!
//! **Invariants.** A page outside the hot runs and the noted ranges is not writable, unless the
//! memory is *in doubt*: a call that changes protections failed, and the kernel may have carried
//! out a part of it. Such a memory is emptied by the reset. `open_page` is called in the signal
//! handler: it allocates nothing, takes no lock, and opens a page at most once between two resets,
//! so that no fault repeats for ever. Only the thread that runs the instance, or resets it, uses
//! its tracker.

use crate::os::map::Access;
use crate::space::pages::Pages;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use wasmaot_abi::slot::HOST_PAGE;

/// Ranges that can be noted.
const MAX_OPENED: usize = 16;

/// Bytes that the first fault of a run opens; each further one opens twice as many.
const FIRST_RANGE: usize = 4 * HOST_PAGE as usize;

/// Hot runs at most: each may cost two mappings of the kernel's, of which a process has few.
pub(crate) const MAX_HOT: usize = 8;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// The memory.
    pages: Pages,
    base: usize,
    /// Lowest accessible address of the slot's stack.
    stack_low: usize,
    /// Bytes from `base` on that are protected; 0 if none are.
    bytes: AtomicUsize,
    hot_count: AtomicUsize,
    /// Addresses that are always writable, ascending.
    hot: [Hot; MAX_HOT],
    count: AtomicUsize,
    opened: [Opened; MAX_OPENED],
    /// A range could not be opened, or only in part: any page may be writable.
    in_doubt: AtomicBool,
}

/// A range that is always writable, as addresses.
#[derive(Debug, Default)]
struct Hot {
    start: AtomicUsize,
    end: AtomicUsize,
}

/// An address range that was made writable.
#[derive(Debug)]
struct Opened {
    start: AtomicUsize,
    end: AtomicUsize,
    /// End of the requested part; the rest was made writable along with it.
    asked: AtomicUsize,
}

impl Tracker {
    /// For a memory of which nothing is protected yet, in a slot whose stack begins at an address.
    pub(crate) fn new(pages: Pages, stack_low: usize) -> Self {
        let zero = || AtomicUsize::new(0);
        let opened = std::array::from_fn(|_| Opened { start: zero(), end: zero(), asked: zero() });
        let (hot, in_doubt) = (std::array::from_fn(|_| Hot::default()), AtomicBool::new(false));
        let (base, bytes, hot_count, count) = (pages.start(), zero(), zero(), zero());
        Self { pages, base, stack_low, bytes, hot_count, hot, count, opened, in_doubt }
    }

    /// Lowest accessible address of the slot's stack.
    pub(crate) fn stack_low(&self) -> usize {
        self.stack_low
    }

    /// Notes that the first `bytes` bytes are protected, apart from the hot runs, and that none have been
    /// opened. Nothing runs in the slot.
    ///
    /// # Panics
    /// There are more than [`MAX_HOT`] hot runs.
    pub(crate) fn set(&self, bytes: usize, hot: &[Range<usize>]) {
        for (noted, range) in self.hot[..hot.len()].iter().zip(hot) {
            noted.start.store(range.start, Relaxed);
            noted.end.store(range.end, Relaxed);
        }
        self.hot_count.store(hot.len(), Relaxed);
        self.bytes.store(bytes, Relaxed);
        self.count.store(0, Relaxed);
        self.in_doubt.store(false, Relaxed);
    }

    /// Whether pages may be writable that are neither hot nor noted.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.in_doubt.load(Relaxed)
    }

    /// Whether an address is in the protected bytes, opened or not.
    pub(crate) fn covers(&self, address: usize) -> bool {
        (self.base..self.base + self.bytes.load(Relaxed)).contains(&address)
    }

    /// Whether cold pages are protected at all.
    pub(crate) fn protects(&self) -> bool {
        self.bytes.load(Relaxed) != 0
    }

    fn hot(&self) -> impl Iterator<Item = Range<usize>> {
        let hot = self.hot[..self.hot_count.load(Relaxed)].iter();
        hot.map(|noted| noted.start.load(Relaxed)..noted.end.load(Relaxed))
    }

    /// Address ranges that were opened since the last reset. They may overlap.
    pub(crate) fn opened(&self) -> impl Iterator<Item = Range<usize>> {
        self.noted().map(|noted| noted.start.load(Relaxed)..noted.end.load(Relaxed))
    }

    /// The parts of those that were written to, or announced to be written to.
    pub(crate) fn asked(&self) -> impl Iterator<Item = Range<usize>> {
        self.noted().map(|noted| noted.start.load(Relaxed)..noted.asked.load(Relaxed))
    }

    fn noted(&self) -> impl Iterator<Item = &Opened> {
        self.opened[..self.count.load(Relaxed)].iter()
    }

    /// Opens the page at an address, and some behind it. `false` if that is not what the fault is
    /// about, or the kernel refuses.
    pub(crate) fn open_page(&self, address: usize) -> bool {
        let end = self.base + self.bytes.load(Relaxed);
        if !self.covers(address) || self.opened().any(|range| range.contains(&address)) {
            return false;
        }
        let start = address / HOST_PAGE as usize * HOST_PAGE as usize;
        let length = FIRST_RANGE << self.count.load(Relaxed);
        self.open(start..start.saturating_add(length).min(end), start + HOST_PAGE as usize)
    }

    /// Opens all cold pages of a range, which need not be inside the protected bytes. `false` if
    /// the kernel refuses.
    pub(crate) fn open_range(&self, address: usize, length: usize) -> bool {
        let page = HOST_PAGE as usize;
        let end = (address + length).next_multiple_of(page).min(self.base + self.bytes.load(Relaxed));
        let mut at = address / page * page;
        while at < end && length > 0 {
            let known = self.hot().chain(self.opened()).find(|range| range.contains(&at));
            at = match known {
                Some(range) => range.end,
                None => {
                    let next = self.hot().map(|range| range.start).filter(|&start| start > at).min();
                    let cold_end = next.map_or(end, |next| next.min(end));
                    if !self.open(at..cold_end, cold_end) {
                        return false;
                    }
                    cold_end
                }
            };
        }
        true
    }

    fn open(&self, range: Range<usize>, asked: usize) -> bool {
        let count = self.count.load(Relaxed);
        let all = self.base..self.base + self.bytes.load(Relaxed);
        let room = count + 1 < MAX_OPENED;
        // At the kernel's limit of mappings only the whole memory can be opened: that needs none
        // more.
        (room && self.note_and_open(count, range, asked))
            || (count < MAX_OPENED && self.note_and_open(count, all.clone(), all.start))
    }

    fn note_and_open(&self, position: usize, range: Range<usize>, asked: usize) -> bool {
        let noted = &self.opened[position];
        noted.start.store(range.start, Relaxed);
        noted.end.store(range.end, Relaxed);
        noted.asked.store(asked, Relaxed);
        self.count.store(position + 1, Relaxed);
        let done = self.pages.protect(range.start - self.base, range.len(), Access::ReadWrite).is_ok();
        if !done {
            // The kernel may have opened a part of it. The range is not noted, so that a later
            // write tries again.
            self.in_doubt.store(true, Relaxed);
            self.count.store(position, Relaxed);
        }
        done
    }
}
