//! What an instance opened is closed when it ends, however it ends, and what it collected is freed.
//!
//! `WASMAOT_INSTANCES` says how many instances there are. What is counted is this process's, so nothing else
//! runs in it.

use std::fs;

use wasmaot_runtime::{CallError, Caller, InstancePre, InterruptHandle, Linker, Pool, PoolConfig, TrapCode};
use wasmaot_tests::{report, variable};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// `take` opens a file for reading and one for writing, moves the first on to the number of another that it
/// has opened, lists the folder through its own descriptor and through one that it has opened, and writes to
/// the file and to standard output. The exports end in different ways after that.
const TEXT: &str = include_str!("../guests/descriptors.wat");

/// Ends that are met in turn.
const ENDS: [&str; 4] = ["return", "exit", "trap", "kill"];

/// KiB of memory that all instances together may leave behind: a fraction of what any of them left by each
/// would come to.
const GROWTH: u64 = 32 << 10;

struct Guest {
    ctx: WasiCtx,
    handle: Option<InterruptHandle>,
}

fn linked() -> InstancePre<Guest> {
    let module = wasmaot_tests::module(TEXT);
    let mut linker = Linker::new();
    wasmaot_wasi::add_to_linker(&mut linker, |guest: &mut Guest| &mut guest.ctx).expect("new names");
    let kill =
        |caller: &mut Caller<'_, Guest>| caller.data().handle.as_ref().expect("it can be killed").kill();
    linker.func_wrap("host", "kill", kill).expect("a new name");
    linker.instantiate_pre(&module).expect("all imports are defined")
}

/// Descriptors of this process; the one to count them by is among them each time.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("the kernel says").count()
}

/// KiB of this process that are in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel says");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel says");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn run(pool: &Pool, linked: &InstancePre<Guest>, builder: &WasiCtxBuilder, end: &str) {
    let mut instance = pool.start(linked, Guest { ctx: builder.build(), handle: None }).expect("a free slot");
    if end == "kill" {
        let handle = instance.interrupt_handle().expect("a watchdog");
        instance.data_mut().handle = Some(handle);
    }
    let ended = instance.call(end, &[]);
    let code = |code| matches!(&ended, Err(CallError::Trap(trap)) if trap.code == code);
    match end {
        "exit" => assert!(matches!(ended, Err(CallError::Exit(3))), "{ended:?}"),
        "trap" => assert!(code(TrapCode::Unreachable), "{ended:?}"),
        "kill" => assert!(code(TrapCode::Killed), "{ended:?}"),
        _ => assert!(ended.is_ok(), "{end}: {ended:?}"),
    }
    assert_eq!(instance.data().ctx.stdout().len(), 20_000);
}

#[test]
fn instances_leave_no_descriptor_open() {
    let count = variable("WASMAOT_INSTANCES", 20_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("file"), "text").expect("a new file");
    let mut builder = WasiCtxBuilder::new();
    builder.capture_stdout(1 << 20).preopen_dir(folder.path(), "/").expect("the folder is there");
    let linked = linked();
    let pool = Pool::new(PoolConfig { slots: 2, ..PoolConfig::default() }).expect("a pool");
    for end in ENDS {
        run(&pool, &linked, &builder, end);
    }
    let before = (descriptors(), resident());
    for end in ENDS.into_iter().cycle().take(count as usize) {
        run(&pool, &linked, &builder, end);
    }
    let after = (descriptors(), resident());
    report(format_args!(
        "descriptors: {count} instances ended in {} ways: {} descriptors before, {} after",
        ENDS.len(),
        before.0,
        after.0
    ));
    assert_eq!(after.0, before.0);
    assert!(after.1 <= before.1 + GROWTH, "from {} KiB to {} KiB", before.1, after.1);
}
