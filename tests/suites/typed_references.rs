//! Typed references to functions across modules and the host: types are equal if the specification says so, wherever they were declared,
//! and nothing gets in where another type or null must not be.

use std::sync::Arc;
use wasmaot_abi::types::{FuncType, GlobalType, HeapType, Limits, RefType, TableType, ValType};
use wasmaot_runtime::{
    CallError, Caller, Extern, Func, Global, Instance, InstantiateError, Linker, Module, Store, Table,
    TrapCode, Val, ValueError, type_number,
};
use wasmaot_tests::{Guest, compile_wat, trap_code};

fn module(wat: &str) -> Module {
    Module::from_bytes(&compile_wat(wat)).unwrap_or_else(|e| panic!("{e}"))
}

fn func(store: &Store<()>, instance: Instance, name: &str) -> Func {
    instance.export(store, name).and_then(Extern::func).unwrap_or_else(|| panic!("{name} is a function"))
}

/// A store with an instance, and a linker that gives it out as "m".
fn exporter(wat: &str) -> (Store<()>, Linker<()>, Instance) {
    let (mut store, mut linker) = (Store::new(()), Linker::new());
    let instance = linker.instantiate(&mut store, &module(wat)).expect("it has no imports");
    linker.instance("m", &store, instance).expect("new names");
    (store, linker, instance)
}

const APPLY: &str = r#"(module
  (type $unary (func (param i32) (result i32)))
  (type $apply (func (param (ref $unary) i32) (result i32)))
  (global $kept (export "kept") (mut (ref null $unary)) (ref.null $unary))
  (func (export "apply") (type $apply) (call_ref $unary (local.get 1) (local.get 0)))
  (func (export "apply_null") (param (ref null $unary) i32) (result i32)
    (call_ref $unary (local.get 1) (local.get 0)))
  (func $certain (export "certain") (param (ref null $unary)) (result i32)
    (drop (ref.as_non_null (local.get 0))) (i32.const 1))
  (func $double (export "double") (param i32) (result i32) (i32.mul (i32.const 2) (local.get 0)))
  (func (export "other") (param i64) (result i64) (local.get 0))
  (func (export "give") (result (ref $unary)) (ref.func $double)))"#;

#[test]
fn functions_of_the_right_type_pass() {
    let (mut store, _, instance) = exporter(APPLY);
    let double = Val::FuncRef(Some(func(&store, instance, "double")));
    for name in ["apply", "apply_null"] {
        assert_eq!(instance.call(&mut store, name, &[double, Val::I32(21)]).expect(name), [Val::I32(42)]);
    }
    assert_eq!(instance.call(&mut store, "give", &[]).expect("it gives one"), [double]);
    let kept = instance.export(&store, "kept").and_then(Extern::global).expect("a global");
    kept.set(&mut store, double).expect("it is of the type");
    assert_eq!(kept.get(&store), Ok(double));
}

#[test]
fn other_functions_and_null_do_not() {
    let (mut store, _, instance) = exporter(APPLY);
    let other = Val::FuncRef(Some(func(&store, instance, "other")));
    let null = Val::FuncRef(None);
    for (name, value) in
        [("apply", other), ("apply", null), ("apply_null", other), ("apply", Val::ExternRef(None))]
    {
        match instance.call(&mut store, name, &[value, Val::I32(1)]) {
            Err(CallError::Value { position: 0, error: ValueError::Type { .. } }) => {}
            end => panic!("{name} of {value:?}: {end:?}"),
        }
    }
    let kept = instance.export(&store, "kept").and_then(Extern::global).expect("a global");
    assert!(kept.set(&mut store, other).is_err());
    assert_eq!(kept.get(&store), Ok(null));
    let foreign = Guest::new(APPLY);
    let foreign_double =
        Val::FuncRef(foreign.instance.export(&foreign.store, "double").and_then(Extern::func));
    drop(foreign);
    match instance.call(&mut store, "apply", &[foreign_double, Val::I32(1)]) {
        Err(CallError::Value { position: 0, error: ValueError::Store }) => {}
        end => panic!("{end:?}"),
    }
}

