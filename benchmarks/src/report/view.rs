//! What tables and pictures say about a row, derived from its runs.

use wasmaot_bench::results::{Figure, Measurement, Outcome, Results, Run, Used};
use wasmaot_bench::stats::{Median, geometric_mean, mean, median, quantile};

/// What everything is compared with, where it was measured.
pub(super) const BASELINE: &str = "native";

/// The times of one row, in seconds.
pub(super) struct Times {
    pub(super) mean: f64,
    pub(super) deviation: f64,
    pub(super) median: f64,
    pub(super) p99: f64,
}

pub(super) fn times(runs: &[Run]) -> Times {
    let mut walls: Vec<f64> = runs.iter().map(wall).collect();
    walls.sort_by(f64::total_cmp);
    let (mean, deviation) = mean(&walls);
    Times { mean, deviation, median: quantile(&walls, 0.5), p99: quantile(&walls, 0.99) }
}

fn wall(run: &Run) -> f64 {
    run.wall as f64 / 1e9
}

/// The median of something that a process used, if that is known of all runs.
pub(super) fn used(runs: &[Run], figure: fn(&Used) -> u64) -> Option<f64> {
    runs.iter()
        .map(|run| run.used.as_ref().map(|used| figure(used) as f64))
        .collect::<Option<Vec<_>>>()
        .map(median)
}

/// How many times as long one takes as another that it took turns with, pair by pair.
pub(super) fn ratio(runs: &[Run], baseline: &[Run]) -> Option<Median> {
    let pairs: Vec<f64> = runs.iter().zip(baseline).map(|(run, base)| wall(run) / wall(base)).collect();
    (!pairs.is_empty()).then(|| Median::of(pairs))
}

/// The ratio of a row to the baseline of its program.
pub(super) fn to_baseline(results: &Results, row: &Measurement) -> Option<Median> {
    let base = results.runs(row.figure, &row.program, BASELINE)?;
    ratio(results.runs(row.figure, &row.program, &row.peer)?, base)
}

/// The geometric mean of a runtime's ratios to the baseline over the programs that compute, if it ran all of those that the baseline ran.
pub(super) fn geometric(results: &Results, peer: &str) -> Option<f64> {
    let ratio = |program: &str| {
        let row = row(results, Figure::Compute, program, peer)?;
        Some(to_baseline(results, resolve(results, row))?.value)
    };
    let programs = programs(results, Figure::Compute);
    let with_baseline =
        programs.into_iter().filter(|program| results.runs(Figure::Compute, program, BASELINE).is_some());
    let ratios: Option<Vec<f64>> = with_baseline.map(ratio).collect();
    ratios.filter(|ratios| !ratios.is_empty()).map(|ratios| geometric_mean(&ratios))
}

/// The row itself, or the one that ran the same bytes.
pub(super) fn resolve<'a>(results: &'a Results, row: &'a Measurement) -> &'a Measurement {
    match &row.outcome {
        Outcome::SameAs(peer) => self::row(results, row.figure, &row.program, peer).unwrap_or(row),
        _ => row,
    }
}

pub(super) fn row<'a>(
    results: &'a Results,
    figure: Figure,
    program: &str,
    peer: &str,
) -> Option<&'a Measurement> {
    results.measurements.iter().find(|row| row.figure == figure && row.program == program && row.peer == peer)
}

/// The programs of a figure, in the order in which they were measured.
pub(super) fn programs(results: &Results, figure: Figure) -> Vec<&str> {
    let mut programs: Vec<&str> = Vec::new();
    for row in results.measurements.iter().filter(|row| row.figure == figure) {
        if !programs.contains(&&row.program[..]) {
            programs.push(&row.program);
        }
    }
    programs
}

/// The rows of a program.
pub(super) fn rows<'a>(
    results: &'a Results,
    figure: Figure,
    program: &'a str,
) -> impl Iterator<Item = &'a Measurement> {
    results.measurements.iter().filter(move |row| row.figure == figure && row.program == program)
}
