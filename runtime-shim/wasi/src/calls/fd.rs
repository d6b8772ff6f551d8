//! `fd_*` that transfer, position, synchronise, advise, allocate, close, renumber and describe preopens.

use std::num::NonZeroU64;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Advice, FallocateFlags, SeekFrom};

use super::waits;
use crate::access::Ctx;
use crate::ctx::WasiCtx;
use crate::entry::{Entry, Handle};
use crate::errno::Errno;
use crate::guest::Guest;
use crate::guest::ranges::{Extent, Piece, Ranges};
use crate::sys::signals::held_back;
use crate::sys::{again, kernel};
use crate::types::{FdFlags, Prestat, Rights};
use crate::version::{Version, Whence};
use crate::wait::is_any_ready;

pub(crate) fn fd_read(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    list: u32,
    count: u32,
    out: u32,
) -> Result<(), Errno> {
    let entry = ctx.stream(fd, Rights::FD_READ)?;
    guest.result::<4>(out)?;
    let ranges = ctx.targets(guest, list, count)?;
    let read = match entry.host() {
        Some(host) => {
            would_block(&entry, PollFlags::IN)?;
            waits::readable(ctx, &entry)?;
            let extent = || kernel::extent_of_reading(host);
            let read = ranges.transfer(extent, |piece| kernel::read(host, &piece.buffers()?))?;
            drop(entry);
            read
        }
        None => {
            drop(entry);
            ranges.transfer(
                || Ok(Extent::All),
                |piece| {
                    let mut ctx = ctx.hold();
                    let read = piece.scatter(ctx.input_left())?;
                    ctx.advance_input(read);
                    Ok(read)
                },
            )?
        }
    };
    ctx.report_read(guest, out, read)
}

pub(crate) fn fd_write(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    list: u32,
    count: u32,
    out: u32,
) -> Result<(), Errno> {
    let entry = ctx.stream(fd, Rights::FD_WRITE)?;
    guest.result::<4>(out)?;
    let written = match entry.handle {
        Handle::Captured(output) => {
            drop(entry);
            ctx.sources(guest, list, count)?.transfer(
                || Ok(Extent::All),
                |piece| {
                    let mut ctx = ctx.hold();
                    let (collected, room) = ctx.collector(output, piece.bytes);
                    piece.gather(collected, room)
                },
            )?
        }
        _ => {
            let ranges = sendable(&entry, ctx.sources(guest, list, count)?)?;
            let host = entry.fd(Errno::BadF)?;
            let written = send(ctx, &entry, &ranges, |piece| {
                kernel::write(host, &piece.buffers()?, entry.may_raise())
            })?;
            drop(entry);
            written
        }
    };
    ctx.report_written(guest, out, written)
}

/// The guest may have asked a shared descriptor not to block. The descriptor itself must not change, for
/// it is not the guest's alone; so ask first whether it would.
pub(super) fn would_block(entry: &Entry, wanted: PollFlags) -> Result<(), Errno> {
    if !asks_first(entry) {
        return Ok(());
    }
    // What lies in memory is always there.
    let Some(fd) = entry.host() else { return Ok(()) };
    let mut polled = [PollFd::from_borrowed_fd(fd, wanted)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    match rustix::event::poll(&mut polled, Some(&now))? {
        0 => Err(Errno::Again),
        _ => Ok(()),
    }
}

fn asks_first(entry: &Entry) -> bool {
    !entry.is_owned() && entry.flags.contains(FdFlags::NONBLOCK)
}

/// Bytes that a pipe or socket which can be written to takes without waiting for more room.
const AT_ONCE: u64 = 4096;

/// What of `ranges` can be written now, where the guest asked a shared descriptor not to block.
pub(super) fn sendable<'a>(entry: &Entry, mut ranges: Ranges<'a>) -> Result<Ranges<'a>, Errno> {
    would_block(entry, PollFlags::OUT)?;
    if asks_first(entry) && entry.may_break() {
        ranges.truncate(AT_ONCE);
    }
    Ok(ranges)
}

/// Transfers ranges to a file by `write`. In an asynchronous call, what may have to wait is suspended until
/// there is room, and is then written as far as there is: where others write to the same file, they may take
/// it first, and the thread waits.
pub(super) fn send<'a>(
    ctx: &Ctx<'_>,
    entry: &Entry,
    ranges: &Ranges<'a>,
    mut write: impl FnMut(&Piece<'_, 'a>) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    let host = entry.fd(Errno::BadF)?;
    let Some(files) = waits::writable(ctx, entry, ranges)? else {
        return ranges.transfer(|| kernel::extent_of_writing(host), write);
    };
    let has_room = || if is_any_ready(&files) { Ok(()) } else { Err(Errno::Again) };
    ranges.in_pieces(AT_ONCE, &has_room, &mut write)
}

pub(crate) fn fd_pread(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    list: u32,
    count: u32,
    offset: u64,
    out: u32,
) -> Result<(), Errno> {
    let entry = ctx.stream(fd, Rights::FD_READ | Rights::FD_SEEK)?;
    guest.result::<4>(out)?;
    let (ranges, host) = (ctx.targets(guest, list, count)?, entry.fd(Errno::SPipe)?);
    let read = ranges.transfer(
        || Ok(Extent::All),
        |piece| kernel::read_at(host, &piece.buffers()?, offset.saturating_add(piece.done)),
    )?;
    drop(entry);
    ctx.report_read(guest, out, read)
}

