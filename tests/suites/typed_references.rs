//! Typed references to functions across modules and the host: types are equal if the specification says so,
//! wherever they were declared, and nothing gets in where another type or null must not be. What needs no
//! host is in `scripts/typed_references.wast`.

use std::sync::Arc;
use wasmaot_abi::types::{FuncType, GlobalType, HeapType, Limits, RefType, TableType, ValType};
use wasmaot_runtime::{
    CallError, Caller, Extern, Func, Global, Instance, Linker, Store, Table, TrapCode, Val, ValueError,
    type_number,
};
use wasmaot_tests::{Guest, module, trap_code};

fn func(store: &Store<()>, instance: Instance, name: &str) -> Func {
    instance.get_func(store, name).unwrap_or_else(|e| panic!("{e}"))
}

/// A store with an instance, and a linker that gives it out as "m".
fn exporter(wat: &str) -> (Store<()>, Linker<()>, Instance) {
    let (mut store, mut linker) = (Store::new(()), Linker::new());
    let instance = linker.instantiate(&mut store, &module(wat)).expect("it has no imports");
    linker.instance(&store, "m", instance).expect("new names");
    (store, linker, instance)
}

const APPLY: &str = include_str!("../guests/apply.wat");

#[test]
fn functions_of_the_right_type_pass() {
    let (mut store, _, instance) = exporter(APPLY);
    let double = Val::FuncRef(Some(func(&store, instance, "double")));
    for name in ["apply", "apply_null"] {
        assert_eq!(instance.call(&mut store, name, &[double, Val::I32(21)]).expect(name), [Val::I32(42)]);
    }
    assert_eq!(instance.call(&mut store, "give", &[]).expect("it gives one"), [double]);
    let kept = instance.get_global(&store, "kept").expect("a global");
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
    let kept = instance.get_global(&store, "kept").expect("a global");
    assert!(kept.set(&mut store, other).is_err());
    assert_eq!(kept.get(&store), Ok(null));
    let foreign = Guest::new(APPLY);
    let foreign_double = Val::FuncRef(foreign.instance.get_func(&foreign.store, "double").ok());
    drop(foreign);
    match instance.call(&mut store, "apply", &[foreign_double, Val::I32(1)]) {
        Err(CallError::Value { position: 0, error: ValueError::WrongStore(_) }) => {}
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

    let ty = TableType::new(certain, Limits { min: 2, max: None });
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
        let mut doubled = [Val::I32(0)];
        func.call(caller, &[Val::I32(n)], &mut doubled)?;
        assert_eq!(doubled, [Val::I32(2 * n)]);
        if n != 0 {
            results[0] = params[0];
        }
        Ok(())
    };
    linker.func_new("host", "apply", (*apply).clone(), body).expect("a new name");

    let user = module(include_str!("../guests/apply_user.wat"));
    let user = linker.instantiate(&mut store, &user).expect("the types agree");
    assert_eq!(user.call(&mut store, "use", &[Val::I32(4)]).expect("it returns"), [Val::I32(100)]);
    assert_eq!(user.call(&mut store, "is_null", &[]).expect("it returns"), [Val::I32(1)]);
    // A host function that leaves out a result that has no default fails, whatever it was.
    assert!(user.call(&mut store, "use", &[Val::I32(0)]).is_err());
}
