//! Address ranges of the process: reserved, opened, mapped from files, given back.
//!
//! **Invariant: a [`Mapping`] owns its range alone**, and memory inside it is reached only through raw
//! pointers, so changing its protection invalidates no Rust reference.

use rustix::mm::{self, MapFlags, MprotectFlags, ProtFlags};
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What may be done with the pages of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    None,
    /// Loads.
    Read,
    /// Loads and stores.
    ReadWrite,
    /// Loads and instruction fetches.
    ReadExec,
}

/// A file from some offset on, which is whole pages: places in it are stated from there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileView<'a> {
    pub(crate) file: &'a File,
    pub(crate) start: u64,
}

/// A reserved address range, given back when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: usize,
    length: usize,
    /// Bytes below and above that belong to it too, are inaccessible, and nobody's business: what alignment took.
    padding: (usize, usize),
    /// It lies in a larger reservation: when dropped it becomes inaccessible and empty, and stays reserved.
    part: bool,
    /// Files were mapped in it.
    has_files: AtomicBool,
}

impl Mapping {
    /// Reserves `length` inaccessible bytes at a multiple of `align`; both are whole pages and `align` is a power of two.
    pub(crate) fn reserve(length: usize, align: usize) -> io::Result<Self> {
        let page = wasmaot_abi::slot::HOST_PAGE as usize;
        debug_assert!(align.is_power_of_two() && align >= page && length.is_multiple_of(page));
        let padded = length.checked_add(align - page).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: a fresh private mapping at an address of the kernel's choice touches nothing that exists.
        let address = unsafe {
            mm::mmap_anonymous(
                std::ptr::null_mut(),
                padded,
                ProtFlags::empty(),
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )?
        } as usize;
        let start = address.next_multiple_of(align);
        // To give the padding back would take two system calls, and addresses are not what is scarce.
        let padding = (start - address, address + padded - (start + length));
        Ok(Self { start, length, padding, part: false, has_files: AtomicBool::new(false) })
    }

    /// A part of a larger reservation, to be used as a mapping of its own.
    ///
    /// # Safety
    /// The range is whole pages of a live [`Mapping`] that outlives this one; nobody else uses it meanwhile.
    pub(crate) unsafe fn part(start: usize, length: usize) -> Self {
        Self { start, length, padding: (0, 0), part: true, has_files: AtomicBool::new(false) }
    }

    /// Maps a part of a file, read-only and private, at an address of the kernel's choice.
    pub(crate) fn of_file(view: FileView<'_>, offset: u64, length: usize) -> io::Result<Self> {
        let (file, offset) = view.place(offset)?;
        // SAFETY: as in `reserve`. The bytes may change underneath; whoever reads them goes through guarded copies.
        let address = unsafe {
            mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, file, offset)?
        };
        let start = address as usize;
        Ok(Self { start, length, padding: (0, 0), part: false, has_files: AtomicBool::new(false) })
    }

    /// Address of the first byte.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// The addresses it covers.
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.start + self.length
    }

    fn checked(&self, offset: usize, length: usize) -> *mut c_void {
        assert!(
            offset.checked_add(length).is_some_and(|end| end <= self.length),
            "a range of {length:#x} bytes at {offset:#x} leaves its mapping of {:#x} bytes",
            self.length
        );
        (self.start + offset) as *mut c_void
    }

    /// Changes what may be done with a part.
    pub(crate) fn protect(&self, offset: usize, length: usize, access: Access) -> io::Result<()> {
        let address = self.checked(offset, length);
        // SAFETY: the range is inside this mapping, where no Rust reference points.
        unsafe { protect(address as usize, length, access) }
    }

    /// Drops the pages of a part: they are again what was mapped there.
    pub(crate) fn discard(&self, offset: usize, length: usize) -> io::Result<()> {
        let address = self.checked(offset, length);
        // SAFETY: the range is inside this mapping, where no Rust reference points.
        unsafe { discard(address as usize, length) }
    }

    /// Puts a private, copy-on-write view of a file in place of a part.
    pub(crate) fn map_file(
        &self,
        offset: usize,
        length: usize,
        view: FileView<'_>,
        file_offset: u64,
        access: Access,
    ) -> io::Result<()> {
        let address = self.checked(offset, length);
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        let (file, file_offset) = view.place(file_offset)?;
        // SAFETY: the replaced range is inside this mapping, where no Rust reference points.
        unsafe { mm::mmap(address, length, access.prot(), flags, file, file_offset)? };
        self.has_files.store(true, Relaxed);
        Ok(())
    }
}

impl<'a> FileView<'a> {
    /// The file, and the offset in it of what lies at `offset` in the view.
    fn place(self, offset: u64) -> io::Result<(&'a File, u64)> {
        let place = self.start.checked_add(offset).ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.file, place))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.part {
            empty(self.start, self.length, self.has_files.load(Relaxed));
        } else {
            let (below, above) = self.padding;
            unmap(self.start - below, below + self.length + above);
        }
    }
}

/// Makes a range that the caller owns inaccessible and drops its pages, as if it had just been reserved.
fn empty(start: usize, length: usize, has_files: bool) {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
    let replace = || {
        // SAFETY: only called for ranges of a `Mapping`, which owns them alone.
        unsafe { mm::mmap_anonymous(start as *mut c_void, length, ProtFlags::empty(), flags) }
    };
    if replace().is_err() {
        // Beyond its limit of mappings the kernel makes no new one, not even in place of others. Those that differ in nothing
        // but what may be done with them become one, which makes room.
        // SAFETY: as above; nobody uses the range any more.
        let cleared = unsafe { protect(start, length, Access::None).and_then(|()| discard(start, length)) };
        // A range that kept former contents must not be used again.
        if has_files || cleared.is_err() {
            replace().expect("one mapping can take the place of several");
        }
    }
}

/// Unmaps a range that the caller owns.
fn unmap(start: usize, length: usize) {
    // At its limit of mappings the kernel may refuse to split one. The range then stays reserved, which costs nothing but
    // addresses, so there is nobody to tell.
    // SAFETY: only called for ranges of a `Mapping`, which owns them alone.
    _ = unsafe { mm::munmap(start as *mut c_void, length) };
}

impl Access {
    fn prot(self) -> ProtFlags {
        match self {
            Access::None => ProtFlags::empty(),
            Access::Read => ProtFlags::READ,
            Access::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
            Access::ReadExec => ProtFlags::READ | ProtFlags::EXEC,
        }
    }
}

/// Changes what may be done with a range.
///
/// # Safety
/// The range belongs to a live [`Mapping`], and `access` allows what its users rely on.
pub(crate) unsafe fn protect(start: usize, length: usize, access: Access) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    let flags = MprotectFlags::from_bits_retain(access.prot().bits());
    // SAFETY: as the caller states.
    unsafe { mm::mprotect(start as *mut c_void, length, flags)? };
    Ok(())
}

/// Drops the pages of a range: they are again what was mapped there, the file's bytes or zeros.
///
/// # Safety
/// As for [`protect`]; nobody relies on what the pages hold.
pub(crate) unsafe fn discard(start: usize, length: usize) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    // SAFETY: as the caller states.
    unsafe { mm::madvise(start as *mut c_void, length, mm::Advice::LinuxDontNeed)? };
    Ok(())
}
