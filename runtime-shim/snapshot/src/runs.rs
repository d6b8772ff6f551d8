//! Runs of something that is worth writing down, between gaps that are not.

use std::ops::Range;

/// Returns the runs of positions that are set, ascending. Gaps of up to `max_gap` positions are part of a
/// run.
pub(crate) fn runs(is_set: impl Iterator<Item = bool>, max_gap: u64) -> Vec<Range<u64>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    for (position, _) in (0..).zip(is_set).filter(|&(_, is_set)| is_set) {
        extend(&mut runs, position..position + 1, max_gap);
    }
    runs
}

/// Adds a run behind all others, or to the last one if that is no more than `max_gap` away.
pub(crate) fn extend(runs: &mut Vec<Range<u64>>, next: Range<u64>, max_gap: u64) {
    match runs.last_mut() {
        Some(last) if next.start - last.end <= max_gap => last.end = next.end,
        _ => runs.push(next),
    }
}

/// Joins runs of several lists over the shortest gaps until there are no more than `most` in all, as far as
/// joining within each list goes.
pub(crate) fn join(lists: &mut [Vec<Range<u64>>], most: usize) {
    let count: usize = lists.iter().map(Vec::len).sum();
    let gap = |pair: &[Range<u64>]| pair[1].start - pair[0].end;
    let mut gaps: Vec<u64> = lists.iter().flat_map(|list| list.windows(2).map(gap)).collect();
    gaps.sort_unstable();
    let Some(&largest) = count.checked_sub(most + 1).and_then(|last| gaps.get(last).or(gaps.last())) else {
        return;
    };
    for list in lists {
        let mut joined = Vec::with_capacity(list.len());
        list.drain(..).for_each(|run| extend(&mut joined, run, largest));
        *list = joined;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_at_long_gaps() {
        let set = [1, 1, 0, 1, 0, 0, 1].map(|bit| bit == 1);
        assert_eq!(runs(set.into_iter(), 0), [0..2, 3..4, 6..7]);
        assert_eq!(runs(set.into_iter(), 1), [0..4, 6..7]);
        assert_eq!(runs(set.into_iter(), 2), [Range { start: 0, end: 7 }]);
        assert_eq!(runs([].into_iter(), 2), []);
    }

    #[test]
    fn the_shortest_gaps_are_joined() {
        let lists = || [vec![0..1, 3..4, 100..101], vec![7..8, 1000..1001]];
        let joined = |most| {
            let mut lists = lists();
            join(&mut lists, most);
            lists
        };
        assert_eq!(joined(5), lists());
        assert_eq!(joined(4), [vec![0..4, 100..101], vec![7..8, 1000..1001]]);
        assert_eq!(joined(3), [vec![0..101; 1], vec![7..8, 1000..1001]]);
        // One of each list is the least.
        assert_eq!(joined(0), [vec![0..101; 1], vec![7..1001; 1]]);
    }
}
