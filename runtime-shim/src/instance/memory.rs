//! Linear memories: where they lie, how they grow, and checked access for the host.
//!
//! **Invariants.** Behind every memory lie the reservation and the guard that compiled code relies on. Bytes below the length
//! are accessible, whole pages behind it are not. The host reaches guest memory only through guarded copies, after a
//! check against the current length.

use crate::error::{AccessError, InstantiateError};
use crate::limits::Refused;
use crate::pool::Tracker;
use crate::registry::{Kind, Region, Registration};
use crate::slot::Slot;
use crate::sys::asm::{self, PagesGone};
use crate::sys::map::{self, Access, FileView, Mapping};
use std::cell::{Cell, UnsafeCell};
use std::io;
use std::ptr::NonNull;
use wasmaot_abi::descriptor::ImageRun;
use wasmaot_abi::slot::{HOST_PAGE, MEMORY_GUARD, MEMORY_RESERVATION, VMCTX};
use wasmaot_abi::types::MemoryType;

/// The most bytes of a memory with 32-bit addresses.
const MAX_BYTES: u64 = 1 << 32;

/// A memory.
#[derive(Debug)]
pub(crate) struct MemoryBody {
    index: usize,
    ty: MemoryType,
    base: usize,
    /// The current length in bytes: in the state of the instance that defines it, or in `own`.
    length: *mut u64,
    /// Bytes that it may grow to, whatever its type says.
    limit: Cell<u64>,
    own: Option<Own>,
    /// The record of its write protection, if it is in a pool's slot.
    tracker: Cell<Option<NonNull<Tracker>>>,
}

/// A reservation outside any slot.
#[derive(Debug)]
struct Own {
    _registration: Registration,
    mapping: Mapping,
    _length: Option<Box<UnsafeCell<u64>>>,
}

fn map_error(error: io::Error) -> InstantiateError {
    InstantiateError::Map { what: "a memory", error }
}

impl MemoryBody {
    /// The memory at the vmctx of a slot, which keeps its length at `length`.
    ///
    /// # Safety
    /// The slot and the cell at `length`, which holds 0, outlive the memory; nothing else opens that part of the slot.
    pub(crate) unsafe fn in_slot(
        index: usize,
        ty: MemoryType,
        slot: &Slot,
        length: *mut u64,
        limit: u64,
    ) -> Result<Self, InstantiateError> {
        let limit = Cell::new(limit);
        let tracker = Cell::new(None);
        Self { index, ty, base: slot.vmctx(), length, limit, own: None, tracker }.open(slot.memory())
    }

    /// A memory with a reservation of its own. Its length is at `length`, or kept with it.
    ///
    /// # Safety
    /// The cell at `length`, if there is one, holds 0 and outlives the memory.
    pub(crate) unsafe fn reserve(
        index: usize,
        ty: MemoryType,
        length: Option<*mut u64>,
        limit: u64,
    ) -> Result<Self, InstantiateError> {
        let bytes = (MEMORY_RESERVATION + MEMORY_GUARD) as usize;
        let mapping = Mapping::reserve(bytes, HOST_PAGE as usize).map_err(map_error)?;
        let base = mapping.start();
        let region = Region { range: mapping.range(), kind: Kind::Memory };
        // SAFETY: the mapping is owned by this value and outlives the registration (see the order of the fields).
        let registration = unsafe { Registration::new(region) };
        let kept = length.is_none().then(|| Box::new(UnsafeCell::new(0)));
        let length = length.or(kept.as_ref().map(|cell| cell.get())).unwrap_or_default();
        let own = Some(Own { _registration: registration, mapping, _length: kept });
        let limit = Cell::new(limit);
        Self { index, ty, base, length, limit, own, tracker: Cell::new(None) }.open(0)
    }

    /// Gives it its initial size, of which so many bytes are accessible already.
    fn open(self, accessible: u64) -> Result<Self, InstantiateError> {
        self.check_limit(self.limit.get())?;
        let bytes = self.ty.limits.min << self.ty.page_log2;
        if bytes > accessible {
            // SAFETY: the first bytes of the reservation belong to this memory.
            unsafe { map::protect(self.base, bytes as usize, Access::ReadWrite).map_err(map_error)? };
        }
        self.set_size(bytes);
        Ok(self)
    }

    /// The most pages that its type lets it have.
    fn declared(&self) -> u64 {
        let most = MAX_BYTES >> self.ty.page_log2;
        self.ty.limits.max.unwrap_or(most).min(most)
    }

