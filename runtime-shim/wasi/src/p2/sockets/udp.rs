//! `wasi:sockets/udp`: sockets, and streams of datagrams.
//!
//! **Invariant: no call waits**, and of the streams of a socket only those that were made last are of use.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::buffer::spare_capacity;
use rustix::event::PollFlags;
use rustix::io::Errno as HostErrno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};
use wasmaot_component::record;

use super::network::{Address, ErrorCode, Family, check_remote, granted};
use super::options::bind;
use crate::entry::{Kind, Raises};
use crate::errno::Errno;
use crate::p2::grants::{NetworkGrants, SocketUse};
use crate::p2::open::{Open, Permits};
use crate::p2::pipe::is_ready;
use crate::p2::ready::Pollable;
use crate::sys::again;
use crate::types::Rights;

/// Datagrams that a call receives, and that are permitted to be sent at once.
const AT_ONCE: u64 = 16;

/// Bytes of the longest datagram.
const LONGEST: usize = 65_535;

record! {
    /// `incoming-datagram`.
    #[derive(Debug)]
    pub(crate) struct IncomingDatagram {
        /// Its bytes.
        data: Vec<u8> = "data",
        /// Where it came from.
        remote: Address = "remote-address",
    }
}

record! {
    /// `outgoing-datagram`.
    #[derive(Debug)]
    pub(crate) struct OutgoingDatagram {
        /// Its bytes.
        pub(crate) data: Vec<u8> = "data",
        /// Where it goes, unless the stream says so.
        remote: Option<Address> = "remote-address",
    }
}

/// The resource `udp-socket`.
pub(crate) struct UdpSocket {
    open: Open,
    family: Family,
    state: State,
    /// The number of the streams that were made last.
    last: Arc<AtomicU32>,
}

enum State {
    Unbound,
    Binding,
    Bound,
    Connected(SocketAddr),
}

/// One end of a socket.
#[derive(Clone)]
struct Stream {
    open: Open,
    family: Family,
    remote: Option<SocketAddr>,
    number: u32,
    last: Arc<AtomicU32>,
}

/// The resource `incoming-datagram-stream`.
pub(crate) struct Incoming(Stream);

/// The resource `outgoing-datagram-stream`.
pub(crate) struct Outgoing {
    stream: Stream,
    /// Datagrams that may be sent.
    permitted: u64,
}

impl IncomingDatagram {
    pub(crate) fn len(&self) -> u64 {
        self.data.len() as u64
    }
}

impl UdpSocket {
    pub(crate) fn new(permits: &Permits, family: Family) -> Result<Self, ErrorCode> {
        let permit = permits.take()?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family.to_host(), SocketType::DGRAM, flags, None)?;
        if family == Family::Ipv6 {
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
        let kind = Kind::Stream { raises: Raises::Broken };
        let open = Open::owned(socket, permit, kind, Rights::CONNECTION);
        Ok(Self { open, family, state: State::Unbound, last: Arc::default() })
    }

    fn host(&self) -> Result<BorrowedFd<'_>, ErrorCode> {
        Ok(self.open.entry.fd(Errno::BadF)?)
    }

    pub(crate) fn start_bind(&mut self, grants: &NetworkGrants, local: SocketAddr) -> Result<(), ErrorCode> {
        match self.state {
            State::Unbound => {}
            State::Binding => return Err(ErrorCode::ConcurrencyConflict),
            _ => return Err(ErrorCode::InvalidState),
        }
        self.family.check(local)?;
        granted(grants, local, SocketUse::UdpBind)?;
        bind(self.host()?, local)?;
        self.state = State::Binding;
        Ok(())
    }

    pub(crate) fn finish_bind(&mut self) -> Result<(), ErrorCode> {
        match self.state {
            State::Binding => {
                self.state = State::Bound;
                Ok(())
            }
            _ => Err(ErrorCode::NotInProgress),
        }
    }

    pub(crate) fn stream(
        &mut self,
        grants: &NetworkGrants,
        remote: Option<SocketAddr>,
    ) -> Result<(Incoming, Outgoing), ErrorCode> {
        if !matches!(self.state, State::Bound | State::Connected(_)) {
            return Err(ErrorCode::InvalidState);
        }
        if let Some(remote) = remote {
            check_remote(self.family, remote)?;
            granted(grants, remote, SocketUse::UdpSend)?;
        }
        if matches!(self.state, State::Connected(_)) {
            rustix::net::connect_unspec(self.host()?)?;
            self.state = State::Bound;
        }
        if let Some(remote) = remote {
            match rustix::net::connect(self.host()?, &remote) {
                // No port is left for the local end.
                Err(HostErrno::ADDRNOTAVAIL) => return Err(ErrorCode::AddressInUse),
                result => result?,
            }
            self.state = State::Connected(remote);
        }
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let stream =
            Stream { open: self.open.clone(), family: self.family, remote, number, last: self.last.clone() };
        Ok((Incoming(stream.clone()), Outgoing { stream, permitted: 0 }))
    }

    pub(crate) fn local_address(&self) -> Result<SocketAddr, ErrorCode> {
        if matches!(self.state, State::Unbound | State::Binding) {
            return Err(ErrorCode::InvalidState);
        }
        let address = rustix::net::getsockname(self.host()?)?;
        SocketAddr::try_from(address).map_err(|_| ErrorCode::Unknown)
    }

    pub(crate) fn remote_address(&self) -> Result<SocketAddr, ErrorCode> {
        match self.state {
            State::Connected(remote) => Ok(remote),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    pub(crate) fn family(&self) -> Family {
        self.family
    }

    pub(crate) fn socket(&self) -> Result<BorrowedFd<'_>, ErrorCode> {
        self.host()
    }
}

