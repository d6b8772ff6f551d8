//! Shared memories: several instances on several threads over one of them.
//!
//! Atomic operators under contention, waiting and waking (counts, order, timeouts, no lost wake-ups),
//! growing, stopping those who wait, and what pools do with shared memories. **Invariant: nothing here
//! depends on how long something takes**, but that a thread that is to be woken has begun to wait, which is
//! asked of the memory's queue itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};
use wasmaot_runtime::{
    Caller, Extern, Instance, InstantiateError, Limits, Linker, Memory, MemoryError, MemoryType, Module,
    Pool, PoolConfig, SharedMemory, Store, TrapCode, Val,
};
use wasmaot_tests::{Guest, trap_code};

const THREADS: u32 = 4;

/// More time than anything here takes that does not wait for ever.
const LONG: Duration = Duration::from_secs(300);

/// A module over the shared memory "host" "memory".
const TEXT: &str = include_str!("../guests/threads.wat");

fn module() -> Module {
    wasmaot_tests::module(TEXT)
}

fn shared() -> SharedMemory {
    SharedMemory::new(MemoryType::new(Limits { min: 1, max: Some(100) })).expect("a valid type")
}

/// An instance in a store of its own.
fn instance(module: &Module, memory: &SharedMemory) -> Guest {
    let mut linker = Linker::new();
    linker.define_shared("host", "memory", memory.clone()).expect("a new name");
    let mut store = Store::new(());
    // A thread that waits for ever fails.
    store.set_deadline(Instant::now() + LONG).expect("a watchdog");
    let instance = linker.instantiate(&mut store, module).expect("its import is there");
    Guest { store, instance }
}

fn integers(values: &[i32]) -> Vec<Val> {
    values.iter().map(|&value| Val::I32(value)).collect()
}

/// Runs the same on several threads, each with an instance of its own.
fn on_threads<R: Send>(memory: &SharedMemory, run: impl Fn(u32, &mut Guest) -> R + Sync) -> Vec<R> {
    let (module, run) = (module(), &run);
    thread::scope(|scope| {
        let spawn = |number| {
            let mut guest = instance(&module, memory);
            scope.spawn(move || run(number, &mut guest))
        };
        let threads: Vec<_> = (0..THREADS).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    })
}

fn word(memory: &SharedMemory, address: u64) -> u32 {
    let mut bytes = [0; 4];
    memory.read(address, &mut bytes).expect("inside");
    u32::from_le_bytes(bytes)
}

#[test]
fn operators_are_atomic() {
    const ROUNDS: u32 = 20_000;
    let memory = shared();
    on_threads(&memory, |_, guest| {
        guest.call("contend", &integers(&[ROUNDS as i32])).expect("no trap");
    });
    let all = ROUNDS * THREADS;
    assert_eq!(word(&memory, 64), all * 3);
    assert_eq!(word(&memory, 68), (all % 256) | (all % 256) << 8 | (all % 65_536) << 16);
    assert_eq!(word(&memory, 72), (all * 5).wrapping_neg());
    assert_eq!((word(&memory, 76), word(&memory, 80), word(&memory, 84)), (u32::MAX, 0, all));
}

#[test]
fn a_lock_of_waits_and_wake_ups_excludes() {
    const ROUNDS: u32 = 5_000;
    let memory = shared();
    on_threads(&memory, |_, guest| {
        guest.call("locked", &integers(&[ROUNDS as i32])).expect("no trap");
    });
    assert_eq!((word(&memory, 128), word(&memory, 132)), (0, ROUNDS * THREADS));
}

/// If a wake-up were lost, both would wait for ever.
#[test]
fn no_wake_up_is_lost() {
    let memory = shared();
    let ends = on_threads(&memory, |number, guest| {
        let turns = if number < 2 { [number as i32, 1 - number as i32, 5_000] } else { return true };
        guest.call("alternate", &integers(&turns)).is_ok()
    });
    assert_eq!(ends, [true; THREADS as usize]);
    assert_eq!(word(&memory, 192), 0);
}

