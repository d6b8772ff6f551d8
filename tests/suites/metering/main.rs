//! Metered code: counts are exact wherever a run ends, at every optimisation level, and fuel limits a run.
//!
//! The suite `differential` compares counts of random modules with those of modules that spell
//! their counting out; here, and in `scripts/metering.wast`, the numbers are known.

mod bulk;

use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmaot_abi::meter::MAX_ROW;
use wasmaot_compiler::Options;
use wasmaot_runtime::{
    CallError, HostError, Instance, InstantiateError, Linker, Module, NotMetered, Outcome, Pool, PoolConfig,
    ResourceLimits, Store, Suspend, TrapCode, Val,
};
use wasmaot_tests::{options, repository, stopped_while_running, trap_code, variants};
use wasmaot_wasi::WasiCtxBuilder;

/// The most operators that are executed beyond the fuel.
const ROW: u64 = MAX_ROW as u64;

fn all_variants() -> Vec<(String, Options)> {
    let default = ("default".to_string(), options());
    let metered = |(name, options)| (name, Options { meter: true, ..options });
    std::iter::once(default).chain(variants()).map(metered).collect()
}

fn metered(wat: &str, options: &Options) -> Module {
    let wasm = wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}"));
    let output = wasmaot_compiler::compile(&wasm, options, &|_| {}).unwrap_or_else(|e| panic!("{e}"));
    wasmaot_tests::load(&output.bytes).unwrap_or_else(|e| panic!("{e}"))
}

fn default() -> Options {
    Options { meter: true, ..options() }
}

fn instance(module: &Module) -> (Store<()>, Instance) {
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, module).unwrap_or_else(|e| panic!("{e}"));
    (store, instance)
}

/// Each function says what it counts; `scripts/metering.wast` has more of them.
const TEXT: &str = include_str!("../../guests/metering.wat");

/// Rows are longer than what is charged at once.
#[test]
fn long_rows_are_exact_up_to_every_operator() {
    for length in [0, 1, 31, 64, 88, 89, 90, 91, 92, 180, 1000] {
        let body = "(drop (i32.const 0))".repeat(length);
        let text = format!(
            r#"(module (memory 0) (func (export "f") {body} (drop (i32.load (i32.const 0))) {body}))"#
        );
        for (variant, options) in all_variants() {
            let (mut store, instance) = instance(&metered(&text, &options));
            assert_eq!(trap_code(instance.call(&mut store, "f", &[])), TrapCode::MemoryOutOfBounds);
            assert_eq!(store.operators(), Some(2 * length as u64 + 2), "{length}, {variant}");
        }
    }
}

/// Whatever the fuel, a run of `total` operators ends normally if that is enough, and not much later if it is
/// not.
fn with_every_fuel(name: &str, arguments: &[Val], total: u64) {
    let modules: Vec<Module> = all_variants().iter().map(|(_, options)| metered(TEXT, options)).collect();
    for fuel in (0..total + 2).step_by(1 + total as usize / 300) {
        let ends = modules.iter().map(|module| {
            let (mut store, instance) = instance(module);
            store.set_fuel(fuel).expect("it is metered");
            let end = instance.call(&mut store, name, arguments);
            let executed = store.operators().expect("it is metered");
            if total <= fuel {
                end.unwrap_or_else(|e| panic!("{name} with {fuel}: {e}"));
                assert_eq!(executed, total);
            } else {
                assert_eq!(trap_code(end), TrapCode::OutOfFuel);
                assert!(fuel < executed && executed <= fuel + ROW, "{name}: {executed} with {fuel}");
            }
            executed
        });
        let ends: Vec<u64> = ends.collect();
        assert!(ends.iter().all(|&executed| executed == ends[0]), "{name} with {fuel}: {ends:?}");
    }
}

#[test]
fn fuel_ends_loops_recursions_and_straight_code() {
    with_every_fuel("loop", &[Val::I32(300)], 1500);
    with_every_fuel("loop with a way out", &[Val::I32(200)], 1604);
    with_every_fuel("deep", &[Val::I32(100)], 603);
    with_every_fuel("tail call", &[Val::I32(100)], 602);
    with_every_fuel("call", &[], 6);
    with_every_fuel("add", &[Val::I32(1), Val::I32(1)], 3);
}

