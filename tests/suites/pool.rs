//! Nothing of an instance is left for the next one in its slot.
//!
//! Random programs write wherever a guest, the host or the kernel can, grow, trap, overflow their stack,
//! exit, are killed or left suspended; after each, everything that the next instance could read is compared
//! with a new instance. `WASMAOT_POOL_RESETS` says how many resets each way of resetting gets,
//! `WASMAOT_POOL_SEED` which programs. Also: the steady state allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::File;
use std::io::Read;
use std::sync::LazyLock;
use std::time::Duration;
use wasmaot_runtime::{
    CallError, Caller, HostError, HotSets, InstancePre, Linker, Module, Outcome, Pool, PoolConfig,
    PooledInstance, ResetWay, Suspend, TrapCode, Val,
};
use wasmaot_tests::{Random, report};

/// Everything that a module can change, and a function for each way to change it.
const TEXT: &str = include_str!("../guests/pool.wat");

/// Exports that take an address and a number. Those that come first are called most.
const ACTIONS: [&str; 21] = [
    "store",
    "store8",
    "store_wide",
    "fill",
    "copy",
    "init",
    "write",
    "kernel",
    "drop_data",
    "drop_elem",
    "grow",
    "further",
    "grow_further",
    "globals",
    "table_set",
    "table_fill",
    "table_copy",
    "table_init",
    "table_grow",
    "trap",
    "exit",
];

/// Pages that the memory can grow by.
const GROWTH: u64 = 4;

/// Rounds after which the module is linked anew: what was learned about it starts again, and a slot changes
/// its module.
const FORGET: u64 = 50;

const WAYS: [ResetWay; 3] = [ResetWay::Copy, ResetWay::Scan, ResetWay::Drop];

fn linked() -> InstancePre<File> {
    static MODULE: LazyLock<Module> = LazyLock::new(|| wasmaot_tests::module(TEXT));
    let mut linker = Linker::<File>::new();
    let write = |caller: &mut Caller<'_, File>, to: u32, number: u32| {
        Ok::<_, HostError>(caller.write(to, &vec![0x5a; number as usize % 9000])?)
    };
    let kernel = |caller: &mut Caller<'_, File>, to: u32, number: u32| {
        let length = number as usize % 20_000;
        let (memory, file) = caller.memory_and_data();
        let Some(memory) = memory else { return Ok(()) };
        let target = memory.address(to, length as u64)?;
        // SAFETY: the range is guest memory, which nothing else uses while the kernel writes to it.
        let target = unsafe { std::slice::from_raw_parts_mut(target, length) };
        file.read_exact(target).map_err(HostError::other)
    };
    let exit = |_: &mut Caller<'_, File>| Err::<(), _>(HostError::Exit(3));
    let wait = |_: &mut Caller<'_, File>| Err::<(), HostError>(Suspend::new(()).into());
    let defined = linker
        .func_wrap("host", "wait", wait)
        .and_then(|linker| linker.func_wrap("host", "write", write))
        .and_then(|linker| linker.func_wrap("host", "kernel", kernel))
        .and_then(|linker| linker.func_wrap("host", "exit", exit));
    defined.expect("new names");
    linker.instantiate_pre(&MODULE).expect("all imports are defined")
}

fn start(pool: &Pool, linked: &InstancePre<File>) -> PooledInstance<File> {
    pool.start(linked, File::open("/dev/urandom").expect("there is a source of random bytes"))
        .expect("a free slot")
}

/// All that a guest can read.
#[derive(PartialEq)]
struct Seen {
    /// Bytes of all memories, those of the first one first.
    memory: Vec<u8>,
    /// Globals and table elements; a function by what it returns.
    values: Vec<Val>,
    /// How often segments could be used.
    segments: [bool; 2],
}

fn load(instance: &mut PooledInstance<File>, address: u64) -> Result<Vec<Val>, CallError> {
    instance.call("load", &[Val::I32(address as i32)])
}

fn see(instance: &mut PooledInstance<File>) -> Seen {
    let memory = instance.get_memory("memory").expect("a memory");
    let end = memory.data_size(instance).expect("its own");
    assert_eq!(wasmaot_tests::trap_code(load(instance, end)), TrapCode::MemoryOutOfBounds);
    // What growing adds can be read too.
    assert_eq!(memory.grow(instance, GROWTH), Ok(end >> 16));
    assert_eq!(load(instance, end).expect("it has grown"), [Val::I32(0)]);
    let mut bytes = vec![0; memory.data_size(instance).expect("its own") as usize];
    instance.read(0, &mut bytes).expect("all of it");
    for (name, most) in [("bytes", 20_000), ("wide", 4)] {
        let memory = instance.get_memory(name).expect("a memory");
        let page = 1 << memory.ty(instance).expect("its own").page_log2;
        let before = memory.data_size(instance).expect("its own");
        memory.grow(instance, most - before / page).expect("below its maximum");
        let mut further = vec![0; memory.data_size(instance).expect("its own") as usize];
        memory.read(instance, 0, &mut further).expect("all of it");
        bytes.extend(before.to_le_bytes().into_iter().chain(further));
    }
    let mut values = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let global = instance.get_global(name).expect("a global");
        values.push(global.get(instance).expect("its own"));
    }
    for name in ["f", "e"] {
        let table = instance.get_table(name).expect("a table");
        let size = table.size(instance).expect("its own");
        values.push(Val::I64(size as i64));
        values.extend((0..size).map(|index| table.get(instance, index).expect("inside")));
    }
    for value in &mut values {
        if let Val::FuncRef(Some(func)) = value {
            let mut results = [Val::I32(0)];
            func.call(instance, &[], &mut results).expect("a function without side effects");
            *value = results[0];
        }
    }
    // These write, and so come last.
    let mut works = |name| instance.call(name, &[Val::I32(0), Val::I32(7)]).is_ok();
    let segments = [works("init"), works("table_init")];
    Seen { memory: bytes, values, segments }
}

