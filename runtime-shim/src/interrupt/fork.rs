//! What a fork leaves: the child has the thread that forked, and no watchdog.
//!
//! **Invariants.** The thread that forks holds all locks of this module meanwhile, so that the child finds them free, and whole what they
//! protect. A run that forks, and goes on in the child, is stopped there as it is in the parent.

use super::thread::{self, Threads};
use super::watchdog::{self, Kills};
use crate::sys::fork;
use std::cell::Cell;
use std::sync::Once;

thread_local! {
    /// The locks, during a fork.
    static HELD: Cell<Option<(Kills, Threads)>> = const { Cell::new(None) };
}

/// Takes care of all forks from now on. Before it is called there is nothing that a fork could break.
pub(super) fn prepare() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| fork::around(before, in_parent, in_child));
}

extern "C" fn before() {
    // In the order in which the watchdog takes them.
    let held = (watchdog::kills(), thread::threads());
    // A thread that has given its storage up already forks without: it runs nothing any more.
    _ = HELD.try_with(|cell| cell.set(Some(held)));
}

extern "C" fn in_parent() {
    _ = HELD.try_with(Cell::take);
}

extern "C" fn in_child() {
    if let Ok(Some((mut kills, mut threads))) = HELD.try_with(Cell::take) {
        watchdog::forget(&mut kills);
        thread::keep_current(&mut threads);
    }
}
