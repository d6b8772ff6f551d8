//! References of another store, of a dropped one and of a finished pooled instance: wherever a
//! value enters a store, such a reference is a typed error, whatever type is expected there, and
//! nothing that it refers to is read.

use std::sync::{Arc, Mutex, OnceLock};
use wasmaot_abi::types::{FuncType, GlobalType, Limits, TableType, ValType};
use wasmaot_runtime::{
    CallError, Caller, CreateError, Exception, ExportError, Extern, Func, Global, GlobalError, Instance,
    InstantiateError, Linker, Module, Pool, PoolConfig, Store, Suspend, Table, TableError, Tag, Val,
    ValueError, WrongStore,
};
use wasmaot_tests::{compile_wat, module};

/// Functions besides the tested ones: enough for their records to fill more than a few pages.
const PADDING: usize = 5_000;

/// What takes values of each type.
const TAKES: &str = r#"
  (import "host" "give" (func $give (result externref)))
  (import "host" "give func" (func $give_func (result funcref)))
  (table (export "externs") 1 4 externref)
  (table (export "funcs") 1 4 funcref)
  (global (export "extern") (mut externref) (ref.null extern))
  (global (export "func") (mut funcref) (ref.null func))
  (tag $tag (export "tag") (param externref))
  (func (export "take extern") (param externref))
  (func (export "take func") (param funcref))
  (func (export "take exn") (param exnref))
  (func (export "take number") (param i32))
  (func (export "given") (drop (call $give)))
  (func (export "given func") (drop (call $give_func)))
  (func (export "exception") (result exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (throw $tag (ref.null extern)))
      (unreachable)))
"#;

fn takes() -> Module {
    static ARTIFACT: OnceLock<Vec<u8>> = OnceLock::new();
    let artifact = ARTIFACT.get_or_init(|| {
        let padding: String = (0..PADDING).map(|i| format!("(func (export \"f{i}\"))")).collect();
        compile_wat(&format!("(module {TAKES} {padding})"))
    });
    wasmaot_tests::load(artifact).unwrap_or_else(|e| panic!("{e}"))
}

/// What the host functions return.
type Given = Arc<Mutex<Option<Val>>>;

fn linker(given: &Given) -> Linker<()> {
    let mut linker = Linker::new();
    for (name, ty) in [("give", ValType::EXTERNREF), ("give func", ValType::FUNCREF)] {
        let (ty, given) = (FuncType { params: vec![], results: vec![ty] }, given.clone());
        let give = move |_: &mut Caller<'_, ()>, _: &[Val], results: &mut [Val]| {
            results[0] = given.lock().expect("no test panics with it").expect("it was set");
            Ok(())
        };
        linker.func_new("host", name, ty, give).expect("a new name");
    }
    linker
}

fn func<E: std::fmt::Debug>(export: Result<Extern, E>) -> Func {
    export.ok().and_then(Extern::into_func).expect("a function")
}

fn one_slot() -> Pool {
    Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).unwrap_or_else(|e| panic!("{e}"))
}

