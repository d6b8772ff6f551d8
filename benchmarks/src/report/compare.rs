//! What changed from one file of results to another.
//!
//! What is compared is the ratio to the baseline of the same run: it holds on a machine that is faster or
//! busier. A change counts where the intervals of both ratios have nothing in common. Times of instances have
//! no baseline; their rounds take its part.

use super::view::{BASELINE, View};
use clap::Args;
use std::io;
use std::path::PathBuf;
use wasmaot_bench::results::{Outcome, Results};
use wasmaot_bench::stats::Median;

#[derive(Args)]
pub(crate) struct CompareOpts {
    /// The results to compare with.
    old: PathBuf,
    /// The results that are judged.
    new: PathBuf,
    /// Allowed slowdown of wasmaot beyond noise, in percent.
    #[arg(long, default_value_t = 5.0)]
    threshold: f64,
}

/// A figure in both files.
struct Pair {
    what: String,
    is_own: bool,
    old: Option<Median>,
    new: Option<Median>,
}

pub(super) fn run(opts: &CompareOpts) -> io::Result<bool> {
    let (old, new) = (Results::read(&opts.old)?, Results::read(&opts.new)?);
    if old.size != new.size {
        let message = format!("{} work against {} work cannot be compared", old.size, new.size);
        return Err(io::Error::other(message));
    }
    let mut regressed = false;
    for pair in pairs(&old, &new) {
        let (verdict, bad) = judge(&pair, opts.threshold);
        regressed |= bad;
        if let Some(verdict) = verdict {
            println!("{}: {verdict}", pair.what);
        }
    }
    if old.machine.cpu != new.machine.cpu {
        println!("the CPUs differ: {} and {}", old.machine.cpu, new.machine.cpu);
    }
    for (name, results) in [("old", &old), ("new", &new)] {
        results.noise.iter().for_each(|noise| println!("{name}: noisy: {noise}"));
    }
    println!("{}", if regressed { "slower than it may be" } else { "nothing is slower than it may be" });
    Ok(regressed)
}

/// What is to be said of a pair, and whether it is a regression.
fn judge(pair: &Pair, threshold: f64) -> (Option<String>, bool) {
    match (&pair.old, &pair.new) {
        (Some(old), Some(new)) => {
            let change = (new.value / old.value - 1.0) * 100.0;
            let overlap = new.interval.0 <= old.interval.1 && old.interval.0 <= new.interval.1;
            let verdict = format!("{:.3} -> {:.3} ({change:+.1} %)", old.value, new.value);
            ((!overlap).then_some(verdict), !overlap && pair.is_own && change > threshold)
        }
        // What worked and works no longer is worse than any time.
        (Some(_), None) => (Some("no longer measured".into()), pair.is_own),
        (None, Some(_)) => (Some("measured for the first time".into()), false),
        (None, None) => (None, false),
    }
}

fn pairs(old: &Results, new: &Results) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for row in &old.measurements {
        let ratio = |results: &Results| {
            let view = View { results, baseline: BASELINE };
            view.to_baseline(view.row(row.figure, &row.program, &row.peer)?)
        };
        let is_measured = matches!(row.outcome, Outcome::Measured { .. } | Outcome::SameAs(_));
        pairs.push(Pair {
            what: format!("{:?} of {} on {}, as a multiple of {BASELINE}", row.figure, row.program, row.peer),
            is_own: is_measured && row.peer.starts_with("wasmaot"),
            old: ratio(old),
            new: ratio(new),
        });
    }
    for times in &old.instances {
        let found = new.instances.iter().find(|other| other.guest == times.guest && other.side == times.side);
        pairs.push(Pair {
            what: format!("an instance of {} on {}, ns", times.guest, times.side),
            is_own: times.side.starts_with("wasmaot"),
            old: Some(Median::of(times.rounds.clone())),
            new: found.map(|times| Median::of(times.rounds.clone())),
        });
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(old: (f64, f64, f64), new: Option<(f64, f64, f64)>) -> Pair {
        let median = |(low, value, high)| Median { value, interval: (low, high) };
        Pair { what: "it".into(), is_own: true, old: Some(median(old)), new: new.map(median) }
    }

    #[test]
    fn only_what_is_beyond_noise_and_threshold_is_a_regression() {
        let judged = |old, new| judge(&pair(old, new), 5.0);
        assert_eq!(judged((0.9, 1.0, 1.1), Some((1.05, 1.2, 1.3))), (None, false), "within noise");
        let (said, bad) = judged((0.99, 1.0, 1.01), Some((1.02, 1.03, 1.04)));
        assert!(said.is_some_and(|said| said.contains("+3.0 %")) && !bad, "within the threshold");
        assert!(judged((0.99, 1.0, 1.01), Some((1.09, 1.1, 1.2))).1);
        assert!(!judged((0.99, 1.0, 1.01), Some((0.5, 0.6, 0.7))).1, "faster");
        assert!(judged((0.99, 1.0, 1.01), None).1, "gone");
        let other = Pair { is_own: false, ..pair((0.99, 1.0, 1.01), Some((1.9, 2.0, 2.1))) };
        assert!(!judge(&other, 5.0).1, "a peer may become slower");
    }
}
