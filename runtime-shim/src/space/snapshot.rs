//! A value that threads and signal handlers see whole without a lock, while others replace it.
//!
//! **Invariants.** A reader takes no lock, allocates nothing and may be a signal handler. A writer publishes
//! a new value and frees the old one once no reader can hold it. Writers exclude each other by a lock.
//!
//! **Orderings.** All accesses are `SeqCst`, so there is one order of them all, and these are the cases. A
//! reader adds itself to the readers of generation *g* and then finds that *g* is still the current one,
//! before it loads the value. A writer stores its value, then ends generation *g*, then waits until *g* has
//! no readers.
//!
//! * The reader's look at the generation comes first in that order: so did its addition, and the writer waits
//!   for it.
//! * The end of the generation comes first: then the reader does not find *g* current, takes itself off
//!   again, and starts over, without having loaded a value.
//!
//! So a reader that loads the old value is waited for. What a reader did with it happened before the writer
//! frees it, as the reader takes itself off by an operation that releases, and the writer's look at the count
//! acquires. Generations that leave the same remainder share a count; a writer that waits for both waits
//! longer, and not too short, as the generation before *g* was waited for when it ended. Weaker orderings
//! would not do for the first two cases: each is a store followed by a load elsewhere, on both sides.

use crate::os::sync::{AtomicPtr, AtomicUsize, Mutex, MutexGuard, Ordering::SeqCst, yield_now};
use std::sync::{Arc, PoisonError};

/// See the module's description.
pub(crate) struct Snapshot<T> {
    /// As by [`Arc::into_raw`], or null.
    current: AtomicPtr<T>,
    generation: AtomicUsize,
    /// Readers that entered in an even and in an odd generation.
    readers: [AtomicUsize; 2],
    writer: Mutex<()>,
}

/// Writers wait as long as it is there.
pub(crate) struct Locked<'a, T> {
    snapshot: &'a Snapshot<T>,
    _writer: MutexGuard<'a, ()>,
}

impl<T> Snapshot<T> {
    /// No value yet.
    pub(crate) const fn new() -> Self {
        Self {
            current: AtomicPtr::new(std::ptr::null_mut()),
            generation: AtomicUsize::new(0),
            readers: [AtomicUsize::new(0), AtomicUsize::new(0)],
            writer: Mutex::new(()),
        }
    }

    /// Looks at the current value. Callable from a signal handler; `look` must return.
    pub(crate) fn read<R>(&self, look: impl FnOnce(Option<&T>) -> R) -> R {
        let readers = loop {
            let generation = self.generation.load(SeqCst);
            let readers = &self.readers[generation & 1];
            readers.fetch_add(1, SeqCst);
            if self.generation.load(SeqCst) == generation {
                break readers;
            }
            readers.fetch_sub(1, SeqCst);
        };
        let current = self.current.load(SeqCst);
        // SAFETY: a value is freed only after all readers are gone that entered before it was replaced, this
        // one among them: see the orderings above.
        let result = look(unsafe { current.as_ref() });
        readers.fetch_sub(1, SeqCst);
        result
    }

    /// Locks writers out.
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { snapshot: self, _writer: writer }
    }
}

impl<T> Locked<'_, T> {
    /// Waits until all are gone who read now.
    pub(crate) fn wait_for_readers(&self) {
        let generation = self.snapshot.generation.fetch_add(1, SeqCst);
        while self.snapshot.readers[generation & 1].load(SeqCst) != 0 {
            yield_now();
        }
    }

    /// Forgets the readers, in the child of a fork, in which they do not go on.
    pub(crate) fn forget_readers(&self) {
        self.snapshot.readers.iter().for_each(|readers| readers.store(0, SeqCst));
    }

    /// Replaces the value by what `change` makes of it.
    pub(crate) fn update(&self, change: impl FnOnce(&Option<Arc<T>>) -> Option<Arc<T>>) {
        let old = self.snapshot.current.load(SeqCst);
        // SAFETY: what is not null came from `Arc::into_raw`, and only a writer takes it back, of which there
        // is one.
        let old = (!old.is_null()).then(|| unsafe { Arc::from_raw(old) });
        let new = change(&old).map_or(std::ptr::null_mut(), |new| Arc::into_raw(new).cast_mut());
        self.snapshot.current.store(new, SeqCst);
        self.wait_for_readers();
        // It is no longer published, and its readers are gone.
        drop(old);
    }
}
