//! Calls across the host boundary in a warm instance: guest → host → guest, and host → guest → host.

use crate::places::Places;
use crate::{quiet, theirs};
use clap::Args;
use std::cell::RefCell;
use std::io;
use wasmaot_bench::guests::{self, Entry};
use wasmaot_bench::stats::{Ratio, Times};
use wasmaot_bench::{ours, turns};
use wasmaot_runtime::{Caller, PooledInstance};

/// Calls from one reading of the clock to the next.
const BATCH: i32 = 1000;

/// What the functions that are called add up to in a batch.
const SUM: i32 = BATCH * (BATCH + 1) / 2;

#[derive(Args)]
pub(crate) struct Opts {
    #[command(flatten)]
    places: Places,
    /// Number of batches of 1,000 calls per side.
    #[arg(long, default_value_t = 20_000)]
    count: usize,
    /// Number of rounds that alternate between the sides.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!("| ns per call | | minimum | p50 | p99 | p99.9 | times Wasmtime's p50 (by round) |");
    println!("|---|---|---|---|---|---|---|");
    let (mut ours, mut theirs) = (Ours::new(opts)?, Theirs::new(opts)?);
    compare("guest → host → guest", opts, SUM, || ours.from_guest(), || theirs.from_guest())?;
    compare("host → guest → host", opts, SUM, || ours.from_host(), || theirs.from_host())?;
    let guest = guests::hello(&opts.places.programs, Entry::StartQuiet)?;
    let (mut ours, mut theirs) = (OurHello::new(&guest.wasm, opts)?, TheirHello::new(&guest.wasm, opts)?);
    compare("`handle` of hello, quiet WASI", opts, 0, || ours.batch(), || theirs.batch())
}

/// wasmaot's instance of `calls.wat`.
struct Ours {
    instance: PooledInstance<()>,
    repeat: wasmaot_runtime::TypedFunc<i32, i32>,
    add: wasmaot_runtime::TypedFunc<(i32, i32), i32>,
}

impl Ours {
    fn new(opts: &Opts) -> io::Result<Self> {
        let wasm = guests::calls(&opts.places.programs)?;
        let module = ours::module("calls", &wasm, &opts.places.scratch)?;
        let mut linker = wasmaot_runtime::Linker::<()>::new();
        let add = |_: &mut Caller<'_, ()>, a: i32, b: i32| a.wrapping_add(b);
        let linker = linker.func_wrap("host", "add", add).map_err(io::Error::other)?;
        let instance = ours::warm(&linker.instantiate_pre(&module).map_err(io::Error::other)?, ())?;
        let repeat = instance.get_typed_func("loop").map_err(io::Error::other)?;
        let add = instance.get_typed_func("add").map_err(io::Error::other)?;
        Ok(Self { instance, repeat, add })
    }

    fn from_guest(&mut self) -> io::Result<i32> {
        self.repeat.call(&mut self.instance, BATCH).map_err(io::Error::other)
    }

    fn from_host(&mut self) -> io::Result<i32> {
        let total = (1..=BATCH).try_fold(0, |total, n| self.add.call(&mut self.instance, (total, n)));
        total.map_err(io::Error::other)
    }
}

/// Wasmtime's.
struct Theirs {
    store: wasmtime::Store<()>,
    repeat: wasmtime::TypedFunc<i32, i32>,
    add: wasmtime::TypedFunc<(i32, i32), i32>,
}

impl Theirs {
    fn new(opts: &Opts) -> io::Result<Self> {
        let wasm = guests::calls(&opts.places.programs)?;
        let engine = theirs::engine(theirs::DEFAULTS, 1)?;
        let mut linker = wasmtime::Linker::new(&engine);
        linker.func_wrap("host", "add", |a: i32, b: i32| a.wrapping_add(b)).map_err(io::Error::other)?;
        let (mut store, instance) = their_instance("calls", &wasm, &linker, opts)?;
        let repeat = instance.get_typed_func(&mut store, "loop").map_err(io::Error::other)?;
        let add = instance.get_typed_func(&mut store, "add").map_err(io::Error::other)?;
        Ok(Self { store, repeat, add })
    }

    fn from_guest(&mut self) -> io::Result<i32> {
        self.repeat.call(&mut self.store, BATCH).map_err(io::Error::other)
    }

    fn from_host(&mut self) -> io::Result<i32> {
        let total = (1..=BATCH).try_fold(0, |total, n| self.add.call(&mut self.store, (total, n)));
        total.map_err(io::Error::other)
    }
}

