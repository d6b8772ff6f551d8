//! `fd_fdstat_*` and `fd_filestat_*`: what a descriptor is, and what can be changed about it.

use rustix::fs::{OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::net::SocketType;

use crate::access::Ctx;
use crate::entry::{Entry, Handle};
use crate::errno::Errno;
use crate::guest::Guest;
use crate::sys::signals::held_back;
use crate::sys::{self, again};
use crate::types::{FdFlags, FdStat, FileStat, FileType, Rights, TimeFlags};
use crate::version::Version;

pub(crate) fn fd_fdstat_get(ctx: &mut Ctx<'_>, guest: Guest<'_>, fd: u32, out: u32) -> Result<(), Errno> {
    let entry = ctx.entry(fd)?;
    let stat = FdStat {
        filetype: file_stat(&entry)?.filetype,
        flags: flags(&entry)?,
        rights: effective_rights(&entry),
        inheriting: entry.inheriting,
    };
    guest.write_record(out, &stat.encode(), FdStat::ALIGN)
}

/// Guests take for a terminal what is a character device that cannot be positioned.
fn effective_rights(entry: &Entry) -> Rights {
    match entry.host() {
        Some(fd) if !entry.is_owned() && rustix::termios::isatty(fd) => {
            entry.rights.difference(Rights::FD_SEEK | Rights::FD_TELL)
        }
        _ => entry.rights,
    }
}

/// The guest's own descriptors carry what it set; a shared one what the host set, and whether the guest
/// asked not to block.
fn flags(entry: &Entry) -> Result<FdFlags, Errno> {
    match entry.host() {
        Some(fd) if !entry.is_owned() && entry.directory().is_none() => {
            Ok(flags_from_host(rustix::fs::fcntl_getfl(fd)?) | entry.flags)
        }
        _ => Ok(entry.flags),
    }
}

/// Rustix takes `O_DSYNC` for `O_SYNC`, which on Linux is more.
const DSYNC: OFlags = OFlags::from_bits_retain(sys::O_DSYNC);

fn flags_from_host(host: OFlags) -> FdFlags {
    let pairs = [
        (OFlags::APPEND, FdFlags::APPEND),
        (OFlags::NONBLOCK, FdFlags::NONBLOCK),
        (DSYNC, FdFlags::DSYNC),
        (OFlags::SYNC, FdFlags::SYNC),
    ];
    let set = pairs.into_iter().filter(|(flag, _)| host.contains(*flag));
    set.fold(FdFlags::empty(), |flags, (_, flag)| flags | flag)
}

/// The host's flags for a descriptor that is being opened. Linux knows no `O_RSYNC` of its own: what
/// synchronises writes wholly does for reads too.
pub(crate) fn flags_to_host(flags: FdFlags) -> OFlags {
    let pairs = [
        (FdFlags::APPEND, OFlags::APPEND),
        (FdFlags::NONBLOCK, OFlags::NONBLOCK),
        (FdFlags::DSYNC, DSYNC),
        (FdFlags::RSYNC, OFlags::SYNC),
        (FdFlags::SYNC, OFlags::SYNC),
    ];
    let set = pairs.into_iter().filter(|(flag, _)| flags.contains(*flag));
    set.fold(OFlags::empty(), |flags, (_, flag)| flags | flag)
}

pub(crate) fn fd_fdstat_set_flags(
    ctx: &mut Ctx<'_>,
    _: Guest<'_>,
    fd_number: u32,
    bits: u32,
) -> Result<(), Errno> {
    let wanted = FdFlags::parse(bits)?;
    let table = &mut ctx.hold().table;
    let entry = table.get(fd_number, Rights::FD_FDSTAT_SET_FLAGS)?;
    let current = flags(entry)?;
    if let Handle::Owned(fd) = &entry.handle {
        let changeable = FdFlags::APPEND | FdFlags::NONBLOCK;
        if wanted.difference(changeable) != current.difference(changeable) {
            return Err(Errno::NotSup);
        }
        rustix::fs::fcntl_setfl(fd, flags_to_host(wanted))?;
        table.entry_mut(fd_number)?.flags = wanted;
        return Ok(());
    }
    // What the host set stays. Not to block is the guest's own affair: its calls see to that.
    let host = current.difference(entry.flags);
    if wanted.difference(FdFlags::NONBLOCK) != current.difference(FdFlags::NONBLOCK) || !wanted.contains(host)
    {
        return Err(Errno::NotSup);
    }
    table.entry_mut(fd_number)?.flags = wanted.difference(host);
    Ok(())
}

/// Rights can be given up, never gained.
pub(crate) fn fd_fdstat_set_rights(
    ctx: &mut Ctx<'_>,
    _: Guest<'_>,
    fd: u32,
    rights: u64,
    inheriting: u64,
) -> Result<(), Errno> {
    let (rights, inheriting) = (Rights::from_guest(rights), Rights::from_guest(inheriting));
    let mut ctx = ctx.hold();
    let entry = ctx.table.entry_mut(fd)?;
    if !entry.rights.contains(rights) || !entry.inheriting.contains(inheriting) {
        return Err(Errno::NotCapable);
    }
    (entry.rights, entry.inheriting) = (rights, inheriting);
    Ok(())
}

pub(crate) fn fd_filestat_get(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    version: Version,
    fd: u32,
    out: u32,
) -> Result<(), Errno> {
    let entry = ctx.get(fd, Rights::FD_FILESTAT_GET)?;
    write_stat(guest, version, &file_stat(&entry)?, out)
}

/// Writes a file's status as the guest's version lays it out.
pub(super) fn write_stat(guest: Guest<'_>, version: Version, stat: &FileStat, out: u32) -> Result<(), Errno> {
    let mut bytes = [0; 64];
    let used = version.encode_stat(stat, &mut bytes);
    guest.write_record(out, &bytes[..used], FileStat::ALIGN)
}

/// The kernel's record does not say which kind of socket it is; the socket does. What lies in memory is like
/// a pipe.
fn file_stat(entry: &Entry) -> Result<FileStat, Errno> {
    let Some(fd) = entry.host() else { return Ok(FileStat::IN_MEMORY) };
    let mut stat = FileStat::from_host(&rustix::fs::fstat(fd)?);
    if stat.filetype == FileType::SocketStream && rustix::net::sockopt::socket_type(fd)? == SocketType::DGRAM
    {
        stat.filetype = FileType::SocketDgram;
    }
    Ok(stat)
}

pub(crate) fn fd_filestat_set_size(ctx: &mut Ctx<'_>, _: Guest<'_>, fd: u32, size: u64) -> Result<(), Errno> {
    let entry = ctx.stream(fd, Rights::FD_FILESTAT_SET_SIZE)?;
    let host = entry.fd(Errno::Inval)?;
    held_back(|| again(|| Ok(rustix::fs::ftruncate(host, size)?)), |()| true)
}

pub(crate) fn fd_filestat_set_times(
    ctx: &mut Ctx<'_>,
    _: Guest<'_>,
    fd: u32,
    atim: u64,
    mtim: u64,
    flags: u32,
) -> Result<(), Errno> {
    let times = timestamps(atim, mtim, flags)?;
    let entry = ctx.get(fd, Rights::FD_FILESTAT_SET_TIMES)?;
    Ok(rustix::fs::futimens(entry.fd(Errno::NotCapable)?, &times)?)
}

/// The times to set. A time cannot be both given and now.
pub(crate) fn timestamps(atim: u64, mtim: u64, flags: u32) -> Result<Timestamps, Errno> {
    let flags = TimeFlags::parse(flags)?;
    Ok(Timestamps {
        last_access: timestamp(atim, flags.contains(TimeFlags::ATIM), flags.contains(TimeFlags::ATIM_NOW))?,
        last_modification: timestamp(
            mtim,
            flags.contains(TimeFlags::MTIM),
            flags.contains(TimeFlags::MTIM_NOW),
        )?,
    })
}

fn timestamp(nanoseconds: u64, given: bool, now: bool) -> Result<Timespec, Errno> {
    match (given, now) {
        (true, true) => Err(Errno::Inval),
        (true, false) => Ok(Timespec {
            tv_sec: (nanoseconds / 1_000_000_000).cast_signed(),
            tv_nsec: (nanoseconds % 1_000_000_000).cast_signed(),
        }),
        (false, true) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
        (false, false) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_to_the_host_and_back() {
        for flags in [FdFlags::empty(), FdFlags::APPEND, FdFlags::NONBLOCK, FdFlags::DSYNC] {
            assert_eq!(flags_from_host(flags_to_host(flags)), flags);
        }
        assert!(flags_from_host(flags_to_host(FdFlags::RSYNC)).contains(FdFlags::SYNC));
    }

    #[test]
    fn times_are_given_now_or_left() {
        let times = timestamps(1_000_000_002, 0, 0b1001).expect("atim given, mtim now");
        assert_eq!((times.last_access.tv_sec, times.last_access.tv_nsec), (1, 2));
        assert_eq!(times.last_modification.tv_nsec, UTIME_NOW);
        assert_eq!(timestamps(0, 0, 0).expect("nothing").last_access.tv_nsec, UTIME_OMIT);
        for both in [0b0011, 0b1100, 0b1_0000] {
            assert_eq!(timestamps(0, 0, both).map(|_| ()), Err(Errno::Inval));
        }
    }
}
