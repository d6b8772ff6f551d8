//! Limits of an instance: none is exceeded, exceeding one is a typed error, and the slot can be used again
//! afterwards. And limits on what a module asks for: one beyond a limit is refused when it is linked, before
//! anything is made for it.

use std::time::{Duration, Instant};
use wasmaot_runtime::{
    CallError, Caller, InstancePre, InstantiateError, LimitKind, Linker, Module, ModuleLimits, Pool,
    PoolConfig, PooledInstance, ResourceLimits, StartError, Store, TrapCode, Val,
};
use wasmaot_tests::{module, trap_code};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder, add_to_linker};

const PAGE: u64 = 65_536;

const TEXT: &str = r#"(module
  (memory (export "memory") 2 10)
  (table $t (export "table") 5 100 externref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_table") (param i32) (result i32)
    (table.grow $t (ref.null extern) (local.get 0)))
  (func $deep (export "deep") (call $deep))
  (func (export "spin") (loop $on (br $on))))"#;

fn linked(text: &str) -> InstancePre<()> {
    let module = module(text);
    Linker::new().instantiate_pre(&module).expect("it imports nothing")
}

fn pool() -> Pool {
    Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool")
}

fn start(pool: &Pool, linked: &InstancePre<()>, limits: ResourceLimits) -> PooledInstance<()> {
    pool.start_with(linked, (), &limits).expect("a free slot")
}

