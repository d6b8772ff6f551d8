//! The record of the calling thread, as signal handlers find it: by the kernel's number of the thread.
//!
//! Any access to the thread-local storage of a shared library may allocate, once another library was loaded:
//! a handler that has interrupted the allocator would wait for itself.
//!
//! **Invariants.** Entries are never freed, but used again. One that has a thread's number is written by that
//! thread only, which removes it before its record goes. Free ones are taken while the list of threads is
//! locked.

use super::thread::{Thread, Threads};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

struct Entry {
    /// The thread's number, or 0 if the entry is free.
    id: AtomicI32,
    thread: AtomicPtr<Thread>,
    /// The entry that was added after this one.
    next: OnceLock<Box<Entry>>,
}

static FIRST: OnceLock<Box<Entry>> = OnceLock::new();

fn entries() -> impl Iterator<Item = &'static Entry> {
    std::iter::successors(FIRST.get(), |entry| entry.next.get()).map(|entry| &**entry)
}

fn own_id() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// The calling thread's record, or null. Callable in a signal handler.
pub(super) fn find() -> *const Thread {
    let id = own_id();
    let own = entries().find(|entry| entry.id.load(Acquire) == id);
    own.map_or(std::ptr::null(), |entry| entry.thread.load(Relaxed).cast_const())
}

/// Lets [`find`] find the calling thread's record.
pub(super) fn add(_: &Threads, thread: *const Thread) {
    let id = own_id();
    // A thread that ended without its destructors has left its number, which is the calling thread's now.
    let own = entries().find(|entry| entry.id.load(Acquire) == id);
    let entry = own.or_else(|| entries().find(|entry| entry.id.load(Acquire) == 0)).unwrap_or_else(|| {
        let end = entries().last().map_or(&FIRST, |last| &last.next);
        let new = || Entry { id: AtomicI32::new(0), thread: AtomicPtr::default(), next: OnceLock::new() };
        end.get_or_init(|| Box::new(new()))
    });
    entry.thread.store(thread.cast_mut(), Relaxed);
    entry.id.store(id, Release);
}

/// Forgets the calling thread's record.
pub(super) fn remove() {
    let id = own_id();
    if let Some(entry) = entries().find(|entry| entry.id.load(Acquire) == id) {
        entry.id.store(0, Release);
    }
}

/// In the child of a fork: the calling thread, if it has a record, has another number, and no other thread is
/// there.
pub(super) fn renew(_: &Threads, current: *const Thread) {
    for entry in entries() {
        let is_own = entry.id.load(Relaxed) != 0 && entry.thread.load(Relaxed).cast_const() == current;
        entry.id.store(if is_own { own_id() } else { 0 }, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::run::interrupt::thread::{current, prepared};

    #[test]
    fn each_thread_finds_its_own_record_until_it_ends() {
        let check = || {
            assert!(find().is_null());
            let record: *const _ = prepared().unwrap();
            assert_eq!(find(), record);
            assert!(current().is_some_and(|current| std::ptr::eq(current, record)));
        };
        for _ in 0..20 {
            std::thread::scope(|scope| {
                (0..8).for_each(|_| _ = scope.spawn(check));
            });
        }
    }
}
