//! What of the network an instance is granted.
//!
//! **Invariant: nothing is granted unless it is said.**

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// What an instance does with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketUse {
    /// It binds a TCP socket to it.
    TcpBind,
    /// It connects a TCP socket with it.
    TcpConnect,
    /// It binds a UDP socket to it.
    UdpBind,
    /// It connects a UDP socket with it, or sends to it.
    UdpSend,
}

/// Decides about an address.
type Check = Arc<dyn Fn(SocketAddr, SocketUse) -> bool + Send + Sync>;

/// What of the network an instance is granted: nothing, unless it is said here. Cloning it is cheap.
///
/// ```
/// use wasmaot_wasi::p2::{NetworkGrants, SocketUse};
///
/// let mut grants = NetworkGrants::none();
/// grants.tcp_if(|address, usage| usage == SocketUse::TcpConnect && address.ip().is_loopback());
/// ```
#[derive(Clone, Default)]
pub struct NetworkGrants {
    tcp: Option<Check>,
    udp: Option<Check>,
    names: bool,
}

impl fmt::Debug for NetworkGrants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tcp, udp) = (self.tcp.is_some(), self.udp.is_some());
        f.debug_struct("NetworkGrants")
            .field("tcp", &tcp)
            .field("udp", &udp)
            .field("names", &self.names)
            .finish()
    }
}

impl NetworkGrants {
    /// Returns grants of nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Grants TCP, with any address.
    pub fn tcp(&mut self) -> &mut Self {
        self.tcp_if(|_, _| true)
    }

    /// Grants TCP, with the addresses of which this returns true.
    pub fn tcp_if(
        &mut self,
        check: impl Fn(SocketAddr, SocketUse) -> bool + Send + Sync + 'static,
    ) -> &mut Self {
        self.tcp = Some(Arc::new(check));
        self
    }

    /// Grants UDP, with any address.
    pub fn udp(&mut self) -> &mut Self {
        self.udp_if(|_, _| true)
    }

    /// Grants UDP, with the addresses of which this returns true.
    pub fn udp_if(
        &mut self,
        check: impl Fn(SocketAddr, SocketUse) -> bool + Send + Sync + 'static,
    ) -> &mut Self {
        self.udp = Some(Arc::new(check));
        self
    }

    /// Grants looking names up.
    pub fn names(&mut self) -> &mut Self {
        self.names = true;
        self
    }

    /// Whether names may be looked up.
    pub(super) fn has_names(&self) -> bool {
        self.names
    }

    /// Whether sockets of a protocol may be made at all.
    pub(super) fn has_sockets(&self, is_tcp: bool) -> bool {
        if is_tcp { self.tcp.is_some() } else { self.udp.is_some() }
    }

    /// Whether a socket may be used so.
    pub(super) fn allows(&self, address: SocketAddr, usage: SocketUse) -> bool {
        let check = match usage {
            SocketUse::TcpBind | SocketUse::TcpConnect => &self.tcp,
            SocketUse::UdpBind | SocketUse::UdpSend => &self.udp,
        };
        check.as_ref().is_some_and(|check| check(address, usage))
    }
}
