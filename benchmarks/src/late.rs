//! How late calls end that would go on for seconds or for ever, when their deadline has passed.
//!
//! A deadline is watched by a thread that pokes the one that calls; what is long looks at the deadline in
//! between. The time is that from the deadline to the return of the call.

use clap::Args;
use rustix::fs::{CWD, FileType, Mode};
use std::fs;
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use wasmaot_bench::ours;
use wasmaot_bench::stats::Times;
use wasmaot_runtime::{
    CallError, Caller, InstancePre, Linker, Module, ModuleLimits, Pool, PoolConfig, PooledInstance, TrapCode,
    TypedFunc,
};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// Elements of the tables that collections of exceptions search.
const SEARCHED: u64 = 200_000_000;

/// Bytes of the file that is read and written.
const FILE: u64 = 1023 << 21;

/// A guest, and what is measured of it.
struct Guest {
    name: &'static str,
    text: &'static str,
    /// Whether standard output is kept in memory; or else it is a pipe that is not read.
    captures: bool,
    /// An export to be called before the deadline is set, the one that is measured, and what that does.
    cases: &'static [(Option<&'static str>, &'static str, &'static str)],
}

const GUESTS: [Guest; 5] = [
    Guest {
        name: "waits",
        text: include_str!("../../tests/guests/wasi_blocking.wat"),
        captures: false,
        cases: &[
            (None, "read", "`fd_read` of an empty pipe"),
            (None, "write", "`fd_write` to a full pipe"),
            (None, "open", "`path_open` of a FIFO that is not written"),
            (None, "open_to_write", "`path_open` of a FIFO that is not read"),
            (None, "poll_clock", "`poll_oneoff` of a clock"),
            (None, "poll_input", "`poll_oneoff` of an empty pipe"),
        ],
    },
    Guest {
        name: "transfers",
        text: include_str!("../../tests/guests/wasi_transfers.wat"),
        captures: true,
        cases: &[
            (None, "read", "`fd_read` of 1,023 ranges of 2 MiB"),
            (None, "write", "`fd_write` of 1,023 ranges of 2 MiB"),
            (None, "pread", "`fd_pread` of 1,023 ranges of 2 MiB"),
            (None, "pwrite", "`fd_pwrite` of 1,023 ranges of 2 MiB"),
            (None, "capture", "captured `fd_write` of 1,023 ranges of 2 MiB"),
            (None, "random", "`random_get` of 2 GiB"),
            (Some("slashes"), "path", "`path_open` of 256 MiB of slashes"),
            (Some("one_name"), "path", "`path_open` of a name of 256 MiB"),
        ],
    },
    Guest {
        name: "bulk",
        text: include_str!("../../tests/guests/interrupt_bulk.wat"),
        captures: false,
        cases: &[
            (None, "fill", "`memory.fill` of 4 GiB"),
            (None, "copy", "`memory.copy` of 1 GiB"),
            (None, "table_fill", "`table.fill` of 10,000,000 elements"),
            (None, "table_copy", "`table.copy` of 10,000,000 elements"),
            (None, "grow_by_nothing", "`memory.grow` by nothing"),
            (None, "grow", "`memory.grow` by a page"),
        ],
    },
    Guest {
        name: "tables",
        text: include_str!("../../tests/guests/interrupt_tables.wat"),
        captures: false,
        cases: &[(None, "grow", "`table.grow` by 10,000,000 elements")],
    },
    Guest {
        name: "exceptions",
        text: include_str!("../../tests/guests/exceptions_collected.wat"),
        captures: false,
        cases: &[(None, "throws", "throws, beside tables of 200,000,000 exceptions")],
    },
];

/// A call that waits for a host function.
const WAITS: &str = r#"(module (import "h" "wait" (func $wait)) (func (export "wait") (call $wait)))"#;