fn grow(instance: &mut PooledInstance<()>, name: &str, by: i32) -> Result<i32, CallError> {
    match instance.call(name, &[Val::I32(by)])?[..] {
        [Val::I32(old)] => Ok(old),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn growth_ends_at_the_limit_of_this_start() {
    let (pool, linked) = (pool(), linked(TEXT));
    let limits = ResourceLimits { memory: 4 * PAGE, table: 8, ..ResourceLimits::default() };
    for _ in 0..3 {
        let mut instance = start(&pool, &linked, limits);
        assert_eq!(grow(&mut instance, "grow", 2).expect("it runs"), 2);
        assert_eq!(grow(&mut instance, "grow", 1).expect("it runs"), -1);
        assert_eq!(grow(&mut instance, "grow_table", 3).expect("it runs"), 5);
        assert_eq!(grow(&mut instance, "grow_table", 1).expect("it runs"), -1);
        drop(instance);
        // The next one has the pool's limits again.
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        assert_eq!(grow(&mut instance, "grow", 8).expect("it runs"), 2);
        assert_eq!(grow(&mut instance, "grow_table", 95).expect("it runs"), 5);
    }
    assert_eq!(pool.stats().made, 1);
}

#[test]
fn growth_beyond_a_limit_traps_if_that_is_wanted() {
    let (pool, linked) = (pool(), linked(TEXT));
    let limits = ResourceLimits { memory: 4 * PAGE, table: 8, trap: true, ..ResourceLimits::default() };
    for (name, by, code) in [("grow", 3, TrapCode::MemoryLimit), ("grow_table", 4, TrapCode::TableLimit)] {
        let mut instance = start(&pool, &linked, limits);
        // Beyond what the module declares is the module's own affair.
        assert_eq!(grow(&mut instance, name, 1000).expect("it runs"), -1);
        assert_eq!(trap_code(grow(&mut instance, name, by)), code);
        drop(instance);
        let mut next = pool.start(&linked, ()).expect("a free slot");
        assert!(grow(&mut next, name, by).expect("it runs") > 0);
    }
}

#[test]
fn an_instance_that_begins_beyond_a_limit_is_not_started() {
    let (pool, linked) = (pool(), linked(TEXT));
    let small = ResourceLimits { memory: PAGE, ..ResourceLimits::default() };
    let error = pool.start_with(&linked, (), &small).err().expect("too large");
    let text = "limit exceeded: `memory` is 65536, and the module asks for 131072";
    assert_eq!(error.to_string(), text);
    let small = ResourceLimits { table: 4, ..ResourceLimits::default() };
    let error = pool.start_with(&linked, (), &small).err().expect("too large");
    assert_eq!(error.to_string(), "limit exceeded: `table` is 4, and the module asks for 5");
    drop(pool.start(&linked, ()).expect("the slot is free"));
    let config = PoolConfig { slots: 1, memory: PAGE, ..PoolConfig::default() };
    let error = Pool::new(config).expect("a pool").start(&linked, ()).err().expect("too large");
    assert!(
        matches!(error, StartError::Instantiate(InstantiateError::Limit { limit: LimitKind::Memory, .. })),
        "{error}"
    );
}

/// Of a table that nothing can change an instance holds nothing, but it has its elements.
#[test]
fn a_constant_table_is_limited_too() {
    let text = r#"(module (table 5 funcref) (elem (i32.const 0) func $f) (func $f)
        (func (export "call") (param i32) (call_indirect (local.get 0))))"#;
    let (pool, module) = (pool(), module(text));
    let linked = linked(text);
    for table in [4, 5] {
        let limits = ResourceLimits { table, ..ResourceLimits::default() };
        let mut store = Store::new(());
        store.set_limits(limits).expect("nothing is watched");
        let in_store = Linker::new().instantiate(&mut store, &module).map(drop);
        let in_pool = pool.start_with(&linked, (), &limits).map(drop);
        match (in_store, in_pool) {
            (Ok(()), Ok(())) => assert_eq!(table, 5),
            (
                Err(InstantiateError::Limit { limit: LimitKind::Table, value: 4, asked: 5 }),
                Err(StartError::Instantiate(InstantiateError::Limit {
                    limit: LimitKind::Table,
                    value: 4,
                    asked: 5,
                })),
            ) => assert_eq!(table, 4),
            other => panic!("{other:?}"),
        }
    }
}

/// A guest that keeps all exceptions that it throws, in a list.
#[test]
fn stored_exceptions_are_limited() {
    let text = r#"(module (tag $e (param exnref)) (global $last (mut exnref) (ref.null exn))
        (func (export "keep") (param $count i32)
            (loop $next
                (block $caught (result exnref exnref)
                    (try_table (catch_ref $e $caught) (throw $e (global.get $last)))
                    (unreachable))
                (global.set $last)
                (drop)
                (local.set $count (i32.sub (local.get $count) (i32.const 1)))
                (br_if $next (local.get $count)))))"#;
    let linked = linked(text);
    let keep = |pool: &Pool, limits: ResourceLimits, count: i32| {
        start(pool, &linked, limits).call("keep", &[Val::I32(count)]).map(drop)
    };
    let limits = ResourceLimits { exceptions: 1000, ..ResourceLimits::default() };
    let of_pool = PoolConfig { slots: 1, exceptions: 1000, ..PoolConfig::default() };
    let of_pool = Pool::new(of_pool).expect("a pool");
    for (pool, limits) in [(&pool(), limits), (&of_pool, ResourceLimits::default())] {
        keep(pool, limits, 900).expect("it is within the limit");
        assert_eq!(trap_code(keep(pool, limits, 1200)), TrapCode::ExceptionLimit);
    }
    // A start's limits are those of that start.
    let pool = pool();
    assert_eq!(trap_code(keep(&pool, limits, 1200)), TrapCode::ExceptionLimit);
    keep(&pool, ResourceLimits::default(), 1200).expect("it is within the default");
}

#[test]
fn a_start_cannot_raise_the_pools_limits() {
    let (linked, limits) = (linked(TEXT), ResourceLimits::default());
    let config = PoolConfig { slots: 1, memory: 3 * PAGE, table: 6, ..PoolConfig::default() };
    let mut instance = start(&Pool::new(config).expect("a pool"), &linked, limits);
    assert_eq!(grow(&mut instance, "grow", 2).expect("it runs"), -1);
    assert_eq!(grow(&mut instance, "grow_table", 2).expect("it runs"), -1);
}

#[test]
fn a_stores_limits_are_for_its_later_instances() {
    let module = module(TEXT);
    let mut store = Store::new(());
    let first = Linker::new().instantiate(&mut store, &module).expect("no limits");
    store.set_limits(ResourceLimits { memory: 3 * PAGE, ..ResourceLimits::default() }).expect("a watchdog");
    let second = Linker::new().instantiate(&mut store, &module).expect("within its limits");
    let five = [Val::I32(5)];
    assert_eq!(first.call(&mut store, "grow", &five).expect("it runs"), [Val::I32(2)]);
    assert_eq!(second.call(&mut store, "grow", &five).expect("it runs"), [Val::I32(-1)]);
}

