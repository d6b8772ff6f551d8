//! `wasi:sockets/network`: addresses and error codes.
//!
//! **Invariant: what a guest calls an address is checked before the system sees it.**

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use rustix::net::AddressFamily;
use wasmaot_component::{enumeration, record, variant};

use crate::errno::Errno;
use crate::p2::grants::{NetworkGrants, SocketUse};

/// The resource `network`: the one that an instance has.
#[derive(Debug)]
pub(crate) struct Network;

enumeration! {
    /// `error-code`.
    #[derive(Debug, PartialEq, Eq)]
    pub(crate) enum ErrorCode {
        /// Anything else.
        Unknown = "unknown",
        /// Not granted.
        AccessDenied = "access-denied",
        /// Not supported.
        NotSupported = "not-supported",
        /// Invalid argument.
        InvalidArgument = "invalid-argument",
        /// Not enough memory.
        OutOfMemory = "out-of-memory",
        /// Timed out.
        Timeout = "timeout",
        /// Another operation is in progress.
        ConcurrencyConflict = "concurrency-conflict",
        /// There is nothing to finish.
        NotInProgress = "not-in-progress",
        /// Not yet.
        WouldBlock = "would-block",
        /// Not in this state.
        InvalidState = "invalid-state",
        /// Too many sockets.
        NewSocketLimit = "new-socket-limit",
        /// Not an address of this machine.
        AddressNotBindable = "address-not-bindable",
        /// In use, or no port is left.
        AddressInUse = "address-in-use",
        /// Not reachable.
        RemoteUnreachable = "remote-unreachable",
        /// Refused.
        ConnectionRefused = "connection-refused",
        /// Reset.
        ConnectionReset = "connection-reset",
        /// Aborted.
        ConnectionAborted = "connection-aborted",
        /// Too large.
        DatagramTooLarge = "datagram-too-large",
        /// There is no such name.
        NameUnresolvable = "name-unresolvable",
        /// No answer now.
        TemporaryResolverFailure = "temporary-resolver-failure",
        /// No answer ever.
        PermanentResolverFailure = "permanent-resolver-failure",
    }
}

impl ErrorCode {
    /// What an error of the system is for a guest.
    pub(crate) fn of(error: Errno) -> Self {
        match error {
            Errno::Access | Errno::Perm => Self::AccessDenied,
            Errno::NotSup | Errno::NoSys | Errno::AfNoSupport | Errno::ProtoNoSupport => Self::NotSupported,
            Errno::Inval | Errno::DestAddrReq => Self::InvalidArgument,
            Errno::NoMem | Errno::NoBufs => Self::OutOfMemory,
            Errno::TimedOut => Self::Timeout,
            Errno::Already | Errno::InProgress => Self::ConcurrencyConflict,
            Errno::Again => Self::WouldBlock,
            Errno::NotConn | Errno::IsConn => Self::InvalidState,
            Errno::MFile | Errno::NFile => Self::NewSocketLimit,
            Errno::AddrNotAvail => Self::AddressNotBindable,
            Errno::AddrInUse => Self::AddressInUse,
            Errno::HostUnreach | Errno::NetUnreach | Errno::NetDown | Errno::NetReset => {
                Self::RemoteUnreachable
            }
            Errno::ConnRefused => Self::ConnectionRefused,
            Errno::ConnReset | Errno::Pipe => Self::ConnectionReset,
            Errno::ConnAborted => Self::ConnectionAborted,
            Errno::MsgSize => Self::DatagramTooLarge,
            _ => Self::Unknown,
        }
    }
}

impl From<Errno> for ErrorCode {
    fn from(error: Errno) -> Self {
        Self::of(error)
    }
}

impl From<rustix::io::Errno> for ErrorCode {
    fn from(error: rustix::io::Errno) -> Self {
        // Two that preview 1 has no names for.
        match error {
            rustix::io::Errno::HOSTDOWN | rustix::io::Errno::NONET => Self::RemoteUnreachable,
            error => Self::of(error.into()),
        }
    }
}

enumeration! {
    /// `ip-address-family`.
    #[derive(Debug, PartialEq, Eq)]
    pub(crate) enum Family {
        /// Addresses of 32 bits.
        Ipv4 = "ipv4",
        /// Addresses of 128 bits.
        Ipv6 = "ipv6",
    }
}

