//! Room below a guest's stack for a handler of the host's that the kernel has started there, because it has
//! no `SA_ONSTACK`.
//!
//! When such a handler runs into the guard, the upper part of the guard is opened, so that it runs to its
//! end: if it was abandoned, it would leave its locks held and its signal blocked. The part is closed again
//! when the handler returns, when the guest traps, and when the slot is reset. What lies below it is still
//! guard enough for compiled code, whose larger frames are probed.
//!
//! **Invariants.** [`open`] is called in the signal handler: it allocates nothing and takes no lock. Every
//! open part is noted, and a slot is given to its next instance only with its part closed.

use crate::space::slot::{GuestStack, StackBounds};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Parts that can be open at a time, in as many threads. The handler that needs one more ends the process.
const MAX_OPEN: usize = 1024;

/// For each open part, where it ends: the lowest address of its slot's stack. 0 if there is none.
static OPEN: [AtomicUsize; MAX_OPEN] = [const { AtomicUsize::new(0) }; MAX_OPEN];

/// How many there are.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Opens the reserve of a stack. `false` if there is none, it is open already, or the kernel refuses.
pub(crate) fn open(stack: GuestStack<'_>) -> bool {
    let bounds = stack.bounds();
    if !bounds.has_reserve() || is_open(bounds) {
        return false;
    }
    let claim = |place: &&AtomicUsize| place.compare_exchange(0, bounds.low, SeqCst, SeqCst).is_ok();
    let Some(place) = OPEN.iter().find(claim) else { return false };
    COUNT.fetch_add(1, SeqCst);
    let done = stack.open_reserve().is_ok();
    if !done {
        place.store(0, SeqCst);
        COUNT.fetch_sub(1, SeqCst);
    }
    done
}

/// Whether any is open.
pub(crate) fn any_open() -> bool {
    COUNT.load(SeqCst) != 0
}

/// Whether that of this stack is open.
pub(crate) fn is_open(stack: StackBounds) -> bool {
    OPEN.iter().any(|place| place.load(SeqCst) == stack.low)
}

/// Closes the reserve of a stack if it is open. Nothing runs in it. Callable in handlers, too.
pub(crate) fn close(stack: GuestStack<'_>) -> io::Result<()> {
    if any_open() && is_open(stack.bounds()) {
        stack.close_reserve()?;
        forget(stack.bounds());
    }
    Ok(())
}

/// Forgets the reserve of a stack whose slot is given up.
pub(crate) fn forget(stack: StackBounds) {
    if any_open() {
        let is_its = |place: &&AtomicUsize| place.compare_exchange(stack.low, 0, SeqCst, SeqCst).is_ok();
        if OPEN.iter().any(|place| is_its(&place)) {
            COUNT.fetch_sub(1, SeqCst);
        }
    }
}
