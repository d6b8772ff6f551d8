//! What instances are said to have used: all memories count, wherever they come from, and a shared
//! memory that an instance defines is no failure of its slot.

use wasmaot_runtime::{
    Limits, Linker, Memory, MemoryType, Pool, PoolConfig, PooledInstance, SharedMemory, Store, Val,
};
use wasmaot_tests::module;

/// Bytes of a page of WebAssembly.
const PAGE: u64 = 1 << 16;

/// Three memories: an imported shared one, one in the slot, and a further one.
const MEMORIES: &str = r#"(module
  (import "host" "shared" (memory $shared 1 8 shared))
  (memory $first (export "first") 2 8)
  (memory $second (export "second") i64 4 8)
  (func (export "grow") (param i32 i32 i64)
    (drop (memory.grow $shared (local.get 0)))
    (drop (memory.grow $first (local.get 1)))
    (drop (memory.grow $second (local.get 2)))))"#;

/// Defines a shared memory with contents, whose first byte it increments.
const DEFINES: &str = r#"(module
  (memory (export "memory") 1 4 shared)
  (data (i32.const 0) "\07")
  (func (export "next") (result i32) (i32.atomic.rmw8.add_u (i32.const 0) (i32.const 1)))
  (func (export "grow") (result i32) (memory.grow (i32.const 1))))"#;

fn shared() -> (Linker<()>, SharedMemory) {
    let memory =
        SharedMemory::new(MemoryType::new(Limits { min: 1, max: Some(8) })).expect("there are addresses");
    let mut linker = Linker::new();
    linker.define_shared("host", "shared", memory.clone()).expect("a new name");
    (linker, memory)
}

fn one_slot() -> Pool {
    Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool")
}

#[test]
fn all_memories_of_a_pooled_instance_count() {
    let (linker, memory) = shared();
    let linked = linker.instantiate_pre(&module(MEMORIES)).unwrap_or_else(|e| panic!("{e}"));
    let pool = one_slot();
    let start = || pool.start(&linked, ()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(start().finish().memory, (1 + 2 + 4) * PAGE);
    let mut instance = start();
    instance.call("grow", &[Val::I32(1), Val::I32(2), Val::I64(3)]).expect("no trap");
    let usage = instance.finish();
    assert_eq!((usage.memory, usage.reset.is_some()), ((2 + 4 + 7) * PAGE, true));
    // Growth of the instance's own memories is undone. The shared memory keeps its size.
    assert_eq!((start().finish().memory, memory.data_size()), ((2 + 2 + 4) * PAGE, 2 * PAGE));
    let mut instance = start();
    Memory::new(&mut instance, MemoryType::new(Limits { min: 5, max: None })).expect("there are addresses");
    assert_eq!(instance.finish().memory, (2 + 2 + 4 + 5) * PAGE);
    assert_eq!(start().finish().memory, (2 + 2 + 4) * PAGE);
}

#[test]
fn an_imported_memory_alone_counts() {
    let (linker, _memory) = shared();
    let importer = module(r#"(module (import "host" "shared" (memory 1 8 shared)))"#);
    let linked = linker.instantiate_pre(&importer).unwrap_or_else(|e| panic!("{e}"));
    let usage = one_slot().start(&linked, ()).unwrap_or_else(|e| panic!("{e}")).finish();
    assert_eq!(usage.memory, PAGE);
}

#[test]
fn a_memory_of_a_store_counts_once() {
    let (mut linker, memory) = shared();
    let mut store = Store::new(());
    assert_eq!(store.memory_bytes(), 0);
    let first = linker.instantiate(&mut store, &module(MEMORIES)).unwrap_or_else(|e| panic!("{e}"));
    linker.instantiate(&mut store, &module(MEMORIES)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(store.memory_bytes(), (1 + 2 * (2 + 4)) * PAGE);
    let second = first.get_export(&store, "second").expect("an export");
    linker.define("host", "second", second).expect("a new name");
    let importer = module(r#"(module (import "host" "second" (memory i64 4 8)) (memory 1))"#);
    linker.instantiate(&mut store, &importer).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(store.memory_bytes(), (1 + 2 * (2 + 4) + 1) * PAGE);
    memory.grow(1).expect("it may");
    assert_eq!(store.memory_bytes(), (2 + 2 * (2 + 4) + 1) * PAGE);
}

/// Uses the memory of a fresh instance, which must be as in the module.
fn use_memory(instance: &mut PooledInstance<()>) {
    assert_eq!(instance.memory().and_then(|memory| Ok(memory.size(&instance)?)), Ok(1));
    assert_eq!(instance.call("next", &[]).expect("no trap"), [Val::I32(7)]);
    assert_eq!(instance.call("grow", &[]).expect("no trap"), [Val::I32(1)]);
    instance.write(2 * PAGE - 1, &[1]).expect("it has grown");
}

#[test]
fn a_shared_memory_that_is_held_elsewhere_is_not_reset() {
    let linked = Linker::new().instantiate_pre(&module(DEFINES)).unwrap_or_else(|e| panic!("{e}"));
    let pool = one_slot();
    let start = || pool.start(&linked, ()).unwrap_or_else(|e| panic!("{e}"));
    let mut held = Vec::new();
    for round in 0..3 {
        let mut instance = start();
        use_memory(&mut instance);
        let memory = instance.get_memory("memory").expect("a memory");
        held.push(memory.shared(&instance).expect("its own").expect("it is shared"));
        let usage = instance.finish();
        assert_eq!((usage.memory, usage.reset), (2 * PAGE, None));
        let stats = pool.stats();
        assert_eq!((stats.made, stats.removed, stats.failed), (round + 1, round + 1, 0), "{stats:?}");
    }
    for memory in &held {
        let mut byte = [0];
        memory.read(0, &mut byte).expect("inside");
        assert_eq!((byte, memory.data_size()), ([8], 2 * PAGE));
    }
}

#[test]
fn a_shared_memory_that_nothing_else_holds_is_reset() {
    let linked = Linker::new().instantiate_pre(&module(DEFINES)).unwrap_or_else(|e| panic!("{e}"));
    let pool = one_slot();
    for _ in 0..4 {
        let mut instance = pool.start(&linked, ()).unwrap_or_else(|e| panic!("{e}"));
        use_memory(&mut instance);
        assert!(instance.finish().reset.is_some());
    }
    let mut byte = [1];
    let instance = pool.start(&linked, ()).unwrap_or_else(|e| panic!("{e}"));
    assert!(instance.read(2 * PAGE - 1, &mut byte).is_err(), "what was added is gone");
    let stats = pool.stats();
    assert_eq!((stats.made, stats.removed, stats.failed), (1, 0, 0), "{stats:?}");
}
