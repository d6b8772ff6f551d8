//! Every system call about memory fails once, at every position of every phase of an instance's life.
//!
//! Whatever fails, the process survives, each error is a typed one, and the next instance in the slot differs
//! in nothing from one in a new pool.

use super::tests::{pool, with_contents};
use crate::os::inject::plan::{self, Failure, Outcome};
use crate::os::map::Mapping;
use crate::tests::artifact::DATA;
use crate::tests::importing;
use crate::*;
use std::sync::LazyLock;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::descriptor::{self as abi, ConstExpr, ConstOp, DataMode, DataSegment};
use wasmaot_abi::descriptor::{ElemItems, ElemMode, ElemSegment, ExportKind, FileRange};

pub(super) const PAGE: i64 = 4096;

pub(super) const WAYS: [ResetWay; 3] = [ResetWay::Copy, ResetWay::Scan, ResetWay::Drop];

/// Ways in which a call fails: once or from then on, before it has done anything or half way.
pub(super) const FAILURES: [Failure; 5] = [
    Failure { errno: libc::ENOMEM, halves: 0, lasting: false },
    Failure { errno: libc::ENOMEM, halves: 1, lasting: false },
    Failure { errno: libc::EAGAIN, halves: 0, lasting: true },
    Failure { errno: libc::EPERM, halves: u32::MAX, lasting: true },
    // What was done half cannot be undone.
    Failure { errno: libc::ENOMEM, halves: 1, lasting: true },
];

/// What the imported function does, by its first argument.
pub(super) const SUSPEND: i32 = 0;
const LET_THE_KERNEL_WRITE: i32 = 1;

/// A module with one of everything that an instance can change.
fn artifact() -> Vec<u8> {
    let mut artifact = with_contents(importing().0);
    artifact.data = b"passive".to_vec();
    let descriptor = &mut artifact.descriptor;
    let ty = MemoryType::new(Limits { min: 1, max: Some(4) });
    descriptor.memories.push(abi::Memory { ty, image: Vec::new() });
    let ty = TableType::new(ValType::FUNCREF, Limits { min: 4, max: Some(3000) });
    descriptor.tables.push(abi::Table { ty, constant: false, init: None });
    for (name, kind) in [
        ("further", ExportKind::Memory { index: 1 }),
        ("table", ExportKind::Table { index: 0 }),
        ("global", ExportKind::Global { index: 0 }),
    ] {
        descriptor.exports.push(abi::Export { name: name.into(), kind });
    }
    let file = FileRange { offset: DATA, length: 7 };
    descriptor.data.push(DataSegment { mode: DataMode::Passive, file });
    let offset = ConstExpr { ops: vec![ConstOp::I32Const { value: 5000 }] };
    descriptor.data.push(DataSegment { mode: DataMode::Active { memory: 0, offset }, file });
    let offset = ConstExpr { ops: vec![ConstOp::I32Const { value: 1 }] };
    descriptor.elems.push(ElemSegment {
        element: ValType::FUNCREF,
        mode: ElemMode::Active { table: 0, offset },
        items: ElemItems::Entries { entries: vec![0] },
    });
    artifact.build()
}

static ARTIFACT: LazyLock<Vec<u8>> = LazyLock::new(artifact);
static MODULE: LazyLock<Module> = LazyLock::new(|| crate::tests::load(&ARTIFACT).unwrap());

fn linker() -> Linker<()> {
    let mut linker = Linker::new();
    let f = |caller: &mut Caller<'_, ()>, what: i32, address: i32| -> Result<i32, HostError> {
        if what == SUSPEND {
            return Err(Suspend::new(()).into());
        }
        let length = 9000;
        let target = caller.memory()?.data(caller)?.address(address as u32, length)?;
        // SAFETY: the range is guest memory, which nothing else uses while the kernel writes to it.
        let target = unsafe { std::slice::from_raw_parts_mut(target, length as usize) };
        let mut file = std::fs::File::open("/dev/urandom").unwrap();
        std::io::Read::read_exact(&mut file, target).map_err(HostError::other)?;
        Ok(0)
    };
    linker.func_wrap("host", "f", f).unwrap();
    linker
}

pub(super) fn link() -> InstancePre<()> {
    linker().instantiate_pre(&MODULE).unwrap()
}

