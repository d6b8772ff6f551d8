//! `wasi:sockets/tcp`: a socket and its states.
//!
//! ```text
//!  Unbound ──bind──▶ Binding ──▶ Bound ──listen──▶ Starting ──▶ Listening
//!     └──────────────connect───────┴──▶ Connecting ──▶ Connected
//!                                           └──▶ Failed
//! ```
//!
//! **Invariant: no call waits.** What is in progress says so, and the socket's pollable says when it is over.

use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno as HostErrno;
use rustix::net::{Shutdown, SocketFlags, SocketType, sockopt};
use wasmaot_component::enumeration;

use super::network::{ErrorCode, Family, check_remote, granted, is_unicast};
use super::options::bind;
use crate::entry::{Kind, Raises};
use crate::errno::Errno;
use crate::p2::grants::{NetworkGrants, SocketUse};
use crate::p2::open::{Open, Permits};
use crate::p2::pipe::{PipeInput, PipeOutput, is_ready};
use crate::p2::ready::{Pollable, Wanted};
use crate::p2::stream::{Input, Output};
use crate::sys::again;
use crate::types::Rights;

/// Connections that wait to be accepted, unless the guest says otherwise.
const BACKLOG: i32 = 128;

/// The longest times of keep-alive, in seconds, and the most probes: what Linux takes.
const MAX_KEEPALIVE: u64 = 32_767;
const MAX_PROBES: u32 = 127;

enumeration! {
    /// `shutdown-type`.
    pub(crate) enum ShutdownType {
        /// Nothing more is to be received.
        Receive = "receive",
        /// Nothing more is to be sent.
        Send = "send",
        /// Neither.
        Both = "both",
    }
}

/// The resource `tcp-socket`.
pub(crate) struct TcpSocket {
    open: Open,
    family: Family,
    state: State,
    backlog: i32,
    /// What the pollables of the socket wait for.
    wanted: Arc<Wanted>,
}

enum State {
    Unbound,
    Binding,
    Bound,
    Starting,
    Listening,
    Connecting,
    Connected(PipeInput, PipeOutput),
    /// A connection was not made. Nothing else can be done with the socket.
    Failed,
}

/// A connection: its streams.
pub(crate) type Streams = (Input, Output);

impl TcpSocket {
    pub(crate) fn new(permits: &Permits, family: Family) -> Result<Self, ErrorCode> {
        let permit = permits.take()?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(family.to_host(), SocketType::STREAM, flags, None)?;
        if family == Family::Ipv6 {
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
        Ok(Self::of(open(socket, permit), family, State::Unbound))
    }

    fn of(open: Open, family: Family, state: State) -> Self {
        Self { open, family, state, backlog: BACKLOG, wanted: Arc::default() }
    }

    fn host(&self) -> Result<BorrowedFd<'_>, ErrorCode> {
        Ok(self.open.entry.fd(Errno::BadF)?)
    }

    /// That the state is one in which an operation can begin.
    fn idle(&self) -> Result<(), ErrorCode> {
        match self.state {
            State::Binding | State::Starting | State::Connecting => Err(ErrorCode::ConcurrencyConflict),
            _ => Ok(()),
        }
    }

