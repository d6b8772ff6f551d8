//! The guest's descriptors: small numbers that stand for host descriptors, with the rights to each.
//!
//! **Invariant.** A guest reaches a host descriptor only through [`FdTable::get`] and its kin, which
//! check the rights that the call needs. Numbers below [`FIRST_FREE`] belong to the standard streams:
//! they are never given to anything else, so that a program whose output was withheld cannot write it
//! into a file by mistake. Descriptors that instances share are never repositioned and their status flags
//! never changed.
//!
//! A table starts as a reference to the one that the host made for all instances, and becomes the
//! instance's own with the first change, so that an instance that opens nothing pays nothing.

use std::sync::Arc;

use crate::entry::{Entry, FIRST_FREE};
use crate::errno::Errno;
use crate::given::Given;
use crate::types::Rights;

/// The open descriptors of one instance.
#[derive(Debug)]
pub(crate) struct FdTable {
    given: Arc<Given>,
    /// None as long as they are the given ones.
    own: Option<Own>,
}

/// Descriptors that an instance has changed.
#[derive(Debug)]
struct Own {
    entries: Vec<Option<Entry>>,
    /// No free number lies below this one.
    lowest_free: usize,
}

fn entry(entries: &[Option<Entry>], number: usize) -> Option<&Entry> {
    entries.get(number).and_then(Option::as_ref)
}

impl FdTable {
    /// A table that starts with what is given.
    pub(crate) fn new(given: Arc<Given>) -> Self {
        Self { given, own: None }
    }

    /// What the host gave, descriptors or not.
    pub(crate) fn given(&self) -> &Given {
        &self.given
    }

    /// The numbers whose descriptors are not those that the host gave: opened, closed or renumbered ones.
    pub(crate) fn changed(&self) -> impl Iterator<Item = u32> {
        let own = self.own.as_ref().map_or(&[][..], |own| &own.entries);
        let given = self.own.as_ref().map_or(&[][..], |_| &self.given.entries);
        let is_given = |number: usize| match (entry(own, number), entry(given, number)) {
            (Some(own), Some(given)) => own.handle.is(&given.handle),
            (None, None) => true,
            _ => false,
        };
        (0..own.len().max(given.len())).filter(move |&number| !is_given(number)).map(|number| number as u32)
    }

    fn entries(&self) -> &[Option<Entry>] {
        self.own.as_ref().map_or(&self.given.entries, |own| &own.entries)
    }

    fn own(&mut self) -> &mut Own {
        self.own.get_or_insert_with(|| Own { entries: self.given.entries.clone(), lowest_free: FIRST_FREE })
    }

    /// An open descriptor, whatever its rights.
    pub(crate) fn entry(&self, fd: u32) -> Result<&Entry, Errno> {
        self.entries().get(fd as usize).and_then(Option::as_ref).ok_or(Errno::BadF)
    }

    /// As [`FdTable::entry`], to change it.
    pub(crate) fn entry_mut(&mut self, fd: u32) -> Result<&mut Entry, Errno> {
        self.own().entries.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::BadF)
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

    /// The lowest number for a new descriptor.
    fn lowest_free(&self) -> usize {
        let from = self.own.as_ref().map_or(FIRST_FREE, |own| own.lowest_free);
        let taken = self.entries().iter().skip(from).take_while(|entry| entry.is_some()).count();
        from + taken
    }

    /// Whether [`FdTable::insert`] finds a number now.
    pub(crate) fn has_room(&self) -> bool {
        self.lowest_free() < self.given.max_descriptors
    }

    /// Gives `entry` the lowest free number.
    pub(crate) fn insert(&mut self, entry: Entry) -> Result<u32, Errno> {
        let number = self.lowest_free();
        if number >= self.given.max_descriptors {
            return Err(Errno::MFile);
        }
        let own = self.own();
        if own.entries.len() <= number {
            own.entries.resize_with(number + 1, || None);
        }
        own.entries[number] = Some(entry);
        own.lowest_free = number + 1;
        u32::try_from(number).map_err(|_| Errno::MFile)
    }

    /// Takes `fd` away; dropping what it was closes it.
    pub(crate) fn remove(&mut self, fd: u32) -> Result<Entry, Errno> {
        let (number, own) = (fd as usize, self.own());
        let entry = own.entries.get_mut(number).and_then(Option::take).ok_or(Errno::BadF)?;
        own.lowest_free = own.lowest_free.min(number.max(FIRST_FREE));
        Ok(entry)
    }

    /// Moves `from` to the open descriptor `to`, and gives what that was before, to be closed.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<Option<Entry>, Errno> {
        self.entry(from)?;
        self.entry(to)?;
        if from == to {
            return Ok(None);
        }
        let moved = self.remove(from)?;
        Ok(Some(std::mem::replace(self.entry_mut(to)?, moved)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Handle, Kind, Raises};
    use crate::types::FdFlags;

    fn entry(rights: Rights) -> Entry {
        let file = std::fs::File::open("/dev/null").expect("/dev/null");
        Entry {
            handle: Handle::Owned(Arc::new(file.into())),
            kind: Kind::Stream { raises: Raises::Nothing },
            rights,
            inheriting: Rights::empty(),
            read_only: false,
            flags: FdFlags::empty(),
        }
    }

    fn table(limit: usize) -> FdTable {
        FdTable::new(Arc::new(Given { max_descriptors: limit, ..Given::default() }))
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
    fn what_is_read_only_is_not_changed() {
        let mut table = table(100);
        let fd = table.insert(Entry { read_only: true, ..entry(Rights::all()) }).expect("room");
        assert!(table.stream(fd, Rights::FD_READ | Rights::FD_SYNC).is_ok());
        assert!(matches!(table.stream(fd, Rights::FD_FILESTAT_SET_TIMES), Err(Errno::RoFs)));
    }

    /// Instances share what they were given until they change it, each for itself.
    #[test]
    fn changes_are_the_instances_own() {
        let given = Given { entries: vec![Some(entry(Rights::all()))], ..Given::default() };
        let given = Arc::new(given);
        let [mut one, other] = [(); 2].map(|()| FdTable::new(Arc::clone(&given)));
        assert!(one.own.is_none() && one.entry(0).is_ok());
        one.remove(0).expect("open");
        assert!(one.entry(0).is_err() && other.entry(0).is_ok());
        assert_eq!(one.insert(entry(Rights::all())), Ok(3));
        assert!(other.own.is_none());
    }

    #[test]
    fn renumbering_moves() {
        let mut table = table(100);
        let from = table.insert(entry(Rights::FD_READ)).expect("room");
        let to = table.insert(entry(Rights::FD_WRITE)).expect("room");
        let mut renumber = |from, to| table.renumber(from, to).map(|closed| closed.map(|entry| entry.rights));
        assert_eq!(renumber(from, 50), Err(Errno::BadF));
        assert_eq!(renumber(50, to), Err(Errno::BadF));
        assert_eq!(renumber(to, to), Ok(None));
        assert_eq!(renumber(from, to), Ok(Some(Rights::FD_WRITE)));
        assert!(table.entry(from).is_err());
        assert_eq!(table.entry(to).expect("open").rights, Rights::FD_READ);
        assert_eq!(table.insert(entry(Rights::all())), Ok(from));
    }
}