/// All that a guest can see of an instance.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) memories: Vec<Vec<u8>>,
    sizes: Vec<u64>,
    table: Vec<bool>,
    global: String,
    has_passive_data: bool,
}

pub(super) fn see(instance: &mut PooledInstance<()>) -> Seen {
    let memories = ["memory", "further"].map(|name| instance.get_memory(name).unwrap());
    let sizes: Vec<u64> = memories.iter().map(|memory| memory.data_size(instance).unwrap()).collect();
    let beyond = instance.call("load", &[Val::I64(sizes[0] as i64)]).unwrap_err();
    assert!(matches!(beyond, CallError::Trap(trap) if trap.code == TrapCode::MemoryOutOfBounds));
    let bytes = memories.map(|memory| {
        // What growing adds can be read, too.
        assert_eq!(memory.grow(instance, 3), Ok(1));
        let mut bytes = vec![0; memory.data_size(instance).unwrap() as usize];
        memory.read(instance, 0, &mut bytes).unwrap();
        bytes
    });
    let table = instance.get_table("table").unwrap();
    let elements = (0..table.size(instance).unwrap()).map(|index| table.get(instance, index).unwrap());
    let elements = elements.map(|element| element != Val::FuncRef(None)).collect();
    let global = instance.get_global("global").unwrap().get(instance);
    let global = format!("{global:?}");
    let has_passive_data = builtin(instance, Builtin::MemoryInit, &[0, 0, 100, 0, 7]).is_ok();
    Seen { memories: bytes.into(), sizes, table: elements, global, has_passive_data }
}

fn call(instance: &mut PooledInstance<()>, name: &str, args: &[Val]) -> Result<Vec<Val>, CallError> {
    instance.call(name, args)
}

fn builtin(instance: &mut PooledInstance<()>, which: Builtin, args: &[u64]) -> Result<Vec<Val>, CallError> {
    let mut values = vec![Val::I32(MODULE.layout().builtins()), Val::I32(which.offset())];
    values.extend((0..5).map(|i| Val::I64(args.get(i).copied().unwrap_or(0) as i64)));
    call(instance, "builtin", &values)
}

pub(super) fn import() -> Val {
    Val::I32(MODULE.layout().imported_function(0))
}

/// Changes everything that a guest, the host and the kernel can change. All of it is allowed, so that the
/// only errors are those of calls that failed. Says which actions succeeded.
fn spoil(instance: &mut PooledInstance<()>) -> Vec<bool> {
    let mut done = spoil_unless(instance, &[TrapCode::OutOfMemory]);
    // Only once, since a dropped segment cannot be used again.
    done.push(builtin(instance, Builtin::DataDrop, &[0]).is_ok());
    done
}

/// The same for an instance whose calls may end with these traps.
pub(super) fn spoil_unless(instance: &mut PooledInstance<()>, traps: &[TrapCode]) -> Vec<bool> {
    let store = |at: i64| [Val::I64(at), Val::I32(-1)];
    let mut done = Vec::new();
    let mut note = |result: Result<(), CallError>| {
        if let Err(error) = &result {
            assert_is_one_of(error, traps);
        }
        done.push(result.is_ok());
    };
    for at in [16, 9 * PAGE, 2 * PAGE + 8, 15 * PAGE, i64::from(MODULE.layout().global(0))] {
        note(call(instance, "store", &store(at)).map(drop));
    }
    note(instance.write(2 * PAGE as u32 - 2, &[1, 2, 3, 4]).map_err(trap));
    let page = PAGE as u64;
    for (which, args) in [
        (Builtin::MemoryFill, &[0, 4 * page + 9, 0x5a, 3 * page][..]),
        (Builtin::MemoryCopy, &[0, 0, 11 * page - 7, 2 * page, 50]),
        (Builtin::MemoryInit, &[0, 0, 13 * page - 3, 0, 7]),
        (Builtin::TableGrow, &[0, 0, 2000]),
        (Builtin::TableFill, &[0, 0, 0, 2]),
        (Builtin::MemoryGrow, &[0, 2]),
        (Builtin::MemoryGrow, &[1, 1]),
    ] {
        note(builtin(instance, which, args).map(drop));
    }
    let kernel = [import(), Val::I32(LET_THE_KERNEL_WRITE), Val::I32(9 * PAGE as i32 + 100)];
    note(call(instance, "import", &kernel).map(drop));
    // At their ends, wherever those are now.
    for name in ["memory", "further"] {
        let memory = instance.get_memory(name).unwrap();
        let end = memory.data_size(instance).unwrap();
        note(memory.write(instance, end - 4, &[9; 4]).map_err(trap));
    }
    // Behind the end is nothing, unless a growth failed half way and could not be undone.
    let end = instance.memory().unwrap().data_size(instance).unwrap() as i64;
    if let Err(error) = call(instance, "store", &store(end + 16)) {
        assert_is_one_of(&error, &[traps, &[TrapCode::MemoryOutOfBounds]].concat());
    }
    done
}

