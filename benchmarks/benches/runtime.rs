//! Loading artifacts, starting instances, calls across the border, traps, and the contexts of WASI.

use criterion::{BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use wasmaot_bench::guests::{self, Entry};
use wasmaot_bench::ours;
use wasmaot_runtime::{CallError, Caller, HotSets, Linker, Module, PoolConfig, PooledInstance, ResetWay};
use wasmaot_wasi::WasiCtxBuilder;

/// Calls in a batch of a guest that calls the host.
const CALLS: i32 = 1000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn programs() -> PathBuf {
    root().join("benchmarks/programs")
}

fn scratch() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("runtime-benches")
}

fn module(name: &str, wasm: &[u8]) -> Module {
    ours::module(name, wasm, &scratch()).expect("it compiles")
}

/// Opening an artifact, with all that is verified.
fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    let nop = wat::parse_file(programs().join("instances/nop.wat")).expect("it is valid");
    let sqlite = std::fs::read(root().join("tests/programs/sqlite3.wasm")).expect("the repository has it");
    for (name, wasm) in [("nop", nop), ("sqlite3", sqlite)] {
        drop(module(name, &wasm));
        let path = scratch().join(name).with_extension("so");
        let bytes = std::fs::metadata(&path).expect("it was written").len();
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            // SAFETY: `module` has compiled it just now.
            bencher.iter(|| unsafe { Module::open_trusted(black_box(&path)) }.expect("it is valid"));
        });
    }
}

/// Start, call and finish, by each way of giving the next instance fresh memory.
fn start(criterion: &mut Criterion) {
    let ways = [("copy", ResetWay::Copy), ("scan", ResetWay::Scan), ("drop", ResetWay::Drop)];
    for guest in guests::all(&programs()).expect("the repository has them") {
        if guest.entry == Entry::StartQuiet {
            continue; // `hello` is measured as it is.
        }
        let module = module(&guest.name, &guest.wasm);
        let mut group = criterion.benchmark_group(format!("start {}", guest.name));
        for (way, reset) in ways {
            let config = PoolConfig { slots: 1, reset, hot_sets: HotSets::Shared, ..PoolConfig::default() };
            let side = ours::side(&module, guest.entry, config).expect("it can be linked");
            group.bench_function(BenchmarkId::from_parameter(way), |bencher| {
                bencher.iter(|| side.instance().expect("it ends well"));
            });
        }
    }
}

fn instance(linker: &Linker<()>, module: &Module) -> PooledInstance<()> {
    let linked = linker.instantiate_pre(module).expect("all imports are there");
    ours::warm(&linked, ()).expect("it starts")
}

/// A call of a guest, and a guest's call of a host function.
fn calls(criterion: &mut Criterion) {
    let module = module("calls", &guests::calls(&programs()).expect("it is valid"));
    let mut linker = Linker::new();
    let add = |_: &mut Caller<'_, ()>, a: i32, b: i32| a.wrapping_add(b);
    let mut instance = instance(linker.func_wrap("host", "add", add).expect("a new name"), &module);
    let add = instance.get_typed_func::<(i32, i32), i32>("add").expect("it is exported");
    let repeat = instance.get_typed_func::<i32, i32>("loop").expect("it is exported");
    let mut group = criterion.benchmark_group("call");
    group.bench_function("host to guest", |bencher| {
        bencher.iter(|| add.call(&mut instance, black_box((1, 2))).expect("it returns"));
    });
    group.throughput(Throughput::Elements(CALLS as u64));
    group.bench_function(format!("guest to host, {CALLS} times"), |bencher| {
        bencher.iter(|| repeat.call(&mut instance, black_box(CALLS)).expect("it returns"));
    });
}

/// A call that traps, with its backtrace.
fn traps(criterion: &mut Criterion) {
    let module =
        module("traps", &wat::parse_file(programs().join("instances/traps.wat")).expect("it is valid"));
    let mut instance = instance(&Linker::new(), &module);
    let mut group = criterion.benchmark_group("trap");
    for name in ["unreachable", "divide", "guard", "overflow"] {
        let function = instance.get_typed_func::<(), ()>(name).expect("it is exported");
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                let result = function.call(&mut instance, ());
                assert!(matches!(result, Err(CallError::Trap(_))), "{result:?}");
            });
        });
    }
}

/// Measures building a WASI context, as a host does for each request.
fn contexts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wasi context");
    let mut request = WasiCtxBuilder::new();
    request.args(["handler", "--verbose"]).env("METHOD", "GET").env("PATH_INFO", "/").capture_stdout(1 << 16);
    let mut with_directory = WasiCtxBuilder::new();
    with_directory.preopen_dir(root(), ".").expect("it is a directory");
    for (name, builder) in [
        ("nothing", WasiCtxBuilder::new()),
        ("arguments, environment, captured output", request),
        ("a directory", with_directory),
    ] {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| builder.build());
        });
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for group in [load, start, calls, traps, contexts] {
        group(&mut criterion);
    }
    criterion.final_summary();
}