impl Stream {
    /// The socket, as long as no later streams have been made.
    fn host(&self) -> Result<BorrowedFd<'_>, Errno> {
        match self.last.load(Ordering::Relaxed) == self.number {
            true => self.open.entry.fd(Errno::BadF),
            false => Err(Errno::NotConn),
        }
    }

    fn pollable(&self, wanted: PollFlags) -> Pollable {
        Pollable::file(&self.open.entry.handle, wanted, self.open.permit.as_ref())
    }
}

impl Incoming {
    /// Receives at most `max` datagrams, if there are any.
    pub(crate) fn receive(&self, max: u64) -> Result<Vec<IncomingDatagram>, ErrorCode> {
        let mut received = Vec::new();
        let mut buffer = Vec::with_capacity(LONGEST);
        while (received.len() as u64) < max.min(AT_ONCE) {
            buffer.clear();
            let (stream, flags) = (&self.0, RecvFlags::DONTWAIT);
            let from = again(|| {
                let room = spare_capacity(&mut buffer);
                Ok(rustix::net::recvfrom(stream.host()?, room, flags)?.2)
            });
            let from = match from {
                Ok(from) => from,
                Err(Errno::Again) => break,
                Err(_) if !received.is_empty() => break,
                Err(error) => return Err(error.into()),
            };
            let from = from.and_then(|from| SocketAddr::try_from(from).ok()).ok_or(ErrorCode::Unknown)?;
            // One that arrived before the socket was connected may be another's.
            if stream.remote.is_none_or(|remote| remote == from) {
                received.push(IncomingDatagram { data: buffer.clone(), remote: from.into() });
            }
        }
        Ok(received)
    }

    pub(crate) fn pollable(&self) -> Pollable {
        self.0.pollable(PollFlags::IN)
    }
}

/// More datagrams were sent than were permitted.
#[derive(Debug, thiserror::Error)]
#[error("{sent} datagrams were sent by a stream that permitted {permitted}")]
pub(crate) struct NotPermitted {
    sent: u64,
    permitted: u64,
}

impl Outgoing {
    /// Returns how many datagrams the next call may send.
    pub(crate) fn check_send(&mut self) -> Result<u64, ErrorCode> {
        self.permitted = 0;
        self.stream.host()?;
        self.permitted = if is_ready(&self.stream.open, PollFlags::OUT)? { AT_ONCE } else { 0 };
        Ok(self.permitted)
    }

    /// Compares a number of datagrams with what was permitted.
    pub(crate) fn permit(&self, sent: u64) -> Result<(), NotPermitted> {
        let permitted = self.permitted;
        if sent > permitted { Err(NotPermitted { sent, permitted }) } else { Ok(()) }
    }

    /// Sends datagrams, up to the first that fails or would wait. Returns how many.
    pub(crate) fn send(
        &mut self,
        grants: &NetworkGrants,
        datagrams: &[OutgoingDatagram],
    ) -> Result<u64, ErrorCode> {
        let mut sent = 0;
        for datagram in datagrams {
            match self.send_one(grants, datagram) {
                Ok(()) => sent += 1,
                Err(ErrorCode::WouldBlock) => break,
                Err(_) if sent > 0 => break,
                Err(error) => return Err(error),
            }
        }
        self.permitted -= sent;
        Ok(sent)
    }

    fn send_one(&self, grants: &NetworkGrants, datagram: &OutgoingDatagram) -> Result<(), ErrorCode> {
        let (stream, flags) = (&self.stream, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        let to = datagram.remote.map(SocketAddr::from);
        let sent = match (stream.remote, to) {
            (Some(remote), Some(to)) if remote != to => return Err(ErrorCode::InvalidArgument),
            (Some(_), _) => again(|| Ok(rustix::net::send(stream.host()?, &datagram.data, flags)?)),
            (None, None) => return Err(ErrorCode::InvalidArgument),
            (None, Some(to)) => {
                check_remote(stream.family, to)?;
                granted(grants, to, SocketUse::UdpSend)?;
                again(|| Ok(rustix::net::sendto(stream.host()?, &datagram.data, flags, &to)?))
            }
        };
        sent.map(drop).map_err(ErrorCode::from)
    }

    pub(crate) fn pollable(&self) -> Pollable {
        self.stream.pollable(PollFlags::OUT)
    }
}
