//! The transfers that hand guest memory itself to the kernel, without a copy in between.
//!
//! **Invariant.** Only [`Buffers`] reach the kernel, so it reads and writes checked ranges alone. No Rust
//! reference to guest memory is made: ranges that overlap are the guest's affair. A call returns what the
//! kernel transferred, never more. How much is transferred at once,
//! [`Ranges::transfer`](crate::guest::ranges::Ranges::transfer) says.
//!
//! A call that a signal interrupts before anything happened is made again, unless the instance is to be
//! stopped (see [`super::again`]).

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::FileType;
use rustix::io::Errno as HostErrno;
use rustix::net::SocketType;

use super::signals::held_back;
use super::{again, go_on};
use crate::errno::Errno;
use crate::guest::ranges::{Buffers, Extent};

/// Calls one of libc's functions, which gives a count, or -1 and `errno`.
#[inline]
fn counted(mut call: impl FnMut() -> isize) -> Result<usize, Errno> {
    again(|| {
        usize::try_from(call()).map_err(|_| {
            let error = std::io::Error::last_os_error();
            HostErrno::from_io_error(&error).unwrap_or(HostErrno::IO).into()
        })
    })
}

/// Reads at the descriptor's own position.
pub(crate) fn read(fd: BorrowedFd<'_>, buffers: &Buffers<'_>) -> Result<usize, Errno> {
    let list = buffers.as_slice();
    counted(|| match list {
        // SAFETY: the range is mapped, writable guest memory (see `Buffers::as_slice`), and `fd` is open.
        [one] => unsafe { libc::read(fd.as_raw_fd(), one.iov_base, one.iov_len) },
        // SAFETY: each range is mapped, writable guest memory (see `Buffers::as_slice`), the list has as many
        // entries as the call is told, and `fd` is open.
        _ => unsafe { libc::readv(fd.as_raw_fd(), list.as_ptr(), list.len() as i32) },
    })
}

/// Writes at the descriptor's own position. `raises` says whether that may raise a signal, which is an error
/// then.
pub(crate) fn write(fd: BorrowedFd<'_>, buffers: &Buffers<'_>, raises: bool) -> Result<usize, Errno> {
    let list = buffers.as_slice();
    let write = || {
        counted(|| match list {
            // SAFETY: the range is mapped, readable guest memory (see `Buffers::as_slice`), and `fd` is open.
            [one] => unsafe { libc::write(fd.as_raw_fd(), one.iov_base, one.iov_len) },
            // SAFETY: each range is mapped, readable guest memory (see `Buffers::as_slice`), the list has as
            // many entries as the call is told, and `fd` is open.
            _ => unsafe { libc::writev(fd.as_raw_fd(), list.as_ptr(), list.len() as i32) },
        })
    };
    if raises { held_back(write, |&count| is_whole(list, count)) } else { write() }
}

fn is_whole(list: &[libc::iovec], count: usize) -> bool {
    count >= list.iter().map(|range| range.iov_len).sum()
}

/// Reads at `offset`, leaving the descriptor's position alone.
pub(crate) fn read_at(fd: BorrowedFd<'_>, buffers: &Buffers<'_>, offset: u64) -> Result<usize, Errno> {
    let offset = i64::try_from(offset).map_err(|_| Errno::Inval)?;
    let list = buffers.as_slice();
    // SAFETY: the length passed is that of `list`, whose ranges are mapped, writable guest memory (see
    // `Buffers::as_slice`), and `fd` is open.
    counted(|| unsafe { libc::preadv(fd.as_raw_fd(), list.as_ptr(), list.len() as i32, offset) })
}

/// Writes at `offset`, leaving the descriptor's position alone.
pub(crate) fn write_at(fd: BorrowedFd<'_>, buffers: &Buffers<'_>, offset: u64) -> Result<usize, Errno> {
    let offset = i64::try_from(offset).map_err(|_| Errno::Inval)?;
    let list = buffers.as_slice();
    // SAFETY: the list has as many ranges as the call is told, all of them mapped, readable guest memory (see
    // `Buffers::as_slice`), and `fd` is open.
    let write =
        || counted(|| unsafe { libc::pwritev(fd.as_raw_fd(), list.as_ptr(), list.len() as i32, offset) });
    held_back(write, |&count| is_whole(list, count))
}

/// How far reading goes on behind the first piece: a file is read to the end of what was asked for, and from
/// anything else, such as a pipe, comes what is there.
#[cold]
pub(crate) fn extent_of_reading(fd: BorrowedFd<'_>) -> Result<Extent, Errno> {
    match FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode) {
        FileType::RegularFile | FileType::BlockDevice => Ok(Extent::All),
        FileType::Socket if is_of_messages(fd)? => Ok(Extent::Message),
        _ => Ok(Extent::First),
    }
}

/// How far writing goes on behind the first piece: to the end of what was asked for, or until the kernel
/// takes less.
#[cold]
pub(crate) fn extent_of_writing(fd: BorrowedFd<'_>) -> Result<Extent, Errno> {
    let is_socket = FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode) == FileType::Socket;
    if is_socket && is_of_messages(fd)? { Ok(Extent::Message) } else { Ok(Extent::All) }
}

/// Whether what is sent through a socket arrives as it was sent, in one, or is cut. Such messages are bounded
/// by the socket's buffer, before a byte of a longer one is looked at.
fn is_of_messages(fd: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(rustix::net::sockopt::socket_type(fd)? != SocketType::STREAM)
}

/// Random bytes between two looks at whether the instance is to be stopped: about a millisecond. The call
/// itself would go on: what a signal cuts short is filled from there.
const RANDOM_AT_ONCE: usize = 256 << 10;

/// Fills every range with random bytes.
pub(crate) fn random(buffers: &Buffers<'_>) -> Result<(), Errno> {
    for range in buffers.as_slice() {
        let mut filled = 0;
        while filled < range.iov_len {
            go_on()?;
            let rest = (range.iov_len - filled).min(RANDOM_AT_ONCE);
            let target = range.iov_base.cast::<u8>().wrapping_add(filled).cast();
            // SAFETY: `target..target + rest` lies in the range, which is mapped, writable guest memory.
            filled += counted(|| unsafe { libc::getrandom(target, rest, 0) })?;
        }
    }
    Ok(())
}

/// A message header that names the ranges and nothing else.
fn message(buffers: &Buffers<'_>) -> libc::msghdr {
    // SAFETY: all-zero bytes are a valid `msghdr`: null pointers with zero lengths.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = buffers.as_slice().as_ptr().cast_mut();
    header.msg_iovlen = buffers.as_slice().len();
    header
}

/// Receives from a socket. The second value says whether the kernel dropped the rest of a message.
pub(crate) fn receive(fd: BorrowedFd<'_>, buffers: &Buffers<'_>, flags: i32) -> Result<(usize, bool), Errno> {
    let mut header = message(buffers);
    // SAFETY: the header's ranges are mapped, writable guest memory; it holds no other pointer.
    let count = counted(|| unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, flags) })?;
    Ok((count, header.msg_flags & libc::MSG_TRUNC != 0))
}

/// Sends to a socket. A peer that is gone is an error, not a signal.
pub(crate) fn send(fd: BorrowedFd<'_>, buffers: &Buffers<'_>) -> Result<usize, Errno> {
    let header = message(buffers);
    // SAFETY: the header's ranges are mapped, readable guest memory; it holds no other pointer.
    counted(|| unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const header, libc::MSG_NOSIGNAL) })
}
