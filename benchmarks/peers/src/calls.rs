//! Calls across the border in a warm instance: guest → host → guest, and host → guest → host.

use crate::{Places, quiet, theirs};
use clap::Args;
use std::cell::RefCell;
use std::io;
use wasmaot_bench::guests::{self, Entry};
use wasmaot_bench::stats::{Ratio, Times};
use wasmaot_bench::{ours, turns};
use wasmaot_runtime::{Caller, Pool, PoolConfig};

/// Calls from one reading of the clock to the next.
const BATCH: u32 = 1000;

#[derive(Args)]
pub(crate) struct Opts {
    #[command(flatten)]
    places: Places,
    /// Batches of 1,000 calls per side.
    #[arg(long, default_value_t = 20_000)]
    count: usize,
    /// Rounds in which the sides take turns.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
}

/// Makes a batch of calls.
type Batch<'a> = Box<dyn FnMut() -> io::Result<()> + 'a>;

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!("| ns per call | | minimum | p50 | p99 | p99.9 | times Wasmtime's p50 (by round) |");
    println!("|---|---|---|---|---|---|---|");
    border(opts)?;
    hello(opts)
}

/// Calls of functions that add two numbers, one in the guest and one in the host.
fn border(opts: &Opts) -> io::Result<()> {
    let wasm = guests::calls(&opts.places.programs)?;

    let module = ours::module("calls", &wasm, &opts.places.scratch)?;
    let mut linker = wasmaot_runtime::Linker::<()>::new();
    let linked = linker
        .func("host", "add", |_: &mut Caller<'_, ()>, a: i32, b: i32| a.wrapping_add(b))
        .map_err(io::Error::other)?
        .link(&module)
        .map_err(io::Error::other)?;
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).map_err(io::Error::other)?;
    let instance = RefCell::new(pool.start(&linked, ()).map_err(io::Error::other)?);
    let our_loop = instance.borrow().typed::<i32, i32>("loop").map_err(io::Error::other)?;
    let our_add = instance.borrow().typed::<(i32, i32), i32>("add").map_err(io::Error::other)?;

    let engine = theirs::engine(theirs::DEFAULTS, 1)?;
    let artifact = theirs::artifact("calls", &wasm, &opts.places.scratch)?;
    let module = theirs::module(&engine, &artifact)?;
    let mut linker = wasmtime::Linker::<()>::new(&engine);
    linker.func_wrap("host", "add", |a: i32, b: i32| a.wrapping_add(b)).map_err(io::Error::other)?;
    let store = RefCell::new(wasmtime::Store::new(&engine, ()));
    let (their_loop, their_add) = {
        let mut store = store.borrow_mut();
        let instance = linker.instantiate(&mut *store, &module).map_err(io::Error::other)?;
        let their_loop = instance.get_typed_func::<i32, i32>(&mut *store, "loop").map_err(io::Error::other)?;
        let their_add = instance.get_typed_func::<(i32, i32), i32>(&mut *store, "add").map_err(io::Error::other)?;
        (their_loop, their_add)
    };

    let sum = |n: i32| n * (n + 1) / 2;
    let ours: Batch<'_> = Box::new(|| {
        let result = our_loop.call(&mut *instance.borrow_mut(), BATCH as i32).map_err(io::Error::other)?;
        same(result, sum(BATCH as i32))
    });
    let theirs: Batch<'_> = Box::new(|| {
        let result = their_loop.call(&mut *store.borrow_mut(), BATCH as i32).map_err(io::Error::other)?;
        same(result, sum(BATCH as i32))
    });
    compare("guest → host → guest", [ours, theirs], opts)?;

    let ours: Batch<'_> = Box::new(|| {
        let mut instance = instance.borrow_mut();
        let total = (1..=BATCH as i32).try_fold(0, |total, n| our_add.call(&mut *instance, (total, n)));
        same(total.map_err(io::Error::other)?, sum(BATCH as i32))
    });
    let theirs: Batch<'_> = Box::new(|| {
        let mut store = store.borrow_mut();
        let total = (1..=BATCH as i32).try_fold(0, |total, n| their_add.call(&mut *store, (total, n)));
        same(total.map_err(io::Error::other)?, sum(BATCH as i32))
    });
    compare("host → guest → host", [ours, theirs], opts)
}

/// Calls of what prints a line in `hello`, in an instance that has done so before: the guest's own time.
fn hello(opts: &Opts) -> io::Result<()> {
    let guest = guests::hello(&opts.places.programs, Entry::StartQuiet)?;

    let module = ours::module("hello", &guest.wasm, &opts.places.scratch)?;
    let linked = ours::quiet_wasi()?.link(&module).map_err(io::Error::other)?;
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).map_err(io::Error::other)?;
    let mut instance = pool.start(&linked, ()).map_err(io::Error::other)?;
    let our_handle = instance.typed::<i32, i32>("handle").map_err(io::Error::other)?;

    let engine = theirs::engine(theirs::DEFAULTS, 1)?;
    let artifact = theirs::artifact("hello", &guest.wasm, &opts.places.scratch)?;
    let module = theirs::module(&engine, &artifact)?;
    let mut store = wasmtime::Store::new(&engine, ());
    let handle = quiet::wasi(&engine)?.instantiate(&mut store, &module).map_err(io::Error::other)?;
    let their_handle = handle.get_typed_func::<i32, i32>(&mut store, "handle").map_err(io::Error::other)?;

    let ours: Batch<'_> = Box::new(|| {
        let total = (0..BATCH).try_fold(0, |total, _| Ok(total + our_handle.call(&mut instance, 7)?));
        same(total.map_err(|error: wasmaot_runtime::CallError| io::Error::other(error))?, 0)
    });
    let theirs: Batch<'_> = Box::new(|| {
        let total = (0..BATCH).try_fold(0, |total, _| Ok(total + their_handle.call(&mut store, 7)?));
        same(total.map_err(|error: wasmtime::Error| io::Error::other(error))?, 0)
    });
    compare("hello's `handle`, warm, quiet WASI", [ours, theirs], opts)
}

/// A side that computes something else is broken, and its time means nothing.
fn same(found: i32, expected: i32) -> io::Result<()> {
    if found == expected { Ok(()) } else { Err(io::Error::other(format!("{found} instead of {expected}"))) }
}

fn compare(what: &str, sides: [Batch<'_>; 2], opts: &Opts) -> io::Result<()> {
    let sides = sides.map(RefCell::new);
    let turn = |side: &RefCell<Batch<'_>>, times: &mut Times| {
        times.round(opts.count / opts.rounds, &mut *side.borrow_mut())
    };
    let [ours, theirs] = <[Times; 2]>::try_from(turns::take(&sides, opts.rounds, turn)?)
        .expect("as many as sides")
        .map(|times| times.each_of(BATCH));
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
