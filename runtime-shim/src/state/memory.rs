//! Linear memories: where they lie, how they grow, and checked access for the host.
//!
//! **Invariants.** Behind every memory lie the reservation and the guard that compiled code relies on. Bytes
//! below the length are accessible, whole pages behind it are not, unless the kernel refused to close them
//! after a growth that failed: they are kept count of, and the instance traps. The host reaches guest memory
//! only through guarded copies, after a check against the current length.

use crate::os::guarded::CopyError;
use crate::os::map::{Access, FileView};
use crate::space::pages::Pages;
use crate::space::slot::{Slot, Word};
use crate::space::tracker::Tracker;
use crate::state::demand::within;
use crate::state::error::{MemoryError, ResourceError};
use crate::state::limits::{LimitKind, Refused};
use crate::state::shared::{Reservation, SharedMemory};
use std::cell::{Cell, OnceCell};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::SeqCst, fence};
use wasmaot_abi::descriptor::ImageRun;
use wasmaot_abi::slot::{ADDRESSABLE32, HOST_PAGE, MAX_MEMORY64};
use wasmaot_abi::types::{DEFAULT_PAGE_LOG2, IndexType, MemoryType};

/// A memory.
#[derive(Debug)]
pub(crate) struct MemoryBody {
    index: usize,
    ty: MemoryType,
    /// Address of byte 0.
    base: usize,
    /// Its reservation with the guard, from byte 0 on.
    pages: Pages,
    /// The current length in bytes, if that is in the state of the instance that defines it; otherwise it is
    /// in `own`.
    length: Option<Word>,
    /// Bytes that it may grow to, whatever its type says.
    limit: Cell<u64>,
    /// Its addresses, if they are not in a slot.
    own: Option<Arc<Reservation>>,
    /// The record of its write protection, if it is in a pool's slot.
    tracker: OnceCell<Arc<Tracker>>,
    /// Bytes from the base on that may be accessible after a growth that failed half way and could not be
    /// undone.
    overhang: Cell<usize>,
}

fn map_error(error: io::Error) -> ResourceError {
    ResourceError::Map { what: "a memory", error }
}

fn whole_pages(bytes: u64) -> usize {
    bytes.next_multiple_of(HOST_PAGE) as usize
}

/// The most pages that a memory of this type can have here, whatever it declares.
fn most_pages(ty: &MemoryType) -> u64 {
    match ty.index {
        IndexType::I32 => (ADDRESSABLE32 >> ty.page_log2).min(u64::from(u32::MAX)),
        IndexType::I64 => MAX_MEMORY64 >> ty.page_log2,
    }
}

impl MemoryBody {
    /// The memory at the vmctx of a slot, which keeps its length at `length`.
    pub(crate) fn in_slot(
        index: usize,
        ty: MemoryType,
        slot: &Slot,
        length: Word,
        limit: u64,
    ) -> Result<Self, ResourceError> {
        debug_assert!(ty.fits_slot());
        Self::of(index, ty, slot.memory_pages(), Some(length), limit, None).open(slot.memory())
    }

