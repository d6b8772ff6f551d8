//! `fd_readdir`: a directory's entries, from a cookie on.
//!
//! A cookie is the file system's own position: entries that are made or removed meanwhile leave the
//! cookies of the others alone, and no listing is kept between calls, however large the directory.

use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, RawDir, SeekFrom};

use crate::access::Ctx;
use crate::entry::{Entry, Handle};
use crate::errno::Errno;
use crate::guest::Guest;
use crate::sys::go_on;
use crate::types::{Dirent, FileType, Rights};

/// Bytes of entries asked of the kernel at once: a little more than what guests ask for.
const BATCH: usize = 8192;

/// Fills the guest's buffer. It is full exactly when there may be more: the last entry is then cut, and
/// the guest asks again with the cookie before it.
pub(crate) fn fd_readdir(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    buffer: u32,
    len: u32,
    cookie: u64,
    out: u32,
) -> Result<(), Errno> {
    // Two threads that list one directory would move each other's position.
    let mut ctx = ctx.hold();
    ctx.table.directory(fd, Rights::FD_READDIR)?;
    guest.result::<4>(out)?;
    guest.check(buffer, len, 1, 1)?;
    // The kernel's positions are signed.
    if cookie > i64::MAX as u64 {
        return Err(Errno::Inval);
    }
    let listing = listing(ctx.table.entry_mut(fd)?)?;
    rustix::fs::seek(listing, SeekFrom::Start(cookie))?;
    let mut target = Target { guest, at: buffer, free: len };
    let mut batch = [const { MaybeUninit::uninit() }; BATCH];
    let mut entries = RawDir::new(listing, &mut batch);
    while target.free > 0 {
        if entries.is_buffer_empty() {
            go_on()?;
        }
        let Some(entry) = entries.next() else { break };
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        let head = Dirent {
            next: entry.next_entry_cookie(),
            // What lies above is not for the guest to know: as in a root, `..` is the directory itself. (Not
            // 0, for which some C libraries look the entry up, and `..` cannot be.)
            ino: if name == b".." { rustix::fs::fstat(listing)?.st_ino } else { entry.ino() },
            name_len: name.len() as u32,
            filetype: FileType::from_host(entry.file_type()),
        };
        target.append(&head.encode())?;
        target.append(name)?;
    }
    guest.write_u32(out, len - target.free)
}

/// The description to list by. A shared one has a position that others move too, so the guest gets one of
/// its own for the same directory.
fn listing(entry: &mut Entry) -> Result<BorrowedFd<'_>, Errno> {
    if !entry.is_owned() {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let own = rustix::fs::openat(entry.fd(Errno::NotDir)?, c".", flags, Mode::empty())?;
        entry.handle = Handle::Owned(Arc::new(own));
    }
    entry.fd(Errno::NotDir)
}

/// What is left of the guest's buffer.
struct Target<'a> {
    guest: Guest<'a>,
    at: u32,
    free: u32,
}

impl Target<'_> {
    /// Appends as much as there is room for.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let len = (bytes.len() as u32).min(self.free);
        self.guest.write(self.at, &bytes[..len as usize])?;
        self.at += len;
        self.free -= len;
        Ok(())
    }
}