#[test]
fn more_fuel_goes_on() {
    let (mut store, instance) = instance(&metered(TEXT, &default()));
    let call = |store: &mut Store<()>| instance.call(store, "loop", &[Val::I32(100)]);
    store.set_fuel(500).expect("it is metered");
    call(&mut store).expect("it is enough");
    assert_eq!(trap_code(call(&mut store)), TrapCode::OutOfFuel);
    let executed = store.operators().expect("it is metered");
    for fuel in [500, u64::MAX, i64::MAX as u64, 500] {
        store.set_fuel(fuel).expect("it is metered");
        call(&mut store).expect("it is enough");
    }
    assert_eq!(store.operators(), Some(executed + 4 * 500));
    assert_eq!(trap_code(call(&mut store)), TrapCode::OutOfFuel);
}

#[test]
fn start_functions_draw_on_it() {
    let text = r#"(module (global $n (mut i32) (i32.const 100)) (start $run) (func $run
        (loop (br_if 0 (global.get $n) (global.set $n (i32.sub (global.get $n) (i32.const 1)))))))"#;
    let module = metered(text, &default());
    let with = |fuel| {
        let mut store = Store::new(());
        store.set_limits(ResourceLimits { fuel, ..ResourceLimits::default() }).expect("a watchdog");
        let made = Linker::new().instantiate(&mut store, &module);
        made.map(|_| store.operators())
    };
    assert_eq!(with(None).expect("no limit"), Some(606));
    assert_eq!(with(Some(606)).expect("it is enough"), Some(606));
    match with(Some(605)) {
        Err(error) => assert_eq!(error.trap().expect("a trap").code, TrapCode::OutOfFuel),
        Ok(_) => panic!("it is not enough"),
    }
}

#[test]
fn hosts_see_exact_counts_in_their_functions() {
    let text = r#"(module (import "host" "look" (func $look))
        (func (export "f") (drop (i32.const 0)) (call $look) (drop (i32.const 0)) (call $look) (drop (i32.const 0))))"#;
    let module = metered(text, &default());
    let mut linker = Linker::<Vec<Option<u64>>>::new();
    let look = |caller: &mut wasmaot_runtime::Caller<'_, Vec<Option<u64>>>| {
        let operators = caller.operators();
        caller.data_mut().push(operators);
    };
    linker.func_wrap("host", "look", look).expect("a new name");
    let mut store = Store::new(Vec::new());
    let instance = linker.instantiate(&mut store, &module).expect("it is sound");
    instance.call(&mut store, "f", &[]).expect("it runs");
    assert_eq!(*store.data(), [Some(3), Some(6)]);
    assert_eq!(store.operators(), Some(8));
}

