//! The guest's descriptors: small numbers that stand for host descriptors, with the rights to each.
//!
//! **Invariant.** A guest reaches a host descriptor only through [`FdTable::get`] and its kin, which
//! check the rights that the call needs. Numbers below [`FIRST_FREE`] belong to the standard streams:
//! they are never given to anything else, so that a program whose output was withheld cannot write it
//! into a file by mistake. Descriptors that instances share are never repositioned and their status flags
//! never changed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::errno::Errno;
use crate::types::{FdFlags, Rights};

/// The first number for anything but a standard stream.
pub(crate) const FIRST_FREE: usize = 3;

/// The host's side of a descriptor.
#[derive(Debug)]
pub(crate) enum Handle {
    /// Opened by the guest, and its alone.
    Owned(OwnedFd),
    /// Given by the host, perhaps to many instances.
    Shared(Arc<OwnedFd>),
    /// A standard stream of the process.
    Inherited(BorrowedFd<'static>),
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Owned(fd) => fd.as_fd(),
            Self::Shared(fd) => fd.as_fd(),
            Self::Inherited(fd) => *fd,
        }
    }
}

/// What a descriptor is good for.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Anything that is read and written.
    Stream,
    /// A directory.
    Directory(Directory),
}

/// What belongs to a directory.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// The guest's name for it, if it was preopened.
    pub(crate) preopened_as: Option<Arc<str>>,
    /// A description of its own to list entries by, where the descriptor is shared.
    pub(crate) listing: Option<OwnedFd>,
}

/// One open descriptor.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) handle: Handle,
    pub(crate) kind: Kind,
    pub(crate) rights: Rights,
    pub(crate) inheriting: Rights,
    /// As the guest set them. On a shared descriptor only `NONBLOCK` can be set, and is kept here alone.
    pub(crate) flags: FdFlags,
}

impl Entry {
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// The directory, if it is one.
    pub(crate) fn directory(&self) -> Option<&Directory> {
        match &self.kind {
            Kind::Directory(directory) => Some(directory),
            Kind::Stream => None,
        }
    }

    /// Checks that the descriptor carries all of `rights`.
    pub(crate) fn require(&self, rights: Rights) -> Result<(), Errno> {
        if self.rights.contains(rights) { Ok(()) } else { Err(Errno::NotCapable) }
    }
}

/// The open descriptors of one instance.
#[derive(Debug)]
pub(crate) struct FdTable {
    entries: Vec<Option<Entry>>,
    /// No free number lies below this one.
    lowest_free: usize,
    /// One more than the highest number that may be given out.
    limit: usize,
}

impl FdTable {
    /// A table that starts with `entries` and may grow to `limit` numbers.
    pub(crate) fn new(entries: Vec<Option<Entry>>, limit: usize) -> Self {
        Self { entries, lowest_free: FIRST_FREE, limit }
    }