/// Wakes one after the other as soon as they wait, and then all others at once.
#[test]
fn as_many_are_woken_as_asked_for() {
    let memory = shared();
    let module = module();
    let returned = Arc::new(AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let (mut guest, returned) = (instance(&module, &memory), returned.clone());
            scope.spawn(move || {
                let args = [Val::I32(32), Val::I32(0), Val::I64(-1)];
                assert_eq!(guest.call("wait", &args).expect("no trap"), [Val::I32(0)]);
                returned.fetch_add(1, SeqCst);
            });
        }
        let mut guest = instance(&module, &memory);
        assert_eq!(guest.i32("notify", &[32, 0]), 0);
        assert_eq!(guest.i32("notify", &[36, -1]), 0, "no thread waits there");
        // One that fails is awaited no longer than until its deadline, which this instance has, too.
        for already in 0..2 {
            while guest.i32("notify", &[32, 1]) == 0 {
                thread::yield_now();
            }
            assert!(returned.load(SeqCst) <= already + 1);
        }
        let mut left = THREADS as i32 - 2;
        while left > 0 {
            // The same place, with and without an offset.
            left -= guest.i32("notify", &[32, -1]) + guest.i32("notify_offset", &[16]);
            thread::yield_now();
        }
        assert_eq!(left, 0);
    });
    assert_eq!(returned.load(SeqCst), THREADS);
}

#[test]
fn waits_end_at_once_or_when_their_time_is_up() {
    let memory = shared();
    memory.write(16, &u64::MAX.to_le_bytes()).expect("inside");
    let mut guest = instance(&module(), &memory);
    let mut wait = |expected: i32, timeout| {
        guest.call("wait", &[Val::I32(16), Val::I32(expected), Val::I64(timeout)]).expect("no trap")
    };
    assert_eq!(wait(0, -1), [Val::I32(1)]);
    assert_eq!(wait(-1, 0), [Val::I32(2)]);
    let start = Instant::now();
    assert_eq!(wait(-1, 2_000_000), [Val::I32(2)]);
    assert!(start.elapsed() >= Duration::from_millis(2));
    let mut wait64 = |expected: i64, timeout| {
        guest.call("wait64", &[Val::I32(16), Val::I64(expected), Val::I64(timeout)]).expect("no trap")
    };
    assert_eq!(wait64(0xffff_ffff, -1), [Val::I32(1)]);
    assert_eq!(wait64(-1, 1000), [Val::I32(2)]);
    // No thread is left in the queue.
    assert_eq!(guest.i32("notify", &[16, -1]), 0);
}

#[test]
fn places_are_checked_before_anybody_waits() {
    let mut guest = instance(&module(), &shared());
    let mut end = |name: &str, address: i32, expected: Val| {
        trap_code(guest.call(name, &[Val::I32(address), expected, Val::I64(0)]))
    };
    for address in [1, 2, 65_535, -1] {
        assert_eq!(end("wait", address, Val::I32(0)), TrapCode::UnalignedAtomic);
    }
    assert_eq!(end("wait64", 4, Val::I64(0)), TrapCode::UnalignedAtomic);
    for address in [65_536, -4] {
        assert_eq!(end("wait", address, Val::I32(0)), TrapCode::MemoryOutOfBounds);
    }
    assert_eq!(guest.trap("notify", &[65_536, 1]), TrapCode::MemoryOutOfBounds);
    assert_eq!(guest.trap("notify", &[2, 1]), TrapCode::UnalignedAtomic);
    assert_eq!(guest.trap("notify_offset", &[-16]), TrapCode::MemoryOutOfBounds);
    let mut own = Guest::new(
        r#"(module (memory i64 1)
            (func (export "wait") (param i64) (result i32)
              (memory.atomic.wait32 offset=8 (local.get 0) (i32.const 0) (i64.const 0)))
            (func (export "notify") (param i64) (result i32) (memory.atomic.notify offset=8 (local.get 0) (i32.const 1))))"#,
    );
    for (address, code) in [
        (0, TrapCode::ExpectedSharedMemory),
        (1, TrapCode::UnalignedAtomic),
        (-8, TrapCode::MemoryOutOfBounds),
        (1 << 32, TrapCode::MemoryOutOfBounds),
    ] {
        assert_eq!(trap_code(own.call("wait", &[Val::I64(address)])), code, "{address:#x}");
    }
    assert_eq!(own.call("notify", &[Val::I64(0)]).expect("no trap"), [Val::I32(0)]);
}

#[test]
fn those_who_wait_can_be_stopped() {
    let memory = shared();
    let wait = [Val::I32(0), Val::I32(0), Val::I64(-1)];
    let mut guest = instance(&module(), &memory);
    guest.store.set_deadline(Instant::now() + Duration::from_millis(5)).expect("a watchdog");
    assert_eq!(trap_code(guest.call("wait", &wait)), TrapCode::DeadlineExceeded);
    let mut guest = instance(&module(), &memory);
    let handle = guest.store.interrupt_handle().expect("a watchdog");
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(2));
            handle.kill();
        });
        assert_eq!(trap_code(guest.call("wait", &wait)), TrapCode::Killed);
    });
    // Neither is in the queue any more.
    assert_eq!(instance(&module(), &memory).i32("notify", &[0, -1]), 0);
}

