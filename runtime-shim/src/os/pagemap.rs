//! Which pages of a range have contents of their own: written since they were mapped, and so to be restored.
//!
//! **Invariants.** A scan goes on until the end of its range, whatever the number of regions. A page that was
//! swapped out counts as well as a present one. A scanner speaks only of the address space that it was made
//! in.

use super::inject;
use super::map::Here;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use wasmaot_abi::slot::HOST_PAGE;

/// `struct pm_scan_arg` of the kernel.
#[repr(C)]
#[derive(Default)]
struct ScanArg {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `struct page_region` of the kernel.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: libc::Ioctl =
    (3 << 30 | (size_of::<ScanArg>() as u64) << 16 | (b'f' as u64) << 8 | 16) as libc::Ioctl;

const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;
const PAGE_IS_PFNZERO: u64 = 1 << 5;

/// Regions that one call returns at most.
const BATCH: usize = 64;

/// Asks the kernel about pages of this process.
#[derive(Debug)]
pub(crate) struct Pagemap {
    file: File,
    here: Here,
}

impl Pagemap {
    /// `None` where the kernel does not know the call (before Linux 6.7) or does not allow it.
    pub(crate) fn open() -> Option<Self> {
        inject::check().ok()?;
        let file = File::open("/proc/self/pagemap").ok()?;
        let pagemap = Self { file, here: Here::mark().ok()? };
        let page = HOST_PAGE as usize;
        let here = (&raw const file_marker as usize) / page * page;
        pagemap.scan(here..here + page, |_, _| ()).ok()?;
        Some(pagemap)
    }

    /// Calls `each` with every run of pages in the range that have contents of their own, in ascending order,
    /// and with those of which it says that they are the kernel's page of zeros: they were only read, or the
    /// kernel has found a written one to be zero and merged it (KSM).
    pub(crate) fn scan(
        &self,
        range: Range<usize>,
        mut each: impl FnMut(Range<usize>, bool),
    ) -> io::Result<()> {
        // After a fork the file still speaks of the parent.
        if !self.here.is_here() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut regions = [PageRegion::default(); BATCH];
        let mut start = range.start as u64;
        while start < range.end as u64 {
            let mut arg = ScanArg {
                size: size_of::<ScanArg>() as u64,
                start,
                end: range.end as u64,
                vec: regions.as_mut_ptr() as u64,
                vec_len: BATCH as u64,
                category_inverted: PAGE_IS_FILE,
                category_mask: PAGE_IS_FILE,
                category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                return_mask: PAGE_IS_PFNZERO,
                ..ScanArg::default()
            };
            inject::check()?;
            // SAFETY: the argument is the call's, and names an array of that many regions.
            let found = unsafe { libc::ioctl(self.file.as_raw_fd(), PAGEMAP_SCAN, &raw mut arg) };
            let found = usize::try_from(found).map_err(|_| io::Error::last_os_error())?;
            for region in &regions[..found] {
                let is_zero = region.categories & PAGE_IS_PFNZERO != 0;
                each(region.start as usize..region.end as usize, is_zero);
            }
            if arg.walk_end <= start {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            start = arg.walk_end;
        }
        Ok(())
    }
}

/// Something to point a first scan at.
#[expect(non_upper_case_globals, reason = "it is only there for its address")]
static file_marker: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::map::{Access, Mapping};

    const PAGE: usize = 4096;

    /// Far more regions than one call returns, with pages that were only read between them.
    #[test]
    fn every_written_page_is_found() {
        let Some(pagemap) = Pagemap::open() else { return };
        let pages = 1000;
        let mapping = Mapping::reserve(pages * PAGE, PAGE).unwrap();
        mapping.protect(0, pages * PAGE, Access::ReadWrite).unwrap();
        let at = |page: usize| (mapping.start() + page * PAGE) as *mut u8;
        for page in 0..pages {
            // SAFETY: the pages of the new mapping can be read and written, and nothing refers to them.
            unsafe {
                at(page).read_volatile();
                if page % 3 == 0 {
                    at(page).write_volatile(1);
                }
            }
        }
        let (mut found, mut zero) = (Vec::new(), Vec::new());
        let each = |run: Range<usize>, is_zero| {
            let pages = if is_zero { &mut zero } else { &mut found };
            pages.extend(run.step_by(PAGE));
        };
        pagemap.scan(mapping.range(), each).unwrap();
        let (written, read): (Vec<usize>, Vec<usize>) = (0..pages).partition(|page| page % 3 == 0);
        let addresses =
            |pages: Vec<usize>| pages.into_iter().map(|page| at(page) as usize).collect::<Vec<_>>();
        assert_eq!(found, addresses(written));
        assert_eq!(zero, addresses(read));
    }
    /// Ends a child of the test's with what `run` gives, and gives that to its parent.
    fn in_child(run: impl FnOnce() -> i32) -> i32 {
        // SAFETY: the child has one thread, which ends it.
        match unsafe { libc::fork() } {
            0 => {
                let status = run();
                // SAFETY: the pages of the new mapping can be read and written, and nothing refers to them.
                unsafe { libc::_exit(status) }
            }
            child => {
                let mut status = 0;
                // SAFETY: waits for a child of this process.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                assert!(libc::WIFEXITED(status), "{status:#x}");
                libc::WEXITSTATUS(status)
            }
        }
    }

    const REFUSED: i32 = 0;
    const SCANNED: i32 = 1;
    const UNAVAILABLE: i32 = 2;

    fn scans(pagemap: &Pagemap) -> i32 {
        let page = (&raw const file_marker as usize) / PAGE * PAGE;
        if pagemap.scan(page..page + PAGE, |_, _| ()).is_ok() { SCANNED } else { REFUSED }
    }

    #[test]
    fn a_child_is_not_told_of_its_parent() {
        let Some(pagemap) = Pagemap::open() else { return };
        assert_eq!(in_child(|| scans(&pagemap)), REFUSED);
        assert_eq!(scans(&pagemap), SCANNED);
    }

    /// The first process of a namespace makes another namespace, whose first process has the same number.
    #[test]
    fn a_child_with_its_parents_number_is_not_told_of_it() {
        // SAFETY: takes a number; the processes that call it have one thread.
        let unshare = |flags| unsafe { libc::unshare(flags) } == 0;
        let status = in_child(|| {
            if !unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID) {
                return UNAVAILABLE;
            }
            in_child(|| {
                let Some(pagemap) = Pagemap::open() else { return UNAVAILABLE };
                let parent = std::process::id();
                if !unshare(libc::CLONE_NEWPID) {
                    return UNAVAILABLE;
                }
                in_child(|| if std::process::id() == parent { scans(&pagemap) } else { UNAVAILABLE })
            })
        });
        if status == UNAVAILABLE {
            eprintln!("skipped: no pagemap, or no namespaces of processes");
        } else {
            assert_eq!(status, REFUSED);
        }
    }
}
