//! Address ranges of the process: reserved, opened, mapped from files, given back.
//!
//! **Invariants. A [`Mapping`] owns its range alone**, and memory inside it is reached only through raw
//! pointers, so changing its protection invalidates no Rust reference. A call that fails may have been
//! carried out in part: its caller must assume the worse of both states for every page of the range.

use super::fork::{self, List};
use super::inject;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::mm::{self, MapFlags, MprotectFlags, ProtFlags};
use std::ffi::{CStr, c_void};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use wasmaot_abi::slot::HOST_PAGE;

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
    /// Bytes below and above that belong to it too, are inaccessible, and unused: what alignment took.
    padding: (usize, usize),
    /// The larger reservation that it lies in, whose owner empties it by [`Mapping::empty`].
    whole: Option<Arc<Mapping>>,
}

impl Mapping {
    /// Reserves `length` inaccessible bytes at a multiple of `align`; both are whole pages and `align` is a
    /// power of two.
    pub(crate) fn reserve(length: usize, align: usize) -> io::Result<Self> {
        let page = wasmaot_abi::slot::HOST_PAGE as usize;
        debug_assert!(align.is_power_of_two() && align >= page && length.is_multiple_of(page));
        let padded = length.checked_add(align - page).ok_or(io::ErrorKind::OutOfMemory)?;
        if ANY_REFUSED.load(Relaxed) {
            unmap_refused();
        }
        inject::check()?;
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
        Ok(Self { start, length, padding, whole: None })
    }

    /// A part of a larger reservation, which it keeps, to be used as a mapping of its own.
    ///
    /// # Safety
    /// Nothing else uses these pages of the reservation as long as the part is there.
    pub(crate) unsafe fn part(whole: &Arc<Mapping>, offset: usize, length: usize) -> Self {
        let start = whole.checked(offset, length) as usize;
        Self { start, length, padding: (0, 0), whole: Some(whole.clone()) }
    }

    /// Maps a part of a file, read-only and private, at an address of the kernel's choice.
    pub(crate) fn of_file(view: FileView<'_>, offset: u64, length: usize) -> io::Result<Self> {
        let (file, offset) = view.place(offset)?;
        inject::check()?;
        // SAFETY: the address is the kernel's choice, so nothing is replaced. The bytes may change
        // underneath: they are read by guarded copies only.
        let address = unsafe {
            mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, file, offset)?
        };
        let start = address as usize;
        Ok(Self { start, length, padding: (0, 0), whole: None })
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
        inject::check()?;
        // SAFETY: the replaced range is inside this mapping, where no Rust reference points.
        unsafe { mm::mmap(address, length, access.prot(), flags, file, file_offset)? };
        Ok(())
    }

    /// Makes a part inaccessible and drops its pages, as if it had just been reserved. `has_files` says
    /// whether files were mapped there.
    ///
    /// # Errors
    /// The kernel refused; the part may hold former contents, and must not be used again until it has been
    /// emptied.
    pub(crate) fn empty(&self, offset: usize, length: usize, has_files: bool) -> io::Result<()> {
        let address = self.checked(offset, length);
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
        let replace = || {
            inject::check()?;
            // SAFETY: the replaced range is inside this mapping, where no Rust reference points.
            unsafe { mm::mmap_anonymous(address, length, ProtFlags::empty(), flags)? };
            io::Result::Ok(())
        };
        if replace().is_ok() {
            return Ok(());
        }
        // At its limit of mappings the kernel makes no new one, not even in place of others. Those that
        // differ in nothing but their protection become one, which makes room.
        let cleared = self.protect(offset, length, Access::None).and_then(|()| self.discard(offset, length));
        if has_files { replace() } else { cleared.or_else(|_| replace()) }
    }
}

impl<'a> FileView<'a> {
    /// The file, and the offset in it of what lies at `offset` in the view.
    fn place(self, offset: u64) -> io::Result<(&'a File, u64)> {
        let place = self.start.checked_add(offset).ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.file, place))
    }
}

/// Makes a file in memory that holds what `write` writes, and cannot be changed any more.
pub(crate) fn memory_file(name: &CStr, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    inject::check()?;
    let mut file = File::from(memfd_create(name, flags)?);
    write(&mut file)?;
    fcntl_add_seals(&file, UNCHANGING)?;
    Ok(file)
}

/// The bytes of a file that nothing can change any more.
#[cfg(feature = "verify")]
#[derive(Debug)]
pub(crate) struct Sealed {
    mapping: Mapping,
}