#[test]
fn stack_and_time_are_limited_too() {
    let linked = linked(TEXT);
    let config = PoolConfig { slots: 1, stack: 64 << 10, ..PoolConfig::default() };
    let pool = Pool::new(config).expect("a pool");
    for _ in 0..3 {
        let within = |time| {
            let deadline = Some(Instant::now() + time);
            start(&pool, &linked, ResourceLimits { deadline, ..ResourceLimits::default() })
        };
        let deep = within(Duration::from_secs(3600)).call("deep", &[]);
        assert_eq!(trap_code(deep), TrapCode::StackOverflow);
        let spin = within(Duration::from_millis(5)).call("spin", &[]);
        assert_eq!(trap_code(spin), TrapCode::DeadlineExceeded);
    }
    assert_eq!(pool.stats().made, 1);
}

/// The start function runs before the embedder has the instance.
#[test]
fn a_start_function_has_a_deadline() {
    let (pool, endless) = (pool(), linked("(module (func $f (loop $on (br $on))) (start $f))"));
    let deadline = Some(Instant::now() + Duration::from_millis(5));
    let limits = ResourceLimits { deadline, ..ResourceLimits::default() };
    let error = pool.start_with(&endless, (), &limits).err().expect("it never ends");
    let StartError::Instantiate(error) = error else { panic!("{error}") };
    assert_eq!(error.trap().map(|trap| trap.code), Some(TrapCode::DeadlineExceeded), "{error}");
}

