//! How many instances fit: ten thousand of a WASI program, each suspended inside its first `fd_write`, in one
//! process with the kernel's default limit of mappings.
//!
//! `WASMAOT_DENSITY` says how many. Memory is what the kernel says of this process, its page tables included,
//! so nothing else runs in it.

use std::collections::VecDeque;
use wasmaot_runtime::{
    Caller, HostError, InstancePre, Linker, Outcome, Pool, PoolConfig, PooledInstance, Suspend, Suspended,
    TypedFunc,
};
use wasmaot_tests::{compile, report, repository, variable};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// The kernel's limit of mappings unless it was raised.
const DEFAULT_MAX_MAPPINGS: usize = 65_530;

/// Bytes that an instance may take: three pages of its memory, one of stack and state, one of constants, two
/// of the kernel's page tables, and what the runtime keeps of it.
const BYTES_EACH: u64 = 32 << 10;

/// KiB that the kernel counts for this process, in memory and in page tables.
fn taken() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel says");
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).expect("the kernel says");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    };
    field("VmRSS:") + field("VmPTE:")
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").expect("the kernel says").lines().count()
}

/// The program, with an `fd_write` that suspends instead of writing.
fn linked() -> InstancePre<WasiCtx> {
    let wasm = std::fs::read(repository().join("benchmarks/programs/hello.wasm")).expect("it is committed");
    let module = wasmaot_tests::load(&compile(&wasm)).expect("the module is sound");
    let mut linker = Linker::new();
    wasmaot_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).expect("new names");
    let write =
        |_: &mut Caller<'_, WasiCtx>, _: i32, list: i32, count: i32, _: i32| -> Result<i32, HostError> {
            Err(Suspend::new((list, count)).into())
        };
    linker
        .allow_shadowing(true)
        .func_wrap("wasi_snapshot_preview1", "fd_write", write)
        .expect("it may be replaced");
    linker.instantiate_pre(&module).expect("all imports are defined")
}

type Waiting = (PooledInstance<WasiCtx>, Suspended<()>);

fn suspend(pool: &Pool, linked: &InstancePre<WasiCtx>, start: TypedFunc<(), ()>) -> Waiting {
    let context = WasiCtxBuilder::new().build();
    let mut instance = pool.start(linked, context).expect("a free slot");
    match start.call_resumable(&mut instance, ()).expect("it does not trap") {
        Outcome::Suspended(suspended) => (instance, suspended),
        Outcome::Returned(()) => panic!("it has written nothing"),
    }
}

/// Lets the program go on as if everything was written: `nwritten` is the fourth argument, which the C
/// library looks at.
fn finish((mut instance, suspended): Waiting) {
    let (list, count) = *suspended.value().downcast_ref::<(i32, i32)>().expect("the list");
    let outcome = suspended.resume_with(&mut instance, |caller| {
        let memory = caller.memory()?.data(caller)?;
        let lengths = (0..count).map(|at| memory.read_u32((list + 8 * at + 4) as u32));
        let length = lengths.sum::<Result<u32, _>>()?;
        assert!(length > 0, "there is something to write");
        // EBADF: how the program ends does not matter here.
        Ok(8)
    });
    drop(outcome);
}

#[test]
fn ten_thousand_wait_inside_a_host_function() {
    let count = variable("WASMAOT_DENSITY", 10_000) as usize;
    let linked = linked();
    let start = linked.get_typed_func::<(), ()>("_start").expect("it is a command");
    let pool = Pool::new(PoolConfig { slots: count as u32, ..PoolConfig::default() }).expect("a pool");
    // None has ended before: nothing is known yet of what they write.
    let before = taken();
    let mut waiting = VecDeque::with_capacity(count);
    for _ in 0..count {
        waiting.push_back(suspend(&pool, &linked, start));
    }
    let (each, mappings) = ((taken() - before) * 1024 / count as u64, mappings());
    report(format_args!("density: {count} suspended instances: {each} bytes each, {mappings} mappings"));
    assert!(each <= BYTES_EACH, "{each} bytes each");
    assert!(mappings <= DEFAULT_MAX_MAPPINGS, "{mappings} mappings");
    waiting.into_iter().for_each(finish);
}
