//! What tables and pictures say about a row, derived from its runs.

use wasmaot_bench::results::{
    self, Figure, InstanceTimes, Level, MAX_SPREAD, Measurement, Outcome, Results, Run, Used,
};
use wasmaot_bench::stats::{Median, geometric_mean, mean, median, quantile};

/// The runtime that everything is compared with, unless another is asked for.
pub(crate) const BASELINE: &str = "native";

/// The native programs of which each row is compared with the faster one for the CPU that its own code is
/// made for.
pub(super) const NATIVE: [&str; 4] = ["native", "native clang", "native host", "native clang host"];

/// How many times as long as native code something takes that is compiled ahead of time and yet hardly is.
const SUSPICIOUS: f64 = 10.0;

/// What stands where there is nothing to say.
pub(super) const NONE: &str = "–";

/// Results, and the runtime that everything is compared with where it was measured.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) results: &'a Results,
    pub(super) baseline: &'a str,
}

/// Runtimes whose code counts what it executes, each with what it is compared with: the same without that.
pub(super) const METERED: [(&str, &str); 2] = [("wasmaot metered", "wasmaot"), ("wasmtime fuel", "wasmtime")];

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

/// The median CPU time in user mode and in the kernel, in seconds: of the process, or of the machine where
/// others do the work.
pub(super) fn cpu(runs: &[Run]) -> Option<f64> {
    let of = |run: &Run| run.used.as_ref().map(|used| used.user + used.system).or(run.busy);
    runs.iter().map(|run| Some(of(run)? as f64 / 1e9)).collect::<Option<Vec<_>>>().map(median)
}

/// The median peak of resident memory, in MiB, as text.
pub(super) fn peak(runs: &[Run]) -> String {
    used(runs, |used| used.peak).map_or(NONE.into(), |bytes| format!("{:.1}", bytes / f64::from(1 << 20)))
}

/// A size in MiB, as text.
pub(super) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// How many times as long one takes as another that it took turns with, pair by pair.
fn ratio(runs: &[Run], baseline: &[Run]) -> Option<Median> {
    let walls = |runs: &[Run]| runs.iter().map(wall).collect::<Vec<f64>>();
    let is_pair = !runs.is_empty() && !baseline.is_empty();
    is_pair.then(|| Median::of_ratios(&walls(runs), &walls(baseline)))
}

/// Names in the order in which they come first, each once.
pub(super) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