/// References that no other store may take, with what they are. The store that is returned owns
/// some of them.
fn foreign(takes: &Module) -> (Store<()>, Vec<(&'static str, Val)>) {
    let linker = linker(&Given::default());
    let of_dropped = {
        let mut store = Store::new(());
        let instance = linker.instantiate(&mut store, takes).unwrap_or_else(|e| panic!("{e}"));
        func(instance.get_export(&store, "f7"))
    };
    let mut other = Store::new(());
    let instance = linker.instantiate(&mut other, takes).unwrap_or_else(|e| panic!("{e}"));
    let of_other = func(instance.get_export(&other, "f7"));
    let exception = instance.call(&mut other, "exception", &[]).unwrap_or_else(|e| panic!("{e}"))[0];
    assert!(matches!(exception, Val::ExnRef(Some(_))));
    let values = vec![
        ("a function of a dropped store", Val::FuncRef(Some(of_dropped))),
        ("a function of another store", Val::FuncRef(Some(of_other))),
        ("a function of a finished instance", Val::FuncRef(Some(of_finished(takes)))),
        ("an exception of another store", exception),
    ];
    (other, values)
}

/// A function of a pooled instance that is finished and whose slot another module took.
fn of_finished(takes: &Module) -> Func {
    let pool = one_slot();
    let linked = linker(&Given::default()).instantiate_pre(takes).unwrap_or_else(|e| panic!("{e}"));
    let other =
        Linker::new().instantiate_pre(&module("(module (memory 1))")).unwrap_or_else(|e| panic!("{e}"));
    let stale = func(pool.start(&linked, ()).unwrap_or_else(|e| panic!("{e}")).get_export("f7"));
    drop(pool.start(&other, ()).unwrap_or_else(|e| panic!("{e}")));
    stale
}

const TAKERS: [&str; 4] = ["take extern", "take func", "take exn", "take number"];

fn refuses<T: std::fmt::Debug>(what: &str, end: Result<T, CallError>) {
    match end {
        Err(CallError::Value { position: 0, error: ValueError::WrongStore(_) }) => {}
        end => panic!("{what}: {end:?}"),
    }
}

#[test]
fn arguments_are_of_the_store() {
    let takes = takes();
    let (_other, foreign) = foreign(&takes);
    let linker = linker(&Given::default());
    let mut store = Store::new(());
    let instance = linker.instantiate(&mut store, &takes).unwrap_or_else(|e| panic!("{e}"));
    for (what, value) in foreign {
        for name in TAKERS {
            let taker = func(instance.get_export(&store, name));
            refuses(what, instance.call(&mut store, name, &[value]));
            refuses(what, taker.call(&mut store, &[value], &mut []));
            refuses(what, taker.call_resumable(&mut store, &[value]));
        }
    }
    assert_eq!(instance.call(&mut store, "take number", &[Val::I32(1)]).expect("it fits"), []);
}

#[test]
fn arguments_are_of_the_pooled_instance() {
    let takes = takes();
    let (_other, foreign) = foreign(&takes);
    let linked = linker(&Given::default()).instantiate_pre(&takes).unwrap_or_else(|e| panic!("{e}"));
    let pool = one_slot();
    let earlier = func(pool.start(&linked, ()).expect("a free slot").get_export("f7"));
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    let earlier = ("a function of the instance before", Val::FuncRef(Some(earlier)));
    for (what, value) in foreign.into_iter().chain([earlier]) {
        for name in TAKERS {
            refuses(what, instance.call(name, &[value]));
            refuses(what, linked.get_func(name).expect("an export").call(&mut instance, &[value], &mut []));
        }
    }
    let own = Val::FuncRef(Some(func(instance.get_export("f7"))));
    assert_eq!(instance.call("take func", &[own]).expect("it is the instance's own"), []);
}

#[test]
fn arguments_of_nested_calls_are_of_the_store() {
    let takes = takes();
    let (_other, foreign) = foreign(&takes);
    let outer = module(
        r#"(module (import "host" "f" (func $f)) (func (export "g") (call $f))
        (func (export "take extern") (param externref)))"#,
    );
    for (what, value) in foreign {
        let mut linker = Linker::<Option<CallError>>::new();
        let nested = move |caller: &mut Caller<'_, Option<CallError>>| {
            *caller.data_mut() = caller.call("take extern", &[value]).err();
        };
        linker.func_wrap("host", "f", nested).expect("a new name");
        let mut store = Store::new(None);
        let instance = linker.instantiate(&mut store, &outer).unwrap_or_else(|e| panic!("{e}"));
        instance.call(&mut store, "g", &[]).unwrap_or_else(|e| panic!("{e}"));
        refuses(what, Err::<(), _>(store.into_data().expect("the nested call fails")));
    }
}

