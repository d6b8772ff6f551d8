//! Pooled instances of hand-made artifacts: nothing of one is left for the next, by whichever way.

use super::hot::PATIENCE;
use super::reset::LOOK_EVERY;
use crate::api::store::core;
use crate::os::pagemap::Pagemap;
use crate::tests::artifact::{Artifact, IMAGE};
use crate::tests::{importing, replace_by_zeros, trap_of};
use crate::*;
use wasmaot_abi::descriptor::{self as abi, ConstExpr, ConstOp, ExportKind, FileRange, ImageRun};

const PAGE: u32 = 4096;

const WAYS: [ResetWay; 3] = [ResetWay::Copy, ResetWay::Scan, ResetWay::Drop];

/// A module with a memory of one page of 64 KiB, whose third page of 4 KiB has contents, and a global.
fn artifact() -> Artifact {
    with_contents(Artifact::new(0))
}

pub(crate) fn with_contents(mut artifact: Artifact) -> Artifact {
    artifact.descriptor.memories.clear();
    artifact.image = vec![7; PAGE as usize];
    let file = FileRange { offset: IMAGE, length: u64::from(PAGE) };
    let image = vec![ImageRun { address: u64::from(2 * PAGE), file }];
    let ty = MemoryType::new(Limits { min: 1, max: Some(4) });
    artifact.descriptor.memories.push(abi::Memory { ty, image });
    let kind = ExportKind::Memory { index: 0 };
    artifact.descriptor.exports.push(abi::Export { name: "memory".to_string(), kind });
    let init = ConstExpr { ops: vec![ConstOp::I32Const { value: 42 }] };
    let ty = GlobalType { value: ValType::I32, mutable: true };
    artifact.descriptor.globals.push(abi::Global { ty, init });
    artifact
}

fn module() -> Module {
    crate::tests::load(&artifact().build()).unwrap()
}

pub(crate) fn pool(slots: u32, reset: ResetWay) -> Pool {
    Pool::new(PoolConfig { slots, reset, hot_sets: HotSets::Shared, ..PoolConfig::default() }).unwrap()
}

pub(crate) fn linked() -> InstancePre<()> {
    Linker::new().instantiate_pre(&module()).unwrap()
}

fn contents(instance: &PooledInstance<()>) -> Vec<u8> {
    let mut bytes = vec![0; 65536];
    instance.read(0, &mut bytes).unwrap();
    bytes
}

fn is_new(instance: &PooledInstance<()>) -> bool {
    let expected = |at: usize| if (2 * PAGE as usize..3 * PAGE as usize).contains(&at) { 7 } else { 0 };
    contents(instance).iter().enumerate().all(|(at, &byte)| byte == expected(at))
}

#[test]
fn nothing_is_left_in_memory() {
    for way in WAYS {
        let (pool, linked) = (pool(1, way), linked());
        let store = linked.get_typed_func::<(i64, i32), ()>("store").unwrap();
        for round in 0..40i64 {
            let mut instance = pool.start(&linked, ()).unwrap();
            assert!(is_new(&instance), "{way:?}, round {round}");
            // By compiled code, by the host, and in the image.
            store.call(&mut instance, (round % 3 * 4096 + 16, -1)).unwrap();
            store.call(&mut instance, (round % 5 * 8192 + 20_000, -1)).unwrap();
            instance.write(2 * PAGE - 2, &[1, 2, 3, 4]).unwrap();
            assert!(!is_new(&instance));
        }
        assert!(is_new(&pool.start(&linked, ()).unwrap()));
        assert_eq!(pool.stats().made, 1);
        assert_eq!(pool.stats().failed, 0);
    }
}

#[test]
fn gauges_follow_the_slots() {
    let (pool, linked) = (pool(2, ResetWay::Copy), linked());
    let gauges = || {
        let stats = pool.stats();
        assert_eq!(stats.slots, stats.in_use + stats.free);
        (stats.in_use, stats.started, stats.exhausted)
    };
    assert_eq!(gauges(), (0, 0, 0));
    let first = pool.start(&linked, ()).unwrap();
    let second = pool.start(&linked, ()).unwrap();
    assert_eq!(gauges(), (2, 2, 0));
    let refused = pool.start(&linked, ());
    assert!(matches!(refused, Err(StartError::Exhausted { slots: 2 })));
    assert_eq!(gauges(), (2, 2, 1));
    first.finish();
    assert_eq!(gauges(), (1, 2, 1));
    drop(second);
    assert_eq!(gauges(), (0, 2, 1));
    // One that ends while it starts is none in use.
    let mut trap = Artifact::new(0);
    trap.descriptor.start = Some(1);
    let trap = Linker::new().instantiate_pre(&crate::tests::load(&trap.build()).unwrap()).unwrap();
    assert!(matches!(pool.start(&trap, ()), Err(StartError::Instantiate(_))));
    assert_eq!(gauges(), (0, 3, 1));
}

