//! From a guest's path to a file: **the sandbox-critical file** of this crate.
//!
//! **Invariant.** Whatever the path says, and whatever changes in the tree meanwhile, the file that is
//! opened, changed or looked at lies beneath the directory whose descriptor the call names. Nothing in
//! this crate hands a guest's path to the kernel except through this file, and here only in two ways:
//!
//! * *The whole path* goes to [`open`]: `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS`, so the
//!   kernel refuses every step that would leave: `..` above the directory, absolute paths, symbolic links
//!   that do either, `/proc`'s links. Where the kernel lacks the call, [`crate::walk`] takes its place.
//! * *One final name* goes to the kernel relative to its parent ([`Place`]), which was opened by [`open`].
//!   The name holds no `/` but a trailing one and is neither `.` nor `..`, and the calls made with it
//!   (`mkdirat`, `unlinkat`, `renameat`, `symlinkat`, `linkat`, and `fstatat` where there is no slash at
//!   all) never follow a final symbolic link. (What is linked after following one was opened before, and is
//!   named to the kernel by its descriptor.)
//!
//! A path that leads out is [`Errno::Perm`], as in Wasmtime, which C and Rust programs see as a lack of
//! permission.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::LazyLock;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, Timestamps};
use rustix::io::Errno as HostErrno;

use crate::errno::Errno;
use crate::walk;

/// How often a lookup is repeated that met a rename elsewhere in the system.
const MAX_RETRIES: u32 = 256;

/// Whether the kernel has `openat2` and lets this process call it. Filters that do not know the call
/// answer `EPERM`, so it is tried once with arguments that cannot fail otherwise.
static HAS_OPENAT2: LazyLock<bool> = LazyLock::new(|| {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    rustix::fs::openat2(CWD, "/", flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS).is_ok()
});

fn has_openat2() -> bool {
    // Tests of what is built on opening do without the kernel's way too.
    #[cfg(test)]
    if tests::WALKS.get() {
        return false;
    }
    *HAS_OPENAT2
}

/// Opens `path` beneath `dir`. The descriptor is closed on exec and never becomes a controlling terminal.
pub(crate) fn open(dir: BorrowedFd<'_>, path: &CStr, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    // `O_PATH` takes hardly any other flag.
    let added = if flags.contains(OFlags::PATH) { OFlags::CLOEXEC } else { OFlags::CLOEXEC | OFlags::NOCTTY };
    if has_openat2() {
        open_by_kernel(dir, path, flags | added, mode)
    } else {
        walk::open(dir, path, flags | added, mode)
    }
}

fn open_by_kernel(dir: BorrowedFd<'_>, path: &CStr, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mut retries = 0;
    loop {
        match rustix::fs::openat2(dir, path, flags, mode, beneath) {
            Ok(fd) => return Ok(fd),
            // The kernel could not rule out that a rename moved a `..` out of the directory.
            Err(HostErrno::AGAIN) if retries < MAX_RETRIES => retries += 1,
            Err(HostErrno::XDEV) => return Err(Errno::Perm),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A directory entry, existing or not: its parent directory and its single name.
struct Place<'a> {
    parent: Parent<'a>,
    name: CString,
}

enum Parent<'a> {
    Given(BorrowedFd<'a>),
    Opened(OwnedFd),
}

impl AsFd for Parent<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Given(dir) => *dir,
            Self::Opened(dir) => dir.as_fd(),
        }
    }
}

/// Finds the entry that `path` names. A trailing slash stays with the name, for the kernel to insist on a
/// directory. A final `.` or `..` names no entry: it is the error `dotted`.
fn place<'a>(dir: BorrowedFd<'a>, path: &CStr, dotted: Errno) -> Result<Place<'a>, Errno> {
    let bytes = path.to_bytes();
    if bytes.is_empty() {
        return Err(Errno::NoEnt);
    }
    if bytes[0] == b'/' {
        return Err(Errno::Perm);
    }
    let slashes = bytes.iter().rev().take_while(|byte| **byte == b'/').count();
    let entry = &bytes[..bytes.len() - slashes];
    let (parent, name) = match entry.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (Some(&entry[..slash]), &entry[slash + 1..]),
        None => (None, entry),
    };
    if is_dotted(name) {
        return Err(dotted);
    }
    let parent = match parent {
        None => Parent::Given(dir),
        Some(parent) => {
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            Parent::Opened(open(dir, &c_string(parent.to_vec())?, flags, Mode::empty())?)
        }
    };
    let mut name = name.to_vec();
    if slashes > 0 {
        name.push(b'/');
    }
    Ok(Place { parent, name: c_string(name)? })
}

fn is_dotted(name: &[u8]) -> bool {
    name == b"." || name == b".."
}

fn c_string(bytes: Vec<u8>) -> Result<CString, Errno> {
    CString::new(bytes).map_err(|_| Errno::Inval)
}

/// Opens what `path` names without the power to read or write it; if it is a symbolic link and not to be
/// followed, the link itself.
fn open_reference(dir: BorrowedFd<'_>, path: &CStr, follow: bool) -> Result<OwnedFd, Errno> {
    let nofollow = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    open(dir, path, OFlags::PATH | nofollow, Mode::empty())
}