#[cfg(feature = "verify")]
impl Sealed {
    /// Maps the first `length` bytes of a file of [`memory_file`].
    ///
    /// # Errors
    /// The file is not sealed, it has fewer bytes, or the kernel refuses the mapping.
    pub(crate) fn map(file: &File, length: u64) -> io::Result<Self> {
        let is_sealed = rustix::fs::fcntl_get_seals(file)?.contains(UNCHANGING);
        if !is_sealed || file.metadata()?.len() < length {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        Ok(Self { mapping: Mapping::of_file(FileView { file, start: 0 }, 0, length)? })
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        let Mapping { start, length, .. } = self.mapping;
        // SAFETY: the mapping has these bytes, which the file has too. Its seals, once set, stay: they keep
        // it from being written to and from being cut, and were not to be had while a writable mapping
        // existed.
        unsafe { std::slice::from_raw_parts(start as *const u8, length) }
    }
}

/// What keeps a file in memory as it is.
const UNCHANGING: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::WRITE).union(SealFlags::SEAL);

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.whole.is_none() {
            let (below, above) = self.padding;
            unmap(self.start - below..self.start + self.length + above);
        }
    }
}

/// A page that is marked in the address space that it was made in, and in no copy of it, however that was
/// made. (Numbers of processes come back, and are those of a namespace; handlers of forks do not run for all
/// of them.)
#[derive(Debug)]
pub(crate) struct Here(Mapping);

impl Here {
    /// Marks this address space.
    pub(crate) fn mark() -> io::Result<Self> {
        let mapping = Mapping::reserve(HOST_PAGE as usize, HOST_PAGE as usize)?;
        mapping.protect(0, HOST_PAGE as usize, Access::ReadWrite)?;
        // SAFETY: the page is the new mapping's, private and writable, and no reference points to it.
        unsafe { mm::madvise(mapping.start() as *mut _, HOST_PAGE as usize, mm::Advice::LinuxWipeOnFork)? };
        let here = Self(mapping);
        here.renew();
        Ok(here)
    }

    /// Marks this copy, too.
    pub(crate) fn renew(&self) {
        // SAFETY: the page is writable as long as the mapping is there, and nothing refers to it.
        unsafe { (self.0.start() as *mut u8).write_volatile(1) };
    }

    /// Whether this is no copy.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        // SAFETY: the page is readable as long as the mapping is there.
        unsafe { (self.0.start() as *const u8).read_volatile() == 1 }
    }
}

/// Ranges that the kernel refused to unmap, as it may at its limit of mappings. They hold no pages, only
/// addresses.
static REFUSED: Mutex<Vec<Range<usize>>> = Mutex::new(Vec::new());

/// Whether there are any.
static ANY_REFUSED: AtomicBool = AtomicBool::new(false);

/// Unmaps a range that the caller owns, at once or together with a later one.
fn unmap(range: Range<usize>) {
    if try_unmap(&range).is_ok() {
        return;
    }
    // SAFETY: only called for ranges of a `Mapping`, which owns them alone; nothing uses the range any more.
    _ = unsafe { discard(range.start, range.len()) };
    fork::attend(List::Refused, || {
        let refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
        Box::new(move || drop(refused))
    });
    // Not waited for: this may be a fork's own thread. The addresses are lost then.
    if let Ok(mut refused) = REFUSED.try_lock() {
        refused.push(range);
        ANY_REFUSED.store(true, Relaxed);
    }
}

fn try_unmap(range: &Range<usize>) -> io::Result<()> {
    inject::check()?;
    // SAFETY: only called for ranges that a `Mapping` owned alone and that nothing uses any more.
    unsafe { mm::munmap(range.start as *mut c_void, range.len()) }.map_err(io::Error::from)
}

/// Tries again to unmap what the kernel refused to.
#[cold]
fn unmap_refused() {
    if let Ok(mut refused) = REFUSED.try_lock() {
        refused.retain(|range| try_unmap(range).is_err());
        ANY_REFUSED.store(!refused.is_empty(), Relaxed);
    }
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
    inject::check_range(length, |length| {
        // SAFETY: the caller says that the range is mapped and whole pages of its own, which nothing uses in
        // a way that the new access forbids.
        unsafe { mm::mprotect(start as *mut c_void, length, flags) }.map_err(io::Error::from)
    })
}

/// Drops the pages of a range: they are again what was mapped there, the file's bytes or zeros.
///
/// # Safety
/// As for [`protect`]; the contents of the pages are not relied on.
pub(crate) unsafe fn discard(start: usize, length: usize) -> io::Result<()> {
    if length == 0 {
        return Ok(());
    }
    inject::check_range(length, |length| {
        // SAFETY: the caller says that the range is mapped and whole pages of its own, whose contents nothing
        // needs any more.
        unsafe { mm::madvise(start as *mut c_void, length, mm::Advice::LinuxDontNeed) }
            .map_err(io::Error::from)
    })
}