/// The kernel may replace a page that was written with zeros by its own page of zeros (KSM), as here another
/// mapping does.
#[test]
fn zeros_in_the_image_are_found_that_the_kernel_has_merged() {
    let (pool, linked) = (pool(1, ResetWay::Scan), linked());
    for _ in 0..3 {
        let mut instance = pool.start(&linked, ()).unwrap();
        assert!(is_new(&instance));
        instance.write(2 * PAGE, &[0; PAGE as usize]).unwrap();
        let base = core(&instance).memories[0].base();
        // SAFETY: the page is the memory's, writable, and holds what it holds after that, too.
        unsafe { replace_by_zeros(base + 2 * PAGE as usize) };
        if Pagemap::open().is_some() {
            assert_eq!(instance.finish().reset, Some(ResetWay::Scan));
        }
    }
}

#[test]
fn pages_that_recur_are_copied() {
    let (pool, linked) = (pool(1, ResetWay::Copy), linked());
    let store = linked.get_typed_func::<(i64, i32), ()>("store").unwrap();
    for _ in 0..10 {
        let mut instance = pool.start(&linked, ()).unwrap();
        store.call(&mut instance, (100, 1)).unwrap();
        store.call(&mut instance, (i64::from(2 * PAGE), 7)).unwrap();
    }
    let stats = pool.stats();
    assert_eq!(stats.copied, 8, "{stats:?}");
    // The second page was never different from its image.
    let mut instance = pool.start(&linked, ()).unwrap();
    store.call(&mut instance, (3 * i64::from(PAGE), 0)).unwrap();
    assert_ne!(instance.finish().reset, Some(ResetWay::Copy));
}

#[test]
fn pages_that_recur_no_longer_are_not_copied_any_more() {
    let (pool, linked) = (pool(2, ResetWay::Copy), linked());
    let store = linked.get_typed_func::<(i64, i32), ()>("store").unwrap();
    let write = |instance: &mut PooledInstance<()>, pages: &[u32]| {
        pages.iter().for_each(|page| store.call(instance, (i64::from(page * PAGE), 1)).unwrap());
    };
    let start = || pool.start(&linked, ()).unwrap();
    let reset = |pages: &[u32]| {
        let mut instance = start();
        write(&mut instance, pages);
        instance.finish().reset.unwrap()
    };
    // Both slots learn.
    for _ in 0..3 {
        let mut pair = [start(), start()];
        pair.iter_mut().for_each(|instance| write(instance, &[0, 10]));
    }
    assert_eq!(reset(&[0, 10]), ResetWay::Copy);
    for _ in 0..LOOK_EVERY * (PATIENCE - 1) {
        assert_eq!(reset(&[0]), ResetWay::Copy);
    }
    assert_eq!(reset(&[0, 10]), ResetWay::Copy);
    for _ in 0..LOOK_EVERY * PATIENCE {
        assert_eq!(reset(&[0]), ResetWay::Copy);
    }
    // The other slot knows it too, after one reset more.
    let mut pair = [start(), start()];
    pair.iter_mut().for_each(|instance| write(instance, &[0]));
    drop(pair);
    let mut pair = [start(), start()];
    for instance in &mut pair {
        assert!(is_new(instance));
        write(instance, &[0, 10]);
    }
    assert!(pair.into_iter().all(|instance| instance.finish().reset != Some(ResetWay::Copy)));
    assert!(is_new(&start()));
    // It is learned again.
    reset(&[0, 10]);
    reset(&[0, 10]);
    assert_eq!(reset(&[0, 10]), ResetWay::Copy);
}

