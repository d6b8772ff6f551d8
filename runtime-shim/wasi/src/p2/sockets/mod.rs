//! `wasi:sockets`: TCP, UDP and names.
//!
//! **Invariant: nothing is there that was not granted**, see [`NetworkGrants`](super::NetworkGrants):
//! without, a socket cannot even be made.

mod lookup;
mod network;
mod options;
mod tcp;
mod udp;

pub use lookup::resolve;

use std::net::SocketAddr;

use wasmaot_component::{Context, Linker, LinkerInstance, Resource, TableError};
use wasmaot_runtime::{HostError, LinkError};

use super::host::{IoError, SystemError};
use super::io::subscribed;
use super::ready::Pollable;
use super::state::{Access, WasiState, drop_resource, interface, missing, state};
use lookup::Addresses;
use network::{Address, ErrorCode, Family, Network};
use options::Buffer;
use tcp::{ShutdownType, TcpSocket};
use udp::{Incoming, Outgoing, OutgoingDatagram, UdpSocket};

/// Why a function did not do what it was asked for.
enum Failure {
    /// The guest is told.
    Code(ErrorCode),
    /// The guest is ended.
    Host(HostError),
}

impl From<ErrorCode> for Failure {
    fn from(error: ErrorCode) -> Self {
        Failure::Code(error)
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        Failure::Host(missing(error))
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Failure::Host(error)
    }
}

/// What a function returns.
type Answer<R> = Result<Result<R, ErrorCode>, HostError>;

fn answer<R>(run: impl FnOnce() -> Result<R, Failure>) -> Answer<R> {
    match run() {
        Ok(result) => Ok(Ok(result)),
        Err(Failure::Code(error)) => Ok(Err(error)),
        Err(Failure::Host(error)) => Err(error),
    }
}

/// Defines methods of a resource, each by what it does to that.
macro_rules! define {
    ($instance:ident, $access:ident, $resource:literal: $ty:ty;
     $($name:literal => |$this:ident, $state:ident $(, $arg:ident: $arg_ty:ty)*| $body:expr;)+) => {
        $($instance.func_wrap(
            concat!("[method]", $resource, ".", $name),
            move |cx: &mut Context<'_, '_, T>, this: Resource<$ty> $(, $arg: $arg_ty)*| {
                let $state = state(cx, $access);
                answer(|| {
                    let $this = $state.table.get_mut(&this)?;
                    Ok($body)
                })
            },
        )?;)+
    };
}

/// Defines the interfaces of `wasi:sockets`.
///
/// # Errors
/// [`LinkError`] when the linker has one of the names already.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut network = linker.instance(interface!("wasi:sockets/network"))?;
    network.resource::<Network>("network", drop_resource::<Network, T>(access))?;
    network.func_wrap(
        "network-error-code",
        move |cx: &mut Context<'_, '_, T>, error: Resource<IoError>| {
            let error = state(cx, access).table.get(&error).map_err(missing)?;
            let code = error.downcast_ref().map(|&SystemError(error)| ErrorCode::of(error));
            Ok(code.filter(|&code| code != ErrorCode::Unknown))
        },
    )?;
    linker
        .instance(interface!("wasi:sockets/instance-network"))?
        .func_wrap("instance-network", move |cx: &mut Context<'_, '_, T>| {
            state(cx, access).table.push(Network).map_err(missing)
        })?;
    linker
        .instance(interface!("wasi:sockets/tcp-create-socket"))?
        .func_wrap("create-tcp-socket", move |cx: &mut Context<'_, '_, T>, family: Family| {
            answer(|| create_tcp(state(cx, access), family))
        })?;
    linker
        .instance(interface!("wasi:sockets/udp-create-socket"))?
        .func_wrap("create-udp-socket", move |cx: &mut Context<'_, '_, T>, family: Family| {
            answer(|| create_udp(state(cx, access), family))
        })?;
    let mut tcp = linker.instance(interface!("wasi:sockets/tcp"))?;
    tcp.resource::<TcpSocket>("tcp-socket", drop_resource::<TcpSocket, T>(access))?;
    add_tcp_states(&mut tcp, access)?;
    add_tcp_options(&mut tcp, access)?;
    let mut udp = linker.instance(interface!("wasi:sockets/udp"))?;
    udp.resource::<UdpSocket>("udp-socket", drop_resource::<UdpSocket, T>(access))?;
    udp.resource::<Incoming>("incoming-datagram-stream", drop_resource::<Incoming, T>(access))?;
    udp.resource::<Outgoing>("outgoing-datagram-stream", drop_resource::<Outgoing, T>(access))?;
    add_udp(&mut udp, access)?;
    add_datagrams(&mut udp, access)?;
    add_lookup(linker, access)
}

