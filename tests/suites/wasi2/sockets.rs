//! `wasi:sockets`: what is denied, the states of sockets with their errors, and what goes through them.

use crate::{Guest, bytes, name, parts, show, state, text, u64};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::slice::from_ref;
use wasmaot_component::Val;
use wasmaot_wasi::p2::{NetworkGrants, SocketUse};

pub(crate) fn all() {
    nothing_of_the_network_is_granted_by_default();
    grants_are_asked_for_each_address();
    tcp_sockets_connect_and_transfer();
    tcp_sockets_listen_and_accept();
    tcp_operations_fail_as_documented();
    tcp_options_are_set();
    udp_sockets_transfer();
    udp_operations_fail_as_documented();
    names_are_looked_up();
}

fn tcp(function: &str) -> String {
    format!("wasi:sockets/tcp#tcp-socket.{function}")
}

fn udp(function: &str) -> String {
    format!("wasi:sockets/udp#udp-socket.{function}")
}

fn granted(grant: impl FnOnce(&mut NetworkGrants)) -> Guest {
    let mut grants = NetworkGrants::none();
    grant(&mut grants);
    let mut state = state(|_| ());
    state.set_network(grants);
    Guest::new(state)
}

fn everything() -> Guest {
    granted(|grants| _ = grants.tcp().udp().names())
}

impl Guest {
    fn network(&mut self) -> Val {
        self.call("wasi:sockets/instance-network#instance-network", &[])
    }

    fn tcp_socket(&mut self, family: &str) -> Val {
        self.handle("wasi:sockets/tcp-create-socket#create-tcp-socket", &[name(family)])
    }

    fn udp_socket(&mut self, family: &str) -> Val {
        self.handle("wasi:sockets/udp-create-socket#create-udp-socket", &[name(family)])
    }

    /// A TCP socket that listens at a loopback address, with that.
    fn listener(&mut self) -> (Val, SocketAddr) {
        let (network, socket) = (self.network(), self.tcp_socket("ipv4"));
        self.gives(&tcp("start-bind"), &[socket.clone(), network, v4([127, 0, 0, 1], 0)], "ok");
        self.gives(&tcp("finish-bind"), from_ref(&socket), "ok");
        self.gives(&tcp("start-listen"), from_ref(&socket), "ok");
        self.gives(&tcp("finish-listen"), from_ref(&socket), "ok");
        let address = address_of(&self.ok(&tcp("local-address"), from_ref(&socket)));
        (socket, address)
    }

    /// A UDP socket at a loopback address, with that.
    fn bound_udp(&mut self) -> (Val, SocketAddr) {
        let (network, socket) = (self.network(), self.udp_socket("ipv4"));
        self.gives(&udp("start-bind"), &[socket.clone(), network, v4([127, 0, 0, 1], 0)], "ok");
        self.gives(&udp("finish-bind"), from_ref(&socket), "ok");
        let address = address_of(&self.ok(&udp("local-address"), from_ref(&socket)));
        (socket, address)
    }

    fn wait_for(&mut self, subscribe: &str, resource: &Val) {
        let pollable = self.call(subscribe, from_ref(resource));
        self.try_call("wasi:io/poll#pollable.block", from_ref(&pollable)).expect("it is ready");
        self.drop("wasi:io/poll#pollable", pollable);
    }
}

fn field(name: &str, value: Val) -> (String, Val) {
    (name.to_string(), value)
}

fn v4(address: [u8; 4], port: u16) -> Val {
    let fields =
        vec![field("port", Val::U16(port)), field("address", Val::Tuple(address.map(Val::U8).to_vec()))];
    Val::Variant("ipv4".to_string(), Some(Box::new(Val::Record(fields))))
}

fn v6(address: [u16; 8], port: u16) -> Val {
    let fields = vec![
        field("port", Val::U16(port)),
        field("flow-info", Val::U32(0)),
        field("address", Val::Tuple(address.map(Val::U16).to_vec())),
        field("scope-id", Val::U32(0)),
    ];
    Val::Variant("ipv6".to_string(), Some(Box::new(Val::Record(fields))))
}

