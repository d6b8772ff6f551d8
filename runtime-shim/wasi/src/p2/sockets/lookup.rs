//! `wasi:sockets/ip-name-lookup`: names, looked up by the servers of the system's configuration.
//!
//! One thread of the process asks them for all instances. (The system's own resolver loads modules, which a
//! static executable cannot.)
//!
//! **Invariants.** No call waits. A lookup ends with its stream. The child of a fork has a thread of its own.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::task::{self, Poll, Waker};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::Name;
use rustix::process::Pid;
use tokio::runtime::{Builder, Handle};
use tokio::task::AbortHandle;
use wasmaot_runtime::Undivided;

use super::network::{ErrorCode, Ip};
use crate::p2::grants::NetworkGrants;
use crate::p2::host::Readiness;
use crate::p2::ready::{Pollable, lock};
use crate::sys::signals::block_all;

/// The resource `resolve-address-stream`.
pub(crate) struct Addresses {
    lookup: Arc<Mutex<Lookup>>,
    task: Option<AbortHandle>,
}

/// A lookup and its waker.
#[derive(Default)]
struct Lookup {
    /// Addresses that are left, once they are known.
    found: Option<Result<std::vec::IntoIter<IpAddr>, ErrorCode>>,
    waker: Option<Waker>,
}

impl Readiness for Lookup {
    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        if self.found.is_some() {
            return Poll::Ready(());
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Addresses {
    /// Begins to look a name up. An address is its own answer.
    pub(crate) fn of(grants: &NetworkGrants, name: &str) -> Result<Self, ErrorCode> {
        if !grants.has_names() {
            return Err(ErrorCode::AccessDenied);
        }
        let lookup = Arc::new(Mutex::new(Lookup::default()));
        if let Some(address) = literal(name) {
            lock(&lookup).found = Some(Ok(vec![address].into_iter()));
            return Ok(Self { lookup, task: None });
        }
        let name = Name::from_utf8(name).ok().filter(|_| is_host_name(name));
        let name = name.ok_or(ErrorCode::InvalidArgument)?;
        let resolver = Resolver::get().map_err(|_| ErrorCode::TemporaryResolverFailure)?;
        let answered = lookup.clone();
        let task = resolver.handle.clone().spawn(async move {
            let found = resolver.resolver.lookup_ip(name).await;
            let found = found.map(|found| in_order(found.iter().map(|ip| ip.to_canonical()).collect()));
            let found = match found {
                Ok(addresses) if addresses.is_empty() => Err(ErrorCode::NameUnresolvable),
                Ok(addresses) => Ok(addresses.into_iter()),
                Err(error) => Err(code(&error)),
            };
            let waker = {
                let mut lookup = lock(&answered);
                lookup.found = Some(found);
                lookup.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        Ok(Self { lookup, task: Some(task.abort_handle()) })
    }

    /// Returns the next address, if there is one.
    pub(crate) fn next(&self) -> Result<Option<Ip>, ErrorCode> {
        match &mut lock(&self.lookup).found {
            None => Err(ErrorCode::WouldBlock),
            Some(Err(error)) => Err(*error),
            Some(Ok(addresses)) => Ok(addresses.next().map(Ip::from)),
        }
    }

    pub(crate) fn pollable(&self) -> Pollable {
        Pollable::new(self.lookup.clone())
    }
}

/// Whether a name is one of a host, before it is converted to ASCII.
fn is_host_name(name: &str) -> bool {
    let is_allowed = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut labels = name.strip_suffix('.').unwrap_or(name).split('.');
    labels.all(|label| !label.is_empty() && label.chars().all(is_allowed))
}

/// Looks a name up for the host, by the same servers that guests' lookups go to. Returns its addresses, those
/// first that there is a route to.
///
/// # Errors
/// The name is not valid or has no address, or no server answers.
pub async fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    let name = Name::from_utf8(name).map_err(io::Error::other)?;
    let resolver = Resolver::get()?;
    let lookup = resolver.handle.clone().spawn(async move { resolver.resolver.lookup_ip(name).await });
    let found = lookup.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
    Ok(in_order(found.iter().map(|ip| ip.to_canonical()).collect()))
}

/// An address that is written out; in brackets, too, if it is one of IPv6.
fn literal(name: &str) -> Option<IpAddr> {
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let address: IpAddr = match bare {
        Some(bare) => IpAddr::V6(bare.parse().ok()?),
        None => name.parse().ok()?,
    };
    Some(address.to_canonical())
}

/// What a failed lookup is for a guest.
fn code(error: &NetError) -> ErrorCode {
    match error {
        _ if error.is_nx_domain() || error.is_no_records_found() => ErrorCode::NameUnresolvable,
        NetError::Proto(_) => ErrorCode::PermanentResolverFailure,
        _ => ErrorCode::TemporaryResolverFailure,
    }
}

/// Puts addresses first that there is a route to.
fn in_order(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    // A datagram socket that is connected sends nothing.
    let has_route = |address: &IpAddr| {
        let any: SocketAddr = match address {
            IpAddr::V4(_) => ([0; 4], 0).into(),
            IpAddr::V6(_) => ([0; 16], 0).into(),
        };
        UdpSocket::bind(any).is_ok_and(|socket| socket.connect((*address, 53)).is_ok())
    };
    addresses.sort_by_cached_key(|address| !has_route(address));
    addresses
}

/// The thread that asks.
struct Resolver {
    process: Pid,
    handle: Handle,
    resolver: TokioResolver,
}

static RESOLVER: Mutex<Option<Arc<Resolver>>> = Mutex::new(None);

impl Resolver {
    /// The process's, which is made where there is none.
    fn get() -> io::Result<Arc<Self>> {
        let mut known = Undivided::lock(&RESOLVER);
        let process = rustix::process::getpid();
        if let Some(resolver) = known.as_ref().filter(|resolver| resolver.process == process) {
            return Ok(resolver.clone());
        }
        // Without a configuration, there are the names of `/etc/hosts`.
        let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
            let none = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
            TokioResolver::builder_with_config(none, TokioRuntimeProvider::default())
        });
        builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        let resolver = builder.build().map_err(io::Error::other)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let thread = std::thread::Builder::new().name("wasmaot-names".into());
        thread.spawn(move || {
            block_all();
            runtime.block_on(std::future::pending::<()>());
        })?;
        // What a parent had is its own: its thread is not here to end it.
        std::mem::forget(known.take());
        let resolver = Arc::new(Self { process, handle, resolver });
        *known = Some(resolver.clone());
        Ok(resolver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_their_own_answers() {
        let mut grants = NetworkGrants::none();
        assert_eq!(Addresses::of(&grants, "::1").err(), Some(ErrorCode::AccessDenied));
        grants.names();
        for (name, expected) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            // Never as one of IPv6.
            ("::ffff:10.0.0.1", "10.0.0.1"),
        ] {
            let addresses = Addresses::of(&grants, name).expect("an address");
            let expected: IpAddr = expected.parse().expect("an address");
            assert_eq!(addresses.next(), Ok(Some(expected.into())), "{name}");
            assert_eq!(addresses.next(), Ok(None), "{name}");
        }
    }

    #[test]
    fn names_are_checked() {
        let mut grants = NetworkGrants::none();
        grants.names();
        for name in ["", ".", "a..b", "a b", "[127.0.0.1]", &"a".repeat(300)] {
            let found = Addresses::of(&grants, name).err();
            assert_eq!(found, Some(ErrorCode::InvalidArgument), "{name}");
        }
    }
}