    /// An open descriptor, whatever its rights.
    pub(crate) fn entry(&self, fd: u32) -> Result<&Entry, Errno> {
        self.entries.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::BadF)
    }

    /// As [`FdTable::entry`], to change it.
    pub(crate) fn entry_mut(&mut self, fd: u32) -> Result<&mut Entry, Errno> {
        self.entries.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::BadF)
    }

    /// An open descriptor that carries `rights`.
    pub(crate) fn get(&self, fd: u32, rights: Rights) -> Result<&Entry, Errno> {
        let entry = self.entry(fd)?;
        entry.require(rights)?;
        Ok(entry)
    }

    /// An open descriptor that is no directory and carries `rights`.
    pub(crate) fn stream(&self, fd: u32, rights: Rights) -> Result<&Entry, Errno> {
        let entry = self.entry(fd)?;
        if entry.directory().is_some() {
            return Err(Errno::IsDir);
        }
        entry.require(rights)?;
        Ok(entry)
    }

    /// An open directory that carries `rights`.
    pub(crate) fn directory(&self, fd: u32, rights: Rights) -> Result<&Entry, Errno> {
        let entry = self.entry(fd)?;
        if entry.directory().is_none() {
            return Err(Errno::NotDir);
        }
        entry.require(rights)?;
        Ok(entry)
    }

    /// Whether [`FdTable::insert`] will find a number.
    pub(crate) fn has_room(&mut self) -> bool {
        while self.entries.get(self.lowest_free).is_some_and(Option::is_some) {
            self.lowest_free += 1;
        }
        self.lowest_free < self.limit
    }

    /// Gives `entry` the lowest free number.
    pub(crate) fn insert(&mut self, entry: Entry) -> Result<u32, Errno> {
        if !self.has_room() {
            return Err(Errno::MFile);
        }
        let number = self.lowest_free;
        if self.entries.len() <= number {
            self.entries.resize_with(number + 1, || None);
        }
        self.entries[number] = Some(entry);
        u32::try_from(number).map_err(|_| Errno::MFile)
    }

    /// Closes `fd`.
    pub(crate) fn remove(&mut self, fd: u32) -> Result<Entry, Errno> {
        let number = fd as usize;
        let entry = self.entries.get_mut(number).and_then(Option::take).ok_or(Errno::BadF)?;
        self.lowest_free = self.lowest_free.min(number.max(FIRST_FREE));
        Ok(entry)
    }

    /// Moves `from` to the open descriptor `to`, which is closed.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.entry(from)?;
        self.entry(to)?;
        if from != to {
            let moved = self.remove(from)?;
            *self.entry_mut(to)? = moved;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rights: Rights) -> Entry {
        let file = std::fs::File::open("/dev/null").expect("/dev/null");
        Entry {
            handle: Handle::Owned(file.into()),
            kind: Kind::Stream,
            rights,
            inheriting: Rights::empty(),
            flags: FdFlags::empty(),
        }
    }

    fn table(limit: usize) -> FdTable {
        FdTable::new(Vec::new(), limit)
    }

    #[test]
    fn numbers_start_after_the_streams_and_are_reused() {
        let mut table = table(100);
        let numbers: Vec<_> = (0..3).map(|_| table.insert(entry(Rights::all())).expect("room")).collect();
        assert_eq!(numbers, [3, 4, 5]);
        table.remove(4).expect("open");
        table.remove(3).expect("open");
        assert_eq!(table.insert(entry(Rights::all())), Ok(3));
        assert_eq!(table.insert(entry(Rights::all())), Ok(4));
        assert_eq!(table.insert(entry(Rights::all())), Ok(6));
    }

    #[test]
    fn the_limit_holds() {
        let mut table = table(5);
        assert_eq!(table.insert(entry(Rights::all())), Ok(3));
        assert_eq!(table.insert(entry(Rights::all())), Ok(4));
        assert!(!table.has_room());
        assert_eq!(table.insert(entry(Rights::all())), Err(Errno::MFile));
        table.remove(3).expect("open");
        assert_eq!(table.insert(entry(Rights::all())), Ok(3));
    }

    #[test]
    fn rights_are_checked() {
        let mut table = table(100);
        let fd = table.insert(entry(Rights::FD_READ)).expect("room");
        assert!(table.stream(fd, Rights::FD_READ).is_ok());
        assert!(matches!(table.stream(fd, Rights::FD_READ | Rights::FD_SEEK), Err(Errno::NotCapable)));
        assert!(matches!(table.directory(fd, Rights::PATH_OPEN), Err(Errno::NotDir)));
        for closed in [0, 2, fd + 1, u32::MAX] {
            assert!(matches!(table.get(closed, Rights::empty()), Err(Errno::BadF)));
        }
    }

    #[test]
    fn renumbering_moves() {
        let mut table = table(100);
        let from = table.insert(entry(Rights::FD_READ)).expect("room");
        let to = table.insert(entry(Rights::FD_WRITE)).expect("room");
        assert_eq!(table.renumber(from, 50), Err(Errno::BadF));
        assert_eq!(table.renumber(50, to), Err(Errno::BadF));
        assert_eq!(table.renumber(to, to), Ok(()));
        assert_eq!(table.renumber(from, to), Ok(()));
        assert!(table.entry(from).is_err());
        assert_eq!(table.entry(to).expect("open").rights, Rights::FD_READ);
        assert_eq!(table.insert(entry(Rights::all())), Ok(from));
    }
}
