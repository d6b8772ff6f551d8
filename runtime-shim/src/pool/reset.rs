//! Gives the first memory of a pooled instance its initial contents back, by the cheapest way that does.
//!
//! | way | when | costs |
//! |---|---|---|
//! | copy | the run wrote hot pages only | no system call |
//! | scan | it wrote cold ones too, of which the kernel says which they are | a few |
//! | drop | the kernel cannot say, the hot set is too large to copy, or it is one that does not learn | a few, and a fault per page in the next run |
//!
//! **Invariants.** After a reset every byte of the memory is as in a new instance, its length included, and
//! what was added to it is inaccessible and empty. Hot pages are restored whether or not they were written;
//! other pages can only have been written where the tracker says that they were opened, unless it is in
//! doubt: then all pages are dropped. A failed reset leaves a slot that must be emptied.

use super::hot::HotSet;
use super::image::{Image, Piece};
use super::tenants::Shared;
use super::{PoolInner, ResetWay};
use crate::os::guarded::CopyError;
use crate::os::map::Access;
use crate::os::pagemap::Pagemap;
use crate::space::tracker::Tracker;
use crate::state::memory::MemoryBody;
use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use wasmaot_abi::slot::HOST_PAGE;

const PAGE: usize = HOST_PAGE as usize;

/// Without the kernel's help, opened ranges of at most this many bytes are compared with the image to learn
/// from them.
const MAX_COMPARED: usize = 64 * PAGE;

/// Ranges that were announced to be written are learned from up to this size: a large buffer may be used only
/// in part.
const MAX_ASKED: usize = 64 * PAGE;

/// Copying resets from one that looks which hot pages were written to the next: so rare that looking costs
/// nothing, and does not show in the 99.9th percentile either.
pub(super) const LOOK_EVERY: u32 = 2048;

/// Hot pages that one of those looks at.
const LOOKED_AT: usize = 64;

/// Edges of mappings that runs may add by writing to cold pages: two ranges, apart from everything else.
const OPENED_EDGES: usize = 4;

/// The slot's memory cannot be restored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed;

impl From<io::Error> for Failed {
    fn from(_: io::Error) -> Self {
        Failed
    }
}

impl From<CopyError> for Failed {
    fn from(_: CopyError) -> Self {
        Failed
    }
}

/// A memory of a pooled instance that can be given its initial contents back.
pub(crate) struct ResetMemory {
    body: Rc<MemoryBody>,
    image: Arc<Image>,
    tracker: Arc<Tracker>,
    /// Initial bytes, in whole pages.
    bytes: usize,
    way: ResetWay,
    /// Mappings of the kernel's that it may take.
    mappings: usize,
    /// How the hot runs are restored.
    hot: Vec<Piece>,
    /// What the hot set's version was when those were made.
    version: u32,
    /// Copying resets so far.
    copies: u32,
    /// Nothing is protected because the kernel refused, which it may no longer do at the next reset.
    was_refused: bool,
}

impl ResetMemory {
    /// Takes charge of a new instance's first memory.
    pub(crate) fn new(
        body: Rc<MemoryBody>,
        tracker: Arc<Tracker>,
        image: Arc<Image>,
        shared: &Shared,
        pool: &PoolInner,
    ) -> io::Result<Self> {
        body.set_tracker(tracker.clone());
        let bytes = body.size().next_multiple_of(HOST_PAGE) as usize;
        let (way, mappings) = (pool.way, pool.mappings as usize);
        let mut memory = Self {
            body,
            image,
            tracker,
            bytes,
            way,
            mappings,
            hot: Vec::new(),
            version: 0,
            copies: 0,
            was_refused: false,
        };
        if way == ResetWay::Copy {
            memory.protect(shared, &shared.hot())?;
        }
        Ok(memory)
    }