impl<'a> View<'a> {
    /// The row of a program on a runtime.
    pub(super) fn row(self, figure: Figure, program: &str, peer: &str) -> Option<&'a Measurement> {
        let mut rows = self.results.measurements.iter();
        rows.find(|row| row.figure == figure && row.program == program && row.peer == peer)
    }

    /// The rows of a program.
    pub(super) fn rows(self, figure: Figure, program: &str) -> impl Iterator<Item = &'a Measurement> {
        let rows = self.results.measurements.iter();
        rows.filter(move |row| row.figure == figure && row.program == program)
    }

    /// The programs of which whole processes are measured, alone and many at once.
    pub(super) fn starts(self) -> Vec<(Figure, &'a str)> {
        let of = |figure| self.programs(figure).into_iter().map(move |program| (figure, program));
        of(Figure::Start).chain(of(Figure::Burst)).collect()
    }

    /// The programs of a figure, in the order in which they were measured.
    pub(super) fn programs(self, figure: Figure) -> Vec<&'a str> {
        let rows = self.results.measurements.iter().filter(|row| row.figure == figure);
        distinct(rows.map(|row| &row.program[..]))
    }

    /// The ratio of a row, or of the one that ran the same bytes, to the baseline of its program.
    pub(super) fn to_baseline(self, row: &Measurement) -> Option<Median> {
        ratio(self.runs(row)?, self.base(row.figure, &row.program, self.level(&row.peer))?)
    }

    /// The runs of the baseline; for native code, those of the faster compiler.
    fn base(self, figure: Figure, program: &str, level: Level) -> Option<&'a [Run]> {
        if self.baseline != BASELINE {
            return self.results.runs(figure, program, self.baseline);
        }
        let of_level = NATIVE.into_iter().filter(|name| self.level(name) == level);
        let measured = of_level.filter_map(|name| self.runs(self.row(figure, program, name)?));
        let fastest = measured.min_by(|a, b| times(a).median.total_cmp(&times(b).median));
        // Files from before there were rows for the host's CPU.
        fastest.or_else(|| self.results.runs(figure, program, BASELINE))
    }

    /// The size of a program's artifact on a runtime, in bytes, if it has one of its own.
    pub(super) fn artifact(self, figure: Figure, program: &str, peer: &str) -> Option<u64> {
        match &self.row(figure, program, peer)?.outcome {
            Outcome::Measured { artifact, .. } => *artifact,
            _ => None,
        }
    }

    /// The CPU that a runtime's code is made for.
    fn level(self, peer: &str) -> Level {
        self.results.peers.iter().find(|other| other.name == peer).map_or(Level::Any, |peer| peer.level)
    }

    /// Whether a row is among those that the others are compared with, so that its time itself is of
    /// interest.
    pub(super) fn is_baseline(self, row: &Measurement) -> bool {
        row.peer == self.baseline || (self.baseline == BASELINE && NATIVE.contains(&&row.peer[..]))
    }

    /// What marks a row whose times differ by more than they should.
    pub(super) fn mark(self, row: &Measurement) -> &'static str {
        let spread = self.runs(row).and_then(results::spread);
        if spread.is_some_and(|spread| spread > MAX_SPREAD) { " ~" } else { "" }
    }

    /// Rows of code that was compiled ahead of time and is as slow as if it were interpreted, with their
    /// ratios to native code.
    pub(super) fn suspicious(self) -> Vec<(&'a Measurement, f64)> {
        let view = self.against(BASELINE);
        let compiled = |row: &&Measurement| {
            matches!(row.outcome, Outcome::Measured { artifact: Some(_), .. })
                && row.figure == Figure::Compute
        };
        let rows = self.results.measurements.iter().filter(compiled);
        let ratios = rows.filter_map(|row| Some((row, view.to_baseline(row)?.value)));
        ratios.filter(|(_, ratio)| *ratio >= SUSPICIOUS).collect()
    }

    /// The runs of a row, or of the one that ran the same bytes.
    pub(super) fn runs(self, row: &Measurement) -> Option<&'a [Run]> {
        let peer = match &row.outcome {
            Outcome::SameAs(peer) => peer,
            _ => &row.peer,
        };
        self.results.runs(row.figure, &row.program, peer)
    }

    /// This view with another runtime to compare with.
    pub(super) fn against(self, baseline: &'a str) -> Self {
        Self { baseline, ..self }
    }

    /// The geometric mean of a runtime's ratios to the baseline over the programs that compute, if it ran all
    /// of those that the baseline ran.
    pub(super) fn geometric(self, peer: &str) -> Option<f64> {
        let level = self.level(peer);
        let has_baseline = |program: &&str| self.base(Figure::Compute, program, level).is_some();
        let ratio = |program: &str| Some(self.to_baseline(self.row(Figure::Compute, program, peer)?)?.value);
        let programs = self.programs(Figure::Compute).into_iter().filter(has_baseline);
        let ratios: Option<Vec<f64>> = programs.map(ratio).collect();
        ratios.filter(|ratios| !ratios.is_empty()).map(|ratios| geometric_mean(&ratios))
    }

    /// Whether anything was measured of a runtime.
    pub(super) fn has_measured(self, peer: &str) -> bool {
        let mut rows = self.results.measurements.iter().filter(|row| row.peer == peer);
        rows.any(|row| matches!(row.outcome, Outcome::Measured { .. } | Outcome::SameAs(_)))
    }

    /// Of the instances of a guest those that are worth a line: where both runtimes took turns, wasmaot,
    /// Wasmtime's defaults and its best setting for this guest; else wasmaot by each way of resetting memory.
    pub(super) fn instances(self, guest: &str) -> Vec<&'a InstanceTimes> {
        let sides: Vec<_> = self.results.instances.iter().filter(|times| times.guest == guest).collect();
        let theirs = sides.iter().copied().filter(|times| times.side.starts_with("Wasmtime"));
        let best = theirs.clone().min_by(|a, b| a.p50.total_cmp(&b.p50));
        let defaults = theirs.clone().find(|times| times.side.ends_with("defaults"));
        let Some(best) = best else { return sides };
        let own = sides.iter().copied().find(|times| times.side == "wasmaot");
        let mut chosen: Vec<_> = own.into_iter().chain([best]).collect();
        chosen.extend(defaults.filter(|defaults| *defaults != best));
        chosen
    }

    /// The guests whose instances were timed.
    pub(super) fn guests(self) -> Vec<&'a str> {
        distinct(self.results.instances.iter().map(|times| &times.guest[..]))
    }
}