/// What `path` names.
pub(crate) fn stat(dir: BorrowedFd<'_>, path: &CStr, follow: bool) -> Result<Stat, Errno> {
    // One call instead of three for what programs ask most: an entry of the directory itself that is
    // no link. The name has no slash and no dots, so the kernel looks nowhere else.
    let name = path.to_bytes();
    if !name.is_empty() && !name.contains(&b'/') && !is_dotted(name) {
        let stat = rustix::fs::statat(dir, path, AtFlags::SYMLINK_NOFOLLOW)?;
        if !follow || !FileType::from_raw_mode(stat.st_mode).is_symlink() {
            return Ok(stat);
        }
    }
    Ok(rustix::fs::fstat(open_reference(dir, path, follow)?)?)
}

/// Sets the times of what `path` names.
pub(crate) fn set_times(
    dir: BorrowedFd<'_>,
    path: &CStr,
    follow: bool,
    times: &Timestamps,
) -> Result<(), Errno> {
    let file = open_reference(dir, path, follow)?;
    match set_times_of(&file, times) {
        // Kernels before 5.8 take no empty path here.
        Err(HostErrno::INVAL) => {
            Ok(rustix::fs::utimensat(CWD, &by_descriptor(&file)?, times, AtFlags::empty())?)
        }
        result => Ok(result?),
    }
}

fn set_times_of(file: &OwnedFd, times: &Timestamps) -> rustix::io::Result<()> {
    #[cfg(test)]
    if tests::WALKS.get() {
        return Err(HostErrno::INVAL);
    }
    rustix::fs::utimensat(file, c"", times, AtFlags::EMPTY_PATH)
}

/// A name of an open file: the link in `/proc` leads to it, whatever its own names lead to now.
fn by_descriptor(file: &OwnedFd) -> Result<CString, Errno> {
    c_string(format!("/proc/self/fd/{}", file.as_raw_fd()).into_bytes())
}

/// What the symbolic link `path` says. What leads out of any directory is not for the guest to know.
pub(crate) fn read_link(dir: BorrowedFd<'_>, path: &CStr) -> Result<CString, Errno> {
    let link = open_reference(dir, path, false)?;
    let target = rustix::fs::readlinkat(link, c"", Vec::new()).map_err(|error| match error {
        // The kernel's answer to an empty path on what is no link.
        HostErrno::NOENT => Errno::Inval,
        error => error.into(),
    })?;
    if target.to_bytes().starts_with(b"/") {
        return Err(Errno::Perm);
    }
    Ok(target)
}

/// Makes a directory.
pub(crate) fn create_directory(dir: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    let place = place(dir, path, Errno::Exist)?;
    Ok(rustix::fs::mkdirat(&place.parent, &place.name, Mode::from_raw_mode(0o777))?)
}

/// Removes an empty directory.
pub(crate) fn remove_directory(dir: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    let place = place(dir, path, Errno::Inval)?;
    Ok(rustix::fs::unlinkat(&place.parent, &place.name, AtFlags::REMOVEDIR)?)
}

/// Removes an entry that is not a directory.
pub(crate) fn unlink_file(dir: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    let place = place(dir, path, Errno::IsDir)?;
    Ok(rustix::fs::unlinkat(&place.parent, &place.name, AtFlags::empty())?)
}

/// Moves an entry, replacing what is there.
pub(crate) fn rename(
    old_dir: BorrowedFd<'_>,
    old: &CStr,
    new_dir: BorrowedFd<'_>,
    new: &CStr,
) -> Result<(), Errno> {
    let from = place(old_dir, old, Errno::Busy)?;
    let to = place(new_dir, new, Errno::Busy)?;
    Ok(rustix::fs::renameat(&from.parent, &from.name, &to.parent, &to.name)?)
}

/// Makes a symbolic link that says `target`. It may say `..`, which is judged when it is followed; an
/// absolute one could never be followed, and might mislead programs outside.
pub(crate) fn symlink(target: &CStr, dir: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    if target.to_bytes().starts_with(b"/") {
        return Err(Errno::Perm);
    }
    let place = place(dir, path, Errno::Exist)?;
    Ok(rustix::fs::symlinkat(target, &place.parent, &place.name)?)
}

/// Makes a further name for a file that is not a directory. A symbolic link is linked itself unless it is to
/// be followed.
pub(crate) fn link(
    old_dir: BorrowedFd<'_>,
    old: &CStr,
    follow: bool,
    new_dir: BorrowedFd<'_>,
    new: &CStr,
) -> Result<(), Errno> {
    if follow || old.to_bytes().ends_with(b"/") {
        return link_opened(old_dir, old, new_dir, new);
    }
    let from = place(old_dir, old, Errno::Perm)?;
    let to = place(new_dir, new, Errno::Exist)?;
    Ok(rustix::fs::linkat(&from.parent, &from.name, &to.parent, &to.name, AtFlags::empty())?)
}

/// Links the file that a path leads to. What was found is named by its descriptor, so that nothing is looked
/// up twice; `/proc` does for every process what `AT_EMPTY_PATH` does for privileged ones.
fn link_opened(
    old_dir: BorrowedFd<'_>,
    old: &CStr,
    new_dir: BorrowedFd<'_>,
    new: &CStr,
) -> Result<(), Errno> {
    let file = open_reference(old_dir, old, true)?;
    let to = place(new_dir, new, Errno::Exist)?;
    if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode).is_dir() {
        return Err(Errno::Perm);
    }
    let name = by_descriptor(&file)?;
    Ok(rustix::fs::linkat(CWD, &name, &to.parent, &to.name, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(test)]
mod escapes;
#[cfg(test)]
mod tests;
