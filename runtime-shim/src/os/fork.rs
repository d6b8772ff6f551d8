//! What a fork leaves: the child has the thread that forked, and no other one that would let go of a
//! lock.
//!
//! **Invariants.** The thread that forks holds all locks of the process-wide lists meanwhile, so that
//! the child finds them free, and whole what they protect. A run that forks, and goes on in the child,
//! is stopped there as it is in the parent. Locks of single objects, which no list knows, are taken
//! as [`Undivided`], for whose end a fork waits.

use super::stack;
use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError, RwLock, RwLockReadGuard};

/// The process-wide lists, in the order in which their locks are taken: none of them is taken while
/// one of those behind it is held.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List {
    /// Locks of objects, see [`Undivided`].
    Objects,
    /// What is to be stopped.
    Kills,
    /// Threads that run compiled code.
    Threads,
    /// Regions of the address space.
    Regions,
    /// Types of functions.
    Types,
    /// Threads that wait at addresses.
    Waiters,
    /// Dispositions of signals.
    Signals,
    /// What was proven.
    Proofs,
    /// Addresses that the kernel refused to take back.
    Refused,
}

/// How many there are.
const LISTS: usize = List::Refused as usize + 1;

/// What happens to a list in the child. Until it is dropped, which happens in the parent, too, the
/// list is locked.
type InChild = Box<dyn FnOnce()>;

/// Locks a list.
type Lock = fn() -> InChild;

static LOCKS: [OnceLock<Lock>; LISTS] = [const { OnceLock::new() }; LISTS];

thread_local! {
    /// The locked lists, during a fork.
    static HELD: Cell<[Option<InChild>; LISTS]> = const { Cell::new([const { None }; LISTS]) };
}

/// Has a list locked at every fork from now on. Called before anything is put on it, with none of the
/// lists locked: until then a fork breaks nothing.
pub(crate) fn attend(list: List, lock: Lock) {
    static PREPARED: Once = Once::new();
    LOCKS[list as usize].get_or_init(|| lock);
    PREPARED.call_once(|| {
        // SAFETY: the functions may be called at any time, and are as long there as their caller.
        let failed = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        assert!(failed == 0, "pthread_atfork: out of memory");
    });
}

static UNDIVIDED: RwLock<()> = RwLock::new(());

fn undivided() -> RwLockReadGuard<'static, ()> {
    attend(List::Objects, || {
        let nothing_else = UNDIVIDED.write().unwrap_or_else(PoisonError::into_inner);
        Box::new(move || drop(nothing_else))
    });
    UNDIVIDED.read().unwrap_or_else(PoisonError::into_inner)
}

/// The lock of an object, whose end a fork waits for. Taken with no list locked, and not while the same
/// thread holds another one.
#[derive(Debug)]
pub struct Undivided<'a, T> {
    // Declared first, so dropped first.
    value: MutexGuard<'a, T>,
    _undivided: RwLockReadGuard<'static, ()>,
}

impl<'a, T> Undivided<'a, T> {
    /// Locks the object and delays forks until dropped.
    pub fn lock(object: &'a Mutex<T>) -> Self {
        let undivided = undivided();
        Self { value: object.lock().unwrap_or_else(PoisonError::into_inner), _undivided: undivided }
    }
}

impl<T> Deref for Undivided<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Undivided<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

extern "C" fn before() {
    let held = std::array::from_fn(|list| LOCKS[list].get().map(|lock| lock()));
    // A thread that has given its storage up already forks without: it runs nothing any more.
    _ = HELD.try_with(|cell| cell.set(held));
}

extern "C" fn in_parent() {
    _ = HELD.try_with(Cell::take);
}

extern "C" fn in_child() {
    if let Ok(held) = HELD.try_with(Cell::take) {
        stack::forget();
        held.into_iter().flatten().for_each(|in_child| in_child());
    }
}