/// All instances of a store draw on one meter, whichever calls which and in whatever way.
#[test]
fn instances_have_one_meter_together() {
    let callee = r#"(module
        (import "host" "back" (func $back))
        (func (export "f") (param i32) ;; 5 for each round, and 2
            (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (drop (i32.const 0)))
        (func (export "trap") (drop (i32.const 0)) unreachable) ;; 3
        (func (export "back") (drop (i32.const 0)) (call $back) (drop (i32.const 0))))"#; // 5
    let caller = r#"(module
        (import "a" "f" (func $f (param i32)))
        (import "a" "trap" (func $trap))
        (import "a" "back" (func $back))
        (import "a" "table" (table 2 funcref))
        (func (export "direct") (call $f (i32.const 10)) (drop (i32.const 0))) ;; 2, 52 and 2
        (func (export "indirect") (call_indirect (param i32) (i32.const 10) (i32.const 0)) (drop (i32.const 0))) ;; 3, 52 and 2
        (func (export "tail") (return_call $f (i32.const 10))) ;; 2 and 52
        (func (export "trap") (drop (i32.const 0)) (call $trap)) ;; 3 and 3
        (func (export "through the host") (call $back))) ;; 1, 5 and what the host calls"#;
    for (variant, options) in all_variants() {
        let mut linker = Linker::<()>::new();
        let back = |caller: &mut wasmaot_runtime::Caller<'_, ()>| {
            let before = caller.operators().expect("it is metered");
            caller.call("f", &[Val::I32(4)])?;
            assert_eq!(caller.operators(), Some(before + 22));
            Ok::<(), HostError>(())
        };
        linker.func_wrap("host", "back", back).expect("a new name");
        let mut store = Store::new(());
        let table = callee.replacen(
            "(func (export \"f\")",
            "(table (export \"table\") 2 funcref) (elem (i32.const 0) $f) (func $f (export \"f\")",
            1,
        );
        let first = linker.instantiate(&mut store, &metered(&table, &options)).expect("it is sound");
        linker.instance(&store, "a", first).expect("new names");
        let second = linker.instantiate(&mut store, &metered(caller, &options)).expect("it is sound");
        let mut before = 0;
        for (name, expected) in
            [("direct", 56), ("indirect", 57), ("tail", 54), ("trap", 6), ("through the host", 6 + 22)]
        {
            let end = second.call(&mut store, name, &[]);
            assert_eq!(end.is_err(), name == "trap", "{name}, {variant}: {end:?}");
            let counted = store.operators().expect("it is metered");
            assert_eq!(counted - before, expected, "{name}, {variant}");
            before = counted;
        }
        store.set_fuel(30).expect("it is metered");
        assert_eq!(trap_code(second.call(&mut store, "direct", &[])), TrapCode::OutOfFuel);
        let plain = wasmaot_tests::module("(module)");
        let mixed = linker.instantiate(&mut store, &plain);
        assert!(matches!(mixed, Err(InstantiateError::MixedMetering { metered: false })), "{mixed:?}");
    }
}

/// Exceptions pass frames of several instances and of the host; nothing of the count is lost on the way.
#[test]
fn exceptions_carry_the_count() {
    let text = r#"(module
        (import "host" "relay" (func $relay (param i32)))
        (tag $tag (param i32))
        (func $throws (export "throws") (param i32) ;; 4
            (drop (i32.const 0)) (throw $tag (local.get 0)))
        (func (export "catches") (param i32) (result i32) ;; 2, 4, and 3
            (block $caught (result i32)
                (try_table (catch $tag $caught) (call $throws (local.get 0)))
                unreachable)
            (i32.add (i32.const 1)))
        (func (export "catches from the host") (param i32) (result i32) ;; 2, 4, and 2
            (block $caught (result i32)
                (try_table (catch $tag $caught) (call $relay (local.get 0)))
                unreachable)
            (i32.add (i32.const 1))))"#;
    for (variant, options) in all_variants() {
        let mut linker = Linker::<()>::new();
        let relay = |caller: &mut wasmaot_runtime::Caller<'_, ()>, value: i32| {
            caller.call("throws", &[Val::I32(value)]).map(drop).map_err(HostError::from)
        };
        linker.func_wrap("host", "relay", relay).expect("a new name");
        let mut store = Store::new(());
        let instance = linker.instantiate(&mut store, &metered(text, &options)).expect("it is sound");
        let mut before = 0;
        for (name, expected) in [("catches", 8), ("catches from the host", 8), ("throws", 4)] {
            let end = instance.call(&mut store, name, &[Val::I32(7)]);
            match end {
                Ok(results) => assert_eq!(results, [Val::I32(8)]),
                Err(error) => assert!(matches!(error, CallError::Exception(_)), "{name}, {variant}: {error}"),
            }
            let counted = store.operators().expect("it is metered");
            assert_eq!(counted - before, expected, "{name}, {variant}");
            before = counted;
        }
    }
}

/// A suspended call goes on with the count that it had, or with the fuel that it was given meanwhile.
#[test]
fn suspended_calls_keep_the_count() {
    let text = r#"(module (import "host" "wait" (func $wait (result i32)))
        (func (export "f") (result i32) ;; 8 and 1
            (i32.add (call $wait) (i32.add (call $wait) (i32.add (i32.const 1) (i32.const 2))))
            (return)))"#;
    let mut linker = Linker::<()>::new();
    let wait = |_: &mut wasmaot_runtime::Caller<'_, ()>| Err::<i32, HostError>(Suspend::new(()).into());
    linker.func_wrap("host", "wait", wait).expect("a new name");
    let mut store = Store::new(());
    let instance = linker.instantiate(&mut store, &metered(text, &default())).expect("it is sound");
    let f = instance.get_typed_func::<(), i32>(&store, "f").expect("an export");
    let Ok(Outcome::Suspended(suspended)) = f.call_resumable(&mut store, ()) else { panic!("it waits") };
    assert_eq!(store.operators(), Some(1));
    store.set_fuel(100).expect("it is metered");
    let Ok(Outcome::Suspended(suspended)) = suspended.resume(&mut store, 5) else { panic!("it waits") };
    assert_eq!(store.operators(), Some(2));
    let Ok(Outcome::Returned(8)) = suspended.resume(&mut store, 0) else { panic!("it returns") };
    assert_eq!(store.operators(), Some(8));
}

