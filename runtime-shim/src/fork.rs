//! What a fork leaves: the child has the thread that forked, and neither a watchdog nor anybody who would let go of a lock.
//!
//! **Invariants.** The thread that forks holds all locks of the process-wide lists meanwhile, so that the child finds them free, and whole
//! what they protect. A run that forks, and goes on in the child, is stopped there as it is in the parent. (What belongs to a module that
//! several threads start is not locked: a child in which such a thread was learning hot pages must not use that module.)

use crate::interrupt::{self, Locks};
use crate::park::{self, Queues};
use crate::registry::{self, Writer};
use crate::sys::{fork, signal, stack};
use crate::types::{self, Locked};
use std::cell::Cell;
use std::sync::Once;

/// All locks of the process-wide lists, in the order in which they are taken.
type Held = (Locks, Writer, Locked, Queues, signal::Lock);

thread_local! {
    /// The locks, during a fork.
    static HELD: Cell<Option<Held>> = const { Cell::new(None) };
}

/// Takes care of all forks from now on. Called before anything is put on any of the lists: until then a fork breaks nothing.
pub(crate) fn prepare() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| fork::around(before, in_parent, in_child));
}

extern "C" fn before() {
    // None of them is taken while one of those behind it is held.
    let held = (interrupt::lock(), registry::lock(), types::lock(), park::lock(), signal::lock());
    // A thread that has given its storage up already forks without: it runs nothing any more.
    _ = HELD.try_with(|cell| cell.set(Some(held)));
}

extern "C" fn in_parent() {
    _ = HELD.try_with(Cell::take);
}

extern "C" fn in_child() {
    if let Ok(Some((locks, writer, _types, mut queues, _signals))) = HELD.try_with(Cell::take) {
        interrupt::keep_current(locks);
        registry::forget_readers(&writer);
        stack::forget();
        park::forget_waiters(&mut queues);
    }
}
