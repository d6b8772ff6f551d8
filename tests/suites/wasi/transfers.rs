//! Calls that transfer gigabytes end at a deadline long before they are done, and what they have done is
//! counted.

use std::time::Instant;

use rustix::fs::{CWD, Mode, OFlags};
use wasmaot_runtime::{CallError, Linker, Pool, PoolConfig, PooledInstance, Val};
use wasmaot_tests::stopped_while_running;
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// Each export but those for paths transfers [`ALL`] bytes with one call: 1023 buffers of 2 MiB with the same
/// bytes each. Descriptor 4 is a file.
const TEXT: &str = include_str!("../../guests/wasi_transfers.wat");

const ALL: u64 = 1023 * (2 << 20);

/// Runs an export in an instance with a file of [`ALL`] bytes until a deadline, after others.
fn stopped_after(before: &[&str], name: &str) -> PooledInstance<WasiCtx> {
    let module = wasmaot_tests::module(TEXT);
    let mut linker = Linker::new();
    wasmaot_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).expect("new names");
    let linked = linker.instantiate_pre(&module).expect("all imports are defined");
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = rustix::fs::openat(
        CWD,
        folder.path().join("file"),
        OFlags::CREATE | OFlags::RDWR,
        Mode::RUSR | Mode::WUSR,
    );
    rustix::fs::ftruncate(file.expect("a new file"), ALL).expect("a file with a hole");
    let mut builder = WasiCtxBuilder::new();
    builder.preopen_dir(folder.path(), "/").expect("the folder is there").capture_stdout(usize::MAX);
    let mut last = None;
    let trap = stopped_while_running(|deadline: Instant| -> Result<Vec<Val>, CallError> {
        drop(last.take());
        let instance = last.insert(pool.start(&linked, builder.build()).expect("the slot is free"));
        for name in before {
            instance.call(name, &[]).expect("it returns");
        }
        instance.set_deadline(deadline).expect("a watchdog");
        instance.call(name, &[])
    });
    assert!(trap.backtrace.iter().any(|frame| frame.func_index >= 6), "{name}: {trap:?}");
    last.expect("it ran")
}

fn stopped(name: &str) -> PooledInstance<WasiCtx> {
    stopped_after(&[], name)
}

#[test]
fn deadlines_end_transfers_half_way() {
    for name in ["read", "pread"] {
        let read = stopped(name).data().transferred().read;
        assert!(read < ALL, "{name}: all was read first");
    }
    for name in ["write", "pwrite", "capture"] {
        let instance = stopped(name);
        let written = instance.data().transferred().written;
        assert!(written < ALL, "{name}: all was written first");
        let captured = instance.data().stdout().len() as u64;
        assert!(name != "capture" || captured == written, "{name}: {captured} of {written}");
    }
}

#[test]
fn deadlines_end_calls_with_long_paths() {
    for path in ["slashes", "one_name"] {
        stopped_after(&[path], "path");
    }
}

#[test]
fn deadlines_end_random_numbers_half_way() {
    let mut last = [1; 64];
    stopped("random").read(0x7ff0_ffc0_u32, &mut last).expect("inside");
    assert_eq!(last, [0; 64], "all was filled first");
}
