//! Which pages of its memory a module's instances usually write: the hot set, learned from the writes that it
//! did not foresee, and from those that it foresees in vain: now and then a reset looks which hot pages the
//! run wrote ([`HotSet::look`]).
//!
//! **Invariant: nothing but speed depends on it.** A reset restores every page that was written, hot or not.

use crate::space::tracker::MAX_HOT;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use wasmaot_abi::preinit::PageRun;

/// Unforeseen writes after which a page is hot.
const RECURS: u32 = 2;

/// Runs at most.
const MAX_RUNS: usize = MAX_HOT;

/// Pages from one run to the next that are copied rather than left out.
const MIN_GAP: u32 = 4;

/// Pages at most. Beyond, dropping all pages of the memory at once is cheaper than copying those.
const MAX_PAGES: u32 = 1024;

/// Lessons after which earlier ones are forgotten, so that rare writes do not add up.
const MEMORY: u32 = 256;

/// Looks in a row that find a page unwritten, after which it is no longer hot. Twice as many each time that
/// it comes back: a page that is written with what it held already looks unwritten.
pub(super) const PATIENCE: u32 = 8;

/// What has been learned about a module.
#[derive(Debug, Clone, Default)]
pub(crate) struct HotSet {
    counts: HashMap<u32, u32>,
    lessons: u32,
    pages: BTreeMap<u32, HotPage>,
    /// Patience with pages that were hot before.
    former: HashMap<u32, u32>,
    /// The pages, with those between them that are copied along.
    runs: Vec<Range<u32>>,
    too_large: bool,
}

/// A page that is hot on its own account.
#[derive(Debug, Clone, Copy)]
struct HotPage {
    /// Looks in a row that found it unwritten.
    idle: u32,
    /// How many it takes.
    patience: u32,
}

impl HotSet {
    /// Returns a set in which these pages are hot. If copying them does not pay, none is: so an artifact that
    /// names many costs nothing.
    pub(crate) fn seeded(runs: &[PageRun]) -> Self {
        let mut set = Self::default();
        let count: u64 = runs.iter().map(|run| u64::from(run.count)).sum();
        if count <= u64::from(MAX_PAGES) {
            for run in runs {
                (run.first..run.first.saturating_add(run.count)).for_each(|page| _ = set.add(page));
            }
            set.shape();
        }
        if set.size() > MAX_PAGES { Self::default() } else { set }
    }

    /// Returns the pages that are hot on their own account, or `None` if they are too many.
    pub(crate) fn pages(&self) -> Option<Vec<PageRun>> {
        let mut runs = Vec::new();
        for &page in self.pages.keys() {
            match runs.last_mut() {
                Some(PageRun { first, count }) if *first + *count == page => *count += 1,
                _ => runs.push(PageRun { first: page, count: 1 }),
            }
        }
        (!self.too_large).then_some(runs)
    }

    /// Pages in all runs.
    fn size(&self) -> u32 {
        self.runs.iter().map(|run| run.end - run.start).sum()
    }

    /// Runs of hot pages, ascending and disjoint.
    pub(crate) fn runs(&self) -> &[Range<u32>] {
        &self.runs
    }

    /// Returns a copy of the hot pages, without what has been learned about others.
    pub(crate) fn frozen(&self) -> Self {
        let (pages, runs) = (self.pages.clone(), self.runs.clone());
        Self { pages, runs, too_large: self.too_large, ..Self::default() }
    }

    /// There are too many for copying to pay.
    pub(crate) fn is_too_large(&self) -> bool {
        self.too_large
    }

    /// Notes pages that a run wrote and that were not hot.
    pub(crate) fn learn(&mut self, pages: &[u32]) {
        self.lessons += 1;
        if self.lessons.is_multiple_of(MEMORY) {
            self.counts.clear();
        }
        let mut new = Vec::new();
        for &page in pages {
            let count = self.counts.entry(page).or_default();
            *count += 1;
            if *count >= RECURS {
                new.push(page);
            }
        }
        if !new.is_empty() {
            for page in new {
                self.counts.remove(&page);
                _ = self.add(page);
            }
            self.shape();
            self.too_large |= self.size() > MAX_PAGES;
        }
    }

    /// Notes whether a run wrote a page of the runs. Says whether that makes a difference, so that
    /// [`HotSet::reshape`] is called for.
    pub(crate) fn look(&mut self, page: u32, written: bool) -> bool {
        if written {
            return self.add(page);
        }
        let Some(hot) = self.pages.get_mut(&page) else { return false };
        hot.idle += 1;
        let leaves = hot.idle >= hot.patience;
        if leaves {
            self.former.insert(page, hot.patience.saturating_mul(2));
            self.pages.remove(&page);
        }
        leaves
    }

    /// Makes the runs anew. Says whether they are others now.
    pub(crate) fn reshape(&mut self) -> bool {
        let before = std::mem::take(&mut self.runs);
        self.shape();
        self.runs != before
    }

