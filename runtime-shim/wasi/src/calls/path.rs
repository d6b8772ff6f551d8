//! `path_*`: each checks rights and copies its paths in, and leaves the rest to [`crate::path`].

use std::ffi::{CStr, CString};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{FileType as HostFileType, Mode, OFlags};

use super::fdstat::{flags_to_host, timestamps, write_stat};
use crate::access::{Ctx, Found};
use crate::builder::raises;
use crate::entry::{Directory, Entry, Handle, Kind};
use crate::errno::Errno;
use crate::guest::Guest;
use crate::path;
use crate::types::{FdFlags, FileStat, LookupFlags, OpenFlags, Rights};
use crate::version::Version;

#[expect(clippy::too_many_arguments, reason = "the specification's")]
pub(crate) fn path_open(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    lookup: u32,
    path: u32,
    path_len: u32,
    open_flags: u32,
    rights: u64,
    inheriting: u64,
    fd_flags: u32,
    out: u32,
) -> Result<(), Errno> {
    let follow = follows(lookup)?;
    let open_flags = OpenFlags::parse(open_flags)?;
    let flags = FdFlags::parse(fd_flags)?;
    let (rights, inheriting) = (Rights::from_guest(rights), Rights::from_guest(inheriting));
    guest.result::<4>(out)?;
    if !ctx.hold().table.has_room() {
        return Err(Errno::MFile);
    }
    let directory = ctx.directory(fd, rights_to_open(open_flags))?;
    if !directory.inheriting.contains(rights | inheriting | rights_to_sync(flags)) {
        return Err(Errno::NotCapable);
    }
    let path = guest.path(path, path_len)?;
    let (dir, read_only) = (directory.fd(Errno::NotDir)?, directory.read_only);
    let host_flags = host_flags(follow, open_flags, flags, rights);
    let opened = if read_only {
        if rights.intersects(Rights::WRITES) {
            return Err(Errno::RoFs);
        }
        open_unchanged(dir, &path, host_flags)?
    } else {
        let create = open_flags.contains(OpenFlags::CREAT);
        let mode = if create { Mode::from_raw_mode(0o666) } else { Mode::empty() };
        path::open(dir, &path, host_flags, mode)?
    };
    let is_directory = open_flags.contains(OpenFlags::DIRECTORY);
    let opened = Opened { fd: opened, is_directory, rights, inheriting, read_only, flags }.entry()?;
    drop(directory);
    // Another thread may have taken the last number meanwhile.
    let fd = ctx.hold().table.insert(opened)?;
    guest.write_u32(out, fd)
}

/// Opens what is there already, where nothing may be made: a name that is missing is refused as on a file
/// system that is mounted so.
fn open_unchanged(dir: BorrowedFd<'_>, path: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
    let create = flags.contains(OFlags::CREATE);
    if create && flags.contains(OFlags::EXCL) {
        let there = path::open(dir, path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty());
        return Err(there
            .map_or_else(|error| if error == Errno::NoEnt { Errno::RoFs } else { error }, |_| Errno::Exist));
    }
    let opened = path::open(dir, path, flags.difference(OFlags::CREATE | OFlags::EXCL), Mode::empty());
    opened.map_err(|error| if create && error == Errno::NoEnt { Errno::RoFs } else { error })
}

/// What the directory must carry for a file in it to be opened so.
fn rights_to_open(flags: OpenFlags) -> Rights {
    let mut rights = Rights::PATH_OPEN;
    if flags.contains(OpenFlags::CREAT) {
        rights |= Rights::PATH_CREATE_FILE;
    }
    if flags.contains(OpenFlags::TRUNC) {
        rights |= Rights::PATH_FILESTAT_SET_SIZE;
    }
    rights
}

/// To open for synchronised writing is to synchronise with each write.
fn rights_to_sync(flags: FdFlags) -> Rights {
    let mut rights = Rights::empty();
    if flags.contains(FdFlags::DSYNC) {
        rights |= Rights::FD_DATASYNC;
    }
    if flags.intersects(FdFlags::RSYNC | FdFlags::SYNC) {
        rights |= Rights::FD_SYNC;
    }
    rights
}

/// The rights that the guest asks for say whether it will read or write. (To synchronise, a file need not
/// be open for writing.)
fn host_flags(follow: bool, open_flags: OpenFlags, flags: FdFlags, rights: Rights) -> OFlags {
    let to_read = rights.intersects(Rights::FD_READ | Rights::FD_READDIR);
    let to_write = rights.intersects(Rights::WRITES);
    let mut host = flags_to_host(flags);
    host |= match (to_read, to_write) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        (_, false) => OFlags::RDONLY,
    };
    if !follow {
        host |= OFlags::NOFOLLOW;
    }
    let pairs = [
        (OpenFlags::CREAT, OFlags::CREATE),
        (OpenFlags::DIRECTORY, OFlags::DIRECTORY),
        (OpenFlags::EXCL, OFlags::EXCL),
        (OpenFlags::TRUNC, OFlags::TRUNC),
    ];
    let set = pairs.into_iter().filter(|(flag, _)| open_flags.contains(*flag));
    set.fold(host, |host, (_, flag)| host | flag)
}

/// A file that was just opened, and what was asked for.
struct Opened {
    fd: OwnedFd,
    /// Whether it was to be a directory, and so is one.
    is_directory: bool,
    rights: Rights,
    inheriting: Rights,
    read_only: bool,
    flags: FdFlags,
}