    /// A memory with a reservation of its own. Its length is at `length`, unless that is not given or the
    /// memory is shared: then it is kept with the reservation.
    pub(crate) fn reserve(
        index: usize,
        ty: MemoryType,
        length: Option<Word>,
        limit: u64,
    ) -> Result<Self, ResourceError> {
        if ![0, DEFAULT_PAGE_LOG2].contains(&ty.page_log2) {
            return Err(map_error(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("pages have 1 byte or 64 KiB, not 2^{} bytes", ty.page_log2),
            )));
        }
        let own = Arc::new(Reservation::new(ty, limit).map_err(map_error)?);
        let length = length.filter(|_| !ty.shared);
        Self::of(index, ty, own.pages.clone(), length, limit, Some(own)).open(0)
    }

    /// A memory with a reservation of its own, with which its length is kept.
    pub(crate) fn standalone(index: usize, ty: MemoryType, limit: u64) -> Result<Self, ResourceError> {
        Self::reserve(index, ty, None, limit)
    }

    fn of(
        index: usize,
        ty: MemoryType,
        pages: Pages,
        length: Option<Word>,
        limit: u64,
        own: Option<Arc<Reservation>>,
    ) -> Self {
        let (limit, tracker, overhang) = (Cell::new(limit), OnceCell::new(), Cell::new(0));
        Self { index, ty, base: pages.start(), pages, length, limit, own, tracker, overhang }
    }

    /// A memory that other stores may use, too.
    pub(crate) fn of_shared(index: usize, shared: SharedMemory, limit: u64) -> Self {
        let own = shared.0;
        Self::of(index, own.ty, own.pages.clone(), None, limit, Some(own))
    }

    /// What other stores can be given, if it is shared.
    pub(crate) fn shared(&self) -> Option<SharedMemory> {
        self.own.as_ref().filter(|_| self.ty.shared).map(|own| SharedMemory(own.clone()))
    }

    /// Returns whether another store or the host still holds the memory, which is a shared one
    /// then.
    pub(crate) fn is_held_elsewhere(&self) -> bool {
        let held = self.ty.shared && self.own.as_ref().is_some_and(|own| Arc::strong_count(own) > 1);
        // Where it no longer is, whatever the last holder did happened before.
        fence(Acquire);
        held
    }

    /// Sets the length to the initial one, whose bytes are accessible.
    pub(crate) fn restore_size(&self) {
        self.set_size(self.ty.bytes(self.ty.limits.min));
    }

    /// Whether it lies behind the state of a slot.
    pub(crate) fn is_in_slot(&self) -> bool {
        self.own.is_none()
    }

    /// Sets its initial size, of which `open` bytes are accessible already.
    fn open(self, accessible: u64) -> Result<Self, ResourceError> {
        self.check_limit(self.limit.get())?;
        let bytes = self.ty.bytes(self.ty.limits.min);
        if bytes > accessible {
            self.pages.protect(0, whole_pages(bytes), Access::ReadWrite).map_err(map_error)?;
        }
        self.set_size(bytes);
        Ok(self)
    }

    /// The most pages that its type lets it have.
    fn declared(&self) -> u64 {
        let most = most_pages(&self.ty);
        self.ty.limits.max.unwrap_or(most).min(most)
    }

    /// Whether it may have its initial size under a limit in bytes.
    fn check_limit(&self, limit: u64) -> Result<(), ResourceError> {
        let (size, most) = (self.ty.limits.min, self.declared());
        let bytes = self.ty.bytes(size);
        within(LimitKind::Memory, limit, bytes)?;
        match size > most {
            true => Err(ResourceError::TooLarge {
                what: "memory",
                unit: "bytes",
                size: bytes,
                limit: self.ty.bytes(most),
            }),
            false => Ok(()),
        }
    }

    /// Changes how many bytes it may grow to. It has its initial size now.
    pub(crate) fn set_limit(&self, limit: u64) -> Result<(), ResourceError> {
        self.check_limit(limit)?;
        self.limit.set(limit);
        Ok(())
    }

    /// Maps the initial contents over the zeros.
    pub(crate) fn map_image(&self, file: FileView<'_>, runs: &[ImageRun]) -> Result<(), ResourceError> {
        for run in runs {
            let (offset, length) = (run.address as usize, run.file.length as usize);
            self.pages.map_file(offset, length, file, run.file.offset).map_err(map_error)?;
        }
        Ok(())
    }

    /// Its reservation with the guard, from byte 0 on.
    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
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
        self.length().as_ptr()
    }

    fn length(&self) -> &AtomicU64 {
        match (&self.length, &self.own) {
            (Some(word), _) => word.get(),
            (None, Some(own)) => &own.length,
            (None, None) => unreachable!("a memory in a slot keeps its length there"),
        }
    }

    /// Its bytes.
    pub(crate) fn size(&self) -> u64 {
        self.length().load(SeqCst)
    }

    fn set_size(&self, bytes: u64) {
        self.length().store(bytes, SeqCst);
    }

    /// Adds pages, if `admit` agrees to their bytes once nothing else speaks against it; if not, the memory
    /// stays as it is. Returns the old number of pages.
    pub(crate) fn grow(&self, pages: u64, admit: impl FnOnce(u64) -> bool) -> Result<u64, Refused> {
        let _growing = self.own.as_ref().map(|own| own.growing());
        let old_bytes = self.size();
        let old = old_bytes >> self.ty.page_log2;
        let new = old.checked_add(pages).filter(|&new| new <= self.declared()).ok_or(Refused::Declared)?;
        let room = self.own.as_ref().map_or(u64::MAX, |own| own.room());
        if new > self.limit.get().min(room) >> self.ty.page_log2 {
            return Err(Refused::Limit);
        }
        let new_bytes = new << self.ty.page_log2;
        if !admit(new_bytes - old_bytes) {
            return Ok(old);
        }
        let (open, needed) = (whole_pages(old_bytes), whole_pages(new_bytes));
        if self.pages.protect(open, needed - open, Access::ReadWrite).is_err() {
            return Err(self.close_again(open, needed));
        }
        self.set_size(new_bytes);
        Ok(old)
    }

    /// Undoes a growth from `open` to `needed` bytes that failed half way. Says what that means for the
    /// operation that wanted to grow.
    #[cold]
    fn close_again(&self, open: usize, needed: usize) -> Refused {
        match self.pages.protect(open, needed - open, Access::None) {
            Ok(()) => Refused::Declared,
            Err(_) => {
                self.overhang.set(self.overhang.get().max(needed));
                Refused::InDoubt
            }
        }
    }

    /// Bytes from the base on that may be accessible, in whole pages.
    pub(crate) fn accessible(&self) -> usize {
        whole_pages(self.size()).max(self.overhang.get())
    }

    /// Notes that what lies behind the length is inaccessible again.
    pub(crate) fn forget_overhang(&self) {
        self.overhang.set(0);
    }

    /// The address of a range inside the memory.
    pub(crate) fn address(&self, address: u64, length: u64) -> Result<*mut u8, MemoryError> {
        let size = self.size();
        match address.checked_add(length) {
            Some(end) if end <= size => Ok((self.base + address as usize) as *mut u8),
            _ => Err(MemoryError::OutOfBounds { address, length, size }),
        }
    }

    /// Returns the address of a range inside the memory that is about to be written without a guarded copy,
    /// as by the kernel, to which a write-protected page is an error.
    pub(crate) fn writable_address(&self, address: u64, length: u64) -> Result<*mut u8, MemoryError> {
        let start = self.address(address, length)?;
        let opened =
            self.tracker.get().is_none_or(|tracker| tracker.open_range(start as usize, length as usize));
        if !opened {
            return Err(MemoryError::OutOfMemory);
        }
        Ok(start)
    }

    /// Write protection of the memory is noted in this record from now on. It has none yet.
    pub(crate) fn set_tracker(&self, tracker: Arc<Tracker>) {
        self.tracker.set(tracker).expect("a memory gets one tracker");
    }

    /// Copies out of the memory.
    pub(crate) fn read(&self, address: u64, into: &mut [u8]) -> Result<(), MemoryError> {
        self.address(address, into.len() as u64)?;
        self.pages.read(address as usize, into).map_err(MemoryError::from)
    }

    /// Copies into the memory. Write-protected pages are opened before, as a host may have blocked the signal
    /// of the fault.
    pub(crate) fn write(&self, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        self.writable_address(address, bytes.len() as u64)?;
        self.pages.write(address as usize, bytes).map_err(MemoryError::from)
    }
}

impl From<CopyError> for MemoryError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::PagesGone => MemoryError::ArtifactChanged,
            CopyError::PageRefused => MemoryError::OutOfMemory,
        }
    }
}