/// Defines the function that gives a pollable of a resource.
fn add_subscribe<T: 'static, R: Send + 'static>(
    instance: &mut LinkerInstance<'_, T>,
    access: Access<T>,
    name: &str,
    pollable: fn(&R) -> Pollable,
) -> Result<(), LinkError> {
    instance.func_wrap(name, move |cx: &mut Context<'_, '_, T>, this: Resource<R>| {
        let table = &mut state(cx, access).table;
        let pollable = pollable(table.get(&this).map_err(missing)?);
        subscribed(table, pollable)
    })?;
    Ok(())
}

fn check_protocol(state: &WasiState, is_tcp: bool) -> Result<(), ErrorCode> {
    if state.network.has_sockets(is_tcp) { Ok(()) } else { Err(ErrorCode::AccessDenied) }
}

fn create_tcp(state: &mut WasiState, family: Family) -> Result<Resource<TcpSocket>, Failure> {
    check_protocol(state, true)?;
    let socket = TcpSocket::new(&state.open, family)?;
    Ok(state.table.push(socket)?)
}

fn create_udp(state: &mut WasiState, family: Family) -> Result<Resource<UdpSocket>, Failure> {
    check_protocol(state, false)?;
    let socket = UdpSocket::new(&state.open, family)?;
    Ok(state.table.push(socket)?)
}

fn add_tcp_states<T: 'static>(tcp: &mut LinkerInstance<'_, T>, access: Access<T>) -> Result<(), LinkError> {
    define! { tcp, access, "tcp-socket": TcpSocket;
        "start-bind" => |this, state, _network: Resource<Network>, local: Address| {
            this.start_bind(&state.network, local.into())?
        };
        "finish-bind" => |this, _state| this.finish_bind()?;
        "start-connect" => |this, state, _network: Resource<Network>, remote: Address| {
            this.start_connect(&state.network, remote.into())?
        };
        "finish-connect" => |this, state| {
            let (input, output) = this.finish_connect()?;
            (state.table.push(input)?, state.table.push(output)?)
        };
        "start-listen" => |this, _state| this.start_listen()?;
        "finish-listen" => |this, _state| this.finish_listen()?;
        "accept" => |this, state| {
            let (socket, (input, output)) = this.accept(&state.open)?;
            (state.table.push(socket)?, state.table.push(input)?, state.table.push(output)?)
        };
        "local-address" => |this, _state| Address::from(this.local_address()?);
        "remote-address" => |this, _state| Address::from(this.remote_address()?);
        "shutdown" => |this, _state, how: ShutdownType| this.shutdown(how)?;
        "set-listen-backlog-size" => |this, _state, size: u64| this.set_backlog(size)?;
    }
    tcp.func_wrap(
        "[method]tcp-socket.is-listening",
        move |cx: &mut Context<'_, '_, T>, this: Resource<TcpSocket>| {
            Ok(state(cx, access).table.get(&this).map_err(missing)?.is_listening())
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.address-family",
        move |cx: &mut Context<'_, '_, T>, this: Resource<TcpSocket>| {
            Ok(state(cx, access).table.get(&this).map_err(missing)?.family())
        },
    )?;
    add_subscribe(tcp, access, "[method]tcp-socket.subscribe", TcpSocket::pollable)?;
    Ok(())
}

fn add_tcp_options<T: 'static>(tcp: &mut LinkerInstance<'_, T>, access: Access<T>) -> Result<(), LinkError> {
    define! { tcp, access, "tcp-socket": TcpSocket;
        "keep-alive-enabled" => |this, _state| this.keep_alive()?;
        "set-keep-alive-enabled" => |this, _state, value: bool| this.set_keep_alive(value)?;
        "keep-alive-idle-time" => |this, _state| this.idle_time()?;
        "set-keep-alive-idle-time" => |this, _state, time: u64| this.set_idle_time(time)?;
        "keep-alive-interval" => |this, _state| this.interval()?;
        "set-keep-alive-interval" => |this, _state, time: u64| this.set_interval(time)?;
        "keep-alive-count" => |this, _state| this.probes()?;
        "set-keep-alive-count" => |this, _state, count: u32| this.set_probes(count)?;
        "hop-limit" => |this, _state| options::hop_limit(this.socket()?, this.family())?;
        "set-hop-limit" => |this, _state, limit: u8| {
            options::set_hop_limit(this.socket()?, this.family(), limit)?
        };
        "receive-buffer-size" => |this, _state| options::buffer_size(this.socket()?, Buffer::Receive)?;
        "set-receive-buffer-size" => |this, _state, size: u64| {
            options::set_buffer_size(this.socket()?, Buffer::Receive, size)?
        };
        "send-buffer-size" => |this, _state| options::buffer_size(this.socket()?, Buffer::Send)?;
        "set-send-buffer-size" => |this, _state, size: u64| {
            options::set_buffer_size(this.socket()?, Buffer::Send, size)?
        };
    }
    Ok(())
}