const LOOPBACK6: [u16; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

/// An address of IPv4.
fn address_of(value: &Val) -> SocketAddr {
    let Val::Variant(_, Some(record)) = value else { panic!("{value:?}") };
    let Val::Record(fields) = &**record else { panic!("{record:?}") };
    match (&fields[0].1, &fields[1].1) {
        (Val::U16(port), Val::Tuple(address)) => {
            let octets: Vec<u8> = address
                .iter()
                .map(|octet| if let Val::U8(octet) = octet { *octet } else { panic!("{octet:?}") })
                .collect();
            let octets: [u8; 4] = octets.try_into().expect("four");
            (Ipv4Addr::from(octets), *port).into()
        }
        other => panic!("{other:?}"),
    }
}

fn to_val(address: SocketAddr) -> Val {
    let IpAddr::V4(ip) = address.ip() else { panic!("{address}") };
    v4(ip.octets(), address.port())
}

#[test]
fn nothing_of_the_network_is_granted_by_default() {
    let mut guest = Guest::of(|_| ());
    let denied = "err(access-denied)";
    for family in ["ipv4", "ipv6"] {
        guest.gives("wasi:sockets/tcp-create-socket#create-tcp-socket", &[name(family)], denied);
        guest.gives("wasi:sockets/udp-create-socket#create-udp-socket", &[name(family)], denied);
    }
    let network = guest.network();
    for host in ["localhost", "127.0.0.1"] {
        let args = [network.clone(), text(host)];
        guest.gives("wasi:sockets/ip-name-lookup#resolve-addresses", &args, denied);
    }
    guest.drop("wasi:sockets/network#network", network);
    // One grant is not the other.
    let mut guest = granted(|grants| _ = grants.tcp());
    guest.tcp_socket("ipv4");
    guest.gives("wasi:sockets/udp-create-socket#create-udp-socket", &[name("ipv4")], denied);
    let mut guest = granted(|grants| _ = grants.udp());
    guest.udp_socket("ipv4");
    guest.gives("wasi:sockets/tcp-create-socket#create-tcp-socket", &[name("ipv4")], denied);
}

#[test]
fn grants_are_asked_for_each_address() {
    let mut guest = granted(|grants| {
        grants.tcp_if(|address, usage| usage == SocketUse::TcpConnect && address.port() == 7);
        grants.udp_if(|address, usage| usage == SocketUse::UdpBind || address.port() == 7);
    });
    let (network, denied) = (guest.network(), "err(access-denied)");
    let socket = guest.tcp_socket("ipv4");
    guest.gives(&tcp("start-bind"), &[socket.clone(), network.clone(), v4([127, 0, 0, 1], 0)], denied);
    guest.gives(&tcp("start-connect"), &[socket.clone(), network, v4([127, 0, 0, 1], 8)], denied);
    let (socket, _) = guest.bound_udp();
    let remote = |port| Val::Option(Some(Box::new(v4([127, 0, 0, 1], port))));
    guest.gives(&udp("stream"), &[socket.clone(), remote(8)], denied);
    let streams = guest.ok(&udp("stream"), &[socket.clone(), Val::Option(None)]);
    let [_, outgoing] = parts(streams);
    guest.ok("wasi:sockets/udp#outgoing-datagram-stream.check-send", from_ref(&outgoing));
    let datagram = |port| {
        Val::List(vec![Val::Record(vec![field("data", bytes(b"x")), field("remote-address", remote(port))])])
    };
    let send = "wasi:sockets/udp#outgoing-datagram-stream.send";
    guest.gives(send, &[outgoing.clone(), datagram(8)], denied);
    guest.gives(send, &[outgoing, datagram(7)], "ok(1)");
}

#[test]
fn tcp_sockets_connect_and_transfer() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let remote = listener.local_addr().expect("bound");
    let mut guest = everything();
    let (network, socket) = (guest.network(), guest.tcp_socket("ipv4"));
    let pollable = guest.call(&tcp("subscribe"), from_ref(&socket));
    guest.gives("wasi:io/poll#pollable.ready", from_ref(&pollable), "true");
    guest.gives(&tcp("start-connect"), &[socket.clone(), network, to_val(remote)], "ok");
    guest.try_call("wasi:io/poll#pollable.block", &[pollable]).expect("it is ready");
    let [input, output] = parts(guest.ok(&tcp("finish-connect"), from_ref(&socket)));
    let (mut peer, from) = listener.accept().expect("a connection");
    assert_eq!(address_of(&guest.ok(&tcp("local-address"), from_ref(&socket))), from);
    assert_eq!(address_of(&guest.ok(&tcp("remote-address"), from_ref(&socket))), remote);
    guest.gives("wasi:io/streams#input-stream.read", &[input.clone(), u64(9)], "ok([])");
    peer.write_all(b"hello").expect("room");
    guest.gives("wasi:io/streams#input-stream.blocking-read", &[input.clone(), u64(9)], r#"ok("hello")"#);
    let write = "wasi:io/streams#output-stream.blocking-write-and-flush";
    guest.gives(write, &[output.clone(), bytes(b"answer")], "ok");
    let mut answer = [0; 6];
    peer.read_exact(&mut answer).expect("the answer");
    assert_eq!(&answer, b"answer");
    // The guest sends no more; the other end sees that, and can still send.
    guest.gives(&tcp("shutdown"), &[socket.clone(), name("send")], "ok");
    assert_eq!(peer.read(&mut answer).expect("the end"), 0);
    guest.gives(write, &[output, bytes(b"late")], "err(closed)");
    peer.write_all(b"more").expect("room");
    guest.gives("wasi:io/streams#input-stream.blocking-read", &[input.clone(), u64(9)], r#"ok("more")"#);
    guest.gives(&tcp("shutdown"), &[socket.clone(), name("receive")], "ok");
    guest.gives("wasi:io/streams#input-stream.read", &[input, u64(9)], "err(closed)");
    guest.gives(&tcp("shutdown"), &[socket, name("both")], "ok");
}

#[test]
fn what_is_sent_and_not_read_waits() {
    let mut guest = everything();
    let (listener, address) = guest.listener();
    let mut peer = TcpStream::connect(address).expect("it listens");
    guest.wait_for(&tcp("subscribe"), &listener);
    let [socket, _, output] = parts(guest.ok(&tcp("accept"), &[listener]));
    let mut sent = 0;
    loop {
        let permitted =
            crate::number_of(&guest.ok("wasi:io/streams#output-stream.check-write", from_ref(&output)));
        if permitted == 0 {
            break;
        }
        let args = [output.clone(), u64(permitted)];
        guest.gives("wasi:io/streams#output-stream.write-zeroes", &args, "ok");
        sent += permitted;
    }
    let pollable = guest.call("wasi:io/streams#output-stream.subscribe", from_ref(&output));
    guest.gives("wasi:io/poll#pollable.ready", from_ref(&pollable), "false");
    // What is not through yet is, before the other end sees that no more comes.
    guest.gives(&tcp("shutdown"), &[socket, name("send")], "ok");
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        peer.read_to_end(&mut all).map(|_| all.len() as u64)
    });
    guest.gives("wasi:io/streams#output-stream.blocking-flush", &[output], "ok");
    assert_eq!(reader.join().expect("it ends").expect("it reads"), sent);
}

