//! Runs independent pieces of a test on all cores.
//!
//! Plain threads, not a work-stealing pool: a thread that waits for the compiler must not start another piece
//! on the same stack.

use std::sync::Mutex;
use std::thread;

/// Applies a function to all items. Results are in the order of the items; a panic in one of them comes
/// through.
pub fn parallel<I: Send, R: Send>(items: impl IntoIterator<Item = I>, run: impl Fn(I) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let queue = Mutex::new(items.into_iter().enumerate().collect::<Vec<_>>().into_iter());
    let take = || queue.lock().unwrap_or_else(|e| e.into_inner()).next();
    let work = || {
        let mut results = Vec::new();
        while let Some((position, item)) = take() {
            results.push((position, run(item)));
        }
        results
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect::<Vec<(usize, R)>>()
    });
    results.sort_by_key(|result| result.0);
    results.into_iter().map(|result| result.1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order() {
        assert_eq!(parallel(0..1000, |item| item * 2), (0..1000).map(|item| item * 2).collect::<Vec<_>>());
    }
}