    pub(crate) fn start_bind(&mut self, grants: &NetworkGrants, local: SocketAddr) -> Result<(), ErrorCode> {
        self.idle()?;
        if !matches!(self.state, State::Unbound) {
            return Err(ErrorCode::InvalidState);
        }
        self.family.check(local)?;
        if !is_unicast(local) {
            return Err(ErrorCode::InvalidArgument);
        }
        granted(grants, local, SocketUse::TcpBind)?;
        // A port whose last connections are still being closed can be bound again.
        sockopt::set_socket_reuseaddr(self.host()?, true)?;
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

    pub(crate) fn start_connect(
        &mut self,
        grants: &NetworkGrants,
        remote: SocketAddr,
    ) -> Result<(), ErrorCode> {
        self.idle()?;
        if !matches!(self.state, State::Unbound | State::Bound) {
            return Err(ErrorCode::InvalidState);
        }
        check_remote(self.family, remote)?;
        if !is_unicast(remote) {
            return Err(ErrorCode::InvalidArgument);
        }
        granted(grants, remote, SocketUse::TcpConnect)?;
        let begun = again(|| match rustix::net::connect(self.host_of_socket()?, &remote) {
            Err(HostErrno::INPROGRESS) => Ok(()),
            result => Ok(result?),
        });
        if let Err(error) = begun {
            self.state = State::Failed;
            return Err(match error {
                // No port is left for the local end.
                Errno::AddrNotAvail => ErrorCode::AddressInUse,
                error => error.into(),
            });
        }
        self.state = State::Connecting;
        self.wanted.set(PollFlags::OUT);
        Ok(())
    }

    fn host_of_socket(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.open.entry.fd(Errno::BadF)
    }

    pub(crate) fn finish_connect(&mut self) -> Result<Streams, ErrorCode> {
        if !matches!(self.state, State::Connecting) {
            return Err(ErrorCode::NotInProgress);
        }
        if !is_ready(&self.open, PollFlags::OUT)? {
            return Err(ErrorCode::WouldBlock);
        }
        self.wanted.set(PollFlags::empty());
        if let Err(error) = sockopt::socket_error(self.host()?)? {
            self.state = State::Failed;
            return Err(error.into());
        }
        let (connected, streams) = connected(&self.open);
        self.state = connected;
        Ok(streams)
    }

    pub(crate) fn start_listen(&mut self) -> Result<(), ErrorCode> {
        self.idle()?;
        if !matches!(self.state, State::Bound) {
            return Err(ErrorCode::InvalidState);
        }
        rustix::net::listen(self.host()?, self.backlog)?;
        self.state = State::Starting;
        Ok(())
    }

    pub(crate) fn finish_listen(&mut self) -> Result<(), ErrorCode> {
        match self.state {
            State::Starting => {
                self.state = State::Listening;
                self.wanted.set(PollFlags::IN);
                Ok(())
            }
            _ => Err(ErrorCode::NotInProgress),
        }
    }

    pub(crate) fn accept(&mut self, permits: &Permits) -> Result<(Self, Streams), ErrorCode> {
        if !matches!(self.state, State::Listening) {
            return Err(ErrorCode::InvalidState);
        }
        let permit = permits.take()?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = loop {
            let accepted = again(|| Ok(rustix::net::accept_with(self.host_of_socket()?, flags)));
            match accepted? {
                // Of connections that ended before they were accepted, the next one is taken.
                Err(
                    HostErrno::CONNABORTED
                    | HostErrno::NETDOWN
                    | HostErrno::PROTO
                    | HostErrno::NOPROTOOPT
                    | HostErrno::HOSTDOWN
                    | HostErrno::NONET
                    | HostErrno::HOSTUNREACH
                    | HostErrno::OPNOTSUPP
                    | HostErrno::NETUNREACH,
                ) => {}
                Err(HostErrno::INTR) => crate::sys::go_on()?,
                result => break result?,
            }
        };
        let open = open(socket, permit);
        let (connected, streams) = connected(&open);
        Ok((Self::of(open, self.family, connected), streams))
    }

    pub(crate) fn local_address(&self) -> Result<SocketAddr, ErrorCode> {
        if matches!(self.state, State::Unbound | State::Failed) {
            return Err(ErrorCode::InvalidState);
        }
        let address = rustix::net::getsockname(self.host()?)?;
        SocketAddr::try_from(address).map_err(|_| ErrorCode::Unknown)
    }

    pub(crate) fn remote_address(&self) -> Result<SocketAddr, ErrorCode> {
        if !matches!(self.state, State::Connected(..)) {
            return Err(ErrorCode::InvalidState);
        }
        let address = rustix::net::getpeername(self.host()?)?.ok_or(ErrorCode::InvalidState)?;
        SocketAddr::try_from(address).map_err(|_| ErrorCode::Unknown)
    }

    pub(crate) fn is_listening(&self) -> bool {
        matches!(self.state, State::Listening)
    }

    pub(crate) fn family(&self) -> Family {
        self.family
    }

    pub(crate) fn set_backlog(&mut self, size: u64) -> Result<(), ErrorCode> {
        if size == 0 {
            return Err(ErrorCode::InvalidArgument);
        }
        let size = i32::try_from(size).unwrap_or(i32::MAX);
        match self.state {
            State::Connecting | State::Connected(..) | State::Failed => return Err(ErrorCode::InvalidState),
            State::Starting | State::Listening => rustix::net::listen(self.host()?, size)?,
            _ => {}
        }
        self.backlog = size;
        Ok(())
    }

    pub(crate) fn socket(&self) -> Result<BorrowedFd<'_>, ErrorCode> {
        self.host()
    }

