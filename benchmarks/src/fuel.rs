//! What a unit of fuel takes: in plain code, and in bulk operators, whose price is by size.
//!
//! Fuel limits a guest's work as far as no operator takes more time for its fuel than plain code can: that
//! which misses the caches, or has the kernel map a page for each store.

use clap::Args;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Instant;
use wasmaot_bench::stats::Times;
use wasmaot_compiler::{Options, TargetCpu, compile};
use wasmaot_runtime::{InstancePre, Linker, Module, ModuleLimits, Pool, PoolConfig, TypedFunc};

/// Elements of the table.
const ELEMENTS: u64 = 200_000;

/// Each export does the same thing as often as its argument says.
const TEXT: &str = r#"(module
  (memory $m 1000 60000) (table $t 100000 200000 funcref) (global $sum (mut i32) (i32.const 0))
  (data $data "DATA") (elem $elem func ITEMS) (func $f)
  (func (export "plain") (param i32) (local i32)
    (loop $on
      (local.set 1 (i32.add (i32.xor (i32.rotl (local.get 1) (i32.const 5)) (local.get 0)) (i32.const 7)))
      (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (global.set $sum (local.get 1)))
  (func (export "misses") (param i32) (local i32)
    (loop $on
      (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 1664525)) (i32.const 1013904223)))
      (i32.store8 (i32.and (local.get 1) (i32.const 0x1ff_ffff)) (local.get 0))
      (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "touches") (param i32)
    (loop $on
      (i32.store8 (i32.shl (local.get 0) (i32.const 12)) (i32.const 1))
      (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  CASES)"#;

/// Exports, what their operator does, the operator, and how often it is done.
const CASES: [(&str, &str, &str, i32); 13] = [
    (
        "fill_little",
        "`memory.fill` of 65 bytes",
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 65))",
        100_000,
    ),
    (
        "copy_little",
        "`memory.copy` of 65 bytes",
        "(memory.copy (i32.const 0) (i32.const 100) (i32.const 65))",
        100_000,
    ),
    (
        "fill",
        "`memory.fill` of 64 KiB",
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0x10000))",
        1000,
    ),
    (
        "copy",
        "`memory.copy` of 64 KiB",
        "(memory.copy (i32.const 0) (i32.const 0x10000) (i32.const 0x10000))",
        1000,
    ),
    (
        "fill_much",
        "`memory.fill` of 48 MiB",
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0x300_0000))",
        5,
    ),
    (
        "copy_much",
        "`memory.copy` of 24 MiB",
        "(memory.copy (i32.const 0) (i32.const 0x180_0000) (i32.const 0x180_0000))",
        5,
    ),
    (
        "fill_new",
        "`memory.fill` of 48 MiB for the first time",
        "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0x300_0000))",
        1,
    ),
    (
        "init",
        "`memory.init` of 4 KiB",
        "(memory.init $data (i32.const 0) (i32.const 0) (i32.const 4096))",
        10_000,
    ),
    (
        "table_fill",
        "`table.fill` of 100,000 elements",
        "(table.fill (i32.const 0) (ref.null func) (i32.const 100000))",
        100,
    ),
    (
        "table_copy",
        "`table.copy` of 50,000 elements",
        "(table.copy (i32.const 0) (i32.const 50000) (i32.const 50000))",
        100,
    ),
    (
        "table_init",
        "`table.init` of 1,000 elements",
        "(table.init $elem (i32.const 0) (i32.const 0) (i32.const 1000))",
        1000,
    ),
    (
        "table_grow",
        "`table.grow` by 1,000 elements",
        "(drop (table.grow (ref.null func) (i32.const 1000)))",
        100,
    ),
    ("memory_grow", "`memory.grow` by a page", "(drop (memory.grow (i32.const 1)))", 10_000),
];

#[derive(Args)]
pub(crate) struct Opts {
    /// Times that each is measured, each in an instance of its own.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Where compiled files are kept while measuring.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    let linked = linked(opts)?;
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).map_err(io::Error::other)?;
    let nanos = |export, count| nanos_per_unit(opts, &pool, &linked, export, count);
    let plain = nanos("plain", 1_000_000)?;
    println!("| what | ns per unit of fuel | times plain code |\n|---|---|---|");
    let row = |what, nanos: f64| println!("| {what} | {nanos:.2} | {:.1} |", nanos / plain);
    row("plain code", plain);
    row("plain code that misses the caches", nanos("misses", 1_000_000)?);
    row("plain code that writes to each page for the first time", nanos("touches", 15_000)?);
    for (export, what, _, count) in CASES {
        row(what, nanos(export, count)?);
    }
    Ok(())
}

fn linked(opts: &Opts) -> io::Result<InstancePre<()>> {
    let case = |(export, _, operator, _)| {
        format!(
            "(func (export \"{export}\") (param i32) \
             (loop $on {operator} (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"
        )
    };
    let text = TEXT
        .replace("CASES", &CASES.map(case).concat())
        .replace("DATA", &"x".repeat(4096))
        .replace("ITEMS", &"$f ".repeat(1000));
    let wasm = wat::parse_str(&text).map_err(io::Error::other)?;
    let options = Options { cpu: TargetCpu::Native, meter: true, ..Options::default() };
    let output = compile(&wasm, &options, &|_| ()).map_err(io::Error::other)?;
    fs::create_dir_all(&opts.scratch)?;
    let path = opts.scratch.join("fuel.so");
    fs::write(&path, output.bytes)?;
    // SAFETY: it was compiled just now.
    let module = unsafe { Module::open_trusted(&path) }.map_err(io::Error::other)?;
    let mut linker = Linker::new();
    linker.set_module_limits(ModuleLimits { total_elements: ELEMENTS, ..ModuleLimits::default() });
    linker.instantiate_pre(&module).map_err(io::Error::other)
}

/// The median over the rounds.
fn nanos_per_unit(
    opts: &Opts,
    pool: &Pool,
    linked: &InstancePre<()>,
    export: &str,
    count: i32,
) -> io::Result<f64> {
    let function: TypedFunc<i32, ()> = linked.get_typed_func(export).map_err(io::Error::other)?;
    let mut times = Vec::with_capacity(opts.rounds);
    for _ in 0..opts.rounds {
        let mut instance = pool.start(linked, ()).map_err(io::Error::other)?;
        let begin = Instant::now();
        function.call(&mut instance, count).map_err(io::Error::other)?;
        let nanos = begin.elapsed().as_nanos() as f64;
        let fuel = instance.used_fuel().ok_or_else(|| io::Error::other("it does not count"))?;
        times.push(nanos / fuel as f64);
    }
    let mut all = Times::default();
    all.add(times);
    Ok(all.summary().p50)
}