/// What was executed before a run was stopped from outside is billed.
#[test]
fn stopped_runs_are_counted() {
    let (mut store, instance) = instance(&metered(
        r#"(module (memory 1) (func (export "spin") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 64)) (br 0))))"#,
        &default(),
    ));
    for _ in 1..10 {
        let before = store.operators().expect("it is metered");
        stopped_while_running(|deadline| {
            store.set_deadline(deadline).expect("a watchdog");
            instance.call(&mut store, "spin", &[])
        });
        // Some rounds for certain: the deadline is not looked at in the code.
        assert!(store.operators().expect("it is metered") > before + 10);
    }
}

#[test]
fn pools_count_every_instance_anew() {
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    let linked = Linker::<()>::new().instantiate_pre(&metered(TEXT, &default())).expect("it imports nothing");
    for round in 0..3 {
        let limits = ResourceLimits { fuel: Some(500), ..ResourceLimits::default() };
        let mut instance = pool.start_with(&linked, (), &limits).expect("a free slot");
        assert_eq!(instance.operators(), Some(0));
        instance.call("loop", &[Val::I32(100)]).expect("it is enough");
        assert_eq!(trap_code(instance.call("late", &[])), TrapCode::Unreachable);
        assert_eq!(instance.finish().operators, Some(503));

        let mut instance = pool.start(&linked, ()).expect("a free slot");
        instance.call("loop", &[Val::I32(1000 + round)]).expect("nothing limits it");
        assert_eq!(instance.finish().operators, Some(5000 + 5 * round as u64));

        let mut instance = pool.start(&linked, ()).expect("a free slot");
        instance.set_fuel(10).expect("it is metered");
        assert_eq!(trap_code(instance.call("loop", &[Val::I32(100)])), TrapCode::OutOfFuel);
        assert_eq!(instance.finish().operators, Some(15));
    }
    assert_eq!(pool.stats().made, 1);
}

