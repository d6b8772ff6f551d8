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

    /// The same times, of something that happened so often in each.
    pub fn each_of(mut self, count: u32) -> Self {
        self.rounds.iter_mut().flatten().for_each(|time| *time /= f64::from(count));
        self
    }

    /// Over all rounds.
    pub fn summary(&self) -> Summary {
        let mut all: Vec<f64> = self.rounds.iter().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        let at = |fraction| quantile(&all, fraction);
        Summary { minimum: at(0.0), p50: at(0.5), p99: at(0.99), p999: at(0.999) }
    }

    /// How many times as long as `other` it takes.
    pub fn ratio(&self, other: &Times) -> Ratio {
        let medians =
            |times: &Times| times.rounds.iter().map(|round| median(round.clone())).collect::<Vec<_>>();
        let by_round: Vec<f64> = medians(self).iter().zip(medians(other)).map(|(a, b)| a / b).collect();
        let least = by_round.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = by_round.iter().copied().fold(0.0, f64::max);
        Ratio { of_medians: self.summary().p50 / other.summary().p50, by_round: (least, greatest) }
    }
}

/// The value below which a fraction of ascending values lies.
fn quantile(ascending: &[f64], fraction: f64) -> f64 {
    ascending[((ascending.len() - 1) as f64 * fraction) as usize]
}

/// The median; of an even number of values, the lower one in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
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
