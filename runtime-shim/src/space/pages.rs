//! Pages that hold what a guest reads and writes, or what that is made from: bytes that no Rust reference
//! ever points to.
//!
//! **Invariant: access goes through guarded copies inside the range**, so the contents may change at any
//! time, and pages may be protected or dropped at any time: a guest that minds is a guest that traps.

use crate::os::guarded::{self, CopyError};
use crate::os::map::{Access, FileView, Mapping};
use crate::space::registry::{Kind, Region, Registration};
use std::io;
use std::sync::Arc;

/// A mapping that is registered as long as it is there.
#[derive(Debug)]
pub(crate) struct Registered {
    // Declared first, so dropped first: the region must be unknown before its addresses are given back.
    _registration: Registration,
    mapping: Arc<Mapping>,
}

impl Registered {
    /// Registers a mapping as a memory of its own.
    pub(crate) fn memory(mapping: Mapping) -> Self {
        Self::new(mapping, Kind::Memory)
    }

    /// Registers a mapping of a file that host code copies from.
    pub(crate) fn data(mapping: Mapping) -> Self {
        Self::new(mapping, Kind::Data)
    }

    fn new(mapping: Mapping, kind: Kind) -> Self {
        let region = Region { range: mapping.range(), kind };
        // SAFETY: the mapping owns its addresses, and is kept beside the registration and dropped after it.
        // These two kinds say nothing about what lies there.
        let registration = unsafe { Registration::new(region) };
        Self { _registration: registration, mapping: Arc::new(mapping) }
    }

    /// All of its pages.
    pub(crate) fn pages(&self) -> Pages {
        // SAFETY: a mapping is reached through raw pointers only, and nothing makes a reference from one to a
        // memory or a file.
        unsafe { Pages::new(self.mapping.clone(), 0) }
    }
}

/// See the module's description.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    /// Address of the first byte.
    start: usize,
    /// How many bytes they have.
    length: usize,
    /// Where they begin in the mapping, at whose end they end.
    first: usize,
    mapping: Arc<Mapping>,
}

impl Pages {
    /// Those of a mapping from an offset on.
    ///
    /// # Safety
    /// No Rust reference ever points to one of their bytes, and nothing is kept there that memory safety
    /// depends on.
    pub(super) unsafe fn new(mapping: Arc<Mapping>, first: usize) -> Self {
        let range = mapping.range();
        assert!(first <= range.len(), "pages begin inside their mapping");
        Self { start: range.start + first, length: range.len() - first, first, mapping }
    }

    /// Address of the first byte.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// How many bytes they have.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The address of a range of them.
    ///
    /// # Panics
    /// The range is not inside.
    #[inline]
    fn at(&self, offset: usize, length: usize) -> *mut u8 {
        let inside = offset.checked_add(length).is_some_and(|end| end <= self.length);
        assert!(inside, "{length:#x} bytes at {offset:#x} leave the pages");
        (self.start + offset) as *mut u8
    }

    /// Changes what may be done with some of them.
    pub(crate) fn protect(&self, offset: usize, length: usize, access: Access) -> io::Result<()> {
        self.mapping.protect(self.first + offset, length, access)
    }

    /// Drops the contents of some of them: they are again what was mapped there.
    pub(crate) fn discard(&self, offset: usize, length: usize) -> io::Result<()> {
        self.mapping.discard(self.first + offset, length)
    }

    /// Puts a private, copy-on-write view of a file in place of some of them.
    pub(crate) fn map_file(
        &self,
        offset: usize,
        length: usize,
        view: FileView<'_>,
        file_offset: u64,
    ) -> io::Result<()> {
        self.mapping.map_file(self.first + offset, length, view, file_offset, Access::ReadWrite)
    }

    /// Copies bytes of theirs.
    #[inline]
    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), CopyError> {
        let from = self.at(offset, into.len());
        // SAFETY: `into` is valid and `from` is inside a registered mapping, which is kept, and where no
        // reference points.
        unsafe { guarded::copy(into.as_mut_ptr(), from, into.len()) }
    }

    /// Replaces bytes of theirs.
    #[inline]
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), CopyError> {
        let to = self.at(offset, bytes.len());
        // SAFETY: `bytes` is valid and `to` is inside a registered mapping, which is kept, and where no
        // reference points.
        unsafe { guarded::copy(to, bytes.as_ptr(), bytes.len()) }
    }

    /// Sets bytes of theirs.
    #[inline]
    pub(crate) fn fill(&self, offset: usize, byte: u8, length: usize) -> Result<(), CopyError> {
        let to = self.at(offset, length);
        // SAFETY: the range is inside a registered mapping, which is kept, and where no reference points.
        unsafe { guarded::fill(to, byte, length) }
    }

    /// Copies bytes of others, or of theirs.
    #[inline]
    pub(crate) fn copy(
        &self,
        offset: usize,
        others: &Pages,
        from: usize,
        length: usize,
    ) -> Result<(), CopyError> {
        let (to, from) = (self.at(offset, length), others.at(from, length));
        // SAFETY: both ranges are inside registered mappings, which are kept, and where no reference points;
        // they may overlap.
        unsafe { guarded::copy(to, from, length) }
    }
}