/// A linker whose limits `change` has changed.
fn linker_with(change: impl FnOnce(&mut ModuleLimits)) -> Linker<()> {
    let (mut linker, mut limits) = (Linker::new(), ModuleLimits::default());
    change(&mut limits);
    linker.set_module_limits(limits);
    linker.func_wrap("h", "f", |_: &mut Caller<'_, ()>| ()).expect("a new name");
    linker
}

/// The limit that linking a module exceeds: its name, its value, and what the module asks for.
fn exceeded(linker: &Linker<()>, module: &Module) -> Option<(&'static str, u64, u64)> {
    let in_store = linker.instantiate(&mut Store::new(()), module).map(drop);
    match (linker.instantiate_pre(module).map(drop), in_store) {
        (Ok(()), Ok(())) => None,
        (
            Err(InstantiateError::Limit { limit, value, asked }),
            Err(InstantiateError::Limit { limit: other, .. }),
        ) => {
            assert_eq!(limit, other);
            Some((limit.name(), value, asked))
        }
        other => panic!("{other:?}"),
    }
}

/// `text` for each index, in a row.
fn each(count: u64, text: impl Fn(u64) -> String) -> String {
    (0..count).map(text).collect()
}

type Set = fn(&mut ModuleLimits, u64);
type Text = fn(u64) -> String;

/// Each limit set to 3, with the number of things in a module that just passes, and a module with this many.
const KINDS: &[(&str, Set, u64, Text)] = &[
    ("memories", |limits, n| limits.memories = n as u32, 3, |n| each(n, |_| "(memory 1)".into())),
    ("tables", |limits, n| limits.tables = n as u32, 3, |n| each(n, |_| "(table 1 funcref)".into())),
    (
        "total_elements",
        |limits, n| limits.total_elements = n,
        3,
        |n| format!("(table $t (export \"t\") {n} funcref) (table (export \"u\") 0 funcref)"),
    ),
    (
        "total_elements",
        |limits, n| limits.total_elements = n,
        3,
        |n| {
            let segments = each(n, |_| "(elem (table $t) (i32.const 0) func $f)".into());
            format!("(table $t (export \"t\") 1 funcref) (func $f) {segments}")
        },
    ),
    (
        "globals",
        |limits, n| limits.globals = n as u32,
        3,
        |n| each(n, |_| "(global i32 (i32.const 0))".into()),
    ),
    (
        "functions",
        |limits, n| limits.functions = n as u32,
        3,
        |n| {
            let imported = r#"(import "h" "f" (func))"#;
            imported.to_string() + &each(n - 1, |i| format!("(func (export \"{i}\"))"))
        },
    ),
    ("types", |limits, n| limits.types = n as u32, 3, |n| each(n, types_of)),
    ("tags", |limits, n| limits.tags = n as u32, 3, |n| each(n, |_| "(tag)".into())),
    (
        "segments",
        |limits, n| limits.segments = n as u32,
        3,
        |n| each(n - 1, |_| "(data \"a\")".into()) + "(elem funcref (ref.null func))",
    ),
    (
        "written_pages",
        |limits, n| limits.written_pages = n,
        3,
        |n| {
            // An image has whole pages only.
            let bytes = 4096 * (n as usize - 1) + 1;
            format!("(memory {bytes} (pagesize 1)) (data (i32.const 0) \"{}\")", "a".repeat(bytes))
        },
    ),
    (
        "mappings",
        |limits, n| limits.mappings = n as u32,
        34,
        |n| each(n / 2 - 16, |i| format!("(table (export \"{i}\") 1 funcref)")),
    ),
];

/// A function type that no other index has.
fn types_of(index: u64) -> String {
    format!("(type (func (param {})))", " i32".repeat(index as usize))
}

#[test]
fn a_module_beyond_a_limit_is_refused_when_it_is_linked() {
    for (name, set, value, text) in KINDS {
        let linker = linker_with(|limits| set(limits, *value));
        let passes = module(&format!("(module {})", text(*value)));
        assert_eq!(exceeded(&linker, &passes), None, "{name}");
        let step = if *name == "mappings" { 2 } else { 1 };
        let beyond = module(&format!("(module {})", text(value + step)));
        assert_eq!(exceeded(&linker, &beyond), Some((*name, *value, value + step)));
        let error = linker.instantiate_pre(&beyond).err().expect("it is beyond the limit");
        let expected =
            format!("limit exceeded: `{name}` is {value}, and the module asks for {}", value + step);
        assert_eq!(error.to_string(), expected);
    }
}

/// Modules that took all addresses or all memory, or half a minute to start.
#[test]
fn hungry_modules_are_refused_by_the_defaults() {
    let tables = |count| {
        let tables = each(count, |i| format!("(table (export \"{i}\") 10000000 funcref)"));
        module(&format!("(module {tables})"))
    };
    let linker = linker_with(|_| ());
    assert_eq!(exceeded(&linker, &tables(100)), Some(("tables", 32, 100)));
    assert_eq!(exceeded(&linker, &tables(1)), Some(("total_elements", 100_000, 10_000_000)));
    let memories = each(100, |_| "(memory i64 0 1048576)".into());
    let memories = module(&format!("(module {memories})"));
    assert_eq!(exceeded(&linker, &memories), Some(("memories", 9, 100)));
}

#[test]
fn tables_grow_up_to_their_limit_together() {
    let text = r#"(module
      (table $t (export "t") 1 funcref) (table $u (export "u") 1 10 funcref)
      (func (export "t") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
      (func (export "u") (param i32) (result i32) (table.grow $u (ref.null func) (local.get 0))))"#;
    let text =
        text.replace("(export \"t\") 1", "(export \"a\") 1").replace("(export \"u\") 1", "(export \"b\") 1");
    let linked = linker_with(|limits| limits.total_elements = 6)
        .instantiate_pre(&module(&text))
        .expect("within limits");
    let pool = pool();
    for _ in 0..3 {
        let mut instance = pool.start(&linked, ()).expect("a free slot");
        let mut grow = |name, by| grow(&mut instance, name, by).expect("it runs");
        assert_eq!(grow("t", 5), -1);
        assert_eq!(grow("t", 3), 1);
        assert_eq!(grow("u", 100), -1);
        assert_eq!(grow("u", 2), -1);
        assert_eq!(grow("u", 1), 1);
        assert_eq!(grow("t", 1), -1);
    }
    assert_eq!(pool.stats().made, 1);
}

/// The end of addresses of this process that are mapped, reserved ones included.
fn mapped_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").expect("a status");
    status.split(' ').next().and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4096
}