fn trap(error: MemoryError) -> CallError {
    match HostError::from(error) {
        HostError::Trap(code) => CallError::Trap(Trap::new(code)),
        other => CallError::Host(other.into()),
    }
}

fn assert_is_refusal(error: &CallError) {
    assert_is_one_of(error, &[TrapCode::OutOfMemory]);
}

fn assert_is_one_of(error: &CallError, traps: &[TrapCode]) {
    match error {
        CallError::Trap(trap) => assert!(traps.contains(&trap.code), "{trap}"),
        CallError::Thread(_) => {}
        other => panic!("{other:?}"),
    }
}

pub(super) fn assert_cannot_start(error: &StartError) {
    match error {
        StartError::Instantiate(InstantiateError::Map { .. }) => {}
        StartError::Instantiate(InstantiateError::Run(error)) => assert_is_refusal(error),
        other => panic!("{other:?}"),
    }
}

/// What an instance in a new pool looks like.
pub(super) static NEW: LazyLock<Seen> =
    LazyLock::new(|| see(&mut pool(1, ResetWay::Drop).start(&link(), ()).unwrap()));

/// Checks instances in a pool's slots against those of a new pool, before and after they were used.
pub(super) fn assert_as_new(pool: &Pool, linked: &InstancePre<()>, context: &str) {
    for round in 0..3 {
        let seen = see(&mut pool.start(linked, ()).unwrap());
        if seen != *NEW {
            let differs = |(seen, new): (&Vec<u8>, &Vec<u8>)| {
                seen.iter().zip(new).position(|(seen, new)| seen != new).map(|at| format!("{at:#x}"))
            };
            let at: Vec<_> = seen.memories.iter().zip(&NEW.memories).map(differs).collect();
            panic!(
                "{context}, round {round}: bytes differ at {at:?}; {:?}",
                Seen { memories: vec![], ..seen }
            );
        }
        let done = spoil(&mut pool.start(linked, ()).unwrap());
        assert!(done.iter().all(|done| *done), "{context}, round {round}: {done:?}");
    }
}

/// Repeats an attempt while one more of its calls succeeds before one fails, until none fails. Says how many
/// positions there were.
fn sweep(phase: &str, mut attempt: impl FnMut(u32, Failure) -> Outcome) {
    // Made before any call fails.
    LazyLock::force(&NEW);
    let mut positions = Vec::new();
    for failure in FAILURES {
        let covered = (0..).take_while(|&position| attempt(position, failure).failed > 0).count();
        positions.push(covered);
    }
    println!("{phase}: {positions:?} positions");
    assert!(positions.iter().all(|covered| *covered > 0), "{phase}: {positions:?}");
}

/// An instance in a pool of one slot, whose module has already run this often.
fn started(way: ResetWay, runs: u32) -> (Pool, InstancePre<()>, PooledInstance<()>) {
    let (pool, linked) = (pool(1, way), link());
    for _ in 0..runs {
        spoil(&mut pool.start(&linked, ()).unwrap());
    }
    let instance = pool.start(&linked, ()).unwrap();
    (pool, linked, instance)
}