/// An address, more often than not one that is near others.
fn address(random: &mut Random) -> i32 {
    match random.below(4) {
        0 => random.below(4096) as i32,
        1 => 69_000 + random.below(4096) as i32,
        2 => random.below(12 << 16) as i32,
        _ => random.below(16 << 16) as i32,
    }
}

fn act(instance: &mut PooledInstance<File>, random: &mut Random) {
    for _ in 0..random.below(6) {
        let name = ACTIONS[random.below(ACTIONS.len()).min(random.below(ACTIONS.len()))];
        let small = 1 << random.below(17);
        let args = [Val::I32(address(random)), Val::I32(random.below(small) as i32)];
        // Many of these trap, which is part of it.
        _ = instance.call(name, &args);
    }
    if random.below(8) == 0 {
        instance.call("take", &[Val::ExternRef(Some(random.number() as u32 / 2))]).expect("it does not trap");
    }
    if random.below(200) == 0 {
        let overflow = instance.call("overflow", &[Val::I32(0), Val::I32(0)]);
        assert_eq!(wasmaot_tests::trap_code(overflow), TrapCode::StackOverflow);
    }
    match random.below(60) {
        0 => stop(instance, address(random)),
        1 => {
            let wait = instance.get_typed_func::<(i32, i32), ()>("wait").expect("an export");
            let outcome =
                wait.call_resumable(instance, (address(random) % 700_000, 7)).expect("it is suspended");
            assert!(matches!(outcome, Outcome::Suspended(_)));
        }
        _ => {}
    }
}

/// Ends the instance while it runs.
fn stop(instance: &mut PooledInstance<File>, seed: i32) {
    let handle = instance.interrupt_handle().expect("a watchdog");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_micros(200));
            handle.kill();
        });
        assert_eq!(wasmaot_tests::trap_code(instance.call("spin", &[Val::I32(seed)])), TrapCode::Killed);
    });
}

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|e| panic!("{variable}={text}: {e}")))
}

#[test]
fn nothing_is_left_for_the_next_instance() {
    let (rounds, seed) = (number("WASMAOT_POOL_RESETS", 2000).div_ceil(2), number("WASMAOT_POOL_SEED", 1));
    let mut linked = linked();
    let shared = WAYS.map(|way| (way, HotSets::Shared));
    for (way, hot_sets) in shared.into_iter().chain([(ResetWay::Copy, HotSets::default())]) {
        let config = PoolConfig { slots: 2, reset: way, hot_sets, ..PoolConfig::default() };
        let fresh = see(&mut start(&Pool::new(config).expect("a pool"), &linked));
        let pool = Pool::new(config).expect("a pool");
        for round in 0..rounds {
            if round.is_multiple_of(FORGET) {
                linked = self::linked();
            }
            let mut random = Random::new(seed.wrapping_add(round));
            let mut instance = start(&pool, &linked);
            act(&mut instance, &mut random);
            drop(instance);
            let seen = see(&mut start(&pool, &linked));
            if seen.memory != fresh.memory {
                let at = seen.memory.iter().zip(&fresh.memory).position(|(seen, fresh)| seen != fresh);
                panic!(
                    "{way:?}, seed {}: memory of {} bytes differs at {at:?}",
                    seed + round,
                    seen.memory.len()
                );
            }
            assert!(seen == fresh, "{way:?}, seed {}: something but memory differs", seed + round);
        }
        let stats = pool.stats();
        assert_eq!((stats.made, stats.failed), (rounds.div_ceil(FORGET), 0), "{stats:?}");
        report(format_args!("pool: {way:?}: {} resets, none leaves anything: {stats:?}", 2 * rounds));
    }
}

/// The system's allocator, which notes how often each thread asks it for memory or gives some back.
struct Counting;

thread_local! {
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        REQUESTS.set(REQUESTS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`: the layout has a size.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        REQUESTS.set(REQUESTS.get() + 1);
        // SAFETY: the caller keeps the contract of `dealloc`: the pointer came from `alloc` above, so from
        // the system's, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn the_steady_state_allocates_nothing() {
    let linked = linked();
    let config = PoolConfig { slots: 1, hot_sets: HotSets::Shared, ..PoolConfig::default() };
    let pool = Pool::new(config).expect("a pool");
    let [store, table_set, globals] = ["store", "table_set", "globals"]
        .map(|name| linked.get_typed_func::<(i32, i32), ()>(name).expect("an export of this type"));
    let file = File::open("/dev/urandom").expect("there is a source of random bytes");
    let mut data = Some(file);
    let mut run = || {
        let mut instance = pool.start(&linked, data.take().expect("it came back")).expect("a free slot");
        for func in [store, table_set, globals] {
            func.call(&mut instance, (200, 1)).expect("it does not trap");
        }
        data = Some(instance.finish_with_data().0);
    };
    (0..3).for_each(|_| run());
    let before = REQUESTS.get();
    (0..10_000).for_each(|_| run());
    assert_eq!(REQUESTS.get(), before);
    assert!(pool.stats().copied >= 10_000, "{:?}", pool.stats());
}
