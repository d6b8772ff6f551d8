//! The sockets that a server listens at.
//!
//! **Invariant: each thread has a socket of its own for each address**, between which the kernel distributes
//! connections; what systemd passes is one socket, and is shared.

use crate::error::ServeError;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{FromRawFd as _, OwnedFd};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;

/// Returns the sockets of each thread: those that systemd passes, if it passes any, or new ones.
///
/// # Errors
/// An address cannot be used, or there is none.
pub(crate) fn sockets(addresses: &[SocketAddr], threads: usize) -> Result<Vec<Vec<TcpListener>>, ServeError> {
    let inherited = inherited().map_err(ServeError::Systemd)?;
    if !inherited.is_empty() {
        let of_thread = |_| inherited.iter().map(TcpListener::try_clone).collect::<io::Result<_>>();
        return (0..threads).map(of_thread).collect::<io::Result<_>>().map_err(ServeError::Systemd);
    }
    if addresses.is_empty() {
        return Err(ServeError::NoAddress);
    }
    let mut sockets: Vec<Vec<TcpListener>> = (0..threads).map(|_| Vec::new()).collect();
    for &address in addresses {
        let error = |source| ServeError::Listen { address, source };
        // Another process at a port of the system's choice would get connections, too.
        let mut address = address;
        for of_thread in &mut sockets {
            let socket = listen(address).map_err(error)?;
            address = socket.local_addr().map_err(error)?;
            of_thread.push(socket);
        }
    }
    Ok(sockets)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The sockets that systemd passes.
fn inherited() -> io::Result<Vec<TcpListener>> {
    let sockets = sd_notify::listen_fds()?.map(|fd| {
        #[expect(unsafe_code, reason = "a descriptor that another process has opened is known by its number")]
        // SAFETY: systemd has opened it for this process, and nothing else uses it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let socket = TcpListener::from(socket);
        socket.set_nonblocking(true)?;
        // Not a socket that listens for TCP has no such address.
        socket.local_addr()?;
        Ok(socket)
    });
    sockets.collect()
}
