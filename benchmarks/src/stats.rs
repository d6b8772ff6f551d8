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
    /// The smallest of the values.
    pub minimum: f64,
    /// The median of the values.
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

    /// Appends the times of a round.
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

    /// Returns the order statistics over all rounds.
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

/// Returns the quantile of ascending values, interpolated linearly. Where the values are too few to say (the
/// 99th percentile of two), it lies near the greatest.
///
/// # Panics
/// Panics if there are no values.
pub fn quantile(ascending: &[f64], fraction: f64) -> f64 {
    let rank = (ascending.len() - 1) as f64 * fraction;
    let (low, high) = (ascending[rank.floor() as usize], ascending[rank.ceil() as usize]);
    low + (high - low) * rank.fract()
}

/// The median; of an even number of values, the mean of the two in the middle.
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

/// A median with its 95 % interval by the bootstrap: what the medians of samples drawn from the values, with
/// replacement, would be.
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

    /// Of at least one value. Nothing has to be drawn: the median of a sample is at most the value of rank
    /// `k` if more than half of the sample is, and each value of the sample is that with a probability of `k
    /// / n`. The interval of an even number of values reaches from the lower one in the middle to the upper
    /// one.
    ///
    /// # Panics
    /// Panics if there are no values.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let at_least = count.div_ceil(2);
        let low = (1..count).find(|&rank| at_least_of(count, at_least, rank) > 0.025).unwrap_or(count);
        // What holds for the lower end of the values holds for the upper one of the mirrored values.
        Self { value: quantile(&values, 0.5), interval: (values[low - 1], values[count - low]) }
    }
}

/// The probability that at least `wanted` of `count` draws are among the `rank` least of `count` values.
fn at_least_of(count: usize, wanted: usize, rank: usize) -> f64 {
    let chance = rank as f64 / count as f64;
    // In logarithms: the factors of large samples are beyond a float.
    let mut binomial = count as f64 * (1.0 - chance).ln();
    let mut total = if wanted == 0 { binomial.exp() } else { 0.0 };
    for hits in 1..=count {
        binomial += ((count - hits + 1) as f64 / hits as f64).ln() + chance.ln() - (1.0 - chance).ln();
        total += if hits >= wanted { binomial.exp() } else { 0.0 };
    }
    total
}

/// Orders that are drawn anew each time, so that no side always follows the same neighbour: Fisher and Yates'
/// shuffle with numbers of SplitMix64. The same seed draws the same orders.
#[derive(Debug, Clone)]
pub struct Shuffle {
    state: u64,
}

impl Shuffle {
    /// Draws by this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The numbers below `count`, in the next order.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, ((u128::from(self.next()) * (last as u128 + 1)) >> 64) as usize);
        }
        order
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Returns the geometric mean of ratios.
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

    #[test]
    fn quantiles_lie_between_the_values() {
        assert_eq!(quantile(&[1.0, 2.0], 0.5), 1.5);
        assert_eq!(quantile(&[1.0, 2.0], 0.99), 1.99, "the 99th percentile of two is not the lesser one");
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    /// The computed ends against those of samples that are really drawn.
    #[test]
    fn intervals_of_medians_are_those_of_drawn_samples() {
        let ranks = |count: usize| Median::of((1..=count).map(|n| n as f64).collect()).interval;
        assert_eq!(ranks(1), (1.0, 1.0));
        assert_eq!(ranks(2), (1.0, 2.0));
        assert_eq!(ranks(5), (1.0, 5.0));
        for count in [9, 15, 51] {
            let mut shuffle = Shuffle::new(1);
            let sample = |shuffle: &mut Shuffle| {
                median((0..count).map(|_| (shuffle.next() % count as u64) as f64 + 1.0).collect())
            };
            let mut medians: Vec<f64> = (0..20_000).map(|_| sample(&mut shuffle)).collect();
            medians.sort_by(f64::total_cmp);
            assert_eq!(ranks(count), (quantile(&medians, 0.025), quantile(&medians, 0.975)), "{count}");
        }
    }

    #[test]
    fn every_order_is_drawn_as_often() {
        let mut shuffle = Shuffle::new(3);
        let mut times = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            *times.entry(shuffle.order(3)).or_insert(0) += 1;
        }
        assert_eq!(times.len(), 6);
        assert!(times.values().all(|&count| (850..1150).contains(&count)), "{times:?}");
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