#[derive(Args)]
pub(crate) struct Opts {
    /// Calls of each kind.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Milliseconds from the beginning of a call to its deadline.
    #[arg(long, default_value_t = 20)]
    deadline: u64,
    /// Where compiled files are kept while measuring, and the file that is read and written.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!("| what goes on | ms late: p50 | p99 | at most |\n|---|---|---|---|");
    row("an asynchronous host function", &host_function(opts)?);
    let folder = folder(&opts.scratch)?;
    for guest in &GUESTS {
        let tables = format!("(table {} exnref)", SEARCHED / 20).repeat(20);
        let linked = linked(&module(guest.name, &guest.text.replace("TABLES", &tables), opts)?)?;
        for &(before, export, what) in guest.cases {
            row(what, &case(opts, &linked, &folder, guest.captures, (before, export))?);
        }
    }
    Ok(())
}

fn row(what: &str, times: &Times) {
    let (summary, all) = (times.summary(), times.ascending());
    let most = all.last().copied().unwrap_or(0.0);
    let [p50, p99, most] = [summary.p50, summary.p99, most].map(|nanos| nanos / 1e6);
    println!("| {what} | {p50:.2} | {p99:.2} | {most:.2} |");
}

/// Makes the folder that guests get: with a large file of zeros, and a FIFO that is opened at no other end.
fn folder(scratch: &Path) -> io::Result<PathBuf> {
    let folder = scratch.join("late");
    fs::create_dir_all(&folder)?;
    fs::File::create(folder.join("file"))?.set_len(FILE)?;
    match rustix::fs::mknodat(CWD, folder.join("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0) {
        Err(error) if error != rustix::io::Errno::EXIST => Err(error.into()),
        _ => Ok(folder),
    }
}

fn module(name: &str, text: &str, opts: &Opts) -> io::Result<Module> {
    let wasm = wat::parse_str(text).map_err(io::Error::other)?;
    ours::module(&format!("late-{name}"), &wasm, &opts.scratch)
}

fn linked(module: &Module) -> io::Result<InstancePre<WasiCtx>> {
    let mut linker = Linker::<WasiCtx>::new();
    linker.set_module_limits(ModuleLimits { total_elements: SEARCHED, ..ModuleLimits::default() });
    wasmaot_wasi::add_to_linker(&mut linker, |ctx| ctx).map_err(io::Error::other)?;
    linker.instantiate_pre(module).map_err(io::Error::other)
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
    let mut linker = Linker::<()>::new();
    let wait = |_: &mut Caller<'_, ()>| pending::<()>();
    linker.func_wrap_async("h", "wait", wait).map_err(io::Error::other)?;
    let linked = linker.instantiate_pre(&module("host", WAITS, opts)?).map_err(io::Error::other)?;
    let wait: TypedFunc<(), ()> = linked.get_typed_func("wait").map_err(io::Error::other)?;
    let pool = pool()?;
    let start = || pool.start(&linked, ()).map_err(io::Error::other);
    times(opts, start, |instance| block_on(wait.call_async(instance, ())))
}

/// Those of an export of a guest.
fn case(
    opts: &Opts,
    linked: &InstancePre<WasiCtx>,
    folder: &Path,
    captures: bool,
    (before, export): (Option<&str>, &str),
) -> io::Result<Times> {
    let ((input, _feed), (_drain, output)) = (io::pipe()?, io::pipe()?);
    let mut given = WasiCtxBuilder::new();
    given.stdin(OwnedFd::from(input));
    match captures {
        true => given.capture_stdout(usize::MAX),
        false => given.stdout(OwnedFd::from(output)),
    };
    given.preopen_dir(folder, "/").map_err(io::Error::other)?;
    let pool = pool()?;
    let start = || {
        let mut instance = pool.start(linked, given.build()).map_err(io::Error::other)?;
        if let Some(before) = before {
            instance.call(before, &[]).map_err(io::Error::other)?;
        }
        Ok(instance)
    };
    times(opts, start, |instance| instance.call(export, &[]).map(|_| ()))
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