#[test]
fn what_is_compared_with_its_length_reserves_what_its_limit_allows() {
    let text = r#"(module (memory i64 1 1048576) (table (export "t") 1 funcref)
      (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))"#;
    let module = module(text);
    let linker = linker_with(|_| ());
    let reserved = |limits: ResourceLimits| {
        let mut store = Store::new(());
        store.set_limits(limits).expect("no deadline");
        let before = mapped_bytes();
        let instance = linker.instantiate(&mut store, &module).expect("within limits");
        let bytes = mapped_bytes() - before;
        let pages = (limits.memory >> 16) as i64;
        let grown =
            |store: &mut Store<()>, by| instance.call(store, "grow", &[Val::I64(by)]).expect("it runs");
        assert_eq!(grown(&mut store, pages), [Val::I64(-1)]);
        assert_eq!(grown(&mut store, pages - 1), [Val::I64(1)]);
        bytes
    };
    let small = ResourceLimits { memory: 16 * PAGE, table: 512, ..ResourceLimits::default() };
    let large = ResourceLimits { memory: 1 << 30, table: 1 << 20, ..ResourceLimits::default() };
    let (small, large) = (reserved(small), reserved(large));
    let more = (1 << 30) - 16 * PAGE + (1 << 23) - 4096;
    // Other tests may map something meanwhile, which is less than a memory.
    assert!(large.abs_diff(small + more) < 512 << 20, "{small:#x} and {large:#x}");
}

#[test]
fn addresses_are_limited_for_an_instance_and_for_a_pool() {
    let text = format!("(module {})", each(3, |_| "(memory 1)".into()));
    let linked = linked(&text);
    let with = |addresses, total_addresses| {
        Pool::new(PoolConfig { slots: 2, addresses, total_addresses, ..PoolConfig::default() })
            .expect("a pool")
    };
    let limit = |error: Option<StartError>| match error {
        Some(StartError::Instantiate(InstantiateError::Limit { limit, value, asked })) => {
            (limit.name(), value, asked)
        }
        other => panic!("{other:?}"),
    };
    let gib = 1 << 30;
    let (limited, value, asked) = limit(with(24 * gib, 100 * gib).start(&linked, ()).err());
    assert_eq!((limited, value), ("addresses", 24 * gib));
    assert!((24 * gib..25 * gib).contains(&asked), "{asked:#x}");
    let pool = with(25 * gib, 17 * gib);
    let first = pool.start(&linked, ()).expect("16 GiB outside of the slot");
    let (limited, value, asked) = limit(pool.start(&linked, ()).err());
    assert_eq!((limited, value), ("total_addresses", 17 * gib));
    assert!((32 * gib..33 * gib).contains(&asked), "{asked:#x}");
    drop(first);
    drop(pool.start(&linked, ()).expect("the first one's"));
}

/// A guest opens files until that is refused. The host can open some all the same.
#[test]
fn descriptors_are_few() {
    let text = r#"(module
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 16) "out")
      (func (export "go") (result i32) (local $opened i32) (local $errno i32)
        (loop $again
          (local.set $errno (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 3)
            (i32.const 1) (i64.const 64) (i64.const 64) (i32.const 0) (i32.const 8)))
          (local.set $opened (i32.add (local.get $opened) (i32.eqz (local.get $errno))))
          (br_if $again (i32.eqz (local.get $errno))))
        (i32.add (i32.mul (local.get $opened) (i32.const 100)) (local.get $errno))))"#;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut linker = Linker::<WasiCtx>::new();
    add_to_linker(&mut linker, |ctx| ctx).expect("new names");
    let linked = linker.instantiate_pre(&module(text)).expect("all is defined");
    let mut context = WasiCtxBuilder::new();
    context.preopen_dir(folder.path(), "/").expect("a folder");
    let mut instance = pool().start(&linked, context.build()).expect("a free slot");
    // Too many files of this process: `mfile`, 33.
    let expected = (128 - 4) * 100 + 33;
    assert_eq!(instance.call("go", &[]).expect("it runs"), [Val::I32(expected)]);
    std::fs::File::open("/dev/null").expect("the host has descriptors left");
}
