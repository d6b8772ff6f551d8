//! Opens a path beneath a directory one component at a time, for kernels without `openat2` (before 5.6,
//! or behind a filter that does not know it).
//!
//! **Invariant.** Every lookup names a single component, relative to a directory reached from the first
//! one by such lookups, with `O_NOFOLLOW`. Symbolic links are read and walked here; `..` goes back along
//! the directories that the walk itself came through and is never looked up; above the first one there
//! is nothing. So a rename or a link swapped in meanwhile can change what is found, never where.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno as HostErrno;

use crate::errno::Errno;

/// Symbolic links in one path, as in the kernel.
const MAX_LINKS: u32 = 40;

/// Directories deep, as many as the longest path can name.
const MAX_COMPONENTS: usize = 4096;

/// A walk in progress.
struct Walk<'a> {
    root: BorrowedFd<'a>,
    /// The directories below the root that the walk is in, innermost last.
    inside: Vec<OwnedFd>,
    /// Components still to walk.
    ahead: VecDeque<CString>,
    /// Whether the path ends in a name and a slash, or a link that took the place of its end does.
    directory: bool,
    links: u32,
}

/// Does what `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS` does.
pub(crate) fn open(dir: BorrowedFd<'_>, path: &CStr, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    if path.is_empty() {
        return Err(Errno::NoEnt);
    }
    let mut walk = Walk { root: dir, inside: Vec::new(), ahead: VecDeque::new(), directory: false, links: 0 };
    walk.prepend(path)?;
    loop {
        match walk.ahead.pop_front() {
            None => return walk.open_here(flags, mode),
            // Kept only at the end of the path, where the name before it must be a directory.
            Some(name) if name.as_bytes() == b"." => {}
            Some(name) if name.as_bytes() == b".." => {
                walk.inside.pop().ok_or(Errno::Perm)?;
            }
            Some(name) if walk.ahead.is_empty() => {
                if let Some(fd) = walk.open_last(&name, flags, mode)? {
                    return Ok(fd);
                }
            }
            Some(name) => walk.enter(&name)?,
        }
    }
}

impl Walk<'_> {
    fn current(&self) -> BorrowedFd<'_> {
        self.inside.last().map_or(self.root, AsFd::as_fd)
    }

    /// Puts the components of `path` before those still ahead. A final `.` is kept: the name before
    /// it is looked up as a directory, whatever the flags say about the file that the path names,
    /// as the kernel does.
    fn prepend(&mut self, path: &CStr) -> Result<(), Errno> {
        let bytes = path.to_bytes();
        if bytes.starts_with(b"/") {
            return Err(Errno::Perm);
        }
        let is_end = self.ahead.is_empty();
        let names = bytes.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        for (position, name) in names.rev().enumerate() {
            let is_last = is_end && position == 0;
            self.directory |= is_last && name != b"." && bytes.ends_with(b"/");
            if is_last || name != b"." {
                self.ahead.push_front(CString::new(name).map_err(|_| Errno::Inval)?);
            }
        }
        if self.ahead.len() > MAX_COMPONENTS {
            return Err(Errno::NameTooLong);
        }
        Ok(())
    }

    /// Goes on with what the symbolic link `name` says, or gives `otherwise` if it is none.
    fn follow(&mut self, name: &CStr, otherwise: Errno) -> Result<(), Errno> {
        let target = rustix::fs::readlinkat(self.current(), name, Vec::new()).map_err(|_| otherwise)?;
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::Loop);
        }
        self.prepend(&target)
    }

    /// Enters a component that is not the last.
    fn enter(&mut self, name: &CStr) -> Result<(), Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(self.current(), name, flags, Mode::empty()) {
            Ok(dir) => {
                self.inside.push(dir);
                Ok(())
            }
            Err(HostErrno::NOTDIR | HostErrno::LOOP) => self.follow(name, Errno::NotDir),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the directory that the walk ended in by `.` or `..`.
    fn open_here(&self, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        Ok(rustix::fs::openat(self.current(), c".", flags, mode)?)
    }

    /// Opens the last component. None: it was a link, whose target is ahead now.
    fn open_last(&mut self, name: &CStr, flags: OFlags, mode: Mode) -> Result<Option<OwnedFd>, Errno> {
        let follow = self.directory || !flags.contains(OFlags::NOFOLLOW);
        if self.directory && flags.contains(OFlags::CREATE) {
            return Err(Errno::IsDir);
        }
        let wanted = if self.directory { flags | OFlags::DIRECTORY } else { flags };
        match rustix::fs::openat(self.current(), name, wanted | OFlags::NOFOLLOW, mode) {
            Ok(fd) if follow && flags.contains(OFlags::PATH) && is_link(&fd)? => {
                self.follow(name, Errno::Loop)?;
                Ok(None)
            }
            Ok(fd) => Ok(Some(fd)),
            Err(error @ (HostErrno::LOOP | HostErrno::NOTDIR)) if follow => {
                self.follow(name, error.into())?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn is_link(fd: &OwnedFd) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode).is_symlink())
}
