//! Tables that can change: bodies of 8-byte elements. Those that an instance defines share a reservation,
//! others have one each.
//!
//! **Invariant: elements below the length are accessible and are null or belong to the table's store.** A
//! body never moves.

use crate::os::map::{Access, FileView, Mapping};
use crate::state::demand::within;
use crate::state::error::ResourceError;
use crate::state::limits::{LimitKind, Refused};
use std::cell::{Cell, UnsafeCell};
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use wasmaot_abi::slot::HOST_PAGE;
use wasmaot_abi::state::TABLE_ELEMENT;
use wasmaot_abi::types::TableType;

/// The most elements of a table.
pub(crate) const MAX_ELEMENTS: u64 = 10_000_000;

/// A value that an element may have: null, a reference to a function of the table's store, or the number of
/// something else. It is made of what was checked, and read from elements; what compiled code passes is one,
/// too. It goes to tables of its store and its type only.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element(u64);

impl Element {
    /// Null.
    pub(crate) const NULL: Self = Self(0);

    /// The element with these bits.
    ///
    /// # Safety Where it is to be one of a table of functions, the bits are 0, or the address of a record of
    /// one of the table's type, in an instance of its store.
    pub(crate) unsafe fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// Its bits.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}

/// The elements that the tables of an instance have together.
#[derive(Debug)]
pub(crate) struct Elements {
    count: Cell<u64>,
    limit: u64,
}

impl Elements {
    /// Counts no elements yet, and allows this many.
    pub(crate) fn new(limit: u64) -> Self {
        Self { count: Cell::new(0), limit }
    }

    /// Counts more elements, unless there would be too many.
    fn add(&self, count: u64) -> Result<(), Refused> {
        let sum = self.count.get().checked_add(count).filter(|&sum| sum <= self.limit);
        self.count.set(sum.ok_or(Refused::Limit)?);
        Ok(())
    }

    /// Counts fewer.
    fn remove(&self, count: u64) {
        self.count.set(self.count.get().saturating_sub(count));
    }
}

/// Addresses for the tables of an instance: one reservation, so that many tables take few system calls.
#[derive(Debug)]
pub(crate) struct TableSpace {
    all: Arc<Mapping>,
    /// Bytes that tables have taken, from the beginning.
    taken: Cell<usize>,
}

impl TableSpace {
    /// Reserves addresses for tables that need this many [together](TableBody::reserved).
    pub(crate) fn reserve(bytes: u64) -> Result<Self, ResourceError> {
        let all = Mapping::reserve(bytes as usize, HOST_PAGE as usize).map_err(map_error)?;
        Ok(Self { all: Arc::new(all), taken: Cell::new(0) })
    }

    /// The next bytes, which are whole pages.
    ///
    /// # Panics
    /// That many are not left.
    fn take(&self, bytes: usize) -> Mapping {
        let offset = self.taken.replace(self.taken.get() + bytes);
        // SAFETY: no other table gets these pages.
        unsafe { Mapping::part(&self.all, offset, bytes) }
    }
}

/// A table.
#[derive(Debug)]
pub(crate) struct TableBody {
    index: usize,
    ty: TableType,
    /// Elements that it may grow to, whatever its type says.
    limit: Cell<u64>,
    /// Where its elements are counted, if it is an instance's.
    all: Option<Rc<Elements>>,
    mapping: Mapping,
    /// Accessible bytes of the mapping.
    open: Cell<usize>,
    /// The current length in elements: in the state of the instance that defines it, or in `_own_length`.
    length: *mut u64,
    _own_length: Option<Box<UnsafeCell<u64>>>,
}

fn map_error(error: io::Error) -> ResourceError {
    ResourceError::Map { what: "a table", error }
}

fn whole_pages(elements: u64) -> usize {
    (elements * TABLE_ELEMENT).next_multiple_of(HOST_PAGE) as usize
}

/// The most elements that a table of this type can have.
fn declared(ty: &TableType) -> u64 {
    ty.limits.max.unwrap_or(MAX_ELEMENTS).min(MAX_ELEMENTS)
}

/// Whether a table may have its initial length under a limit in elements.
pub(crate) fn check_limit(ty: &TableType, limit: u64) -> Result<(), ResourceError> {
    let (size, most) = (ty.limits.min, declared(ty));
    within(LimitKind::Table, limit, size)?;
    match size > most {
        true => Err(ResourceError::TooLarge { what: "table", unit: "elements", size, limit: most }),
        false => Ok(()),
    }
}

impl TableBody {
    /// A table of nulls, which takes its addresses from a space for as many elements as it may have. Its
    /// length is at `length`.
    ///
    /// # Safety
    /// The cell at `length` holds 0 and outlives the table.
    pub(crate) unsafe fn in_space(
        index: usize,
        ty: TableType,
        length: *mut u64,
        limit: u64,
        all: Rc<Elements>,
        space: &TableSpace,
    ) -> Result<Self, ResourceError> {
        check_limit(&ty, limit)?;
        let asked = all.count.get().saturating_add(ty.limits.min);
        within(LimitKind::TotalElements, all.limit, asked)?;
        all.count.set(asked);
        let mapping = space.take(Self::reserved(&ty, limit) as usize);
        let (limit, all, open) = (Cell::new(limit), Some(all), Cell::new(0));
        Self { index, ty, limit, all, mapping, open, length, _own_length: None }.opened()
    }

    /// Makes its initial elements accessible.
    fn opened(self) -> Result<Self, ResourceError> {
        let size = self.ty.limits.min;
        self.open(size).map_err(map_error)?;
        self.set_size(size);
        Ok(self)
    }