#[test]
fn null_is_a_trap_at_its_operator() {
    let mut guest = Guest::new(APPLY);
    let Err(CallError::Trap(trap)) = guest.call("apply_null", &[Val::FuncRef(None), Val::I32(1)]) else {
        panic!("it traps")
    };
    assert_eq!(trap.code, TrapCode::NullFunctionReference);
    assert_eq!(trap.backtrace.len(), 1);
    assert!(trap.wasm_offset().is_some());
    assert_eq!(trap_code(guest.call("certain", &[Val::FuncRef(None)])), TrapCode::NullReference);
    let tail = "(module (type $t (func)) (func (export \"tail\") (return_call_ref $t (ref.null $t))))";
    assert_eq!(Guest::new(tail).trap("tail", &[]), TrapCode::NullFunctionReference);
}

/// Types of a group refer to each other, and are told apart by the group that they are in.
#[test]
fn recursive_types_agree_across_modules() {
    let (mut store, linker, _) = exporter(
        r#"(module
      (type $unused (func (param f64)))
      (rec (type $even (func (param i32 (ref $odd)) (result i32))) (type $odd (func (param i32 (ref $even)) (result i32))))
      (type $list (func (param (ref null $list)) (result i32)))
      (func $even (export "even") (type $even)
        (if (result i32) (i32.eqz (local.get 0))
          (then (i32.const 1))
          (else (return_call_ref $odd (i32.sub (local.get 0) (i32.const 1)) (ref.func $even) (local.get 1)))))
      (func $list (export "list") (type $list)
        (if (result i32) (ref.is_null (local.get 0))
          (then (i32.const 0))
          (else (i32.add (i32.const 1) (call_ref $list (ref.null $list) (local.get 0)))))))"#,
    );
    let other = module(
        r#"(module
      (rec (type $e (func (param i32 (ref $o)) (result i32))) (type $o (func (param i32 (ref $e)) (result i32))))
      (type $l (func (param (ref null $l)) (result i32)))
      (import "m" "even" (func $even (type $e)))
      (import "m" "list" (func $list (type $l)))
      (table funcref (elem $even $list))
      (func $odd (export "odd") (type $o)
        (if (result i32) (i32.eqz (local.get 0))
          (then (i32.const 0))
          (else (return_call_ref $e (i32.sub (local.get 0) (i32.const 1)) (ref.func $odd) (local.get 1)))))
      (func (export "is_even") (param i32) (result i32) (call $even (local.get 0) (ref.func $odd)))
      (func (export "length") (result i32) (call $list (ref.func $list)))
      (func (export "indirect") (result i32) (call_indirect (type $l) (ref.func $list) (i32.const 1)))
      (func (export "mistaken") (result i32) (call_indirect (type $l) (ref.func $list) (i32.const 0))))"#,
    );
    let other = linker.instantiate(&mut store, &other).expect("the types agree");
    let mut call = |name, arguments: &[Val]| other.call(&mut store, name, arguments);
    // Each calls the other by reference, and not by import: ten million frames would not fit.
    assert_eq!(call("is_even", &[Val::I32(10_000_000)]).expect("it counts down"), [Val::I32(1)]);
    assert_eq!(call("is_even", &[Val::I32(10_000_001)]).expect("it counts down"), [Val::I32(0)]);
    assert_eq!(call("length", &[]).expect("it returns"), [Val::I32(1)]);
    assert_eq!(call("indirect", &[]).expect("it returns"), [Val::I32(1)]);
    assert_eq!(trap_code(call("mistaken", &[])), TrapCode::IndirectCallTypeMismatch);
}