#[test]
fn growth_and_globals_are_undone() {
    for way in WAYS {
        let (pool, linked) = (pool(1, way), linked());
        let layout = *linked.module().layout();
        let load = linked.get_typed_func::<i64, i32>("load").unwrap();
        let store = linked.get_typed_func::<(i64, i32), ()>("store").unwrap();
        for _ in 0..3 {
            let mut instance = pool.start(&linked, ()).unwrap();
            let trap = trap_of(load.call(&mut instance, 65536));
            assert_eq!(trap.code, TrapCode::MemoryOutOfBounds);
            assert_eq!(load.call(&mut instance, i64::from(layout.global(0))).unwrap(), 42);
            store.call(&mut instance, (i64::from(layout.global(0)), 1)).unwrap();
            let memory = instance.get_memory("memory").unwrap();
            assert_eq!(memory.grow(&mut instance, 2), Ok(1));
            assert_eq!(memory.grow(&mut instance, 2), Err(MemoryError::Grow { pages: 2 }));
            assert_eq!(load.call(&mut instance, 2 * 65536).unwrap(), 0);
            store.call(&mut instance, (2 * 65536, 5)).unwrap();
            assert_eq!(instance.finish().memory, 3 * 65536);
            let former = memory.size(&pool.start(&linked, ()).unwrap());
            assert_eq!(former, Err(WrongStore::Other), "a handle of a former instance");
        }
    }
}

#[test]
fn the_kernel_can_write_where_nobody_wrote_before() {
    let mut linker = Linker::<()>::new();
    linker
        .func_wrap("host", "f", |caller: &mut Caller<'_, ()>, address: i32, length: i32| -> i32 {
            let file = std::fs::File::open("/dev/zero").unwrap();
            let memory = caller.memory().unwrap().data(caller).unwrap();
            let target = memory.address(address as u32, length as u64).unwrap();
            // SAFETY: the range is guest memory.
            let target = unsafe { std::slice::from_raw_parts_mut(target, length as usize) };
            std::io::Read::read(&mut &file, target).map_or(-1, |count| count as i32)
        })
        .unwrap();
    let artifact = with_contents(importing().0);
    let import = artifact.descriptor.state_layout().unwrap().imported_function(0);
    let linked = linker.instantiate_pre(&crate::tests::load(&artifact.build()).unwrap()).unwrap();
    let pool = pool(2, ResetWay::Copy);
    let call = linked.get_typed_func::<(i32, i32, i32), i32>("import").unwrap();
    for round in 0..4 {
        let mut instance = pool.start(&linked, ()).unwrap();
        assert_eq!(call.call(&mut instance, (import, 2 * 4096 - 8, 4096 + 16)).unwrap(), 4096 + 16);
        let mut byte = [1];
        instance.read(2 * PAGE, &mut byte).unwrap();
        assert_eq!(byte, [0]);
        let expected = if round < 2 { ResetWay::Scan } else { ResetWay::Copy };
        assert_eq!(instance.finish().reset, Some(expected), "round {round}");
    }
}

#[test]
fn slots_run_out_go_round_and_outlive_their_pool() {
    let (pool, first, second) = (pool(2, ResetWay::Copy), linked(), linked());
    let one = pool.start(&first, ()).unwrap();
    let two = pool.start(&second, ()).unwrap();
    assert!(matches!(pool.start(&first, ()), Err(StartError::Exhausted { slots: 2 })));
    drop(one);
    // The only free slot holds an instance of another module.
    let three = pool.start(&second, ()).unwrap();
    assert_eq!(pool.stats().made, 3);
    drop(two);
    let clone = pool.clone();
    drop(pool);
    let mut four = clone.start(&second, ()).unwrap();
    assert_eq!(clone.stats().made, 3);
    drop(three);
    drop(clone);
    four.write(0, &[1]).unwrap();
    assert_eq!(four.call("add", &[Val::I32(1), Val::I32(2)]).unwrap(), [Val::I32(3)]);
    std::thread::spawn(move || four.finish()).join().unwrap();
}

#[test]
fn prepared_slots_are_not_made_by_starts() {
    let (pool, linked) = (pool(3, ResetWay::Copy), linked());
    pool.prepare(&linked, 2).unwrap();
    assert_eq!(pool.stats().made, 2);
    pool.prepare(&linked, 2).unwrap();
    assert_eq!(pool.stats().made, 2, "those that are ready count");
    let mut started: Vec<_> = (0..2).map(|_| pool.start(&linked, ()).unwrap()).collect();
    assert!(started.iter().all(is_new));
    assert_eq!(pool.stats().made, 2);
    started.push(pool.start(&linked, ()).unwrap());
    assert_eq!(pool.stats().made, 3);
    started.truncate(1);
    let refused = pool.prepare(&linked, 3);
    assert!(matches!(refused, Err(StartError::Exhausted { slots: 3 })), "{refused:?}");
    started.extend([pool.start(&linked, ()).unwrap(), pool.start(&linked, ()).unwrap()]);
    assert_eq!(pool.stats().made, 3, "all that a refused preparation held is free");
}

