//! Runtimes that take turns in one process.
//!
//! **Invariant: all sides do the same work under the same load**: in each round every side has its turn, in
//! an order drawn for that round.

use crate::stats::{Shuffle, Times};
use std::any::Any;
use std::io;
use std::sync::Barrier;
use std::time::Instant;

/// Instances before the first that counts: slots are made and hot sets learned.
const WARM_UP: usize = 100;

/// The seed of the orders, of which all are as good.
const ORDERS: u64 = 1;

/// A runtime with a guest, ready to give each request an instance of its own.
pub trait Side: Sync {
    /// Starts an instance, calls it and finishes it.
    fn instance(&self) -> io::Result<()>;

    /// Starts an instance, calls it, and leaves it until the result is dropped.
    fn idle(&self) -> io::Result<Box<dyn Any>>;
}

/// Times the instances of all sides, `count` of each in each of `rounds` rounds.
pub fn instances(sides: &[Box<dyn Side>], rounds: usize, count: usize) -> io::Result<Vec<Times>> {
    for side in sides {
        (0..WARM_UP).try_for_each(|_| side.instance())?;
    }
    take(sides, rounds, |side, times: &mut Times| times.round(count / rounds, || side.instance()))
}

/// Lets all sides take turns for a number of rounds, and returns what each turn added to its side's figures.
pub fn take<S, F: Default>(
    sides: &[S],
    rounds: usize,
    mut turn: impl FnMut(&S, &mut F) -> io::Result<()>,
) -> io::Result<Vec<F>> {
    let mut figures: Vec<F> = sides.iter().map(|_| F::default()).collect();
    let mut shuffle = Shuffle::new(ORDERS);
    for _ in 0..rounds {
        for at in shuffle.order(sides.len()) {
            turn(&sides[at], &mut figures[at])?;
        }
    }
    Ok(figures)
}

/// Instances per second on `threads` threads, `count` on each.
pub fn rate(side: &dyn Side, threads: usize, count: usize) -> io::Result<f64> {
    let barrier = Barrier::new(threads);
    let work = || {
        let warm = (0..WARM_UP).try_for_each(|_| side.instance());
        // Also after an error: the others wait.
        barrier.wait();
        warm?;
        let before = Instant::now();
        (0..count).try_for_each(|_| side.instance())?;
        Ok::<_, io::Error>(count as f64 / before.elapsed().as_secs_f64())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("no panics")).sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    #[test]
    fn each_round_has_an_order_of_its_own() {
        let order = RefCell::new(String::new());
        let turn = |side: &char, times: &mut Times| {
            order.borrow_mut().push(*side);
            times.round(1, || Ok(()))
        };
        assert_eq!(take(&['a', 'b', 'c'], 60, turn).expect("no errors").len(), 3);
        let order = order.into_inner();
        let rounds: BTreeSet<&str> = (0..60).map(|round| &order[round * 3..round * 3 + 3]).collect();
        assert_eq!(rounds.into_iter().collect::<Vec<_>>(), ["abc", "acb", "bac", "bca", "cab", "cba"]);
    }
}