    pub(crate) fn keep_alive(&self) -> Result<bool, ErrorCode> {
        Ok(sockopt::socket_keepalive(self.host()?)?)
    }

    pub(crate) fn set_keep_alive(&self, value: bool) -> Result<(), ErrorCode> {
        Ok(sockopt::set_socket_keepalive(self.host()?, value)?)
    }

    pub(crate) fn idle_time(&self) -> Result<u64, ErrorCode> {
        Ok(nanoseconds(sockopt::tcp_keepidle(self.host()?)?))
    }

    pub(crate) fn set_idle_time(&self, nanoseconds: u64) -> Result<(), ErrorCode> {
        Ok(sockopt::set_tcp_keepidle(self.host()?, whole_seconds(nanoseconds)?)?)
    }

    pub(crate) fn interval(&self) -> Result<u64, ErrorCode> {
        Ok(nanoseconds(sockopt::tcp_keepintvl(self.host()?)?))
    }

    pub(crate) fn set_interval(&self, nanoseconds: u64) -> Result<(), ErrorCode> {
        Ok(sockopt::set_tcp_keepintvl(self.host()?, whole_seconds(nanoseconds)?)?)
    }

    pub(crate) fn probes(&self) -> Result<u32, ErrorCode> {
        Ok(sockopt::tcp_keepcnt(self.host()?)?)
    }

    pub(crate) fn set_probes(&self, count: u32) -> Result<(), ErrorCode> {
        match count {
            0 => Err(ErrorCode::InvalidArgument),
            count => Ok(sockopt::set_tcp_keepcnt(self.host()?, count.min(MAX_PROBES))?),
        }
    }

    pub(crate) fn pollable(&self) -> Pollable {
        Pollable::socket(&self.open.entry.handle, &self.wanted, self.open.permit.as_ref())
    }

    pub(crate) fn shutdown(&mut self, how: ShutdownType) -> Result<(), ErrorCode> {
        let State::Connected(input, output) = &mut self.state else { return Err(ErrorCode::InvalidState) };
        if matches!(how, ShutdownType::Receive | ShutdownType::Both) {
            input.end();
            shut(&self.open, Shutdown::Read)?;
        }
        if matches!(how, ShutdownType::Send | ShutdownType::Both) && output.end()? {
            shut(&self.open, Shutdown::Write)?;
        }
        Ok(())
    }
}

fn shut(open: &Open, how: Shutdown) -> Result<(), ErrorCode> {
    match rustix::net::shutdown(open.entry.fd(Errno::BadF)?, how) {
        // The other end has closed it.
        Err(HostErrno::NOTCONN) => Ok(()),
        result => Ok(result?),
    }
}

fn open(socket: OwnedFd, permit: crate::p2::open::Permit) -> Open {
    Open::owned(socket, permit, Kind::Stream { raises: Raises::Broken }, Rights::CONNECTION)
}

/// The state of a connected socket, and the streams that a guest gets.
fn connected(open: &Open) -> (State, Streams) {
    let (input, output) = (PipeInput::new(open.clone(), true), PipeOutput::new(open.clone(), true));
    let streams = (Input::pipe(input.clone()), Output::pipe(output.clone()));
    (State::Connected(input, output), streams)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A time of keep-alive as the system takes it: rounded up to seconds.
fn whole_seconds(nanoseconds: u64) -> Result<Duration, ErrorCode> {
    match nanoseconds {
        0 => Err(ErrorCode::InvalidArgument),
        _ => Ok(Duration::from_secs(nanoseconds.div_ceil(1_000_000_000).min(MAX_KEEPALIVE))),
    }
}