    /// Bytes of addresses of a table that may have `limit` elements: room for those, and no more.
    pub(crate) fn reserved(ty: &TableType, limit: u64) -> u64 {
        whole_pages(declared(ty).min(limit)).max(HOST_PAGE as usize) as u64
    }

    /// A table of nulls with a reservation of its own, which keeps its own length.
    pub(crate) fn standalone(index: usize, ty: TableType, limit: u64) -> Result<Self, ResourceError> {
        check_limit(&ty, limit)?;
        let reserved = Self::reserved(&ty, limit) as usize;
        let mapping = Mapping::reserve(reserved, HOST_PAGE as usize).map_err(map_error)?;
        let kept = Box::new(UnsafeCell::new(0));
        let (limit, open, length) = (Cell::new(limit), Cell::new(0), kept.get());
        Self { index, ty, limit, all: None, mapping, open, length, _own_length: Some(kept) }.opened()
    }

    /// Changes how many elements it may grow to, not beyond the limit that it was made with. It has its
    /// initial length now.
    pub(crate) fn set_limit(&self, limit: u64) -> Result<(), ResourceError> {
        check_limit(&self.ty, limit)?;
        debug_assert!(Self::reserved(&self.ty, limit) <= self.mapping.range().len() as u64);
        self.limit.set(limit);
        Ok(())
    }

    /// Makes the first `elements` accessible.
    fn open(&self, elements: u64) -> io::Result<()> {
        let (open, needed) = (self.open.get(), whole_pages(elements));
        if needed > open {
            let opened = self.mapping.protect(open, needed - open, Access::ReadWrite);
            if opened.is_err() {
                // What the kernel opened all the same does no harm: it lies behind the length, which every
                // access is checked against. Closing it gives the address space's allowance back.
                _ = self.mapping.protect(open, needed - open, Access::None);
            }
            opened?;
            self.open.set(needed);
        }
        Ok(())
    }

    fn set_size(&self, elements: u64) {
        // SAFETY: the cell outlives the table, and the table is used by one thread at a time.
        unsafe { self.length.write(elements) };
    }

    /// Drops the pages of the first `elements`, which hold again what was mapped there.
    pub(crate) fn discard(&self, elements: u64) -> io::Result<()> {
        self.mapping.discard(0, whole_pages(elements))
    }

    /// Puts a private view of a file in place of the pages of the first `elements`, which lie in the file
    /// from `offset` on.
    pub(crate) fn map(&self, elements: u64, file: &File, offset: u64) -> io::Result<()> {
        let view = FileView { file, start: 0 };
        self.mapping.map_file(0, whole_pages(elements), view, offset, Access::ReadWrite)
    }

    /// Makes elements behind the first `elements` inaccessible again and drops their pages, whose contents
    /// no code can see.
    pub(crate) fn shrink(&self, elements: u64) -> io::Result<()> {
        if let Some(all) = &self.all {
            all.remove(self.size().saturating_sub(elements));
        }
        let (open, needed) = (self.open.get(), whole_pages(elements));
        if needed < open {
            self.mapping.discard(needed, open - needed)?;
            self.mapping.protect(needed, open - needed, Access::None)?;
            self.open.set(needed);
        }
        Ok(())
    }

    /// Its position in its store.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Its type as declared.
    pub(crate) fn ty(&self) -> TableType {
        self.ty
    }

    /// Address of element 0.
    pub(crate) fn base(&self) -> usize {
        self.mapping.start()
    }

    /// Where its length is kept.
    pub(crate) fn length_cell(&self) -> *mut u64 {
        self.length
    }

    /// Its elements.
    pub(crate) fn size(&self) -> u64 {
        // SAFETY: the cell outlives the table, and the table is used by one thread at a time.
        unsafe { self.length.read() }
    }

    /// Adds elements, which `fill` sets before they are part of the table. Returns the old length; if `fill`
    /// gives up, the table stays as it is.
    pub(crate) fn grow(
        &self,
        count: u64,
        fill: impl FnOnce(&[Cell<Element>]) -> bool,
    ) -> Result<u64, Refused> {
        let old = self.size();
        let new = old.checked_add(count).filter(|&new| new <= declared(&self.ty)).ok_or(Refused::Declared)?;
        if new > self.limit.get() {
            return Err(Refused::Limit);
        }
        let all = self.all.as_deref();
        all.map_or(Ok(()), |all| all.add(count))?;
        let opened = self.open(new).map_err(|_| Refused::Declared);
        // SAFETY: `open` has made the elements up to the new length accessible, and zero, which is null.
        let filled = opened.map(|()| fill(unsafe { self.elements(old, count) }));
        match (filled, all) {
            (Ok(true), _) => self.set_size(new),
            (_, Some(all)) => all.remove(count),
            _ => {}
        }
        filled.map(|_| old)
    }

    /// # Safety
    /// The elements are accessible.
    unsafe fn elements(&self, start: u64, count: u64) -> &[Cell<Element>] {
        let first = (self.base() + (start * TABLE_ELEMENT) as usize) as *const Cell<Element>;
        // SAFETY: the caller says that the elements are accessible. Compiled code does not run while the host
        // looks at them, and a `Cell` may be changed through other references.
        unsafe { std::slice::from_raw_parts(first, count as usize) }
    }

    /// A range of elements, `None` if it is not inside the table.
    pub(crate) fn range(&self, start: u64, count: u64) -> Option<&[Cell<Element>]> {
        start.checked_add(count).filter(|&end| end <= self.size())?;
        // SAFETY: the range ends below the length, and elements below that are accessible.
        Some(unsafe { self.elements(start, count) })
    }

    /// One element.
    pub(crate) fn element(&self, index: u64) -> Option<&Cell<Element>> {
        self.range(index, 1)?.first()
    }
}