#[test]
fn opening_linking_and_reserving() {
    sweep("open a module", |position, failure| {
        let (module, outcome) = plan::with(position, failure, || crate::tests::load(&ARTIFACT));
        match module {
            Ok(module) => assert!(linker().instantiate_pre(&module).is_ok()),
            Err(error) => assert!(matches!(error, OpenError::Io { .. }), "{error}"),
        }
        outcome
    });
    sweep("make a pool", |position, failure| {
        let (made, outcome) = plan::with(position, failure, || {
            Pool::new(PoolConfig { slots: 1, reset: ResetWay::Copy, ..PoolConfig::default() })
        });
        match made {
            Ok(pool) => assert_as_new(&pool, &link(), &format!("pool, {position}, {failure:?}")),
            Err(error) => assert!(matches!(error, PoolError::Reserve { .. }), "{error}"),
        }
        outcome
    });
    sweep("link", |position, failure| {
        let (linked, outcome) = plan::with(position, failure, || linker().instantiate_pre(&MODULE));
        match linked {
            Ok(linked) => assert!(pool(1, ResetWay::Copy).start(&linked, ()).is_ok()),
            Err(error) => assert!(matches!(error, InstantiateError::Map { .. }), "{error}"),
        }
        outcome
    });
    sweep("share a memory", |position, failure| {
        let shared = || SharedMemory::new(MemoryType::new(Limits { min: 1, max: Some(3) }));
        let (memory, outcome) = plan::with(position, failure, || {
            shared().inspect(|memory| {
                let grown = memory.grow(1);
                assert_eq!(memory.size(), if grown.is_ok() { 2 } else { 1 });
            })
        });
        assert!(memory.is_ok() || matches!(memory, Err(CreateError::Map { .. })));
        outcome
    });
    sweep("prepare a thread", |position, failure| {
        let (_, _, mut instance) = started(ResetWay::Copy, 0);
        let add = move || {
            let add = || instance.call("add", &[Val::I32(1), Val::I32(2)]);
            let (sum, outcome) = plan::with(position, failure, add);
            assert!(
                matches!(&sum, Ok(sum) if sum[..] == [Val::I32(3)])
                    || matches!(sum, Err(CallError::Thread(_)))
            );
            outcome
        };
        std::thread::spawn(add).join().unwrap()
    });
}

/// More than a process has, in all.
#[test]
fn addresses_that_the_kernel_refuses_to_unmap_are_given_back_later() {
    for _ in 0..20_000 {
        let mapping = Mapping::reserve(8 << 30, PAGE as usize).unwrap();
        let (_, outcome) = plan::with(0, FAILURES[0], || drop(mapping));
        assert_eq!(outcome.failed, 1);
    }
}

#[test]
fn starting() {
    for way in WAYS {
        sweep(&format!("{way:?}: make an instance"), |position, failure| {
            let (pool, linked) = (pool(1, way), link());
            let (started, outcome) = plan::with(position, failure, || pool.start(&linked, ()).map(drop));
            started.inspect_err(assert_cannot_start).unwrap_or_default();
            assert_as_new(&pool, &linked, &format!("make, {way:?}, {position}, {failure:?}"));
            outcome
        });
        sweep(&format!("{way:?}: take another module's slot"), |position, failure| {
            let (pool, first, mut instance) = started(way, 0);
            spoil(&mut instance);
            drop(instance);
            let second = link();
            let (started, outcome) = plan::with(position, failure, || pool.start(&second, ()).map(drop));
            started.inspect_err(assert_cannot_start).unwrap_or_default();
            for linked in [&second, &first] {
                assert_as_new(&pool, linked, &format!("take, {way:?}, {position}, {failure:?}"));
            }
            outcome
        });
    }
}

#[test]
fn running() {
    for (way, runs) in WAYS.into_iter().flat_map(|way| [(way, 0), (way, 3)]) {
        sweep(&format!("{way:?}, {runs} runs before: write and grow"), |position, failure| {
            let (pool, linked, mut instance) = started(way, runs);
            let (_, outcome) = plan::with(position, failure, || spoil(&mut instance));
            if !failure.lasting {
                // A later try succeeds.
                (0..16).for_each(|page| instance.write(page * PAGE as u32, &[1]).unwrap());
            }
            drop(instance);
            assert_as_new(&pool, &linked, &format!("run, {way:?}, {runs}, {position}, {failure:?}"));
            outcome
        });
    }
}