#[test]
fn tcp_sockets_listen_and_accept() {
    let mut guest = everything();
    let (listener, address) = guest.listener();
    guest.gives(&tcp("is-listening"), from_ref(&listener), "true");
    guest.gives(&tcp("address-family"), from_ref(&listener), "ipv4");
    guest.gives(&tcp("accept"), from_ref(&listener), "err(would-block)");
    let mut peer = TcpStream::connect(address).expect("it listens");
    guest.wait_for(&tcp("subscribe"), &listener);
    let [socket, input, output] = parts(guest.ok(&tcp("accept"), from_ref(&listener)));
    let remote = address_of(&guest.ok(&tcp("remote-address"), from_ref(&socket)));
    assert_eq!(remote, peer.local_addr().expect("connected"));
    guest.gives(&tcp("is-listening"), &[socket], "false");
    peer.write_all(b"request").expect("room");
    guest.wait_for("wasi:io/streams#input-stream.subscribe", &input);
    let splice = "wasi:io/streams#output-stream.blocking-splice";
    guest.gives(splice, &[output.clone(), input.clone(), u64(100)], "ok(7)");
    let mut echo = [0; 7];
    peer.read_exact(&mut echo).expect("the echo");
    assert_eq!(&echo, b"request");
    drop(peer);
    assert_eq!(guest.read_all(&input), b"");
    guest.drop("wasi:sockets/tcp#tcp-socket", listener);
    assert!(TcpStream::connect(address).is_err(), "it does not listen any more");
    // The same by IPv6.
    let (network, socket) = (guest.network(), guest.tcp_socket("ipv6"));
    guest.gives(&tcp("address-family"), from_ref(&socket), "ipv6");
    guest.gives(&tcp("start-bind"), &[socket.clone(), network, v6(LOOPBACK6, 0)], "ok");
    guest.gives(&tcp("finish-bind"), from_ref(&socket), "ok");
    let shown = show(&guest.call(&tcp("local-address"), &[socket]));
    assert!(shown.contains("address: (0, 0, 0, 0, 0, 0, 0, 1), scope-id: 0"), "{shown}");
}

