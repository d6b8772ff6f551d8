//! The commonest calls of WASI in a warm instance: the time, and a byte to `/dev/null`, which is a file that
//! the guest opened.
//!
//! Wasmtime may make its system calls on the thread that calls, which is its faster way.

use crate::places::Places;
use crate::theirs;
use clap::Args;
use std::io;
use wasmaot_bench::stats::{Ratio, Times};
use wasmaot_bench::{ours, turns};
use wasmaot_runtime::{Linker, PooledInstance, TypedFunc};
use wasmaot_wasi::WasiCtx;
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::p1::{self, WasiP1Ctx};

/// Calls from one reading of the clock to the next.
const BATCH: i32 = 1000;

/// The guest's exports.
const CALLS: [(&str, &str); 2] =
    [("clock", "`clock_time_get`"), ("write", "`fd_write` of 1 byte to /dev/null")];

#[derive(Args)]
pub(crate) struct Opts {
    #[command(flatten)]
    places: Places,
    /// Number of calls per side.
    #[arg(long, default_value_t = 1_000_000)]
    count: usize,
    /// Number of rounds that alternate between the sides.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
}

/// Makes a batch of the calls of one export, and gives how many did what they should.
type Batch<'a> = Box<dyn FnMut() -> io::Result<i32> + 'a>;

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!("| ns per call | | minimum | p50 | p99 | times Wasmtime's p50 (by round) |");
    println!("|---|---|---|---|---|---|");
    let text = std::fs::read(opts.places.programs.join("instances/wasi.wat"))?;
    let wasm = wat::parse_bytes(&text).map_err(io::Error::other)?;
    for (export, what) in CALLS {
        let (mut ours, mut theirs) = (Ours::new(&wasm, export, opts)?, Theirs::new(&wasm, export, opts)?);
        let mut sides: [Batch<'_>; 2] = [Box::new(|| ours.batch()), Box::new(|| theirs.batch())];
        compare(what, opts, &mut sides)?;
    }
    Ok(())
}

struct Ours {
    instance: PooledInstance<WasiCtx>,
    calls: TypedFunc<i32, i32>,
}

impl Ours {
    fn new(wasm: &[u8], export: &str, opts: &Opts) -> io::Result<Self> {
        let module = ours::module("wasi", wasm, &opts.places.scratch)?;
        let mut linker = Linker::new();
        wasmaot_wasi::add_to_linker(&mut linker, |ctx| ctx).map_err(io::Error::other)?;
        let linked = linker.instantiate_pre(&module).map_err(io::Error::other)?;
        let mut builder = wasmaot_wasi::WasiCtxBuilder::new();
        builder.preopen_dir("/dev", "/dev").map_err(io::Error::other)?;
        let mut instance = ours::warm(&linked, builder.build())?;
        let open: TypedFunc<(), i32> = instance.get_typed_func("open").map_err(io::Error::other)?;
        opened(open.call(&mut instance, ()).map_err(io::Error::other)?)?;
        let calls = instance.get_typed_func(export).map_err(io::Error::other)?;
        Ok(Self { instance, calls })
    }

    fn batch(&mut self) -> io::Result<i32> {
        self.calls.call(&mut self.instance, BATCH).map_err(io::Error::other)
    }
}

struct Theirs {
    store: wasmtime::Store<WasiP1Ctx>,
    calls: wasmtime::TypedFunc<i32, i32>,
}

impl Theirs {
    fn new(wasm: &[u8], export: &str, opts: &Opts) -> io::Result<Self> {
        let engine = theirs::engine(theirs::DEFAULTS, 1)?;
        let mut linker = wasmtime::Linker::new(&engine);
        p1::add_to_linker_sync(&mut linker, |ctx| ctx).map_err(io::Error::other)?;
        let module = theirs::module(&engine, &theirs::artifact("wasi", wasm, &opts.places.scratch)?)?;
        let mut builder = wasmtime_wasi::WasiCtxBuilder::new();
        builder.allow_blocking_current_thread(true);
        builder.preopened_dir("/dev", "/dev", FsPerms::ReadWrite).map_err(io::Error::other)?;
        theirs::enter_runtime();
        let mut store = wasmtime::Store::new(&engine, builder.build_p1());
        let instance = linker.instantiate(&mut store, &module).map_err(io::Error::other)?;
        let open = instance.get_typed_func::<(), i32>(&mut store, "open").map_err(io::Error::other)?;
        opened(open.call(&mut store, ()).map_err(io::Error::other)?)?;
        let calls = instance.get_typed_func(&mut store, export).map_err(io::Error::other)?;
        Ok(Self { store, calls })
    }

    fn batch(&mut self) -> io::Result<i32> {
        self.calls.call(&mut self.store, BATCH).map_err(io::Error::other)
    }
}

fn opened(error: i32) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::other(format!("/dev/null does not open: errno {error}"))) }
}

/// Prints a row per side.
fn compare(what: &str, opts: &Opts, sides: &mut [Batch<'_>; 2]) -> io::Result<()> {
    let batches = opts.count / BATCH as usize / opts.rounds;
    let cells = sides.each_mut().map(std::cell::RefCell::new);
    let times = turns::take(&cells, opts.rounds, |batch, times: &mut Times| {
        let mut batch = batch.borrow_mut();
        times.round(batches, || match batch()? {
            BATCH => Ok(()),
            done => Err(io::Error::other(format!("{what}: {done} of {BATCH} calls worked"))),
        })
    })?;
    let mut times = times.into_iter().map(|times| times.each_of(BATCH as u32));
    let (Some(ours), Some(theirs)) = (times.next(), times.next()) else { unreachable!("two sides") };
    let Ratio { of_medians, by_round: (least, greatest) } = ours.ratio(&theirs);
    for (side, times, ratio) in [
        ("wasmaot", &ours, format!("{of_medians:.2} ({least:.2}–{greatest:.2})")),
        ("Wasmtime", &theirs, String::new()),
    ] {
        let summary = times.summary();
        let (minimum, p50, p99) = (summary.minimum, summary.p50, summary.p99);
        println!("| {what} | {side} | {minimum:.1} | {p50:.1} | {p99:.1} | {ratio} |");
    }
    Ok(())
}