#[test]
fn elements_of_tables_are_of_the_store() {
    let takes = takes();
    let (mut other, foreign) = foreign(&takes);
    let mut store = Store::new(());
    let instance =
        linker(&Given::default()).instantiate(&mut store, &takes).unwrap_or_else(|e| panic!("{e}"));
    let wrong = || Err(TableError::Value(ValueError::WrongStore(WrongStore::Other)));
    let limits = Limits { min: 1, max: None };
    for (what, value) in foreign {
        for name in ["externs", "funcs"] {
            let table = instance.get_table(&store, name).expect("a table");
            assert_eq!(table.set(&mut store, 0, value), wrong(), "{what}");
            assert_eq!(table.grow(&mut store, 1, value).map(drop), wrong(), "{what}");
            assert_eq!(
                table.set(&mut other, 0, Val::ExternRef(None)),
                Err(TableError::WrongStore(WrongStore::Other))
            );
            assert_eq!(table.size(&store), Ok(1), "{what}");
        }
        for element in [ValType::EXTERNREF, ValType::FUNCREF, ValType::EXNREF] {
            match Table::new(&mut store, TableType::new(element, limits), value) {
                Err(CreateError::Value(ValueError::WrongStore(_))) => {}
                end => panic!("{what}: {end:?}"),
            }
        }
    }
}

#[test]
fn values_of_globals_are_of_the_store() {
    let takes = takes();
    let (other, foreign) = foreign(&takes);
    let mut store = Store::new(());
    let instance =
        linker(&Given::default()).instantiate(&mut store, &takes).unwrap_or_else(|e| panic!("{e}"));
    for (what, value) in foreign {
        for name in ["extern", "func"] {
            let global = instance.get_global(&store, name).expect("a global");
            let end = global.set(&mut store, value);
            assert_eq!(end, Err(GlobalError::Value(ValueError::WrongStore(WrongStore::Other))), "{what}");
            assert_eq!(global.get(&other), Err(WrongStore::Other));
        }
        for ty in [ValType::EXTERNREF, ValType::FUNCREF, ValType::EXNREF, ValType::I64] {
            match Global::new(&mut store, GlobalType { value: ty, mutable: true }, value) {
                Err(CreateError::Value(ValueError::WrongStore(_))) => {}
                end => panic!("{what}: {end:?}"),
            }
        }
    }
}

#[test]
fn results_of_host_functions_are_of_the_store() {
    let takes = takes();
    let (_other, foreign) = foreign(&takes);
    let given = Given::default();
    let mut store = Store::new(());
    let instance = linker(&given).instantiate(&mut store, &takes).unwrap_or_else(|e| panic!("{e}"));
    for (what, value) in foreign {
        *given.lock().expect("no test panics with it") = Some(value);
        for name in ["given", "given func"] {
            refuses(what, instance.call(&mut store, name, &[]));
        }
    }
}

#[test]
fn payloads_of_exceptions_are_of_the_store() {
    let takes = takes();
    let (other, foreign) = foreign(&takes);
    for (what, value) in foreign {
        for ty in [ValType::EXTERNREF, ValType::FUNCREF, ValType::EXNREF] {
            let mut store = Store::new(());
            let tag = Tag::new(&mut store, &[ty]);
            refuses(what, Exception::new(&store, tag, vec![value]));
            assert!(matches!(Exception::new(&other, tag, vec![]), Err(CallError::WrongStore(_))));
            // The fields are public, so the payload is checked again where the exception is thrown.
            let null = Val::default_of(ty).expect("the type has a null");
            let mut exception = Exception::new(&store, tag, vec![null]).unwrap_or_else(|e| panic!("{e}"));
            exception.values[0] = value;
            let end = thrown_by_the_host(&mut store, exception);
            refuses(what, end);
        }
    }
}

