//! What a fork leaves: the child has the thread that forked, and no other one that would let go of a
//! lock.
//!
//! **Invariants.** The thread that forks holds all locks of the process-wide lists meanwhile, so that
//! the child finds them free, and whole what they protect. A run that forks, and goes on in the child,
//! is stopped there as it is in the parent. (What belongs to a module that several threads start is
//! not locked: a child in which such a thread was learning hot pages must not use that module.)

use super::stack;
use std::cell::Cell;
use std::sync::{Once, OnceLock};

/// The process-wide lists, in the order in which their locks are taken: none of them is taken while
/// one of those behind it is held.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List {
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
}

/// How many there are.
const LISTS: usize = List::Signals as usize + 1;

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
