//! Calls that wait for a future, on no thread: how to wake their tasks when they are to be stopped.
//!
//! **Invariants.** A store is here at most once. A waker is the embedder's code, which may do anything: it is
//! taken out, and called or dropped when no lock is held.

use super::causes::NEVER;
use crate::run::store_id::StoreId;
use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

/// A call that waits.
struct Sleeper {
    deadline: u64,
    waker: Waker,
}

/// All of them, by the numbers of their stores.
pub(super) struct Sleepers {
    by_store: BTreeMap<u64, Sleeper>,
    /// Deadlines and stores of those that have one.
    by_deadline: BTreeSet<(u64, u64)>,
}

impl Sleepers {
    pub(super) const fn new() -> Self {
        Self { by_store: BTreeMap::new(), by_deadline: BTreeSet::new() }
    }

    /// Adds the call of a store, or changes what it had. Returns the waker that is not needed any more.
    pub(super) fn add(&mut self, id: StoreId, deadline: u64, waker: Waker) -> Option<Waker> {
        let number = id.number();
        let same = |known: &Sleeper| known.deadline == deadline && known.waker.will_wake(&waker);
        if self.by_store.get(&number).is_some_and(same) {
            return Some(waker);
        }
        let before = self.take(id);
        self.by_store.insert(number, Sleeper { deadline, waker });
        if deadline != NEVER {
            self.by_deadline.insert((deadline, number));
        }
        before
    }

    /// Takes the waker of a store's call.
    pub(super) fn take(&mut self, id: StoreId) -> Option<Waker> {
        let sleeper = self.by_store.remove(&id.number())?;
        self.by_deadline.remove(&(sleeper.deadline, id.number()));
        Some(sleeper.waker)
    }

    /// Takes the wakers of all whose deadline has passed.
    pub(super) fn take_due(&mut self, now: u64) -> Vec<Waker> {
        let mut due = Vec::new();
        while let Some(&(deadline, number)) = self.by_deadline.first()
            && deadline <= now
        {
            self.by_deadline.pop_first();
            due.extend(self.by_store.remove(&number).map(|sleeper| sleeper.waker));
        }
        due
    }

    /// The first deadline, or [`NEVER`].
    pub(super) fn next(&self) -> u64 {
        self.by_deadline.first().map_or(NEVER, |&(deadline, _)| deadline)
    }

    /// Forgets all, in the child of a fork, where the executors' threads are not.
    pub(super) fn forget(&mut self) {
        std::mem::forget(std::mem::replace(self, Self::new()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_store_is_taken_once() {
        let (mut sleepers, waker) = (Sleepers::new(), Waker::noop());
        let [a, b, c] = [(); 3].map(|()| StoreId::next());
        for (id, deadline) in [(a, 30), (b, 20), (c, NEVER), (a, 10), (b, 20)] {
            sleepers.add(id, deadline, waker.clone());
        }
        assert_eq!((sleepers.next(), sleepers.take_due(9).len()), (10, 0));
        assert_eq!((sleepers.take_due(10).len(), sleepers.next()), (1, 20));
        assert!(sleepers.take(a).is_none() && sleepers.take(b).is_some() && sleepers.take(b).is_none());
        assert_eq!((sleepers.next(), sleepers.take_due(u64::MAX).len()), (NEVER, 0));
        assert!(sleepers.take(c).is_some());
    }
}