#[test]
fn tcp_operations_fail_as_documented() {
    let mut guest = everything();
    let network = guest.network();
    let (invalid, state) = ("err(invalid-argument)", "err(invalid-state)");
    let socket = guest.tcp_socket("ipv4");
    let here = v4([127, 0, 0, 1], 0);
    for function in ["finish-bind", "finish-connect", "finish-listen"] {
        guest.gives(&tcp(function), from_ref(&socket), "err(not-in-progress)");
    }
    for function in ["local-address", "remote-address", "start-listen", "accept"] {
        guest.gives(&tcp(function), from_ref(&socket), state);
    }
    guest.gives(&tcp("shutdown"), &[socket.clone(), name("both")], state);
    let bind = |guest: &mut Guest, socket: &Val, address: Val, expected: &str| {
        guest.gives(&tcp("start-bind"), &[socket.clone(), network.clone(), address], expected);
    };
    let connect = |guest: &mut Guest, socket: &Val, address: Val, expected: &str| {
        guest.gives(&tcp("start-connect"), &[socket.clone(), network.clone(), address], expected);
    };
    bind(&mut guest, &socket, v6(LOOPBACK6, 0), invalid);
    bind(&mut guest, &socket, v4([224, 0, 0, 1], 0), invalid);
    bind(&mut guest, &socket, v4([255, 255, 255, 255], 0), invalid);
    bind(&mut guest, &socket, v4([192, 0, 2, 1], 0), "err(address-not-bindable)");
    for address in [v6(LOOPBACK6, 1), v4([0; 4], 1), v4([127, 0, 0, 1], 0), v4([224, 0, 0, 1], 1)] {
        connect(&mut guest, &socket, address, invalid);
    }
    bind(&mut guest, &socket, here.clone(), "ok");
    for (function, args) in [
        ("start-bind", vec![network.clone(), here.clone()]),
        ("start-connect", vec![network.clone(), v4([127, 0, 0, 1], 9)]),
    ] {
        let args: Vec<Val> = [socket.clone()].into_iter().chain(args).collect();
        guest.gives(&tcp(function), &args, "err(concurrency-conflict)");
    }
    guest.gives(&tcp("start-listen"), from_ref(&socket), "err(concurrency-conflict)");
    guest.gives(&tcp("finish-bind"), from_ref(&socket), "ok");
    bind(&mut guest, &socket, here.clone(), state);
    guest.gives(&tcp("start-listen"), from_ref(&socket), "ok");
    guest.gives(&tcp("start-listen"), from_ref(&socket), "err(concurrency-conflict)");
    guest.gives(&tcp("finish-listen"), from_ref(&socket), "ok");
    guest.gives(&tcp("start-listen"), from_ref(&socket), state);
    connect(&mut guest, &socket, v4([127, 0, 0, 1], 9), state);
    let taken = address_of(&guest.ok(&tcp("local-address"), from_ref(&socket)));
    let other = guest.tcp_socket("ipv4");
    bind(&mut guest, &other, to_val(taken), "err(address-in-use)");
    // One of IPv6 that stands for one of IPv4.
    let six = guest.tcp_socket("ipv6");
    bind(&mut guest, &six, v6([0, 0, 0, 0, 0, 0xffff, 0x7f00, 1], 0), invalid);
    bind(&mut guest, &six, here, invalid);
    refused(&mut guest, network);
    let mut guest = {
        let mut state = crate::state(|builder| _ = builder.max_descriptors(4));
        let mut grants = NetworkGrants::none();
        state.set_network(grants.tcp().udp().clone());
        Guest::new(state)
    };
    guest.tcp_socket("ipv4");
    guest.gives("wasi:sockets/tcp-create-socket#create-tcp-socket", &[name("ipv4")], "err(new-socket-limit)");
    guest.gives("wasi:sockets/udp-create-socket#create-udp-socket", &[name("ipv4")], "err(new-socket-limit)");
}