    /// Whether it may have its initial size if it may have so many bytes.
    fn check_limit(&self, limit: u64) -> Result<(), InstantiateError> {
        let (size, limit) = (self.ty.limits.min, self.declared().min(limit >> self.ty.page_log2));
        if size > limit {
            return Err(InstantiateError::TooLarge { what: "memory", unit: "pages", size, limit });
        }
        Ok(())
    }

    /// Changes how many bytes it may grow to. It has its initial size now.
    pub(crate) fn set_limit(&self, limit: u64) -> Result<(), InstantiateError> {
        self.check_limit(limit)?;
        self.limit.set(limit);
        Ok(())
    }

    /// Maps the initial contents over the zeros.
    pub(crate) fn map_image(
        &self,
        slot: &Slot,
        file: FileView<'_>,
        runs: &[ImageRun],
    ) -> Result<(), InstantiateError> {
        let (mapping, start) = match &self.own {
            Some(own) => (&own.mapping, 0),
            None => (slot.mapping(), VMCTX as usize),
        };
        for run in runs {
            let offset = start + run.address as usize;
            let length = run.file.length as usize;
            mapping.map_file(offset, length, file, run.file.offset, Access::ReadWrite).map_err(map_error)?;
        }
        Ok(())
    }

    /// Its position in its store.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Its type as declared.
    pub(crate) fn ty(&self) -> MemoryType {
        self.ty
    }

    /// Address of byte 0.
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// Where its length is kept.
    pub(crate) fn length_cell(&self) -> *mut u64 {
        self.length
    }

    /// Its bytes.
    pub(crate) fn size(&self) -> u64 {
        // SAFETY: the cell outlives the memory, and the memory is used by one thread at a time.
        unsafe { self.length.read() }
    }

    fn set_size(&self, bytes: u64) {
        // SAFETY: as in `size`.
        unsafe { self.length.write(bytes) };
    }

    /// Adds pages. Gives the old number of pages.
    pub(crate) fn grow(&self, pages: u64) -> Result<u64, Refused> {
        let old_bytes = self.size();
        let old = old_bytes >> self.ty.page_log2;
        let new = old.checked_add(pages).filter(|&new| new <= self.declared()).ok_or(Refused::Declared)?;
        if new > self.limit.get() >> self.ty.page_log2 {
            return Err(Refused::Limit);
        }
        let new_bytes = new << self.ty.page_log2;
        let (start, added) = (self.base + old_bytes as usize, (new_bytes - old_bytes) as usize);
        // SAFETY: the range is inside the reservation, whose limit is the type's.
        unsafe { map::protect(start, added, Access::ReadWrite) }.map_err(|_| Refused::Declared)?;
        self.set_size(new_bytes);
        Ok(old)
    }

    /// The address of a range inside the memory.
    pub(crate) fn address(&self, address: u64, length: u64) -> Result<*mut u8, AccessError> {
        let size = self.size();
        match address.checked_add(length) {
            Some(end) if end <= size => Ok((self.base + address as usize) as *mut u8),
            _ => Err(AccessError::OutOfBounds { address, length, size }),
        }
    }

    /// The address of a range inside the memory that somebody is about to write to without going through a guarded copy, like
    /// the kernel, to whom a write-protected page is an error.
    pub(crate) fn writable_address(&self, address: u64, length: u64) -> Result<*mut u8, AccessError> {
        let start = self.address(address, length)?;
        if let Some(tracker) = self.tracker.get() {
            // SAFETY: the pool's slot keeps the record as long as the memory.
            unsafe { tracker.as_ref() }.open_range(start as usize, length as usize);
        }
        Ok(start)
    }

    /// Write protection of the memory is noted in this record from now on.
    ///
    /// # Safety
    /// The record lives as long as the memory.
    pub(crate) unsafe fn set_tracker(&self, tracker: NonNull<Tracker>) {
        self.tracker.set(Some(tracker));
    }

    /// Copies out of the memory.
    pub(crate) fn read(&self, address: u64, into: &mut [u8]) -> Result<(), AccessError> {
        let from = self.address(address, into.len() as u64)?;
        // SAFETY: `into` is valid, and the range was checked against the accessible part.
        unsafe { asm::guarded_copy(into.as_mut_ptr(), from, into.len()) }.map_err(AccessError::from)
    }

    /// Copies into the memory.
    pub(crate) fn write(&self, address: u64, bytes: &[u8]) -> Result<(), AccessError> {
        let to = self.address(address, bytes.len() as u64)?;
        // SAFETY: `bytes` is valid, and the range was checked against the accessible part.
        unsafe { asm::guarded_copy(to, bytes.as_ptr(), bytes.len()) }.map_err(AccessError::from)
    }
}

impl From<PagesGone> for AccessError {
    fn from(_: PagesGone) -> Self {
        AccessError::ArtifactChanged
    }
}
