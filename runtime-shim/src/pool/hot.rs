//! Which pages of its memory a module's instances usually write: the hot set, learned from the writes that it did not foresee.
//!
//! **Invariant: nothing but speed depends on it.** A reset restores every page that was written, hot or not.

use std::collections::HashMap;
use std::ops::Range;

/// Unforeseen writes after which a page is hot.
const RECURS: u32 = 2;

/// Runs at most: each may cost two mappings of the kernel's, of which a process has few.
const MAX_RUNS: usize = 8;

/// Pages from one run to the next that are copied rather than left out.
const MIN_GAP: u32 = 4;

/// Pages at most. Beyond, dropping all pages of the memory at once is cheaper than copying those.
const MAX_PAGES: u32 = 1024;

/// Lessons after which earlier ones are forgotten, so that rare writes do not add up.
const MEMORY: u32 = 256;

/// What has been learned about a module.
#[derive(Debug, Default)]
pub(crate) struct HotSet {
    counts: HashMap<u32, u32>,
    lessons: u32,
    runs: Vec<Range<u32>>,
    too_large: bool,
}

impl HotSet {
    /// Runs of hot pages, ascending and disjoint.
    pub(crate) fn runs(&self) -> &[Range<u32>] {
        &self.runs
    }

    /// There are so many that copying does not pay.
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
            new.iter().for_each(|page| _ = self.counts.remove(page));
            self.runs.extend(new.into_iter().map(|page| page..page + 1));
            self.runs.sort_unstable_by_key(|run| run.start);
            join(&mut self.runs, MIN_GAP);
            while self.runs.len() > MAX_RUNS {
                let gaps = self.runs.windows(2).map(|pair| pair[1].start - pair[0].end);
                let least = gaps.min().unwrap_or_default();
                join(&mut self.runs, least);
            }
            self.too_large |= self.runs.iter().map(|run| run.end - run.start).sum::<u32>() > MAX_PAGES;
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