/// A connection to where no socket listens.
fn refused(guest: &mut Guest, network: Val) {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let socket = guest.tcp_socket("ipv4");
    guest.gives(&tcp("start-connect"), &[socket.clone(), network.clone(), to_val(closed)], "ok");
    guest.wait_for(&tcp("subscribe"), &socket);
    guest.gives(&tcp("finish-connect"), from_ref(&socket), "err(connection-refused)");
    guest.gives(&tcp("finish-connect"), from_ref(&socket), "err(not-in-progress)");
    guest.gives(&tcp("start-connect"), &[socket.clone(), network, to_val(closed)], "err(invalid-state)");
    guest.gives(&tcp("set-listen-backlog-size"), &[socket, u64(5)], "err(invalid-state)");
}

#[test]
fn tcp_options_are_set() {
    let mut guest = everything();
    for family in ["ipv4", "ipv6"] {
        let socket = guest.tcp_socket(family);
        for (option, value, expected) in [
            ("keep-alive-enabled", Val::Bool(true), "ok(true)"),
            ("keep-alive-enabled", Val::Bool(false), "ok(false)"),
            ("keep-alive-idle-time", u64(5_000_000_000), "ok(5000000000)"),
            ("keep-alive-idle-time", u64(1), "ok(1000000000)"),
            ("keep-alive-idle-time", u64(u64::MAX), "ok(32767000000000)"),
            ("keep-alive-interval", u64(2_000_000_000), "ok(2000000000)"),
            ("keep-alive-count", Val::U32(7), "ok(7)"),
            ("keep-alive-count", Val::U32(1000), "ok(127)"),
            ("hop-limit", Val::U8(42), "ok(42)"),
            ("receive-buffer-size", u64(20_000), "ok(20000)"),
            ("send-buffer-size", u64(20_000), "ok(20000)"),
        ] {
            guest.gives(&tcp(&format!("set-{option}")), &[socket.clone(), value], "ok");
            guest.gives(&tcp(option), from_ref(&socket), expected);
        }
        for (option, zero) in [
            ("keep-alive-idle-time", u64(0)),
            ("keep-alive-interval", u64(0)),
            ("keep-alive-count", Val::U32(0)),
            ("hop-limit", Val::U8(0)),
            ("receive-buffer-size", u64(0)),
            ("send-buffer-size", u64(0)),
            ("listen-backlog-size", u64(0)),
        ] {
            let args = [socket.clone(), zero];
            guest.gives(&tcp(&format!("set-{option}")), &args, "err(invalid-argument)");
        }
        for option in ["receive-buffer-size", "send-buffer-size"] {
            guest.gives(&tcp(&format!("set-{option}")), &[socket.clone(), u64(u64::MAX)], "ok");
            assert!(crate::number_of(&guest.ok(&tcp(option), from_ref(&socket))) > 0);
        }
        guest.gives(&tcp("set-listen-backlog-size"), &[socket, u64(u64::MAX)], "ok");
    }
    let (listener, _) = guest.listener();
    guest.gives(&tcp("set-listen-backlog-size"), &[listener, u64(1)], "ok");
}

