//! Limits of an instance: none is exceeded, exceeding one is a typed error, and the slot is as good as new afterwards.

use std::time::{Duration, Instant};
use wasmaot_runtime::{
    CallError, InstantiateError, Linked, Linker, Module, Pool, PoolConfig, PooledInstance, ResourceLimits,
    StartError, Store, TrapCode, Val,
};
use wasmaot_tests::{compile_wat, trap_code};

const PAGE: u64 = 65_536;

const TEXT: &str = r#"(module
  (memory (export "memory") 2 10)
  (table $t (export "table") 5 100 externref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_table") (param i32) (result i32)
    (table.grow $t (ref.null extern) (local.get 0)))
  (func $deep (export "deep") (call $deep))
  (func (export "spin") (loop $on (br $on))))"#;

fn linked(text: &str) -> Linked<()> {
    let module = Module::from_bytes(&compile_wat(text)).expect("the module is sound");
    Linker::new().link(&module).expect("it imports nothing")
}

fn pool() -> Pool {
    Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool")
}

fn start(pool: &Pool, linked: &Linked<()>, limits: ResourceLimits) -> PooledInstance<()> {
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
    let text = "a memory of 2 pages is larger than the 1 pages that this runtime allows";
    assert_eq!(error.to_string(), text);
    let small = ResourceLimits { table: 4, ..ResourceLimits::default() };
    let error = pool.start_with(&linked, (), &small).err().expect("too large");
    assert!(error.to_string().starts_with("a table of 5 elements"), "{error}");
    drop(pool.start(&linked, ()).expect("the slot is free"));
    let config = PoolConfig { slots: 1, memory: PAGE, ..PoolConfig::default() };
    let error = Pool::new(config).expect("a pool").start(&linked, ()).err().expect("too large");
    assert!(
        matches!(error, StartError::Instantiate(InstantiateError::TooLarge { what: "memory", .. })),
        "{error}"
    );
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
    let module = Module::from_bytes(&compile_wat(TEXT)).expect("the module is sound");
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
