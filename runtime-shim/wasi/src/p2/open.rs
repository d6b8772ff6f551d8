//! What a guest has opened: how many files of the host there may be, and what each is.
//!
//! **Invariant: a file of the host's that a guest has opened is counted as long as it is open**, whatever
//! keeps it: its descriptor, a stream, or a pollable.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::entry::{Entry, Handle, Kind};
use crate::errno::Errno;
use crate::types::{FdFlags, Rights};

/// The files that an instance has open.
#[derive(Debug, Clone)]
pub(crate) struct Permits {
    open: Arc<AtomicUsize>,
    most: usize,
}

/// Counts one file as open, until the last copy is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Permit(#[expect(dead_code, reason = "it is there to be dropped")] Arc<Counted>);

#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Permits {
    /// Of an instance that was given some descriptors, and may have `most`.
    pub(crate) fn new(given: usize, most: usize) -> Self {
        Self { open: Arc::new(AtomicUsize::new(given)), most }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// [`Errno::MFile`] if there are as many as may be.
    pub(crate) fn take(&self) -> Result<Permit, Errno> {
        // An instance runs on one thread at a time.
        if self.open.load(Ordering::Relaxed) >= self.most {
            return Err(Errno::MFile);
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(Permit(Arc::new(Counted(self.open.clone()))))
    }
}

/// An open file of an instance, which its descriptor and streams share.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) entry: Entry,
    /// None for what the host gave.
    pub(crate) permit: Option<Permit>,
}

impl Open {
    /// What the host gave.
    pub(crate) fn given(entry: &Entry) -> Self {
        Self { entry: entry.clone(), permit: None }
    }

    /// What the guest opened.
    pub(crate) fn owned(file: OwnedFd, permit: Permit, kind: Kind, rights: Rights) -> Self {
        let entry = Entry {
            handle: Handle::Owned(Arc::new(file)),
            kind,
            rights,
            inheriting: Rights::empty(),
            read_only: false,
            flags: FdFlags::empty(),
        };
        Self { entry, permit: Some(permit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_counted() {
        let permits = Permits::new(1, 3);
        let one = permits.take().expect("room");
        let copy = one.clone();
        let other = permits.take().expect("room");
        assert_eq!(permits.take().err(), Some(Errno::MFile));
        drop(one);
        assert_eq!(permits.take().err(), Some(Errno::MFile), "a copy is left");
        drop(copy);
        let third = permits.take().expect("room");
        drop((other, third));
        assert_eq!(permits.open.load(Ordering::Relaxed), 1);
    }
}