#[test]
fn resetting() {
    for (way, runs) in WAYS.into_iter().flat_map(|way| [(way, 0), (way, 3)]) {
        sweep(&format!("{way:?}, {runs} runs before: reset"), |position, failure| {
            let (pool, linked, mut instance) = started(way, runs);
            spoil(&mut instance);
            let (_, outcome) = plan::with(position, failure, || instance.finish());
            assert_as_new(&pool, &linked, &format!("reset, {way:?}, {runs}, {position}, {failure:?}"));
            outcome
        });
        sweep(&format!("{way:?}, {runs} runs before: run, reset and start"), |position, failure| {
            let (pool, linked, mut instance) = started(way, runs);
            let (_, outcome) = plan::with(position, failure, || {
                spoil(&mut instance);
                drop(instance);
                for _ in 0..2 {
                    let started = pool.start(&linked, ()).map(|mut instance| spoil(&mut instance));
                    started.inspect_err(assert_cannot_start).unwrap_or_default();
                }
            });
            assert_as_new(&pool, &linked, &format!("life, {way:?}, {runs}, {position}, {failure:?}"));
            outcome
        });
    }
}

#[test]
fn suspending() {
    let args = [import(), Val::I32(SUSPEND), Val::I32(0)];
    for way in WAYS {
        let phase = |resumed: bool| {
            move |position: u32, failure: Failure| {
                let (pool, linked, mut instance) = started(way, 1);
                let wait = instance.get_typed_func::<(i32, i32, i32), i32>("import").unwrap();
                let [import, what, at] =
                    args.map(|value| if let Val::I32(value) = value { value } else { 0 });
                let (_, outcome) = plan::with(position, failure, || {
                    let outcome = wait.call_resumable(&mut instance, (import, what, at));
                    if let Ok(crate::Outcome::Suspended(call)) = outcome
                        && resumed
                    {
                        let complete = |caller: &mut Caller<'_, ()>| {
                            caller.write(12 * PAGE as u32, &[1; 5000])?;
                            Ok(5i32)
                        };
                        match call.resume_with(&mut instance, complete) {
                            Ok(outcome) => assert!(matches!(outcome, crate::Outcome::Returned(5))),
                            Err(error) => assert_is_refusal(&error),
                        }
                        spoil(&mut instance);
                    }
                    drop(instance);
                });
                assert_as_new(&pool, &linked, &format!("suspend, {way:?}, {position}, {failure:?}"));
                outcome
            }
        };
        sweep(&format!("{way:?}: suspend and resume"), phase(true));
        sweep(&format!("{way:?}: suspend and give up"), phase(false));
    }
}

#[test]
fn instantiating() {
    sweep("instantiate in a store, write, grow and drop", |position, failure| {
        let linker = linker();
        let (_, outcome) = plan::with(position, failure, || {
            let mut store = Store::new(());
            match linker.instantiate(&mut store, &MODULE) {
                Ok(instance) => {
                    let memory = instance.get_memory(&store, "further").unwrap();
                    let size = if memory.grow(&mut store, 1).is_ok() { 2 } else { 1 } << 16;
                    assert_eq!(memory.data_size(&store), Ok(size));
                    memory.write(&mut store, size - 1, &[1]).unwrap();
                    assert!(memory.write(&mut store, size, &[1]).is_err());
                }
                Err(InstantiateError::Map { .. }) => {}
                Err(InstantiateError::Run(error)) => assert_is_refusal(&error),
                Err(other) => panic!("{other:?}"),
            }
        });
        let mut store = Store::new(());
        assert!(linker.instantiate(&mut store, &MODULE).is_ok());
        outcome
    });
    sweep("drop a pool", |position, failure| {
        let (pool, linked, mut instance) = started(ResetWay::Copy, 0);
        spoil(&mut instance);
        drop(instance);
        let (_, outcome) = plan::with(position, failure, || drop(pool));
        assert_as_new(&super::tests::pool(1, ResetWay::Copy), &linked, "another pool");
        outcome
    });
    sweep("finish after the pool", |position, failure| {
        let (pool, linked, mut instance) = started(ResetWay::Copy, 0);
        spoil(&mut instance);
        drop(pool);
        let (_, outcome) = plan::with(position, failure, || drop(instance));
        assert_as_new(&super::tests::pool(1, ResetWay::Copy), &linked, "another pool");
        outcome
    });
}