fn add_udp<T: 'static>(udp: &mut LinkerInstance<'_, T>, access: Access<T>) -> Result<(), LinkError> {
    define! { udp, access, "udp-socket": UdpSocket;
        "start-bind" => |this, state, _network: Resource<Network>, local: Address| {
            this.start_bind(&state.network, local.into())?
        };
        "finish-bind" => |this, _state| this.finish_bind()?;
        "stream" => |this, state, remote: Option<Address>| {
            let (incoming, outgoing) = this.stream(&state.network, remote.map(SocketAddr::from))?;
            (state.table.push(incoming)?, state.table.push(outgoing)?)
        };
        "local-address" => |this, _state| Address::from(this.local_address()?);
        "remote-address" => |this, _state| Address::from(this.remote_address()?);
        "unicast-hop-limit" => |this, _state| options::hop_limit(this.socket()?, this.family())?;
        "set-unicast-hop-limit" => |this, _state, limit: u8| {
            options::set_hop_limit(this.socket()?, this.family(), limit)?
        };
        "receive-buffer-size" => |this, _state| options::buffer_size(this.socket()?, Buffer::Receive)?;
        "set-receive-buffer-size" => |this, _state, size: u64| {
            options::set_buffer_size(this.socket()?, Buffer::Receive, size)?
        };
        "send-buffer-size" => |this, _state| options::buffer_size(this.socket()?, Buffer::Send)?;
        "set-send-buffer-size" => |this, _state, size: u64| {
            options::set_buffer_size(this.socket()?, Buffer::Send, size)?
        };
    }
    udp.func_wrap(
        "[method]udp-socket.address-family",
        move |cx: &mut Context<'_, '_, T>, this: Resource<UdpSocket>| {
            Ok(state(cx, access).table.get(&this).map_err(missing)?.family())
        },
    )?;
    // Nothing about such a socket takes time.
    add_subscribe::<T, UdpSocket>(udp, access, "[method]udp-socket.subscribe", |_| Pollable::ready())?;
    Ok(())
}

fn add_datagrams<T: 'static>(udp: &mut LinkerInstance<'_, T>, access: Access<T>) -> Result<(), LinkError> {
    define! { udp, access, "incoming-datagram-stream": Incoming;
        "receive" => |this, state, max: u64| {
            let received = this.receive(max)?;
            state.ctx.transferred.read += received.iter().map(|datagram| datagram.len()).sum::<u64>();
            received
        };
    }
    define! { udp, access, "outgoing-datagram-stream": Outgoing;
        "check-send" => |this, _state| this.check_send()?;
        "send" => |this, state, datagrams: Vec<OutgoingDatagram>| {
            this.permit(datagrams.len() as u64).map_err(HostError::other)?;
            let sent = this.send(&state.network, &datagrams)?;
            let bytes = datagrams.iter().take(sent as usize).map(|datagram| datagram.data.len() as u64);
            state.ctx.transferred.written += bytes.sum::<u64>();
            sent
        };
    }
    add_subscribe(udp, access, "[method]incoming-datagram-stream.subscribe", Incoming::pollable)?;
    add_subscribe(udp, access, "[method]outgoing-datagram-stream.subscribe", Outgoing::pollable)?;
    Ok(())
}

fn add_lookup<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut names = linker.instance(interface!("wasi:sockets/ip-name-lookup"))?;
    names.resource::<Addresses>("resolve-address-stream", drop_resource::<Addresses, T>(access))?;
    names.func_wrap(
        "resolve-addresses",
        move |cx: &mut Context<'_, '_, T>, _network: Resource<Network>, name: String| {
            let state = state(cx, access);
            answer(|| Ok(state.table.push(Addresses::of(&state.network, &name)?)?))
        },
    )?;
    define! { names, access, "resolve-address-stream": Addresses;
        "resolve-next-address" => |this, _state| this.next()?;
    }
    add_subscribe(&mut names, access, "[method]resolve-address-stream.subscribe", Addresses::pollable)?;
    Ok(())
}