const RECEIVE: &str = "wasi:sockets/udp#incoming-datagram-stream.receive";
const CHECK_SEND: &str = "wasi:sockets/udp#outgoing-datagram-stream.check-send";
const SEND: &str = "wasi:sockets/udp#outgoing-datagram-stream.send";

fn datagram(data: &[u8], to: Option<SocketAddr>) -> Val {
    let remote = Val::Option(to.map(|to| Box::new(to_val(to))));
    Val::Record(vec![field("data", bytes(data)), field("remote-address", remote)])
}

#[test]
fn udp_sockets_transfer() {
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let there = peer.local_addr().expect("bound");
    let mut guest = everything();
    let (socket, here) = guest.bound_udp();
    let [incoming, outgoing] = parts(guest.ok(&udp("stream"), &[socket.clone(), Val::Option(None)]));
    guest.gives(RECEIVE, &[incoming.clone(), u64(5)], "ok([])");
    guest.wait_for("wasi:sockets/udp#outgoing-datagram-stream.subscribe", &outgoing);
    guest.gives(CHECK_SEND, from_ref(&outgoing), "ok(16)");
    let both = Val::List(vec![datagram(b"one", Some(there)), datagram(b"", Some(there))]);
    guest.gives(SEND, &[outgoing.clone(), both], "ok(2)");
    let mut buffer = [0; 10];
    for expected in [&b"one"[..], b""] {
        let (count, from) = peer.recv_from(&mut buffer).expect("a datagram");
        assert_eq!((&buffer[..count], from), (expected, here));
    }
    for data in [&b"two"[..], b"three"] {
        peer.send_to(data, here).expect("room");
    }
    guest.wait_for("wasi:sockets/udp#incoming-datagram-stream.subscribe", &incoming);
    let from = show(&to_val(there));
    guest.gives(RECEIVE, &[incoming.clone(), u64(0)], "ok([])");
    let expected = format!("ok([{{data: \"two\", remote-address: {from}}}])");
    guest.gives(RECEIVE, &[incoming.clone(), u64(1)], &expected);
    let expected = format!("ok([{{data: \"three\", remote-address: {from}}}])");
    guest.gives(RECEIVE, &[incoming.clone(), u64(100)], &expected);
    // Connected, it hears that peer only.
    let remote = Val::Option(Some(Box::new(to_val(there))));
    let [connected, sending] = parts(guest.ok(&udp("stream"), &[socket.clone(), remote]));
    assert_eq!(address_of(&guest.ok(&udp("remote-address"), from_ref(&socket))), there);
    UdpSocket::bind("127.0.0.1:0").expect("a port").send_to(b"stranger", here).expect("room");
    peer.send_to(b"friend", here).expect("room");
    guest.wait_for("wasi:sockets/udp#incoming-datagram-stream.subscribe", &connected);
    let expected = format!("ok([{{data: \"friend\", remote-address: {from}}}])");
    guest.gives(RECEIVE, &[connected.clone(), u64(5)], &expected);
    guest.ok(CHECK_SEND, from_ref(&sending));
    guest.gives(SEND, &[sending.clone(), Val::List(vec![datagram(b"by itself", None)])], "ok(1)");
    assert_eq!(peer.recv_from(&mut buffer).expect("a datagram").0, 9);
    // The streams before are of no use any more.
    guest.gives(RECEIVE, &[incoming, u64(1)], "err(invalid-state)");
    guest.gives(CHECK_SEND, &[outgoing], "err(invalid-state)");
    // And it can be disconnected again.
    guest.ok(&udp("stream"), &[socket.clone(), Val::Option(None)]);
    guest.gives(&udp("remote-address"), &[socket], "err(invalid-state)");
    guest.drop("wasi:sockets/udp#incoming-datagram-stream", connected);
    guest.drop("wasi:sockets/udp#outgoing-datagram-stream", sending);
}