#[test]
fn threads_grow_a_memory_together() {
    let memory = shared();
    let grown = on_threads(&memory, |_, guest| {
        let mut sizes = Vec::new();
        loop {
            let old = guest.i32("grow", &[1]);
            if old < 0 {
                return sizes;
            }
            // What was just added is there, whatever other threads added meanwhile.
            guest.call("store", &integers(&[(old + 1) * 65_536 - 4, old])).expect("inside");
            sizes.push(old);
        }
    });
    let mut sizes: Vec<i32> = grown.into_iter().flatten().collect();
    sizes.sort_unstable();
    assert_eq!(sizes, (1..100).collect::<Vec<_>>());
    assert_eq!(memory.size(), 100);
    assert_eq!(memory.grow(1), Err(MemoryError::Grow { pages: 1 }));
    assert_eq!(word(&memory, 100 * 65_536 - 4), 99);
}

/// A memory goes from the instance that defines it to the host, and from there to another store.
#[test]
fn a_memory_outlives_the_store_that_made_it() {
    let owner = Guest::new(r#"(module (memory (export "memory") 1 100 shared) (data (i32.const 8) "\2a"))"#);
    let exported = owner.instance.get_memory(&owner.store, "memory").expect("a memory");
    let memory = exported.shared(&owner.store).expect("its own").expect("it is shared");
    let mut other = Store::new(());
    let given = Memory::from_shared(&mut other, memory.clone());
    drop(owner);
    let mut linker = Linker::new();
    linker.define("host", "memory", Extern::Memory(given)).expect("a new name");
    let instance: Instance = linker.instantiate(&mut other, &module()).expect("its import is there");
    assert_eq!(instance.call(&mut other, "load", &[Val::I32(8)]).expect("no trap"), [Val::I32(42)]);
    drop(other);
    assert_eq!(word(&memory, 8), 42);
}

#[test]
fn only_what_is_shared_fits_an_import_of_it() {
    let mut store = Store::new(());
    let plain =
        Memory::new(&mut store, MemoryType::new(Limits { min: 1, max: Some(100) })).expect("a valid type");
    assert!(plain.shared(&store).expect("its own").is_none());
    let mut linker = Linker::new();
    linker.define("host", "memory", Extern::Memory(plain)).expect("a new name");
    match linker.instantiate(&mut store, &module()) {
        Err(InstantiateError::Incompatible { expected, found, .. }) => {
            assert_eq!(
                (&*expected, &*found),
                ("shared memory of pages 1 to 100", "memory of pages 1 to 100")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn pooled_instances_share_what_they_import() {
    let (module, memory) = (module(), shared());
    let mut linker = Linker::<()>::new();
    linker.define_shared("host", "memory", memory.clone()).expect("a new name");
    let linked = linker.instantiate_pre(&module).expect("a shared memory is no store's");
    let pool = Pool::new(PoolConfig { slots: THREADS, ..PoolConfig::default() }).expect("a pool");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..50 {
                    let mut instance = pool.start(&linked, ()).expect("a free slot");
                    instance.set_deadline(Instant::now() + LONG).expect("a watchdog");
                    instance.call("locked", &[Val::I32(20)]).expect("no trap");
                    assert!(instance.finish().reset.is_some());
                }
            });
        }
    });
    assert_eq!(word(&memory, 132), THREADS * 50 * 20);
}

/// A memory that an instance defines is its own, even if it is shared: the next one has another.
#[test]
fn a_shared_memory_is_not_handed_on_in_a_pool() {
    let module = wasmaot_tests::module(
        r#"(module (memory (export "memory") 1 2 shared) (data (i32.const 4) "\07")
            (func (export "add") (result i32) (i32.atomic.rmw.add (i32.const 4) (i32.const 1))))"#,
    );
    let mut linker = Linker::<()>::new();
    linker.func_wrap("unused", "function", |_: &mut Caller<'_, ()>| {}).expect("a new name");
    let linked = linker.instantiate_pre(&module).expect("no imports");
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    let mut kept = Vec::new();
    for _ in 0..3 {
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        assert_eq!(instance.call("add", &[]).expect("no trap"), [Val::I32(7)]);
        let memory = instance.get_memory("memory").expect("a memory");
        kept.push(memory.shared(&instance).expect("its own").expect("it is shared"));
    }
    for memory in &kept {
        assert_eq!(word(memory, 4), 8);
    }
}
