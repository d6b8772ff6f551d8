//! Interleaved runs and what can be said of them.

use crate::child::{Task, Usage};
use std::io;
use wasmaot_bench::stats::median;

/// Runs of two tasks that took turns.
pub(crate) struct Pairs {
    names: [String; 2],
    runs: Vec<[Usage; 2]>,
}

/// A figure of a run.
pub(crate) type Figure = fn(&Usage) -> f64;

/// Wall time, in milliseconds.
pub(crate) const WALL: Figure = |usage| usage.wall.as_secs_f64() * 1e3;
/// User time, in milliseconds.
pub(crate) const USER: Figure = |usage| usage.user.as_secs_f64() * 1e3;
/// Peak memory, in MiB.
pub(crate) const PEAK: Figure = |usage| usage.peak as f64 / f64::from(1 << 20);

impl Pairs {
    /// Runs both tasks once to warm up, and then in turns.
    pub(crate) fn measure(ours: &Task, theirs: &Task, count: usize) -> io::Result<Self> {
        let run = || Ok::<_, io::Error>([ours.run()?, theirs.run()?]);
        run()?;
        let runs = (0..count).map(|_| run()).collect::<Result<_, _>>()?;
        Ok(Self { names: [ours.name.clone(), theirs.name.clone()], runs })
    }

    /// Median of the ratios of the first task to the second.
    pub(crate) fn ratio(&self, figure: Figure) -> f64 {
        median(self.runs.iter().map(|[ours, theirs]| figure(ours) / figure(theirs)).collect())
    }

    /// A line of a Markdown table: what, both medians, the ratio with its quartiles.
    pub(crate) fn row(&self, what: &str, unit: &str, figure: Figure) -> String {
        let side = |index: usize| median(self.runs.iter().map(|run| figure(&run[index])).collect());
        let mut ratios: Vec<f64> =
            self.runs.iter().map(|[ours, theirs]| figure(ours) / figure(theirs)).collect();
        ratios.sort_by(f64::total_cmp);
        let quartile = |quarter: usize| ratios[(ratios.len() - 1) * quarter / 4];
        let [ours, theirs] = &self.names;
        format!(
            "| {what} | {ours} {:.2} {unit} | {theirs} {:.2} {unit} | {:.3} ({:.3}–{:.3}) |",
            side(0),
            side(1),
            quartile(2),
            quartile(1),
            quartile(3),
        )
    }
}

/// Head of a table of [`Pairs::row`]s.
pub(crate) const HEAD: &str = "| what | median | median | ratio: median (quartiles) |\n|---|---|---|---|";
