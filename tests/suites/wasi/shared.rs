//! Instances on several threads that share one context: one that waits keeps no other from its calls, can be
//! stopped, and has the file that it waits for until its call is over, whatever the others do with the
//! descriptor. What all of them transfer is counted.

use super::blocking::{Given, LONG, TEXT, WAITS};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use wasmaot_runtime::{
    InstancePre, InterruptHandle, Linker, Pool, PoolConfig, PooledInstance, TrapCode, Val,
};
use wasmaot_tests::{trap_code, waiting};
use wasmaot_wasi::{Transferred, WasiCtx, WasiCtxBuilder};

type Shared = Arc<Mutex<WasiCtx>>;

/// An error number of WASI.
const BADF: i32 = 8;

/// What a `read` gives that is refused, less the error number.
const REFUSED: i32 = -1;

/// Each export makes one call and gives its error number. `read` and `poll_read` give the byte that they got,
/// -1 for none, or [`REFUSED`] less the error number.
const CALLS: &str = include_str!("../../guests/wasi_calls.wat");

/// Two instances with one context.
struct Pair {
    waits: PooledInstance<Shared>,
    other: PooledInstance<Shared>,
}

fn linked(text: &str) -> (Pool, InstancePre<Shared>) {
    let module = wasmaot_tests::module(text);
    let mut linker = Linker::new();
    let names = module.imports().map(|(module, name, _)| (module, name)).collect::<Vec<_>>();
    wasmaot_wasi::add_shared_imports_to_linker(&mut linker, names.into_iter(), |ctx: &mut Shared| &**ctx)
        .expect("new names");
    let pool = Pool::new(PoolConfig { slots: 2, ..PoolConfig::default() }).expect("a pool");
    (pool, linker.instantiate_pre(&module).expect("all imports are defined"))
}

impl Pair {
    fn new((pool, linked): &(Pool, InstancePre<Shared>), ctx: WasiCtx) -> Self {
        let ctx = Arc::new(Mutex::new(ctx));
        let start = || {
            let mut instance = pool.start(linked, Arc::clone(&ctx)).expect("a slot is free");
            instance.set_deadline(Instant::now() + LONG).expect("a watchdog");
            instance
        };
        Self { waits: start(), other: start() }
    }
}

/// System calls that guests wait in.
const SYSTEM_CALLS: [i64; 8] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_ppoll,
    libc::SYS_accept4,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_openat,
    libc::SYS_openat2,
];

fn number(instance: &mut PooledInstance<Shared>, name: &str, args: &[i32]) -> i32 {
    let args: Vec<Val> = args.iter().map(|&number| Val::I32(number)).collect();
    match instance.call(name, &args).expect("it does not trap")[..] {
        [Val::I32(number)] => number,
        ref other => panic!("{other:?}"),
    }
}

/// Has one instance wait in each way while the other prints; then `stop` has it ended with `code`, or its
/// timeout does.
fn each_wait(code: TrapCode, timeout: Duration, stop: impl Fn(&InterruptHandle)) {
    let linked = linked(TEXT);
    for name in WAITS {
        let mut given = Given::new();
        given.builder.capture_stderr(1 << 20);
        let Pair { mut waits, mut other } = Pair::new(&linked, given.builder.build());
        let _client = given.client(name, &mut waits);
        let handle = waits.interrupt_handle().expect("a watchdog");
        scope(|scope| {
            waits.set_deadline(Instant::now() + timeout).expect("a watchdog");
            let (_, thread) = waiting(scope, &SYSTEM_CALLS, || trap_code(waits.call(name, &[])));
            assert_eq!(number(&mut other, "print", &[]), 0, "{name}");
            stop(&handle);
            assert_eq!(thread.join().expect("it does not panic"), code, "{name}");
        });
        assert_eq!(number(&mut other, "print", &[]), 0, "{name}");
        assert_eq!(other.data().lock().expect("sound").stderr().len(), 120_000, "{name}");
    }
}

#[test]
fn one_that_waits_leaves_the_context_to_others_and_can_be_killed() {
    each_wait(TrapCode::Killed, LONG, InterruptHandle::kill);
}