#[test]
fn a_slot_is_prepared_for_a_tenant() {
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).unwrap();
    let linked = linked();
    pool.prepare(&linked, 1).unwrap();
    let pool = pool.for_tenant(Tenant(1));
    pool.prepare(&linked, 1).unwrap();
    assert_eq!((pool.stats().made, pool.stats().moved), (1, 1));
    assert!(is_new(&pool.start(&linked, ()).unwrap()));
    assert_eq!((pool.stats().made, pool.stats().moved), (1, 1));
}

#[test]
fn threads_share_slots() {
    let (pool, linked) = (pool(2, ResetWay::Copy), linked());
    let store = linked.get_typed_func::<(i64, i32), ()>("store").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..2u64 {
            let (pool, linked) = (&pool, &linked);
            scope.spawn(move || {
                for round in 0..500u64 {
                    let mut instance = pool.start(linked, ()).unwrap();
                    assert!(is_new(&instance));
                    store.call(&mut instance, ((round * 7919 + thread) as i64 % 65_000, -1)).unwrap();
                    if round % 3 == 0 {
                        // Finished by another thread than started it.
                        scope.spawn(move || instance.finish()).join().unwrap();
                    }
                }
            });
        }
    });
    let stats = pool.stats();
    assert_eq!(stats.copied + stats.scanned + stats.dropped, 1000, "{stats:?}");
    assert_eq!(stats.failed, 0);
    assert!(stats.made <= 2, "{stats:?}");
}

#[test]
fn a_trap_leaves_a_new_instance_behind() {
    let (pool, linked) = (pool(1, ResetWay::Copy), linked());
    let recurse = linked.get_typed_func::<(), ()>("recurse").unwrap();
    for name in ["trap", "null", "recurse"] {
        let mut instance = pool.start(&linked, ()).unwrap();
        instance.write(5000, &[1]).unwrap();
        assert_ne!(trap_of(instance.call(name, &[])).backtrace, []);
        drop(instance);
        let mut instance = pool.start(&linked, ()).unwrap();
        assert!(is_new(&instance));
        assert_eq!(trap_of(recurse.call(&mut instance, ())).code, TrapCode::StackOverflow);
    }
}

#[test]
fn configurations_are_checked() {
    let error = |config: PoolConfig| Pool::new(config).err().unwrap();
    let default = PoolConfig::default();
    assert!(matches!(error(PoolConfig { slots: 0, ..default }), PoolError::Config { .. }));
    assert!(matches!(error(PoolConfig { stack: 100, ..default }), PoolError::Config { .. }));
    assert!(matches!(error(PoolConfig { slots: u32::MAX, ..default }), PoolError::Mappings { .. }));
    let pool = Pool::new(PoolConfig { memory: 65535, ..default }).unwrap();
    let too_large = pool.start(&linked(), ());
    assert!(matches!(too_large, Err(StartError::Instantiate(InstantiateError::Limit { .. }))));
    let pool = Pool::new(PoolConfig { memory: 2 * 65536, ..default }).unwrap();
    let mut instance = pool.start(&linked(), ()).unwrap();
    let memory = instance.get_memory("memory").unwrap();
    assert_eq!(memory.grow(&mut instance, 2), Err(MemoryError::Grow { pages: 2 }));
    assert_eq!(memory.grow(&mut instance, 1), Ok(1));
}

const LIMIT_CASE: &str = "WASMAOT_TEST_MAPPINGS";

/// In a process of its own, as other tests need mappings too.
#[test]
fn the_limit_of_mappings_is_an_error() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "pool::tests::child_at_the_limit_of_mappings"]).env(LIMIT_CASE, "1");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Does nothing unless it is run by [`the_limit_of_mappings_is_an_error`]: a start is an error, and what came
/// before ends well.
#[test]
fn child_at_the_limit_of_mappings() {
    if std::env::var_os(LIMIT_CASE).is_none() {
        return;
    }
    let pool = pool(10_000, ResetWay::Copy);
    // With an image in its memory, such a module needs more mappings than the pool was checked for.
    let linked = linked();
    let mut live = Vec::new();
    let error = loop {
        match pool.start(&linked, ()) {
            Ok(instance) => live.push(instance),
            Err(error) => break error,
        }
    };
    let is_mapping = matches!(error, StartError::Instantiate(InstantiateError::Map { .. }));
    assert!(is_mapping || matches!(error, StartError::Exhausted { .. }), "{error}");
    // A write to a cold page opens the whole memory where there is no room for another mapping.
    let last = live.last_mut().unwrap();
    last.write(40_000, &[1]).unwrap();
    drop(live);
    assert!(is_new(&pool.start(&linked, ()).unwrap()));
    assert_eq!(pool.stats().failed, 0);
}