    /// Makes a page hot that was just written. Says whether it was not.
    fn add(&mut self, page: u32) -> bool {
        let patience = self.former.get(&page).copied().unwrap_or(PATIENCE);
        self.pages.insert(page, HotPage { idle: 0, patience }).is_none()
    }

    /// Makes the runs from the pages.
    fn shape(&mut self) {
        self.runs = self.pages.keys().map(|&page| page..page + 1).collect();
        join(&mut self.runs, MIN_GAP);
        while self.runs.len() > MAX_RUNS {
            let gaps = self.runs.windows(2).map(|pair| pair[1].start - pair[0].end);
            let least = gaps.min().unwrap_or_default();
            join(&mut self.runs, least);
        }
    }
}

/// Joins ascending runs that are no more than `gap` pages apart.
fn join(runs: &mut Vec<Range<u32>>, gap: u32) {
    let mut joined: Vec<Range<u32>> = Vec::with_capacity(runs.len());
    for run in runs.drain(..) {
        match joined.last_mut() {
            Some(last) if run.start <= last.end.saturating_add(gap) => last.end = last.end.max(run.end),
            _ => joined.push(run),
        }
    }
    *runs = joined;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_recur_are_hot() {
        let mut set = HotSet::default();
        set.learn(&[1, 2, 100]);
        assert!(set.runs().is_empty());
        set.learn(&[1, 2, 50]);
        assert_eq!(set.runs(), [Range { start: 1, end: 3 }]);
        set.learn(&[100]);
        assert_eq!(set.runs(), [1..3, 100..101]);
        set.learn(&[6, 7]);
        set.learn(&[6, 7]);
        assert_eq!(set.runs(), [1..8, 100..101]);
        assert!(!set.is_too_large());
    }

    #[test]
    fn a_set_can_be_seeded_with_what_another_has_learned() {
        let mut set = HotSet::default();
        set.learn(&[1, 2, 100]);
        set.learn(&[1, 2, 100]);
        let pages = set.pages().unwrap();
        assert_eq!(pages, [PageRun { first: 1, count: 2 }, PageRun { first: 100, count: 1 }]);
        assert_eq!(HotSet::seeded(&pages).runs(), set.runs());
        for too_many in [
            vec![PageRun { first: 0, count: MAX_PAGES + 1 }],
            vec![PageRun { first: u32::MAX, count: u32::MAX }; 3],
            // Few pages, but so far apart that the runs are not.
            (0..20).map(|index| PageRun { first: index * 1000, count: 1 }).collect(),
        ] {
            assert_eq!(HotSet::seeded(&too_many).runs(), []);
        }
        assert_eq!(HotSet::seeded(&[PageRun { first: u32::MAX, count: 2 }]).runs(), []);
    }

    #[test]
    fn pages_that_are_no_longer_written_are_not() {
        let mut set = HotSet::default();
        let learn = |set: &mut HotSet, pages: &[u32]| (0..RECURS).for_each(|_| set.learn(pages));
        learn(&mut set, &[1, 3, 50, 51]);
        assert_eq!(set.runs(), [1..4, 50..52]);
        let look = |set: &mut HotSet, written: &[u32]| {
            let pages = [1, 2, 3, 50, 51].into_iter();
            let changes = pages.filter(|page| set.look(*page, written.contains(page))).count();
            changes > 0 && set.reshape()
        };
        for _ in 0..PATIENCE - 1 {
            assert!(!look(&mut set, &[1, 3]));
        }
        // A page that is written once in a while stays.
        assert!(look(&mut set, &[1, 3, 51]));
        assert_eq!(set.runs(), [1..4, 51..52]);
        // One that comes back stays twice as long.
        learn(&mut set, &[50]);
        for _ in 0..2 * PATIENCE - 1 {
            assert!(!look(&mut set, &[1, 3, 51]));
        }
        assert!(look(&mut set, &[1, 3, 51]));
        assert_eq!(set.runs(), [1..4, 51..52]);
        // One between others is copied along; when it is written, it is hot itself.
        assert!(!look(&mut set, &[2, 51]));
        for _ in 0..PATIENCE {
            look(&mut set, &[2, 51]);
        }
        assert_eq!(set.runs(), [2..3, 51..52]);
    }

    #[test]
    fn runs_are_few_and_a_large_set_is_given_up() {
        let mut set = HotSet::default();
        let pages: Vec<u32> = (0..20).map(|i| i * 10 + i / 10 * 100).collect();
        set.learn(&pages);
        set.learn(&pages);
        assert!(set.runs().len() <= MAX_RUNS);
        assert!(pages.iter().all(|page| set.runs().iter().any(|run| run.contains(page))));
        assert!(!set.is_too_large());
        let pages: Vec<u32> = (0..=MAX_PAGES).collect();
        set.learn(&pages);
        set.learn(&pages);
        assert!(set.is_too_large());
    }
}