/// wasmaot's instance of `hello`, which prints line after line: the time of the guest's own code.
struct OurHello {
    instance: PooledInstance<()>,
    handle: wasmaot_runtime::TypedFunc<i32, i32>,
}

impl OurHello {
    fn new(wasm: &[u8], opts: &Opts) -> io::Result<Self> {
        let module = ours::module("hello", wasm, &opts.places.scratch)?;
        let instance =
            ours::warm(&ours::quiet_wasi()?.instantiate_pre(&module).map_err(io::Error::other)?, ())?;
        let handle = instance.get_typed_func("handle").map_err(io::Error::other)?;
        Ok(Self { instance, handle })
    }

    fn batch(&mut self) -> io::Result<i32> {
        let mut numbers = 0..BATCH;
        let total = numbers.try_fold(0, |total, _| Ok(total + self.handle.call(&mut self.instance, 7)?));
        total.map_err(|error: wasmaot_runtime::CallError| io::Error::other(error))
    }
}

/// The Wasmtime side of the benchmark.
struct TheirHello {
    store: wasmtime::Store<()>,
    handle: wasmtime::TypedFunc<i32, i32>,
}

impl TheirHello {
    fn new(wasm: &[u8], opts: &Opts) -> io::Result<Self> {
        let linker = quiet::wasi(&theirs::engine(theirs::DEFAULTS, 1)?)?;
        let (mut store, instance) = their_instance("hello", wasm, &linker, opts)?;
        let handle = instance.get_typed_func(&mut store, "handle").map_err(io::Error::other)?;
        Ok(Self { store, handle })
    }

    fn batch(&mut self) -> io::Result<i32> {
        let mut numbers = 0..BATCH;
        let total = numbers.try_fold(0, |total, _| Ok(total + self.handle.call(&mut self.store, 7)?));
        total.map_err(|error: wasmtime::Error| io::Error::other(error))
    }
}

fn their_instance(
    name: &str,
    wasm: &[u8],
    linker: &wasmtime::Linker<()>,
    opts: &Opts,
) -> io::Result<(wasmtime::Store<()>, wasmtime::Instance)> {
    let artifact = theirs::artifact(name, wasm, &opts.places.scratch)?;
    let module = theirs::module(linker.engine(), &artifact)?;
    let mut store = wasmtime::Store::new(linker.engine(), ());
    let instance = linker.instantiate(&mut store, &module).map_err(io::Error::other)?;
    Ok((store, instance))
}

/// Prints a row per side. Each batch must give what is expected: a side that computes something else is
/// broken, and its time means nothing.
fn compare(
    what: &str,
    opts: &Opts,
    expected: i32,
    ours: impl FnMut() -> io::Result<i32>,
    theirs: impl FnMut() -> io::Result<i32>,
) -> io::Result<()> {
    type Batch<'a> = RefCell<Box<dyn FnMut() -> io::Result<i32> + 'a>>;
    let sides: [Batch<'_>; 2] = [RefCell::new(Box::new(ours)), RefCell::new(Box::new(theirs))];
    let turn = |side: &Batch<'_>, times: &mut Times| {
        let mut batch = side.borrow_mut();
        times.round(opts.count / opts.rounds, || match batch()? {
            found if found == expected => Ok(()),
            found => Err(io::Error::other(format!("{what}: {found} instead of {expected}"))),
        })
    };
    let times = turns::take(&sides, opts.rounds, turn)?;
    let mut times = times.into_iter().map(|times| times.each_of(BATCH as u32));
    let (Some(ours), Some(theirs)) = (times.next(), times.next()) else { unreachable!("two sides") };
    row(what, "wasmaot", &ours, Some(ours.ratio(&theirs)));
    row(what, "Wasmtime", &theirs, None);
    Ok(())
}

fn row(what: &str, side: &str, times: &Times, ratio: Option<Ratio>) {
    let summary = times.summary();
    let (minimum, p50, p99, p999) = (summary.minimum, summary.p50, summary.p99, summary.p999);
    let ratio = ratio.map_or(String::new(), |Ratio { of_medians, by_round: (least, greatest) }| {
        format!("{of_medians:.2} ({least:.2}–{greatest:.2})")
    });
    println!("| {what} | {side} | {minimum:.2} | {p50:.2} | {p99:.2} | {p999:.2} | {ratio} |");
}