pub(crate) fn fd_pwrite(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    list: u32,
    count: u32,
    offset: u64,
    out: u32,
) -> Result<(), Errno> {
    let entry = ctx.stream(fd, Rights::FD_WRITE | Rights::FD_SEEK)?;
    guest.result::<4>(out)?;
    let (ranges, host) = (ctx.sources(guest, list, count)?, entry.fd(Errno::SPipe)?);
    let written = ranges.transfer(
        || Ok(Extent::All),
        |piece| kernel::write_at(host, &piece.buffers()?, offset.saturating_add(piece.done)),
    )?;
    drop(entry);
    ctx.report_written(guest, out, written)
}

pub(crate) fn fd_seek(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    version: Version,
    fd: u32,
    offset: i64,
    whence: u32,
    out: u32,
) -> Result<(), Errno> {
    let whence = version.whence(whence)?;
    // To stay in place is to tell.
    let tells = offset == 0 && whence == Whence::Current;
    let rights = if tells { Rights::FD_TELL } else { Rights::FD_SEEK };
    let to = match whence {
        Whence::Set => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
        Whence::Current => SeekFrom::Current(offset),
        Whence::End => SeekFrom::End(offset),
    };
    seek(ctx, guest, fd, rights, to, out)
}

pub(crate) fn fd_tell(ctx: &mut Ctx<'_>, guest: Guest<'_>, fd: u32, out: u32) -> Result<(), Errno> {
    seek(ctx, guest, fd, Rights::FD_TELL, SeekFrom::Current(0), out)
}

/// The right to seek includes the right to tell.
fn seek(
    ctx: &Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    rights: Rights,
    to: SeekFrom,
    out: u32,
) -> Result<(), Errno> {
    let entry = ctx.stream(fd, Rights::empty())?;
    entry.require(Rights::FD_SEEK).or_else(|_| entry.require(rights))?;
    guest.result::<8>(out)?;
    guest.write_u64(out, rustix::fs::seek(entry.fd(Errno::SPipe)?, to)?)
}

pub(crate) fn fd_sync(ctx: &mut Ctx<'_>, _: Guest<'_>, fd: u32) -> Result<(), Errno> {
    let entry = ctx.get(fd, Rights::FD_SYNC)?;
    let host = entry.fd(Errno::Inval)?;
    again(|| Ok(rustix::fs::fsync(host)?))
}

pub(crate) fn fd_datasync(ctx: &mut Ctx<'_>, _: Guest<'_>, fd: u32) -> Result<(), Errno> {
    let entry = ctx.get(fd, Rights::FD_DATASYNC)?;
    let host = entry.fd(Errno::Inval)?;
    again(|| Ok(rustix::fs::fdatasync(host)?))
}

pub(crate) fn fd_advise(
    ctx: &mut Ctx<'_>,
    _: Guest<'_>,
    fd: u32,
    offset: u64,
    len: u64,
    advice: u32,
) -> Result<(), Errno> {
    let advice = match advice {
        0 => Advice::Normal,
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::NoReuse,
        _ => return Err(Errno::Inval),
    };
    let entry = ctx.get(fd, Rights::FD_ADVISE)?;
    if offset > i64::MAX as u64 || len > i64::MAX as u64 {
        return Err(Errno::Inval);
    }
    Ok(rustix::fs::fadvise(entry.fd(Errno::SPipe)?, offset, NonZeroU64::new(len), advice)?)
}

pub(crate) fn fd_allocate(
    ctx: &mut Ctx<'_>,
    _: Guest<'_>,
    fd: u32,
    offset: u64,
    len: u64,
) -> Result<(), Errno> {
    let entry = ctx.stream(fd, Rights::FD_ALLOCATE)?;
    let host = entry.fd(Errno::SPipe)?;
    held_back(|| again(|| Ok(rustix::fs::fallocate(host, FallocateFlags::empty(), offset, len)?)), |()| true)
}

pub(crate) fn fd_close(ctx: &mut Ctx<'_>, _: Guest<'_>, fd: u32) -> Result<(), Errno> {
    let closed = ctx.hold().table.remove(fd)?;
    // To close a file may take its time.
    drop(closed);
    Ok(())
}

pub(crate) fn fd_renumber(ctx: &mut Ctx<'_>, _: Guest<'_>, from: u32, to: u32) -> Result<(), Errno> {
    let closed = ctx.hold().table.renumber(from, to)?;
    drop(closed);
    Ok(())
}

/// Guests ask for descriptors from 3 on until one is [`Errno::BadF`], so that is what any that is not a
/// preopened directory must be.
pub(crate) fn fd_prestat_get(ctx: &mut Ctx<'_>, guest: Guest<'_>, fd: u32, out: u32) -> Result<(), Errno> {
    let ctx = ctx.hold();
    let name = preopened_name(&ctx, fd)?;
    let name_len = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
    guest.write_record(out, &Prestat { name_len }.encode(), Prestat::ALIGN)
}

pub(crate) fn fd_prestat_dir_name(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    buffer: u32,
    len: u32,
) -> Result<(), Errno> {
    let ctx = ctx.hold();
    let name = preopened_name(&ctx, fd)?;
    if name.len() > len as usize {
        return Err(Errno::NameTooLong);
    }
    guest.write(buffer, name.as_bytes())
}

fn preopened_name(ctx: &WasiCtx, fd: u32) -> Result<&str, Errno> {
    let directory = ctx.table.entry(fd)?.directory().ok_or(Errno::BadF)?;
    directory.preopened_as.as_deref().ok_or(Errno::BadF)
}