#[test]
fn udp_operations_fail_as_documented() {
    let mut guest = everything();
    let (network, socket) = (guest.network(), guest.udp_socket("ipv4"));
    let (invalid, state) = ("err(invalid-argument)", "err(invalid-state)");
    let here = v4([127, 0, 0, 1], 0);
    guest.gives(&udp("address-family"), from_ref(&socket), "ipv4");
    guest.gives(&udp("finish-bind"), from_ref(&socket), "err(not-in-progress)");
    guest.gives(&udp("stream"), &[socket.clone(), Val::Option(None)], state);
    guest.gives(&udp("local-address"), from_ref(&socket), state);
    guest.gives(&udp("remote-address"), from_ref(&socket), state);
    guest.gives(&udp("start-bind"), &[socket.clone(), network.clone(), v6(LOOPBACK6, 0)], invalid);
    let elsewhere = v4([192, 0, 2, 1], 0);
    guest.gives(
        &udp("start-bind"),
        &[socket.clone(), network.clone(), elsewhere],
        "err(address-not-bindable)",
    );
    guest.gives(&udp("start-bind"), &[socket.clone(), network.clone(), here.clone()], "ok");
    guest.gives(
        &udp("start-bind"),
        &[socket.clone(), network.clone(), here.clone()],
        "err(concurrency-conflict)",
    );
    guest.gives(&udp("finish-bind"), from_ref(&socket), "ok");
    guest.gives(&udp("start-bind"), &[socket.clone(), network.clone(), here], state);
    let taken = guest.ok(&udp("local-address"), from_ref(&socket));
    let other = guest.udp_socket("ipv4");
    guest.gives(&udp("start-bind"), &[other, network, taken], "err(address-in-use)");
    for remote in [v6(LOOPBACK6, 1), v4([0; 4], 1), v4([127, 0, 0, 1], 0)] {
        let remote = Val::Option(Some(Box::new(remote)));
        guest.gives(&udp("stream"), &[socket.clone(), remote], invalid);
    }
    guest.wait_for(&udp("subscribe"), &socket);
    sending_fails(&mut guest, &socket);
    for (option, value, expected) in [
        ("unicast-hop-limit", Val::U8(9), "ok(9)"),
        ("receive-buffer-size", u64(20_000), "ok(20000)"),
        ("send-buffer-size", u64(20_000), "ok(20000)"),
    ] {
        guest.gives(&udp(&format!("set-{option}")), &[socket.clone(), value], "ok");
        guest.gives(&udp(option), from_ref(&socket), expected);
    }
    for (option, zero) in
        [("unicast-hop-limit", Val::U8(0)), ("receive-buffer-size", u64(0)), ("send-buffer-size", u64(0))]
    {
        guest.gives(&udp(&format!("set-{option}")), &[socket.clone(), zero], invalid);
    }
}

