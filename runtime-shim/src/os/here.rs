//! Whether this is still the process in which something was done, or a copy of it.
//!
//! **Invariant: no copy of an address space takes itself for the original**, however it was made. (Numbers of processes come back, and are
//! those of a namespace; handlers of forks do not run for all of them.)

use super::map::{Access, Mapping};
use rustix::mm;
use std::io;
use wasmaot_abi::slot::HOST_PAGE;

/// A page that is marked in the address space that it was made in, and in no copy of it.
#[derive(Debug)]
pub(crate) struct Here(Mapping);

impl Here {
    /// Marks this address space.
    pub(crate) fn mark() -> io::Result<Self> {
        let mapping = Mapping::reserve(HOST_PAGE as usize, HOST_PAGE as usize)?;
        mapping.protect(0, HOST_PAGE as usize, Access::ReadWrite)?;
        // SAFETY: the page is the mapping's, private and writable, and nothing else knows it.
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