impl Opened {
    /// The new descriptor carries what was asked for, as far as it makes sense for what was found.
    fn entry(self) -> Result<Entry, Errno> {
        let found = match self.is_directory {
            true => HostFileType::Directory,
            false => HostFileType::from_raw_mode(rustix::fs::fstat(&self.fd)?.st_mode),
        };
        let (kind, mask) = match found {
            HostFileType::Directory => (Kind::Directory(Directory::default()), Rights::DIRECTORY),
            other => (Kind::Stream { raises: raises(other) }, Rights::FILE),
        };
        Ok(Entry {
            handle: Handle::Owned(Arc::new(self.fd)),
            kind,
            rights: self.rights.intersection(mask),
            inheriting: self.inheriting,
            read_only: self.read_only,
            flags: self.flags,
        })
    }
}

#[expect(clippy::too_many_arguments, reason = "the specification's")]
pub(crate) fn path_filestat_get(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    version: Version,
    fd: u32,
    lookup: u32,
    path: u32,
    path_len: u32,
    out: u32,
) -> Result<(), Errno> {
    let follow = follows(lookup)?;
    let at = At::find(ctx, guest, fd, Rights::PATH_FILESTAT_GET, path, path_len)?;
    write_stat(guest, version, &FileStat::from_host(&path::stat(at.dir()?, &at.path, follow)?), out)
}

#[expect(clippy::too_many_arguments, reason = "the specification's")]
pub(crate) fn path_filestat_set_times(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    lookup: u32,
    path: u32,
    path_len: u32,
    atim: u64,
    mtim: u64,
    flags: u32,
) -> Result<(), Errno> {
    let follow = follows(lookup)?;
    let times = timestamps(atim, mtim, flags)?;
    let at = At::find(ctx, guest, fd, Rights::PATH_FILESTAT_SET_TIMES, path, path_len)?;
    path::set_times(at.dir()?, &at.path, follow, &times)
}

pub(crate) fn path_create_directory(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let at = At::find(ctx, guest, fd, Rights::PATH_CREATE_DIRECTORY, path, path_len)?;
    path::create_directory(at.dir()?, &at.path)
}

pub(crate) fn path_remove_directory(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let at = At::find(ctx, guest, fd, Rights::PATH_REMOVE_DIRECTORY, path, path_len)?;
    path::remove_directory(at.dir()?, &at.path)
}

pub(crate) fn path_unlink_file(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let at = At::find(ctx, guest, fd, Rights::PATH_UNLINK_FILE, path, path_len)?;
    path::unlink_file(at.dir()?, &at.path)
}

#[expect(clippy::too_many_arguments, reason = "the specification's")]
pub(crate) fn path_link(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    old_fd: u32,
    lookup: u32,
    old: u32,
    old_len: u32,
    new_fd: u32,
    new: u32,
    new_len: u32,
) -> Result<(), Errno> {
    let follow = follows(lookup)?;
    let old = At::find(ctx, guest, old_fd, Rights::PATH_LINK_SOURCE, old, old_len)?;
    let new = At::find(ctx, guest, new_fd, Rights::PATH_LINK_TARGET, new, new_len)?;
    path::link(old.dir()?, &old.path, follow, new.dir()?, &new.path)
}

#[expect(clippy::too_many_arguments, reason = "the specification's")]
pub(crate) fn path_rename(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    old_fd: u32,
    old: u32,
    old_len: u32,
    new_fd: u32,
    new: u32,
    new_len: u32,
) -> Result<(), Errno> {
    let old = At::find(ctx, guest, old_fd, Rights::PATH_RENAME_SOURCE, old, old_len)?;
    let new = At::find(ctx, guest, new_fd, Rights::PATH_RENAME_TARGET, new, new_len)?;
    path::rename(old.dir()?, &old.path, new.dir()?, &new.path)
}

pub(crate) fn path_symlink(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    target: u32,
    target_len: u32,
    fd: u32,
    path: u32,
    path_len: u32,
) -> Result<(), Errno> {
    let target = guest.path(target, target_len)?;
    let at = At::find(ctx, guest, fd, Rights::PATH_SYMLINK, path, path_len)?;
    path::symlink(&target, at.dir()?, &at.path)
}

/// What does not fit the guest's buffer is cut, as the system's call does.
#[expect(clippy::too_many_arguments, reason = "the specification's")]
pub(crate) fn path_readlink(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
    buffer: u32,
    len: u32,
    out: u32,
) -> Result<(), Errno> {
    let at = At::find(ctx, guest, fd, Rights::PATH_READLINK, path, path_len)?;
    guest.result::<4>(out)?;
    guest.check(buffer, len, 1, 1)?;
    let target = path::read_link(at.dir()?, &at.path)?;
    let bytes = target.to_bytes();
    let used = bytes.len().min(len as usize);
    guest.write(buffer, &bytes[..used])?;
    guest.write_u32(out, used as u32)
}

/// The directory and the path in it that a call is about.
struct At<'a> {
    directory: Found<'a>,
    path: CString,
}

impl<'a> At<'a> {
    fn find(
        ctx: &'a Ctx<'_>,
        guest: Guest<'_>,
        fd: u32,
        rights: Rights,
        path: u32,
        path_len: u32,
    ) -> Result<Self, Errno> {
        let directory = ctx.directory(fd, rights)?;
        Ok(Self { directory, path: guest.path(path, path_len)? })
    }

    fn dir(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.directory.fd(Errno::NotDir)
    }
}

fn follows(lookup: u32) -> Result<bool, Errno> {
    Ok(LookupFlags::parse(lookup)?.contains(LookupFlags::SYMLINK_FOLLOW))
}