fn sending_fails(guest: &mut Guest, socket: &Val) {
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let there = peer.local_addr().expect("bound");
    let [_, outgoing] = parts(guest.ok(&udp("stream"), &[socket.clone(), Val::Option(None)]));
    guest.ok(CHECK_SEND, from_ref(&outgoing));
    let send = |guest: &mut Guest, datagrams: Vec<Val>, expected: &str| {
        guest.gives(SEND, &[outgoing.clone(), Val::List(datagrams)], expected);
    };
    send(guest, vec![], "ok(0)");
    send(guest, vec![datagram(b"x", None)], "err(invalid-argument)");
    let with = |address: Val| {
        let remote = Val::Option(Some(Box::new(address)));
        vec![Val::Record(vec![field("data", bytes(b"x")), field("remote-address", remote)])]
    };
    send(guest, with(v6(LOOPBACK6, 1)), "err(invalid-argument)");
    send(guest, with(v4([0; 4], 1)), "err(invalid-argument)");
    send(guest, with(v4([127, 0, 0, 1], 0)), "err(invalid-argument)");
    send(guest, vec![datagram(&[0; 65_530], Some(there))], "err(datagram-too-large)");
    // What was sent before an error counts.
    send(guest, vec![datagram(b"x", Some(there)), datagram(b"y", None)], "ok(1)");
    let remote = Val::Option(Some(Box::new(to_val(there))));
    let [_, outgoing] = parts(guest.ok(&udp("stream"), &[socket.clone(), remote]));
    guest.ok(CHECK_SEND, from_ref(&outgoing));
    let other = Val::List(vec![datagram(b"x", Some(([127, 0, 0, 1], 9).into()))]);
    guest.gives(SEND, &[outgoing.clone(), other], "err(invalid-argument)");
    drop(peer);
    // The first is answered that the port is closed, of which the second one learns.
    guest.gives(SEND, &[outgoing.clone(), Val::List(vec![datagram(b"x", None)])], "ok(1)");
    guest.gives(SEND, &[outgoing.clone(), Val::List(vec![datagram(b"x", None)])], "err(connection-refused)");
    let mut other = everything();
    let (socket, _) = other.bound_udp();
    let [_, outgoing] = parts(other.ok(&udp("stream"), &[socket, Val::Option(None)]));
    let one = Val::List(vec![datagram(b"x", Some(there))]);
    other.traps(SEND, &[outgoing, one], "1 datagrams were sent by a stream that permitted 0");
}

#[test]
fn names_are_looked_up() {
    let mut guest = granted(|grants| _ = grants.names());
    let network = guest.network();
    let (resolve, next) = (
        "wasi:sockets/ip-name-lookup#resolve-addresses",
        "wasi:sockets/ip-name-lookup#resolve-address-stream.resolve-next-address",
    );
    for wrong in ["", "a..b", "a b", "[::1"] {
        guest.gives(resolve, &[network.clone(), text(wrong)], "err(invalid-argument)");
    }
    let stream = guest.handle(resolve, &[network.clone(), text("10.1.2.3")]);
    guest.gives(next, from_ref(&stream), "ok(some(ipv4((10, 1, 2, 3))))");
    guest.gives(next, from_ref(&stream), "ok(none)");
    guest.drop("wasi:sockets/ip-name-lookup#resolve-address-stream", stream);
    // What the system's own files say needs no server.
    let stream = guest.handle(resolve, &[network.clone(), text("localhost")]);
    guest.wait_for("wasi:sockets/ip-name-lookup#resolve-address-stream.subscribe", &stream);
    let first = show(&guest.call(next, &[stream]));
    assert!(
        ["ok(some(ipv4((127, 0, 0, 1))))", "ok(some(ipv6((0, 0, 0, 0, 0, 0, 0, 1))))"].contains(&&*first),
        "{first}"
    );
    // Reserved for names that do not exist.
    let stream = guest.handle(resolve, &[network, text("name.invalid")]);
    guest.wait_for("wasi:sockets/ip-name-lookup#resolve-address-stream.subscribe", &stream);
    let failed = show(&guest.call(next, &[stream]));
    assert!(["err(name-unresolvable)", "err(temporary-resolver-failure)"].contains(&&*failed), "{failed}");
}
