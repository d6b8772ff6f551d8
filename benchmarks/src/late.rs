//! How late calls end that wait for what never comes, when their deadline has passed.
//!
//! A deadline is watched by a thread that pokes the one that waits. The time is that from the deadline to the
//! return of the call.

use clap::Args;
use rustix::fs::{CWD, FileType, Mode};
use std::fs;
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use wasmaot_bench::ours;
use wasmaot_bench::stats::Times;
use wasmaot_runtime::{
    CallError, Caller, InstancePre, Linker, Pool, PoolConfig, PooledInstance, TrapCode, TypedFunc,
};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// Waits of WASI: its standard input and output are pipes of which the other end does nothing, and its folder
/// has a FIFO that is opened at no other end.
const WASI: [(&str, &str); 4] = [
    ("read", "`fd_read` of an empty pipe"),
    ("write", "`fd_write` to a full pipe"),
    ("open", "`path_open` of a FIFO"),
    ("poll_clock", "`poll_oneoff` of a clock"),
];

/// A call that waits for a host function.
const WAITS: &str = r#"(module (import "h" "wait" (func $wait)) (func (export "wait") (call $wait)))"#;

#[derive(Args)]
pub(crate) struct Opts {
    /// The module whose exports wait.
    #[arg(long, default_value = "tests/guests/wasi_blocking.wat")]
    guest: PathBuf,
    /// Calls of each kind.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// Milliseconds from the beginning of a call to its deadline.
    #[arg(long, default_value_t = 20)]
    deadline: u64,
    /// Where compiled files are kept while measuring.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!("| waits in | ms late: p50 | p99 | at most |\n|---|---|---|---|");
    row("an asynchronous host function", &host_function(opts)?);
    let module =
        ours::module("late", &wat::parse_file(&opts.guest).map_err(io::Error::other)?, &opts.scratch)?;
    let mut linker = Linker::<WasiCtx>::new();
    wasmaot_wasi::add_to_linker(&mut linker, |ctx| ctx).map_err(io::Error::other)?;
    let linked = linker.instantiate_pre(&module).map_err(io::Error::other)?;
    for (export, what) in WASI {
        row(what, &wasi(opts, &linked, export)?);
    }
    Ok(())
}

fn row(what: &str, times: &Times) {
    let (summary, all) = (times.summary(), times.ascending());
    let most = all.last().copied().unwrap_or(0.0);
    let [p50, p99, most] = [summary.p50, summary.p99, most].map(|nanos| nanos / 1e6);
    println!("| {what} | {p50:.2} | {p99:.2} | {most:.2} |");
}

fn pool() -> io::Result<Pool> {
    Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).map_err(io::Error::other)
}

/// Nanoseconds by which calls end after their deadline, each in an instance that `start` makes.
fn times<T>(
    opts: &Opts,
    start: impl Fn() -> io::Result<PooledInstance<T>>,
    call: impl Fn(&mut PooledInstance<T>) -> Result<(), CallError>,
) -> io::Result<Times> {
    let mut late = Vec::with_capacity(opts.rounds);
    for _ in 0..opts.rounds {
        let mut instance = start()?;
        let deadline = Instant::now() + Duration::from_millis(opts.deadline);
        instance.set_deadline(deadline).map_err(io::Error::other)?;
        let ended = call(&mut instance);
        late.push(deadline.elapsed().as_nanos() as f64);
        match ended {
            Err(CallError::Trap(trap)) if trap.code == TrapCode::DeadlineExceeded => {}
            ended => return Err(io::Error::other(format!("the call has ended by itself: {ended:?}"))),
        }
    }
    let mut times = Times::default();
    times.add(late);
    Ok(times)
}

/// Those of a call that waits for a future which nothing wakes.
fn host_function(opts: &Opts) -> io::Result<Times> {
    let module = ours::module("waits", &wat::parse_str(WAITS).map_err(io::Error::other)?, &opts.scratch)?;
    let mut linker = Linker::<()>::new();
    let wait = |_: &mut Caller<'_, ()>| pending::<()>();
    linker.func_wrap_async("h", "wait", wait).map_err(io::Error::other)?;
    let linked = linker.instantiate_pre(&module).map_err(io::Error::other)?;
    let wait: TypedFunc<(), ()> = linked.get_typed_func("wait").map_err(io::Error::other)?;
    let pool = pool()?;
    let start = || pool.start(&linked, ()).map_err(io::Error::other);
    times(opts, start, |instance| block_on(wait.call_async(instance, ())))
}

/// Those of a call that waits in a function of WASI.
fn wasi(opts: &Opts, linked: &InstancePre<WasiCtx>, export: &str) -> io::Result<Times> {
    let folder = opts.scratch.join("late");
    fs::create_dir_all(&folder)?;
    match rustix::fs::mknodat(CWD, folder.join("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0) {
        Err(error) if error != rustix::io::Errno::EXIST => return Err(error.into()),
        _ => {}
    }
    let ((input, _feed), (_drain, output)) = (io::pipe()?, io::pipe()?);
    let mut given = WasiCtxBuilder::new();
    given.stdin(OwnedFd::from(input)).stdout(OwnedFd::from(output));
    given.preopen_dir(&folder, "/").map_err(io::Error::other)?;
    let wait: TypedFunc<(), ()> = linked.get_typed_func(export).map_err(io::Error::other)?;
    let pool = pool()?;
    let start = || pool.start(linked, given.build()).map_err(io::Error::other);
    times(opts, start, |instance| wait.call(instance, ()))
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future on this thread, which sleeps in between.
fn block_on<R>(future: impl Future<Output = R>) -> R {
    let (mut future, waker) = (pin!(future), Waker::from(Arc::new(Unpark(std::thread::current()))));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => std::thread::park(),
        }
    }
}
