//! What is stated about many times of the same thing.

use std::io;
use std::time::Instant;

/// Times of one side in nanoseconds, round by round.
#[derive(Debug, Default)]
pub struct Times {
    rounds: Vec<Vec<f64>>,
}

/// The order statistics that are stated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The least.
    pub minimum: f64,
    /// The median.
    pub p50: f64,
    /// Exceeded once in a hundred.
    pub p99: f64,
    /// Exceeded once in a thousand.
    pub p999: f64,
}

/// How one side compares with another that it took turns with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The quotient of the medians over all rounds.
    pub of_medians: f64,
    /// The least and the greatest quotient of the medians of one round.
    pub by_round: (f64, f64),
}

impl Times {
    /// Times `once` so often, as a round of its own. Each time includes one reading of the clock.
    pub fn round(&mut self, count: usize, mut once: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let before = Instant::now();
            once()?;
            times.push(before.elapsed().as_nanos() as f64);
        }
        self.rounds.push(times);
        Ok(())
    }

    /// Adds a round.
    pub fn add(&mut self, round: Vec<f64>) {
        self.rounds.push(round);
    }

    /// The same times, of something that happened so often in each.
    pub fn each_of(mut self, count: u32) -> Self {
        self.rounds.iter_mut().flatten().for_each(|time| *time /= f64::from(count));
        self
    }

    /// All of them, from the least to the greatest.
    pub fn ascending(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.rounds.iter().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        all
    }

    /// The median of each round.
    pub fn medians(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| median(round.clone())).collect()
    }

    /// Over all rounds.
    pub fn summary(&self) -> Summary {
        let all = self.ascending();
        let at = |fraction| quantile(&all, fraction);
        Summary { minimum: at(0.0), p50: at(0.5), p99: at(0.99), p999: at(0.999) }
    }

    /// How many times as long as `other` it takes.
    pub fn ratio(&self, other: &Times) -> Ratio {
        let by_round: Vec<f64> = self.medians().iter().zip(other.medians()).map(|(a, b)| a / b).collect();
        let least = by_round.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = by_round.iter().copied().fold(0.0, f64::max);
        Ratio { of_medians: self.summary().p50 / other.summary().p50, by_round: (least, greatest) }
    }
}

/// The value below which a fraction of ascending values lies.
pub fn quantile(ascending: &[f64], fraction: f64) -> f64 {
    ascending[((ascending.len() - 1) as f64 * fraction) as usize]
}

/// The median; of an even number of values, the lower one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}

/// The arithmetic mean, and the standard deviation of a sample.
pub fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}

/// The distance of the quartiles as a share of the median.
pub fn spread(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    (quantile(&values, 0.75) - quantile(&values, 0.25)) / quantile(&values, 0.5)
}

/// A median, and an interval that holds the true one with a probability of at least 95 %, or as near to that as so few values allow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Median {
    /// The median of the values.
    pub value: f64,
    /// Ends of the interval.
    pub interval: (f64, f64),
}

impl Median {
    /// Of the quotients of values that were measured in turns.
    pub fn of_ratios(values: &[f64], baseline: &[f64]) -> Self {
        Self::of(values.iter().zip(baseline).map(|(value, base)| value / base).collect())
    }

    /// Of at least one value. Nothing is assumed about their distribution: the number of values below the true median is that of heads
    /// in as many throws of a coin, so the interval reaches from one order statistic to another.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let count = values.len();
        // `below` is the chance that at most `rank - 1` values lie below the true median, `term` that exactly `rank` do.
        let (mut below, mut term, mut rank) = (0.0, 0.5f64.powi(count as i32), 0);
        while rank < (count - 1) / 2 && below + term <= 0.025 {
            below += term;
            term *= (count - rank) as f64 / (rank + 1) as f64;
            rank += 1;
        }
        let outer = rank.saturating_sub(1);
        Self { value: quantile(&values, 0.5), interval: (values[outer], values[count - 1 - outer]) }
    }
}

/// The geometric mean.
pub fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(rounds: &[&[f64]]) -> Times {
        Times { rounds: rounds.iter().map(|round| round.to_vec()).collect() }
    }

    #[test]
    fn means() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert!((geometric_mean(&[0.5, 2.0]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn means_come_with_deviations() {
        assert_eq!(mean(&[1.0, 3.0]), (2.0, 2f64.sqrt()));
        assert_eq!(mean(&[5.0]), (5.0, 0.0));
        assert_eq!(spread(vec![4.0, 2.0, 1.0, 3.0, 5.0]), 2.0 / 3.0);
    }

    /// The ranks are those of published tables for the sign test's interval.
    #[test]
    fn intervals_of_medians_are_order_statistics() {
        let ranks = |count: usize| Median::of((1..=count).map(|n| n as f64).collect()).interval;
        assert_eq!(ranks(1), (1.0, 1.0));
        assert_eq!(ranks(5), (1.0, 5.0));
        assert_eq!(ranks(6), (1.0, 6.0));
        assert_eq!(ranks(9), (2.0, 8.0));
        assert_eq!(ranks(15), (4.0, 12.0));
        assert_eq!(ranks(50), (18.0, 33.0));
    }

    #[test]
    fn percentiles_are_of_all_rounds() {
        let hundred: Vec<f64> = (1..=1001).rev().map(f64::from).collect();
        let (first, second) = hundred.split_at(300);
        let summary = times(&[first, second]).summary();
        assert_eq!(summary, Summary { minimum: 1.0, p50: 501.0, p99: 991.0, p999: 1000.0 });
        assert_eq!(times(&[first, second]).each_of(2).summary().p50, 250.5);
    }

    #[test]
    fn ratios_are_of_neighbouring_rounds() {
        let (slow, fast) = (times(&[&[2.0, 2.0], &[9.0, 9.0, 9.0]]), times(&[&[1.0, 1.0], &[3.0, 3.0, 3.0]]));
        assert_eq!(slow.ratio(&fast), Ratio { of_medians: 3.0, by_round: (2.0, 3.0) });
    }
}
