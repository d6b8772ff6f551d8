//! Tail calls need the stack of one call, however many follow each other, and keep what other calls have: traps with
//! backtraces, deadlines, host functions.

use wasmaot_runtime::{CallError, Caller, Instance, Linker, Module, Store, TrapCode, Val};
use wasmaot_tests::{Guest, compile_wat, stopped_while_running, trap_code};

/// Calls that follow each other. With a frame each, 16 bytes at least, they would fill the stack some hundred times over.
const MANY: i32 = 10_000_000;

/// Chains within an instance: each counts its argument down to 0.
const CHAINS: &str = r#"(module
  (type $t (func (param i32) (result i32)))
  (table $constant funcref (elem $self $even $odd $through_constant))
  (table $open (export "open") funcref (elem $through_open))
  (func $self (export "self") (type $t)
    (if (result i32) (local.get 0)
      (then (return_call $self (i32.sub (local.get 0) (i32.const 1))))
      (else (i32.const 42))))
  (func $even (export "mutual") (type $t)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
  (func $odd (type $t)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 43))))
    (return_call $even (i32.sub (local.get 0) (i32.const 1))))
  (func $through_constant (export "constant table") (type $t)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
    (return_call_indirect $constant (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 3)))
  (func $through_open (export "open table") (type $t)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
    (return_call_indirect $open (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
  ;; More arguments and results than registers, and other numbers of them on the way back and forth.
  (func $wide (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i32) (result i32)
    (return_call $narrow (i32.sub (local.get 9) (i32.wrap_i64 (i64.sub (local.get 8) (local.get 7))))))
  (func $narrow (export "other arguments") (type $t)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
    (return_call $wide (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
      (i64.const 7) (i64.const 8) (i64.const 9) (local.get 0)))
  (func $fail (param i32) (result i32) (unreachable))
  (func $between (param i32) (result i32) (return_call $fail (local.get 0)))
  (func (export "fails") (param i32) (result i32) (i32.add (call $between (local.get 0)) (i32.const 1)))
  (func $spin (export "spin") (return_call $spin))
  (func $spin_a (export "spin_wide") (param i64 i64 i64 i64 i64 i64 i64 i64) (return_call $spin_b (i64.const 1)))
  (func $spin_b (param i64)
    (return_call $spin_a (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
      (local.get 0) (local.get 0))))"#;

#[test]
fn chains_within_an_instance() {
    let mut guest = Guest::new(CHAINS);
    for name in ["self", "mutual", "constant table", "open table", "other arguments"] {
        assert_eq!(guest.i32(name, &[MANY]), 42, "{name}");
        assert_eq!(guest.i32(name, &[0]), 42, "{name}");
    }
}

/// One of two modules that send each other a number, as an import or through a table, until it is 0. The one that ends the chain says who
/// it is.
fn partner(number: i32) -> Module {
    let wat = format!(
        r#"(module
      (type $t (func (param i32) (result i32)))
      (import "m" "table" (table 2 funcref))
      (import "m" "other" (func $other (type $t)))
      (global $calls (export "calls") (mut i32) (i32.const 0))
      (elem (i32.const {number}) $through_table)
      (func $count
        (global.set $calls (i32.add (global.get $calls) (i32.const 1))))
      (func (export "import") (type $t)
        (call $count)
        (if (i32.eqz (local.get 0)) (then (return (i32.const {number}))))
        (return_call $other (i32.sub (local.get 0) (i32.const 1))))
      (func $through_table (export "table") (type $t)
        (call $count)
        (if (i32.eqz (local.get 0)) (then (return (i32.const {number}))))
        (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const {}))))"#,
        1 - number
    );
    Module::from_bytes(&compile_wat(&wat)).expect("the module is sound")
}

/// The module that both of them import from. Its "other" is set after they are made.
const BROKER: &str = r#"(module
  (type $t (func (param i32) (result i32)))
  (table (export "table") 2 funcref)
  (table $first (export "first") 1 funcref)
  (func (export "other") (type $t)
    (return_call_indirect $first (type $t) (local.get 0) (i32.const 0))))"#;

fn calls(store: &Store<()>, instance: Instance) -> Val {
    let global = instance.export(store, "calls").and_then(wasmaot_runtime::Extern::global).expect("a global");
    global.get(store).expect("its own store")
}

#[test]
fn chains_across_instances() {
    let mut store = Store::new(());
    let mut linker = Linker::new();
    let broker = Module::from_bytes(&compile_wat(BROKER)).expect("the module is sound");
    let broker = linker.instantiate(&mut store, &broker).expect("it has no imports");
    linker.instance("m", &store, broker).expect("new names");
    // The first reaches the second through the broker's table, as it is made before it; the second imports the first.
    let first = linker.instantiate(&mut store, &partner(0)).expect("its imports are defined");
    let export = |name| first.export(&store, name).expect("it is exported");
    linker.allow_shadowing(true).define("m", "other", export("import")).expect("it may be replaced");
    let second = linker.instantiate(&mut store, &partner(1)).expect("its imports are defined");
    let into = second.export(&store, "import").and_then(wasmaot_runtime::Extern::func).expect("a function");
    let table = broker.export(&store, "first").and_then(wasmaot_runtime::Extern::table).expect("a table");
    table.set(&mut store, 0, Val::FuncRef(Some(into))).expect("it has an element");

    for (name, expected) in [("import", MANY + 1), ("table", 2 * (MANY + 1))] {
        let result =
            first.call(&mut store, name, &[Val::I32(MANY)]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(result, [Val::I32(0)], "{name}: an even number ends where it began");
        let (Val::I32(a), Val::I32(b)) = (calls(&store, first), calls(&store, second)) else {
            panic!("a count is an i32")
        };
        assert_eq!(a + b, expected, "{name}: both took part");
        assert_eq!(a - b, if name == "import" { 1 } else { 2 }, "{name}: in turn");
    }
}

#[test]
fn a_host_function_can_be_the_last_of_a_chain() {
    let mut linker = Linker::<()>::new();
    linker.func("m", "host", |_: &mut Caller<'_, ()>, n: i32| n + 7).expect("a new name");
    let nested = |caller: &mut Caller<'_, ()>, depth: i32| -> Result<i32, wasmaot_runtime::HostError> {
        match caller.call("chain", &[Val::I32(depth)])?[..] {
            [Val::I32(result)] => Ok(result),
            _ => Ok(0),
        }
    };
    linker.func("m", "nested", nested).expect("a new name");
    let text = r#"(module
      (type $t (func (param i32) (result i32)))
      (import "m" "host" (func $host (type $t)))
      (import "m" "nested" (func $nested (type $t)))
      (export "host" (func $host))
      (table funcref (elem $host))
      (func (export "call") (type $t) (return_call $host (local.get 0)))
      (func (export "indirect") (type $t) (return_call_indirect (type $t) (local.get 0) (i32.const 0)))
      (func (export "chain") (type $t)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
        (return_call $nested (i32.sub (local.get 0) (i32.const 1)))))"#;
    let mut guest = Guest::with_linker(text, &linker);
    assert_eq!(guest.i32("call", &[1]), 8);
    assert_eq!(guest.i32("indirect", &[2]), 9);
    assert_eq!(guest.i32("chain", &[10]), 42);
    // Calls by the host lie on top of each other: here a stack is what it is.
    assert_eq!(trap_code(guest.call("chain", &[Val::I32(MANY)])), TrapCode::StackOverflow);
}

#[test]
fn a_backtrace_names_who_is_there() {
    let mut guest = Guest::new(CHAINS);
    let Err(CallError::Trap(trap)) = guest.call("fails", &[Val::I32(0)]) else { panic!("it traps") };
    assert_eq!(trap.code, TrapCode::Unreachable);
    let names: Vec<_> = trap.backtrace.iter().map(|frame| frame.name.as_deref().unwrap_or("")).collect();
    assert_eq!(names, ["fail", "fails"], "the frame between them was replaced");
    assert!(trap.backtrace.iter().all(|frame| frame.wasm_offset.is_some()));
}

/// The signal arrives anywhere, also while a frame is being replaced.
#[test]
fn a_deadline_ends_a_loop_of_tail_calls() {
    let mut guest = Guest::new(CHAINS);
    let wide = [Val::I64(0); 8];
    for round in 0..40 {
        let (name, arguments) = if round % 2 == 0 { ("spin", &wide[..0]) } else { ("spin_wide", &wide[..]) };
        let trap = stopped_while_running(|deadline| {
            guest.store.set_deadline(deadline).expect("a watchdog");
            guest.call(name, arguments)
        });
        assert!(trap.backtrace.len() <= 2, "{trap:?}");
        guest.store.set_deadline(None).expect("a watchdog");
        assert_eq!(guest.i32("self", &[1]), 42);
    }
}
