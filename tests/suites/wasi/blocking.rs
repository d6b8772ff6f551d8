//! Calls that wait for ever end at a deadline and when they are killed, and leave nothing open behind them.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;
use wasmaot_runtime::{InstancePre, Linker, Pool, PoolConfig, PooledInstance, TrapCode, Val};
use wasmaot_tests::trap_code;
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// Each export but `print` and `connect` waits for what never comes. Descriptor 3 is a directory with a FIFO,
/// 4 a socket without clients and 5 one with a client that neither sends nor reads once `connect` has
/// accepted it.
pub(crate) const TEXT: &str = include_str!("../../guests/wasi_blocking.wat");

/// After so long what did not come is a failure.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Any free port.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub(crate) const WAITS: [&str; 9] =
    ["read", "write", "open", "open_to_write", "poll_clock", "poll_input", "accept", "recv", "send"];

/// What the guest is given. The other ends stay open, so that nothing ends by itself.
pub(crate) struct Given {
    pub(crate) builder: WasiCtxBuilder,
    clients: SocketAddr,
    _folder: TempDir,
    _others: [File; 2],
}

impl Given {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        rustix::fs::mknodat(CWD, folder.path().join("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .expect("a new FIFO");
        let (input, feed) = std::io::pipe().expect("a pipe");
        let (drain, output) = std::io::pipe().expect("a pipe");
        let others = [OwnedFd::from(feed).into(), OwnedFd::from(drain).into()];
        let mut builder = WasiCtxBuilder::new();
        builder.stdin(OwnedFd::from(input)).stdout(OwnedFd::from(output));
        builder.preopen_dir(folder.path(), "/").expect("the folder is there");
        builder.listen(LOOPBACK).expect("a loopback port");
        let clients = builder.listen(LOOPBACK).expect("a loopback port");
        Self { builder, clients, _folder: folder, _others: others }
    }

    /// The client that a wait is for, if it is for one, accepted by the instance that is to wait.
    pub(crate) fn client<T: 'static>(
        &self,
        wait: &str,
        instance: &mut PooledInstance<T>,
    ) -> Option<TcpStream> {
        if !matches!(wait, "recv" | "send") {
            return None;
        }
        let client = TcpStream::connect(self.clients).expect("the guest's socket listens");
        client.set_read_timeout(Some(LONG)).expect("a socket");
        assert_eq!(instance.call("connect", &[]).expect("it does not trap"), [Val::I32(0)]);
        Some(client)
    }
}

fn pool() -> (Pool, InstancePre<WasiCtx>) {
    let module = wasmaot_tests::module(TEXT);
    let mut linker = Linker::new();
    wasmaot_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).expect("new names");
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    (pool, linker.instantiate_pre(&module).expect("all imports are defined"))
}

/// Waits in each way, until `stop` has it ended with `code`.
fn each_wait(code: TrapCode, stop: impl Fn(&mut PooledInstance<WasiCtx>, &str) -> TrapCode) {
    let (given, (pool, linked)) = (Given::new(), pool());
    for name in WAITS {
        let mut instance = pool.start(&linked, given.builder.build()).expect("the slot is free");
        let client = given.client(name, &mut instance);
        instance.set_deadline(Instant::now() + LONG).expect("a watchdog");
        assert_eq!(stop(&mut instance, name), code, "{name}");
        drop(instance);
        if let Some(mut client) = client {
            // What it accepted is closed: after all that was sent, the end comes.
            client.read_to_end(&mut Vec::new()).expect("an orderly end");
            _ = client.write(b"too late");
        }
    }
}

#[test]
fn deadlines_end_calls_that_wait() {
    each_wait(TrapCode::DeadlineExceeded, |instance, name| {
        let deadline = Instant::now() + Duration::from_millis(10);
        instance.set_deadline(deadline).expect("a watchdog");
        let code = trap_code(instance.call(name, &[]));
        assert!(Instant::now() >= deadline, "{name} ended early");
        code
    });
}

#[test]
fn kills_end_calls_that_wait() {
    each_wait(TrapCode::Killed, |instance, name| {
        let handle = instance.interrupt_handle().expect("a watchdog");
        scope(|scope| {
            scope.spawn(|| {
                sleep(Duration::from_millis(10));
                handle.kill();
            });
            trap_code(instance.call(name, &[]))
        })
    });
}