#[test]
fn one_that_waits_has_its_deadline() {
    each_wait(TrapCode::DeadlineExceeded, Duration::from_millis(200), |_| {});
}

/// A context whose standard output feeds its standard input.
fn loop_back() -> WasiCtx {
    let (input, output) = std::io::pipe().expect("a pipe");
    WasiCtxBuilder::new().stdin(OwnedFd::from(input)).stdout(OwnedFd::from(output)).build()
}

#[test]
fn one_feeds_the_other_that_waits() {
    let linked = linked(CALLS);
    let Pair { mut waits, mut other } = Pair::new(&linked, loop_back());
    for call in ["read", "poll_read"] {
        scope(|scope| {
            let (_, thread) = waiting(scope, &SYSTEM_CALLS, || number(&mut waits, call, &[0]));
            assert_eq!(number(&mut other, "write", &[1, 77]), 0, "{call}");
            assert_eq!(thread.join().expect("it does not panic"), 77, "{call}");
        });
    }
}

/// Interrupts the system call that a thread waits in, as a signal does that comes late and for another run.
fn interrupt(thread: i32) {
    // SAFETY: the call takes numbers only; the runtime has a handler of this signal.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, std::process::id(), thread, libc::SIGURG) };
    assert_eq!(sent, 0);
    sleep(Duration::from_millis(10));
}

/// The other instance closes or replaces descriptor 0 while one waits to read it, which gets what comes for
/// the file that it waits for. Gives what a second call gets.
fn taken_away_meanwhile(call: &str, take: impl Fn(&mut PooledInstance<Shared>)) -> i32 {
    let (input, mut feed) = std::io::pipe().expect("a pipe");
    let (socket, mut peer) = UnixStream::pair().expect("a pair of sockets");
    let mut builder = WasiCtxBuilder::new();
    builder.stdin(OwnedFd::from(input)).preopen_listener(socket);
    peer.write_all(b"s").expect("there is room");
    let linked = linked(CALLS);
    let Pair { mut waits, mut other } = Pair::new(&linked, builder.build());
    let got = scope(|scope| {
        let (id, thread) = waiting(scope, &SYSTEM_CALLS, || number(&mut waits, call, &[0]));
        take(&mut other);
        interrupt(id);
        feed.write_all(b"pp").expect("there is room");
        thread.join().expect("it does not panic")
    });
    if call == "poll_read" {
        // It waited for the one, and then read what the number stands for now.
        return got;
    }
    assert_eq!(got, i32::from(b'p'));
    number(&mut waits, call, &[0])
}

#[test]
fn what_is_closed_meanwhile_is_there_until_the_call_is_over() {
    for call in ["read", "poll_read"] {
        let then = taken_away_meanwhile(call, |other| assert_eq!(number(other, "close", &[0]), 0));
        assert_eq!(then, REFUSED - BADF, "{call}");
    }
}

#[test]
fn what_is_renumbered_meanwhile_is_there_until_the_call_is_over() {
    for call in ["read", "poll_read"] {
        let then = taken_away_meanwhile(call, |other| assert_eq!(number(other, "renumber", &[3, 0]), 0));
        assert_eq!(then, i32::from(b's'), "{call}");
    }
}

/// Nothing that several threads transfer at a time is lost, by either version's calls.
#[test]
fn transfers_of_all_threads_are_counted() {
    const ROUNDS: u64 = 2000;
    for module in ["wasi_snapshot_preview1", "wasi_unstable"] {
        let linked = linked(&CALLS.replace("wasi_snapshot_preview1", module));
        let mut builder = WasiCtxBuilder::new();
        builder.stdin_bytes(vec![7; ROUNDS as usize + 5]).capture_stdout(1 << 20);
        let Pair { mut waits, mut other } = Pair::new(&linked, builder.build());
        scope(|scope| {
            for instance in [&mut waits, &mut other] {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        assert_eq!(number(instance, "write", &[1, 1]), 0);
                        number(instance, "read", &[0]);
                    }
                });
            }
        });
        let transferred = other.data().lock().expect("sound").transferred();
        assert_eq!(transferred, Transferred { read: ROUNDS + 5, written: 2 * ROUNDS }, "{module}");
    }
}