/// Calls a function of a new instance that calls a host function that throws.
fn thrown_by_the_host(store: &mut Store<()>, exception: Exception) -> Result<Vec<Val>, CallError> {
    let mut linker = Linker::new();
    let throw = move |_: &mut Caller<'_, ()>| Err::<(), _>(exception.clone().into());
    linker.func_wrap("host", "throw", throw).expect("a new name");
    let throws =
        module(r#"(module (import "host" "throw" (func $throw)) (func (export "f") (call $throw)))"#);
    let instance = linker.instantiate(store, &throws).unwrap_or_else(|e| panic!("{e}"));
    instance.call(store, "f", &[])
}

#[test]
fn an_exception_of_another_store_is_not_thrown() {
    let (mut store, mut other) = (Store::new(()), Store::new(()));
    let tag = Tag::new(&mut other, &[]);
    let exception = Exception::new(&other, tag, vec![]).unwrap_or_else(|e| panic!("{e}"));
    drop(other);
    assert!(matches!(thrown_by_the_host(&mut store, exception), Err(CallError::WrongStore(_))));
}

#[test]
fn an_exception_with_a_long_backtrace_is_thrown_on() {
    let mut store = Store::new(());
    let tag = Tag::new(&mut store, &[]);
    let mut exception = Exception::new(&store, tag, vec![]).unwrap_or_else(|e| panic!("{e}"));
    let frame = wasmaot_runtime::Frame { func_index: 0, name: None, wasm_offset: None, source: None };
    exception.backtrace = vec![frame; 2 * wasmaot_runtime::MAX_FRAMES];
    match thrown_by_the_host(&mut store, exception) {
        Err(CallError::Exception(thrown)) => {
            assert_eq!(thrown.backtrace.len(), 2 * wasmaot_runtime::MAX_FRAMES);
            assert_eq!(thrown.omitted_frames, 1);
        }
        end => panic!("{end:?}"),
    }
}

#[test]
fn handles_are_of_the_store() {
    let takes = takes();
    let linker = linker(&Given::default());
    let (mut store, mut other) = (Store::new(()), Store::new(()));
    let instance = linker.instantiate(&mut store, &takes).unwrap_or_else(|e| panic!("{e}"));
    let export = |name| instance.get_export(&store, name).unwrap_or_else(|e| panic!("{e}"));
    let exports = ["f7", "externs", "extern", "tag"].map(export);
    let f7 = exports[0].into_func().expect("a function");
    let typed = f7.typed::<(), ()>(&store).unwrap_or_else(|e| panic!("{e}"));
    drop(store);
    assert_eq!(f7.ty(&other), Err(WrongStore::Other));
    assert!(matches!(f7.call(&mut other, &[], &mut []), Err(CallError::WrongStore(_))));
    assert!(matches!(f7.call_resumable(&mut other, &[]), Err(CallError::WrongStore(_))));
    assert!(matches!(f7.typed::<(), ()>(&other), Err(CallError::WrongStore(_))));
    assert!(matches!(typed.call(&mut other, ()), Err(CallError::WrongStore(_))));
    assert!(matches!(typed.call_resumable(&mut other, ()), Err(CallError::WrongStore(_))));
    assert!(matches!(instance.get_export(&other, "f7"), Err(ExportError::WrongStore(_))));
    assert!(instance.exports(&other).is_err() && instance.module(&other).is_err());
    let imports = ["(func)", "(table 1 4 externref)", "(global (mut externref))", "(tag (param externref))"];
    for (item, import) in exports.into_iter().zip(imports) {
        let importer = module(&format!(r#"(module (import "m" "item" {import}))"#));
        let mut linker = Linker::new();
        linker.define("m", "item", item).expect("a new name");
        let end = linker.instantiate(&mut other, &importer);
        assert!(matches!(end, Err(InstantiateError::WrongStore { .. })), "{import}: {end:?}");
        let end = linker.instantiate_pre(&importer).err();
        assert!(matches!(end, Some(InstantiateError::WrongStore { .. })), "{import}: {end:?}");
    }
}

#[test]
fn a_suspended_call_is_resumed_in_its_store() {
    let mut linker = Linker::<()>::new();
    let suspends = |_: &mut Caller<'_, ()>| Err::<i32, _>(Suspend::new(()).into());
    linker.func_wrap("host", "wait", suspends).expect("a new name");
    let waits = module(
        r#"(module (import "host" "wait" (func $wait (result i32))) (func (export "f") (result i32) (call $wait)))"#,
    );
    let linked = linker.instantiate_pre(&waits).unwrap_or_else(|e| panic!("{e}"));
    let pool = one_slot();
    let suspend = |instance: &mut wasmaot_runtime::PooledInstance<()>| {
        let f = linked.get_typed_func::<(), i32>("f").unwrap_or_else(|e| panic!("{e}"));
        match f.call_resumable(instance, ()) {
            Ok(wasmaot_runtime::Outcome::Suspended(suspended)) => suspended,
            end => panic!("{end:?}"),
        }
    };
    let mut first = pool.start(&linked, ()).expect("a free slot");
    let stale = suspend(&mut first);
    drop(first);
    // The slot now holds another instance that waits at the same place.
    let mut second = pool.start(&linked, ()).expect("a free slot");
    let own = suspend(&mut second);
    assert!(matches!(stale.resume(&mut second, 1), Err(CallError::WrongStore(_))));
    match own.resume(&mut second, 2) {
        Ok(wasmaot_runtime::Outcome::Returned(2)) => {}
        end => panic!("{end:?}"),
    }
}

/// An instance's handle of an earlier start of its slot leads nowhere.
#[test]
fn handles_of_a_finished_instance_lead_nowhere() {
    let linked = linker(&Given::default()).instantiate_pre(&takes()).unwrap_or_else(|e| panic!("{e}"));
    let pool = one_slot();
    let stale: Instance = pool.start(&linked, ()).expect("a free slot").instance();
    let mut instance = pool.start(&linked, ()).expect("a free slot");
    assert!(matches!(stale.get_export(&instance, "f7"), Err(ExportError::WrongStore(_))));
    let called = stale.call(&mut instance, "f7", &[]);
    assert!(matches!(called, Err(CallError::WrongStore(_))));
}

/// Functions of a module are called in every store that has one instance of it, and where there are several,
/// in one that is named.
#[test]
fn functions_of_a_module_are_of_each_of_its_stores() {
    let counter = module(
        r#"(module (global $n (mut i32) (i32.const 0)) (func (export "next") (result i32)
          (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
          (func (export "pair") (param i64 i32) (result i32 i64) (local.get 1) (local.get 0)))"#,
    );
    let next = counter.get_typed_func::<(), i32>("next").unwrap_or_else(|e| panic!("{e}"));
    let pair = counter.get_func("pair").unwrap_or_else(|e| panic!("{e}"));
    let pre = Linker::new().instantiate_pre(&counter).unwrap_or_else(|e| panic!("{e}"));

    let mut store = Store::new(());
    assert!(matches!(next.call(&mut store, ()), Err(CallError::WrongStore(WrongStore::Other))));
    assert_eq!(pair.ty(&store), Err(WrongStore::Other));
    let first = pre.instantiate(&mut store).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!([(); 2].map(|()| next.call(&mut store, ()).ok()), [Some(1), Some(2)]);
    let mut results = [Val::I32(0); 2];
    let values = [Val::I64(1), Val::I32(2)];
    pair.call(&mut store, &values, &mut results).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(results, [Val::I32(2), Val::I64(1)]);
    let short = pair.call(&mut store, &values, &mut results[..1]);
    assert!(matches!(short, Err(CallError::ResultCount { expected: 2, found: 1 })));
    assert!(matches!(pair.call(&mut store, &[], &mut results), Err(CallError::ArgumentCount { .. })));

    let second = Linker::new().instantiate(&mut store, &counter).unwrap_or_else(|e| panic!("{e}"));
    assert!(matches!(next.call(&mut store, ()), Err(CallError::WrongStore(WrongStore::Ambiguous))));
    assert_eq!(pair.ty(&store), Err(WrongStore::Ambiguous));
    for (instance, count) in [(first, 3), (second, 1)] {
        let next = next.in_instance(&store, instance).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(next.call(&mut store, ()).ok(), Some(count));
        assert_eq!(next.in_instance(&store, instance).err(), Some(WrongStore::Other), "it is of an instance");
    }
    let pool = one_slot();
    for _ in 0..2 {
        let mut pooled = pool.start(&pre, ()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(next.call(&mut pooled, ()).ok(), Some(1));
        assert_eq!(next.in_instance(&pooled, first).err(), Some(WrongStore::Other));
    }
    let other = Linker::new().instantiate_pre(&module("(module)")).unwrap_or_else(|e| panic!("{e}"));
    let mut pooled = pool.start(&other, ()).unwrap_or_else(|e| panic!("{e}"));
    assert!(matches!(next.call(&mut pooled, ()), Err(CallError::WrongStore(WrongStore::Other))));
}
