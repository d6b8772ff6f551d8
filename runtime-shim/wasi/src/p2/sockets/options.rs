//! Binding, and the options that sockets of both protocols have.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use rustix::io::Errno as HostErrno;
use rustix::net::sockopt;

use super::network::{ErrorCode, Family};

/// Binds a socket to an address of its family that was granted.
pub(super) fn bind(socket: BorrowedFd<'_>, local: SocketAddr) -> Result<(), ErrorCode> {
    match rustix::net::bind(socket, &local) {
        Err(HostErrno::AFNOSUPPORT) => Err(ErrorCode::InvalidArgument),
        Err(HostErrno::INVAL) => Err(ErrorCode::InvalidState),
        result => Ok(result?),
    }
}

pub(super) fn hop_limit(socket: BorrowedFd<'_>, family: Family) -> Result<u8, ErrorCode> {
    Ok(match family {
        Family::Ipv4 => u8::try_from(sockopt::ip_ttl(socket)?).unwrap_or(u8::MAX),
        Family::Ipv6 => sockopt::ipv6_unicast_hops(socket)?,
    })
}

pub(super) fn set_hop_limit(socket: BorrowedFd<'_>, family: Family, limit: u8) -> Result<(), ErrorCode> {
    if limit == 0 {
        return Err(ErrorCode::InvalidArgument);
    }
    match family {
        Family::Ipv4 => sockopt::set_ip_ttl(socket, limit.into())?,
        Family::Ipv6 => sockopt::set_ipv6_unicast_hops(socket, Some(limit))?,
    }
    Ok(())
}

/// Which buffer of a socket.
#[derive(Clone, Copy)]
pub(super) enum Buffer {
    Receive,
    Send,
}

/// Bytes of a buffer, as they were set: the system keeps twice as many.
pub(super) fn buffer_size(socket: BorrowedFd<'_>, buffer: Buffer) -> Result<u64, ErrorCode> {
    let size = match buffer {
        Buffer::Receive => sockopt::socket_recv_buffer_size(socket)?,
        Buffer::Send => sockopt::socket_send_buffer_size(socket)?,
    };
    Ok(size as u64 / 2)
}

/// Sets the bytes of a buffer, as far as the system goes.
pub(super) fn set_buffer_size(socket: BorrowedFd<'_>, buffer: Buffer, size: u64) -> Result<(), ErrorCode> {
    if size == 0 {
        return Err(ErrorCode::InvalidArgument);
    }
    let size = size.min(i32::MAX as u64 / 2) as usize;
    match buffer {
        Buffer::Receive => sockopt::set_socket_recv_buffer_size(socket, size)?,
        Buffer::Send => sockopt::set_socket_send_buffer_size(socket, size)?,
    }
    Ok(())
}