impl Family {
    pub(crate) fn to_host(self) -> AddressFamily {
        match self {
            Self::Ipv4 => AddressFamily::INET,
            Self::Ipv6 => AddressFamily::INET6,
        }
    }

    /// Compares the family of an address. One of IPv6 that stands for one of IPv4 is of neither.
    pub(crate) fn check(self, address: SocketAddr) -> Result<(), ErrorCode> {
        let is_same = match address.ip() {
            IpAddr::V4(_) => self == Self::Ipv4,
            IpAddr::V6(ip) => self == Self::Ipv6 && ip.to_ipv4_mapped().is_none(),
        };
        if is_same { Ok(()) } else { Err(ErrorCode::InvalidArgument) }
    }
}

type Ipv4 = (u8, u8, u8, u8);
type Ipv6 = (u16, u16, u16, u16, u16, u16, u16, u16);

fn ipv4_of(ip: Ipv4Addr) -> Ipv4 {
    let [a, b, c, d] = ip.octets();
    (a, b, c, d)
}

fn ipv4_to((a, b, c, d): Ipv4) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

fn ipv6_of(ip: Ipv6Addr) -> Ipv6 {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    (a, b, c, d, e, f, g, h)
}

fn ipv6_to((a, b, c, d, e, f, g, h): Ipv6) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, e, f, g, h)
}

variant! {
    /// `ip-address`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Ip {
        /// Of IPv4.
        Ipv4(Ipv4) = "ipv4",
        /// Of IPv6.
        Ipv6(Ipv6) = "ipv6",
    }
}

impl From<IpAddr> for Ip {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::Ipv4(ipv4_of(ip)),
            IpAddr::V6(ip) => Self::Ipv6(ipv6_of(ip)),
        }
    }
}

record! {
    /// `ipv4-socket-address`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Ipv4Socket {
        /// Its port.
        port: u16 = "port",
        /// Its address.
        address: Ipv4 = "address",
    }
}

record! {
    /// `ipv6-socket-address`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Ipv6Socket {
        /// Its port.
        port: u16 = "port",
        /// Its flow.
        flow: u32 = "flow-info",
        /// Its address.
        address: Ipv6 = "address",
        /// Its scope.
        scope: u32 = "scope-id",
    }
}

variant! {
    /// `ip-socket-address`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Address {
        /// Of IPv4.
        Ipv4(Ipv4Socket) = "ipv4",
        /// Of IPv6.
        Ipv6(Ipv6Socket) = "ipv6",
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => {
                Self::Ipv4(Ipv4Socket { port: address.port(), address: ipv4_of(*address.ip()) })
            }
            SocketAddr::V6(address) => Self::Ipv6(Ipv6Socket {
                port: address.port(),
                flow: address.flowinfo(),
                address: ipv6_of(*address.ip()),
                scope: address.scope_id(),
            }),
        }
    }
}

impl From<Address> for SocketAddr {
    fn from(address: Address) -> Self {
        match address {
            Address::Ipv4(Ipv4Socket { port, address }) => SocketAddrV4::new(ipv4_to(address), port).into(),
            Address::Ipv6(Ipv6Socket { port, flow, address, scope }) => {
                SocketAddrV6::new(ipv6_to(address), port, flow, scope).into()
            }
        }
    }
}

/// Asks for an address before it is used.
pub(crate) fn granted(
    grants: &NetworkGrants,
    address: SocketAddr,
    usage: SocketUse,
) -> Result<(), ErrorCode> {
    if grants.allows(address, usage) { Ok(()) } else { Err(ErrorCode::AccessDenied) }
}

/// Checks an address that a socket is to be connected with, or that is sent to.
pub(crate) fn check_remote(family: Family, address: SocketAddr) -> Result<(), ErrorCode> {
    family.check(address)?;
    if address.ip().is_unspecified() || address.port() == 0 {
        return Err(ErrorCode::InvalidArgument);
    }
    Ok(())
}

/// Whether an address is that of one host.
pub(crate) fn is_unicast(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_multicast(),
    }
}