/// Code that calls host functions which return, trap, panic, throw and wait, each of which was called; and so
/// does code that does not count operators.
#[test]
fn calls_of_host_functions_are_counted_however_they_end() {
    let text = r#"(module
        (import "host" "return" (func $return))
        (import "host" "trap" (func $trap))
        (import "host" "panic" (func $panic))
        (import "host" "back" (func $back))
        (import "host" "wait" (func $wait))
        (memory 1 2)
        (func (export "returns") (call $return) (call $return) (drop (memory.grow (i32.const 1))))
        (func (export "traps") (call $return) (call $trap))
        (func (export "panics") (call $panic))
        (func (export "goes back") (call $back))
        (func (export "waits") (call $wait) (call $return))
        (func (export "tail") (return_call $return))
        (table 1 funcref) (elem (i32.const 0) $return)
        (func (export "indirect") (call_indirect (i32.const 0)))
        (func (export "alone")))"#;
    type Caller<'a> = wasmaot_runtime::Caller<'a, ()>;
    let mut linker = Linker::<()>::new();
    linker.func_wrap("host", "return", |_: &mut Caller| ()).expect("a new name");
    let trap = |_: &mut Caller| Err::<(), HostError>(HostError::Trap(TrapCode::Unreachable));
    linker.func_wrap("host", "trap", trap).expect("a new name");
    linker.func_wrap("host", "panic", |_: &mut Caller| -> () { panic!("as it should") }).expect("a new name");
    let back = |caller: &mut Caller| caller.call("returns", &[]).map(drop).map_err(HostError::from);
    linker.func_wrap("host", "back", back).expect("a new name");
    let wait = |_: &mut Caller| Err::<(), HostError>(Suspend::new(()).into());
    linker.func_wrap("host", "wait", wait).expect("a new name");
    for meter in [false, true] {
        let module = metered(text, &Options { meter, ..options() });
        let linked = linker.instantiate_pre(&module).expect("all is defined");
        let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
        for _ in 0..2 {
            let mut store = Store::new(());
            let instance = linker.instantiate(&mut store, &module).expect("it is sound");
            let mut pooled = pool.start(&linked, ()).expect("a free slot");
            let mut expected = 0;
            let calls = [
                ("returns", 2),
                ("traps", 2),
                ("panics", 1),
                ("goes back", 3),
                ("tail", 1),
                ("indirect", 1),
                ("alone", 0),
            ];
            for (name, count) in calls {
                let calls =
                    AssertUnwindSafe(|| (instance.call(&mut store, name, &[]), pooled.call(name, &[])));
                let first = catch_unwind(calls);
                if name == "panics" {
                    assert!(first.is_err());
                    drop(catch_unwind(AssertUnwindSafe(|| pooled.call(name, &[]))));
                }
                expected += count;
                assert_eq!(store.host_calls(), expected, "{name}");
                assert_eq!(pooled.host_calls(), expected, "{name}");
            }
            let waits = instance.get_typed_func::<(), ()>(&store, "waits").expect("an export");
            let Ok(Outcome::Suspended(suspended)) = waits.call_resumable(&mut store, ()) else {
                panic!("it waits")
            };
            assert_eq!(store.host_calls(), expected + 1);
            let Ok(Outcome::Returned(())) = suspended.resume(&mut store, ()) else { panic!("it returns") };
            assert_eq!(store.host_calls(), expected + 2);
            assert_eq!(store.memory_bytes(), 2 << 16);
            assert_eq!(pooled.finish().host_calls, expected);
        }
        assert_eq!(pool.stats().made, 1);
    }
}

#[test]
fn code_without_a_meter_takes_no_fuel() {
    let module = wasmaot_tests::module(TEXT);
    assert!(!module.is_metered());
    let (mut store, instance) = instance(&module);
    instance.call(&mut store, "loop", &[Val::I32(10)]).expect("it runs");
    assert_eq!(store.operators(), None);
    assert_eq!(store.set_fuel(7), Err(NotMetered));
    store.set_limits(ResourceLimits { fuel: Some(7), ..ResourceLimits::default() }).expect("a watchdog");
    let made = Linker::new().instantiate(&mut store, &module);
    assert!(matches!(made, Err(InstantiateError::NotMetered(_))), "{made:?}");
}

/// Nothing of the compiler's choices shows in the bill of a real program.
#[test]
fn programs_count_the_same_at_every_level() {
    for (program, arguments) in
        [("nbody", "20"), ("fannkuch-redux", "5"), ("binary-trees", "6"), ("mandelbrot", "20")]
    {
        let path = repository().join("benchmarks/programs").join(program).with_extension("wasm");
        let wasm = std::fs::read(path).expect("a program");
        let counts = all_variants().into_iter().map(|(variant, options)| {
            let output = wasmaot_compiler::compile(&wasm, &options, &|_| {}).expect("it compiles");
            let module = wasmaot_tests::load(&output.bytes).expect("it is sound");
            let mut linker = Linker::new();
            wasmaot_wasi::add_to_linker(&mut linker, |ctx| ctx).expect("new names");
            let mut builder = WasiCtxBuilder::new();
            builder.args([program, arguments]).capture_stdout(1 << 20);
            let mut store = Store::new(builder.build());
            let instance = linker.instantiate(&mut store, &module).expect("it is sound");
            let end = instance.call(&mut store, "_start", &[]);
            assert!(matches!(end, Ok(_) | Err(CallError::Exit(0))), "{program}, {variant}: {end:?}");
            (variant, store.operators().expect("it is metered"))
        });
        let counts: Vec<(String, u64)> = counts.collect();
        assert!(
            counts.iter().all(|(_, count)| *count == counts[0].1 && *count > 1000),
            "{program}: {counts:?}"
        );
    }
}