    /// Undoes whatever a run did. Says which way it took.
    pub(crate) fn reset(&mut self, shared: &Shared, pagemap: Option<&Pagemap>) -> Result<ResetWay, Failed> {
        drop_growth(&self.body, self.bytes)?;
        if self.tracker.is_in_doubt() {
            return self.reset_in_doubt(shared);
        }
        if !self.tracker.protects() {
            // Pages that are restored by a copy stay present, which shows that the run wrote them.
            let scan = pagemap.filter(|_| self.way == ResetWay::Scan && shared.learns);
            if scan.is_some_and(|pagemap| self.restore_written(pagemap, self.all()).is_ok()) {
                return Ok(ResetWay::Scan);
            }
            self.drop_all()?;
            if self.was_refused {
                self.protect(shared, &shared.hot())?;
            }
            return Ok(ResetWay::Drop);
        }
        if self.tracker.opened().next().is_none() {
            if shared.learns && self.copies % LOOK_EVERY == LOOK_EVERY - 1 {
                self.look(shared)?;
            }
            self.restore_hot()?;
            self.copies = self.copies.wrapping_add(1);
            if self.version != shared.hot_version.load(Relaxed) {
                self.protect(shared, &shared.hot())?;
            }
            return Ok(ResetWay::Copy);
        }
        self.reset_opened(shared, pagemap)
    }

    fn all(&self) -> Range<usize> {
        self.body.base()..self.body.base() + self.bytes
    }

