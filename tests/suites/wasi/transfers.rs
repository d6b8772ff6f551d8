//! Calls that transfer gigabytes end at a deadline long before they are done, and what they have done is counted.

use std::time::Instant;

use rustix::fs::{CWD, Mode, OFlags};
use wasmaot_runtime::{CallError, Linker, Module, Pool, PoolConfig, PooledInstance, Val};
use wasmaot_tests::{compile_wat, stopped_while_running};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// Each export transfers [`ALL`] bytes with one call: 1023 buffers of 2 MiB with the same bytes each. Descriptor 4 is a file.
const TEXT: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 32768)
  (data (i32.const 0) "file")
  (func $list (result i32) (local $i i32)
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0)
      (i64.const 0x66) (i64.const 0) (i32.const 0) (i32.const 8)))
    (loop $on
      (i32.store offset=1024 (i32.shl (local.get $i) (i32.const 3)) (i32.const 65536))
      (i32.store offset=1028 (i32.shl (local.get $i) (i32.const 3)) (i32.const 0x200000))
      (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1023))))
    (i32.load (i32.const 8)))
  (func (export "read") (result i32)
    (call $read (call $list) (i32.const 1024) (i32.const 1023) (i32.const 16)))
  (func (export "write") (result i32)
    (call $write (call $list) (i32.const 1024) (i32.const 1023) (i32.const 16)))
  (func (export "pread") (result i32)
    (call $pread (call $list) (i32.const 1024) (i32.const 1023) (i64.const 0) (i32.const 16)))
  (func (export "pwrite") (result i32)
    (call $pwrite (call $list) (i32.const 1024) (i32.const 1023) (i64.const 0) (i32.const 16)))
  (func (export "capture") (result i32) (drop (call $list))
    (call $write (i32.const 1) (i32.const 1024) (i32.const 1023) (i32.const 16)))
  (func (export "random") (result i32) (call $random (i32.const 65536) (i32.const 0x7ff00000))))"#;

const ALL: u64 = 1023 * (2 << 20);

/// Runs an export in an instance with a file of [`ALL`] bytes until a deadline.
fn stopped(name: &str) -> PooledInstance<WasiCtx> {
    let module = Module::from_bytes(&compile_wat(TEXT)).expect("the module is sound");
    let mut linker = Linker::new();
    wasmaot_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).expect("new names");
    let linked = linker.link(&module).expect("all imports are defined");
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
        instance.set_deadline(deadline).expect("a watchdog");
        instance.call(name, &[])
    });
    assert!(trap.backtrace.iter().any(|frame| frame.func_index >= 6), "{name}: {trap:?}");
    last.expect("it ran")
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
fn deadlines_end_random_numbers_half_way() {
    let mut last = [1; 64];
    stopped("random").read(0x7ff0_ffc0_u32, &mut last).expect("inside");
    assert_eq!(last, [0; 64], "all was filled first");
}
