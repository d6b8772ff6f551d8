//! Hosts to which the kernel refuses memory, mappings or system calls: each call has a typed error or a
//! working fall-back, the process survives, and no byte of an instance is left for the next one.
//!
//! **Each case runs in a process of its own**, since it takes something from all of the process.

mod confine;
mod limits;
mod seccomp;

use std::process::Command;
use wasmaot_runtime::{HotSets, InstancePre, Linker, Pool, PoolConfig, PooledInstance, ResetWay, Val};
use wasmaot_tests::module;

const CASE: &str = "WASMAOT_TEST_SCARCITY";

const PAGE: i32 = 4096;

const WAYS: [ResetWay; 3] = [ResetWay::Copy, ResetWay::Scan, ResetWay::Drop];

const DATA: &str = r#"(module
  (memory (export "memory") 16 64)
  (func (export "write") (param $at i32) (param $v i32) (i32.store8 (local.get $at) (local.get $v)))
  (func (export "read") (param $at i32) (result i32) (i32.load8_u (local.get $at)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2))))"#;

/// The same with contents, which are mapped from the artifact's file.
const IMAGE: &str = r#"(module
  (memory (export "memory") 16 64)
  (data (i32.const 70000) "initial")
  (func (export "write") (param $at i32) (param $v i32) (i32.store8 (local.get $at) (local.get $v)))
  (func (export "read") (param $at i32) (result i32) (i32.load8_u (local.get $at))))"#;

/// Runs the test of this name again in a process of its own, unless this is that process: then `case` runs.
fn in_a_child(test: &str, case: impl FnOnce()) {
    if std::env::var_os(CASE).is_some() {
        return case();
    }
    let mut child = Command::new(std::env::current_exe().expect("it runs"));
    child.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CASE, "1");
    let output = child.output().expect("the child runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let ran = output.status.success() && text.contains("1 passed");
    assert!(ran, "{}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
}

fn link(text: &str) -> InstancePre<()> {
    Linker::new().instantiate_pre(&module(text)).expect("it imports nothing")
}

fn pool(slots: u32, reset: ResetWay) -> Pool {
    let config = PoolConfig { slots, reset, hot_sets: HotSets::Shared, ..PoolConfig::default() };
    Pool::new(config).expect("a pool")
}

fn start(pool: &Pool, linked: &InstancePre<()>) -> PooledInstance<()> {
    pool.start(linked, ()).expect("a free slot")
}

fn write(instance: &mut PooledInstance<()>, page: i32, value: i32) {
    instance.call("write", &[Val::I32(page * PAGE), Val::I32(value)]).expect("the page can be written");
}

/// Offsets of the bytes of an instance's memory that are not zero.
fn nonzero(instance: &PooledInstance<()>) -> Vec<usize> {
    let mut bytes = vec![0; size(instance) as usize];
    instance.read(0u32, &mut bytes).expect("all of it");
    bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at).take(8).collect()
}

/// Checks that requests one after the other see a memory of zeros and can write it everywhere.
/// Bytes of an instance's memory.
fn size(instance: &PooledInstance<()>) -> u64 {
    instance.memory().and_then(|memory| Ok(memory.data_size(instance)?)).expect("it has one")
}

fn assert_clean(pool: &Pool, linked: &InstancePre<()>) {
    for round in 0..3 {
        let mut instance = start(pool, linked);
        assert_eq!((size(&instance), nonzero(&instance)), (16 << 16, vec![]), "round {round}");
        for page in [0, 38, 40, 41, 250] {
            write(&mut instance, page, 100 + round);
        }
    }
}
