//! Threads that wait at addresses of shared memories, by address, in the order in which they came.
//!
//! **Invariants.** The value is compared, and the waiter queued, under the lock of the address's queue, which
//! a notifying thread takes too: a notification after the value was changed finds every thread that saw the
//! old one. A waiter that was taken off its queue was woken, whatever else ends its wait at that moment, so
//! that no notification is lost.

use crate::os::clock;
use crate::os::fork::{self, List};
use crate::os::futex;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmaot_abi::trap::TrapCode;

/// How a wait ended: what the operator gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// By a notification.
    Woken = 0,
    /// It did not begin: the value was not the expected one.
    NotEqual = 1,
    /// The time was up.
    TimedOut = 2,
}

/// Queues that all addresses share.
const QUEUES: usize = 64;

/// A thread that waits.
struct Waiter {
    address: usize,
    /// 1 once it was taken off the queue.
    woken: AtomicU32,
}

static WAITERS: [Mutex<Vec<Arc<Waiter>>>; QUEUES] = [const { Mutex::new(Vec::new()) }; QUEUES];

type Queue = MutexGuard<'static, Vec<Arc<Waiter>>>;

fn numbered(number: usize) -> Queue {
    WAITERS[number].lock().unwrap_or_else(PoisonError::into_inner)
}

fn queue(address: usize) -> Queue {
    // Neighbours have queues of their own.
    numbered((address / size_of::<u32>()) % QUEUES)
}

/// Locks all queues for a fork. In its child those that wait do not go on.
fn lock_for_fork() -> Box<dyn FnOnce()> {
    let mut queues: [Queue; QUEUES] = std::array::from_fn(numbered);
    Box::new(move || queues.iter_mut().for_each(|queue| queue.clear()))
}

/// Waits at an address until a notification, or until the clock says so. `due` is asked, after each signal at
/// least, for a reason to give up.
pub(crate) fn wait(
    address: usize,
    is_expected: impl FnOnce() -> Result<bool, TrapCode>,
    until: Option<u64>,
    due: impl Fn() -> Option<TrapCode>,
) -> Result<Outcome, TrapCode> {
    fork::attend(List::Waiters, lock_for_fork);
    let waiter = Arc::new(Waiter { address, woken: AtomicU32::new(0) });
    {
        let mut queue = queue(address);
        if !is_expected()? {
            return Ok(Outcome::NotEqual);
        }
        queue.push(waiter.clone());
    }
    let end = loop {
        if waiter.woken.load(SeqCst) != 0 {
            return Ok(Outcome::Woken);
        }
        if let Some(code) = due() {
            break Err(code);
        }
        let left = until.map(|until| until.saturating_sub(clock::now()));
        if left == Some(0) {
            break Ok(Outcome::TimedOut);
        }
        futex::wait(&waiter.woken, 0, left);
    };
    let mut queue = queue(address);
    match queue.iter().position(|other| Arc::ptr_eq(other, &waiter)) {
        Some(position) => {
            queue.remove(position);
            end
        }
        None => Ok(Outcome::Woken),
    }
}

/// Wakes at most `count` of the threads that wait at an address, in the order of their arrival. Returns how
/// many.
pub(crate) fn notify(address: usize, count: u32) -> u32 {
    let mut woken = 0;
    queue(address).retain(|waiter| {
        let taken = waiter.address == address && woken < count;
        if taken {
            woken += 1;
            waiter.woken.store(1, SeqCst);
            futex::wake(&waiter.woken);
        }
        !taken
    });
    woken
}
