//! `sock_*`: on sockets that the host gave.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::PollFlags;
use rustix::net::{Shutdown, SocketFlags};

use super::fd::{send, sendable, would_block};
use super::waits;
use crate::access::{Ctx, Found};
use crate::entry::{Entry, Handle, Kind, Raises};
use crate::errno::Errno;
use crate::guest::Guest;
use crate::guest::ranges::Extent;
use crate::sys::{self, again, kernel};
use crate::types::{FdFlags, ReceiveFlags, Rights, ShutdownFlags};

pub(crate) fn sock_accept(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    flags: u32,
    out: u32,
) -> Result<(), Errno> {
    let flags = FdFlags::parse(flags)?;
    if flags != flags.intersection(FdFlags::NONBLOCK) {
        return Err(Errno::Inval);
    }
    guest.result::<4>(out)?;
    if !ctx.hold().table.has_room() {
        return Err(Errno::MFile);
    }
    let listener = socket(ctx, fd, Rights::SOCK_ACCEPT)?;
    would_block(&listener, PollFlags::IN)?;
    waits::readable(ctx, &listener)?;
    let nonblocking = flags.contains(FdFlags::NONBLOCK);
    let added = if nonblocking { SocketFlags::NONBLOCK } else { SocketFlags::empty() };
    let host = listener.fd(Errno::NotSock)?;
    let accepted = again(|| Ok(rustix::net::accept_with(host, SocketFlags::CLOEXEC | added)?))?;
    let entry = connection(accepted, listener.inheriting, flags);
    drop(listener);
    // Another thread may have taken the last number meanwhile.
    let fd = ctx.hold().table.insert(entry)?;
    guest.write_u32(out, fd)
}

fn connection(socket: OwnedFd, inheriting: Rights, flags: FdFlags) -> Entry {
    Entry {
        handle: Handle::Owned(Arc::new(socket)),
        kind: Kind::Stream { raises: Raises::Broken },
        rights: Rights::CONNECTION.intersection(inheriting),
        inheriting: Rights::empty(),
        read_only: false,
        flags,
    }
}

/// An open socket that carries `rights`. What is no socket is told so, whatever its rights.
fn socket<'a>(ctx: &'a Ctx<'_>, fd: u32, rights: Rights) -> Result<Found<'a>, Errno> {
    let entry = ctx.entry(fd)?;
    rustix::net::sockopt::socket_type(entry.fd(Errno::NotSock)?)?;
    entry.require(rights)?;
    Ok(entry)
}

#[expect(clippy::too_many_arguments, reason = "the specification's")]
pub(crate) fn sock_recv(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    list: u32,
    count: u32,
    flags: u32,
    out: u32,
    flags_out: u32,
) -> Result<(), Errno> {
    let flags = ReceiveFlags::parse(flags)?;
    let entry = socket(ctx, fd, Rights::FD_READ)?;
    guest.result::<4>(out)?;
    guest.result::<2>(flags_out)?;
    let ranges = ctx.targets(guest, list, count)?;
    would_block(&entry, PollFlags::IN)?;
    waits::readable(ctx, &entry)?;
    let peek = if flags.contains(ReceiveFlags::PEEK) { sys::MSG_PEEK } else { 0 };
    let wait_all = if flags.contains(ReceiveFlags::WAITALL) { sys::MSG_WAITALL } else { 0 };
    let host = entry.fd(Errno::NotSock)?;
    let extent = || match kernel::extent_of_reading(host)? {
        // What was only looked at comes again.
        Extent::First if wait_all != 0 && peek == 0 => Ok(Extent::All),
        extent => Ok(extent),
    };
    let mut truncated = false;
    let received = ranges.transfer(extent, |piece| {
        let (count, is_cut) = kernel::receive(host, &piece.buffers()?, peek | wait_all)?;
        truncated |= is_cut;
        Ok(count)
    })?;
    drop(entry);
    guest.write(flags_out, &u16::from(truncated).to_le_bytes())?;
    ctx.report_read(guest, out, received)
}

/// No flags are defined for sending.
pub(crate) fn sock_send(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    fd: u32,
    list: u32,
    count: u32,
    flags: u32,
    out: u32,
) -> Result<(), Errno> {
    if flags != 0 {
        return Err(Errno::Inval);
    }
    let entry = socket(ctx, fd, Rights::FD_WRITE)?;
    guest.result::<4>(out)?;
    let (ranges, host) = (sendable(&entry, ctx.sources(guest, list, count)?)?, entry.fd(Errno::NotSock)?);
    let sent = send(ctx, &entry, &ranges, |piece| kernel::send(host, &piece.buffers()?))?;
    drop(entry);
    ctx.report_written(guest, out, sent)
}

pub(crate) fn sock_shutdown(ctx: &mut Ctx<'_>, _: Guest<'_>, fd: u32, how: u32) -> Result<(), Errno> {
    let how = ShutdownFlags::parse(how)?;
    let read = how.contains(ShutdownFlags::RD);
    let write = how.contains(ShutdownFlags::WR);
    let how = match (read, write) {
        (true, true) => Shutdown::Both,
        (true, false) => Shutdown::Read,
        (false, true) => Shutdown::Write,
        (false, false) => return Err(Errno::Inval),
    };
    let entry = socket(ctx, fd, Rights::SOCK_SHUTDOWN)?;
    Ok(rustix::net::shutdown(entry.fd(Errno::NotSock)?, how)?)
}
