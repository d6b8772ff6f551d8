//! Runs what the runtime's threads share without locks in many interleavings of their steps.
//!
//! The runtime's own files are included, with atomics, a lock and threads in place of those of the standard
//! library which a scheduler switches at each access. It takes every order of accesses to be the same for all
//! threads, so it says nothing about weaker orderings: those are argued for in the files, and Miri, which
//! runs this with the standard library's own, reorders loads and stores and looks for races. **Invariant: a
//! check fails by a panic, after which its schedule is printed.**

#[path = "../../runtime-shim/src/pool"]
mod pool {
    pub(crate) mod free;
    pub(crate) mod owner;
}

#[path = "../../runtime-shim/src/space"]
mod space {
    #[expect(dead_code, reason = "a fork is none of the interleavings")]
    pub(crate) mod snapshot;
}

/// What the files take from the layer below.
mod os {
    pub(crate) mod sync {
        #[cfg(not(miri))]
        pub(crate) use shuttle::{
            sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering},
            sync::{Mutex, MutexGuard},
            thread::yield_now,
        };
        #[cfg(miri)]
        pub(crate) use std::{
            sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering},
            sync::{Mutex, MutexGuard},
            thread::yield_now,
        };

        /// The calling thread's number.
        #[cfg(not(miri))]
        pub(crate) fn thread_number() -> usize {
            usize::from(shuttle::current::me())
        }

        /// The calling thread's number.
        #[cfg(miri)]
        pub(crate) fn thread_number() -> usize {
            use std::cell::Cell;
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            thread_local!(static OWN: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed)));
            OWN.get()
        }
    }
}

use os::sync::Ordering::SeqCst;
use os::sync::{AtomicUsize, yield_now};
use pool::free::FreeSlots;
use pool::owner::{Owner, Tenant};
#[cfg(not(miri))]
use shuttle::thread::spawn;
use space::snapshot::Snapshot;
use std::sync::Arc;
#[cfg(miri)]
use std::thread::spawn;

/// Schedules that are tried of each check.
#[cfg(not(miri))]
const SCHEDULES: usize = 20_000;

/// Runs threads and waits for them.
fn threads(count: usize, run: impl Fn(usize) + Send + Sync + 'static) {
    let run = Arc::new(run);
    let all = (0..count).map(|number| {
        let run = run.clone();
        spawn(move || run(number))
    });
    all.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().expect("it ends"));
}

/// The slots of a pool, and which of them have an owner.
struct Slots {
    free: FreeSlots,
    owners: Vec<AtomicUsize>,
}

impl Slots {
    fn new(count: u32, shards: usize) -> Arc<Self> {
        let owners = (0..count).map(|_| AtomicUsize::new(0)).collect();
        Arc::new(Self { free: FreeSlots::new(count, shards), owners })
    }

    /// A slot that was taken off a list.
    fn taken(&self, slot: u32) -> u32 {
        assert_eq!(self.owners[slot as usize].swap(1, SeqCst), 0, "slot {slot} has two owners");
        slot
    }

    /// The same slot, before it is put back.
    fn left(&self, slot: u32) -> u32 {
        assert_eq!(self.owners[slot as usize].swap(0, SeqCst), 1);
        slot
    }

    /// Checks that every slot is in one list.
    fn are_complete(&self) {
        let mut left: Vec<_> = std::iter::from_fn(|| self.free.take_any()).collect();
        left.sort_unstable();
        assert!(left.into_iter().eq(0..self.owners.len() as u32), "a slot was lost, or is in two lists");
    }
}

/// Threads that keep instances, in lists of two shards, and take each other's.
fn slots_have_one_owner() {
    let slots = Slots::new(2, 2);
    let shared = slots.clone();
    threads(3, move |number| {
        // The tenants of the second and the third are in one list.
        let tenant = (number > 0).then_some(Tenant(number as u64 * 64));
        let owner = Owner { module: 1, tenant };
        for turn in 0..2 {
            let found = shared.free.take_kept(owner).or_else(|| shared.free.take_any());
            let Some(slot) = found.map(|slot| shared.taken(slot)) else { continue };
            match turn {
                0 => shared.free.put_kept(shared.left(slot), owner),
                _ => shared.free.put_empty(shared.left(slot)),
            }
        }
    });
    slots.are_complete();
}

/// Threads that put back the first of two slots that they took, so that a list begins as before and goes on
/// otherwise.
fn lists_that_change_back_have_changed() {
    let slots = Slots::new(3, 1);
    let shared = slots.clone();
    threads(2, move |_| {
        let take = || shared.free.take_any().map(|slot| shared.taken(slot));
        let (first, second) = (take(), take());
        [first, second].into_iter().flatten().for_each(|slot| shared.free.put_empty(shared.left(slot)));
        let third = take();
        third.into_iter().for_each(|slot| shared.free.put_empty(shared.left(slot)));
    });
    slots.are_complete();
}

/// Readers see a value that is whole and not freed, while writers replace it.
fn values_outlive_their_readers() {
    let snapshot = Arc::new(Snapshot::<usize>::new());
    // Holds each value, so that a reader that comes too late finds its count and no freed memory.
    let values: Arc<Vec<Arc<usize>>> = Arc::new((0..5).map(Arc::new).collect());
    snapshot.lock().update(|_| Some(values[0].clone()));
    let shared = (snapshot.clone(), values.clone());
    threads(4, move |number| {
        let (snapshot, values) = &shared;
        let in_use = |found: &usize| Arc::strong_count(&values[*found]) > 1;
        for turn in 0..2 {
            if number < 2 {
                let next = &values[1 + 2 * number + turn];
                snapshot.lock().update(|old| {
                    assert!(old.is_some());
                    Some(next.clone())
                });
            } else {
                snapshot.read(|found| {
                    let found = found.expect("there is always one");
                    assert!(in_use(found), "a value was freed before it was read");
                    yield_now();
                    assert!(in_use(found), "a value was freed while it was read");
                });
            }
        }
    });
    snapshot.lock().update(|_| None);
    assert!(values.iter().all(|value| Arc::strong_count(value) == 1), "a value was not freed");
}

fn main() {
    for (name, check) in [
        ("slots have one owner", slots_have_one_owner as fn()),
        ("lists that change back have changed", lists_that_change_back_have_changed),
        ("values outlive their readers", values_outlive_their_readers),
    ] {
        #[cfg(not(miri))]
        {
            shuttle::check_random(check, SCHEDULES);
            shuttle::check_pct(check, SCHEDULES, 3);
        }
        #[cfg(miri)]
        check();
        println!("{name}");
    }
}