#[test]
fn types_that_only_look_alike_do_not_link() {
    let (mut store, linker, _) = exporter(
        r#"(module
      (rec (type $a (func)) (type (func (param i32))))
      (type $takes (func (param (ref null $a))))
      (func (export "a") (type $a))
      (func (export "takes") (type $takes))
      (global (export "constant") (ref $takes) (ref.func $takes))
      (global (export "variable") (mut (ref null $takes)) (ref.null $takes))
      (func $takes (type $takes))
      (elem declare func $takes))"#,
    );
    let good = r#"(module
      (rec (type $a (func)) (type (func (param i32))))
      (type $takes (func (param (ref null $a))))
      (import "m" "a" (func (type $a)))
      (import "m" "takes" (func (type $takes)))
      (import "m" "constant" (global (ref $takes)))
      (import "m" "constant" (global (ref null $takes)))
      (import "m" "constant" (global funcref))
      (import "m" "variable" (global (mut (ref null $takes)))))"#;
    linker.instantiate(&mut store, &module(good)).expect("the types agree");
    for import in [
        r#"(import "m" "a" (func (type $plain)))"#,
        r#"(import "m" "takes" (func (type $of_plain)))"#,
        r#"(import "m" "constant" (global (ref $of_plain)))"#,
        r#"(import "m" "variable" (global (ref null $takes)))"#,
        r#"(import "m" "variable" (global (mut funcref)))"#,
        r#"(import "m" "variable" (global (mut (ref $takes))))"#,
    ] {
        let bad = format!(
            r#"(module
          (rec (type $a (func)) (type (func (param i32))))
          (type $takes (func (param (ref null $a))))
          (type $plain (func))
          (type $of_plain (func (param (ref null $plain))))
          {import})"#
        );
        match linker.instantiate(&mut store, &module(&bad)) {
            Err(InstantiateError::Incompatible { .. }) => {}
            other => panic!("{import}: {:?}", other.map(drop)),
        }
    }
}

/// The host names concrete types by their numbers.
#[test]
fn the_host_states_types_too() {
    let unary = FuncType { params: vec![ValType::I32], results: vec![ValType::I32] };
    let heap = HeapType::Concrete(type_number(&unary));
    let [nullable, certain] = [true, false].map(|nullable| ValType::Ref(RefType { nullable, heap }));
    let (mut store, mut linker, instance) = exporter(APPLY);
    let double = func(&store, instance, "double");
    let other = func(&store, instance, "other");
    assert_eq!(double.ty(&store).expect("its own store"), unary);

    let ty = TableType { element: certain, limits: Limits { min: 2, max: None } };
    assert!(Table::new(&mut store, ty, Val::FuncRef(None)).is_err(), "null is no element");
    let table = Table::new(&mut store, ty, Val::FuncRef(Some(double))).expect("a function of the type is");
    assert!(table.set(&mut store, 0, Val::FuncRef(Some(other))).is_err());
    linker.define("host", "table", Extern::Table(table)).expect("a new name");
    let ty = GlobalType { value: nullable, mutable: false };
    let global = Global::new(&mut store, ty, Val::FuncRef(None)).expect("null is a value");
    linker.define("host", "global", Extern::Global(global)).expect("a new name");
    let apply = Arc::new(FuncType { params: vec![certain, ValType::I32], results: vec![certain] });
    let body = |caller: &mut Caller<'_, ()>, params: &[Val], results: &mut [Val]| {
        let &[Val::FuncRef(Some(func)), Val::I32(n)] = params else { panic!("{params:?}") };
        assert_eq!(func.call(caller, &[Val::I32(n)])?, [Val::I32(2 * n)]);
        if n != 0 {
            results[0] = params[0];
        }
        Ok(())
    };
    linker.func_dynamic("host", "apply", (*apply).clone(), body).expect("a new name");

    let user = module(
        r#"(module
      (type $unary (func (param i32) (result i32)))
      (import "host" "apply" (func $apply (param (ref $unary) i32) (result (ref $unary))))
      (import "host" "table" (table $table 2 (ref $unary)))
      (import "host" "global" (global $global (ref null $unary)))
      (func (export "use") (param i32) (result i32)
        (call_ref $unary (i32.const 50) (call $apply (table.get $table (i32.const 1)) (local.get 0))))
      (func (export "is_null") (result i32) (ref.is_null (global.get $global))))"#,
    );
    let user = linker.instantiate(&mut store, &user).expect("the types agree");
    assert_eq!(user.call(&mut store, "use", &[Val::I32(4)]).expect("it returns"), [Val::I32(100)]);
    assert_eq!(user.call(&mut store, "is_null", &[]).expect("it returns"), [Val::I32(1)]);
    // A host function that leaves out a result that has no default fails, whatever it was.
    assert!(user.call(&mut store, "use", &[Val::I32(0)]).is_err());
}