    /// Looks which of some hot pages the run wrote, those that are next in turn. Allocates nothing unless the
    /// hot set changes.
    #[cold]
    fn look(&self, shared: &Shared) -> Result<(), Failed> {
        let total: usize = self.hot.iter().map(|piece| piece.offsets().len() / PAGE).sum();
        let turn = (self.copies / LOOK_EVERY) as usize % total.div_ceil(LOOKED_AT).max(1);
        let pages = self
            .hot
            .iter()
            .flat_map(|piece| piece.offsets().step_by(PAGE).map(move |offset| (piece, offset)));
        let mut hot = shared.hot();
        let mut changed = false;
        for (piece, offset) in pages.skip(turn * LOOKED_AT).take(LOOKED_AT) {
            let written = self.image.differs(piece, self.body.pages(), offset)?;
            changed |= hot.look((offset / PAGE) as u32, written);
        }
        if changed && hot.reshape() {
            shared.hot_version.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    fn restore_hot(&self) -> Result<(), CopyError> {
        self.hot.iter().try_for_each(|piece| self.image.restore(piece, self.body.pages()))
    }

    fn drop_all(&self) -> io::Result<()> {
        self.body.pages().discard(0, self.bytes)
    }

    /// Restores all pages of a writable range that have contents of their own. Gives those that differed.
    fn restore_written(&self, pagemap: &Pagemap, range: Range<usize>) -> Result<Vec<u32>, Failed> {
        let mut runs = Vec::new();
        let base = self.body.base();
        // A page of zeros is as it was, unless it had other contents. Then the kernel has replaced what was
        // written.
        let may_differ = |run: &Range<usize>| self.image.overlaps(run.start - base..run.end - base);
        pagemap.scan(range, |run, is_zero| {
            if !is_zero || may_differ(&run) {
                runs.push(run);
            }
        })?;
        self.restore_pages(runs.into_iter().flat_map(|run| run.step_by(PAGE)))
    }

    fn restore_pages(&self, addresses: impl Iterator<Item = usize>) -> Result<Vec<u32>, Failed> {
        let base = self.body.base();
        let mut differed = Vec::new();
        for address in addresses {
            let offset = address - base;
            if self.image.restore_page(self.body.pages(), offset)? {
                differed.push((offset / PAGE) as u32);
            }
        }
        Ok(differed)
    }

    /// Drops all pages and sets every page's protection anew: a call failed that changes it, so that nothing
    /// is known about it.
    #[cold]
    fn reset_in_doubt(&mut self, shared: &Shared) -> Result<ResetWay, Failed> {
        self.drop_all()?;
        self.protect(shared, &shared.hot())?;
        Ok(ResetWay::Drop)
    }

    /// Drops all pages, so that none shows which of them earlier runs used, and protects those that
    /// `shared` does not know as hot.
    pub(crate) fn forget(&mut self, shared: &Shared) -> Result<(), Failed> {
        self.drop_all()?;
        if self.way == ResetWay::Copy {
            self.protect(shared, &shared.hot())?;
        }
        Ok(())
    }

    /// Drops the pages of all opened ranges: nothing is learned from them, and they are as if they
    /// had not been written.
    fn drop_opened(&mut self, shared: &Shared) -> Result<ResetWay, Failed> {
        for range in self.tracker.opened() {
            self.body.pages().discard(range.start - self.body.base(), range.len())?;
        }
        // Last, as an opened range may include hot pages.
        self.restore_hot()?;
        self.protect(shared, &shared.hot())?;
        Ok(ResetWay::Drop)
    }

    #[cold]
    fn reset_opened(&mut self, shared: &Shared, pagemap: Option<&Pagemap>) -> Result<ResetWay, Failed> {
        if !shared.learns {
            return self.drop_opened(shared);
        }
        self.restore_hot()?;
        let opened: Vec<Range<usize>> = self.tracker.opened().collect();
        let scanned = pagemap.and_then(|pagemap| self.scan_opened(pagemap, &opened).ok());
        let (mut written, way) = match scanned {
            Some(written) => (written, ResetWay::Scan),
            None => {
                let total: usize = opened.iter().map(Range::len).sum();
                let compared = if total <= MAX_COMPARED { &opened[..] } else { &[] };
                let written =
                    self.restore_pages(compared.iter().cloned().flat_map(|range| range.step_by(PAGE)))?;
                self.drop_all()?;
                (written, ResetWay::Drop)
            }
        };
        // Some pages were written with what they held already, and will be again.
        let asked = self.tracker.asked().filter(|range| range.len() <= MAX_ASKED);
        let pages = asked.flat_map(|range| range.step_by(PAGE));
        written.extend(pages.map(|address| ((address - self.body.base()) / PAGE) as u32));
        written.sort_unstable();
        written.dedup();
        let mut hot = shared.hot();
        hot.learn(&written);
        self.protect(shared, &hot)?;
        Ok(way)
    }

    fn scan_opened(&self, pagemap: &Pagemap, opened: &[Range<usize>]) -> Result<Vec<u32>, Failed> {
        let mut written = Vec::new();
        for range in opened {
            written.extend(self.restore_written(pagemap, range.clone())?);
        }
        Ok(written)
    }

    /// Write-protects everything but the hot runs; nothing if those are too large or too many, or at the
    /// kernel's limit of mappings.
    fn protect(&mut self, shared: &Shared, hot: &HotSet) -> io::Result<()> {
        self.version = shared.hot_version.load(Relaxed);
        let (start, pages) = (self.body.base(), (self.bytes / PAGE) as u32);
        let clipped = hot.runs().iter().map(|run| run.start.min(pages)..run.end.min(pages));
        let runs: Vec<_> = clipped.map(|run| run.start as usize * PAGE..run.end as usize * PAGE).collect();
        let pays = !hot.is_too_large() && self.has_room_for(&runs);
        self.was_refused = pays && self.protect_except(&runs).is_err();
        if !pays || self.was_refused {
            self.body.pages().protect(0, self.bytes, Access::ReadWrite)?;
            self.tracker.set(0, &[]);
            return Ok(());
        }
        self.hot = runs.iter().flat_map(|run| self.image.pieces(run.clone())).collect();
        let addresses = runs.into_iter().map(|run| start + run.start..start + run.end);
        self.tracker.set(self.bytes, &addresses.collect::<Vec<_>>());
        Ok(())
    }

    /// Whether the memory takes no more mappings than it may when all but these runs are protected, and some
    /// ranges were opened.
    fn has_room_for(&self, hot: &[Range<usize>]) -> bool {
        let inner = |edge: &usize| (1..self.bytes).contains(edge);
        let edges = hot.iter().flat_map(|run| [run.start, run.end]).chain(self.image.edges());
        let mut edges: Vec<usize> = edges.filter(inner).collect();
        edges.sort_unstable();
        edges.dedup();
        edges.len() + OPENED_EDGES < self.mappings
    }

    fn protect_except(&self, hot: &[Range<usize>]) -> io::Result<()> {
        let pages = self.body.pages();
        pages.protect(0, self.bytes, Access::Read)?;
        hot.iter().try_for_each(|run| pages.protect(run.start, run.len(), Access::ReadWrite))
    }
}

/// Makes what a memory has grown by, beyond its initial `bytes`, inaccessible and empty. Its length is part
/// of the state.
pub(crate) fn drop_growth(body: &MemoryBody, bytes: usize) -> io::Result<()> {
    let now = body.accessible();
    if now > bytes {
        body.pages().discard(bytes, now - bytes)?;
        body.pages().protect(bytes, now - bytes, Access::None)?;
        body.forget_overhang();
    }
    Ok(())
}
