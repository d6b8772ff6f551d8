//! What cannot be written down is refused by name.

use crate::{module, parse, refusal};
use std::time::Duration;
use wasmaot_runtime::{Caller, Linker, Outcome, Store, Suspend};
use wasmaot_snapshot::{Exports, Options, Snapshot, SnapshotError};

fn refused(wat: &str) -> String {
    refusal(&parse(wat), &Options::default())
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn nothing_to_call() {
    assert_says(&refused(r#"(module (func (export "_start")))"#), &["wizer.initialize", "wizer-initialize"]);
    let own = Options { initialiser: Some("init".into()), ..Options::default() };
    assert_says(&refusal(&parse(r#"(module (func (export "other")))"#), &own), &["no function \"init\""]);
    let typed = r#"(module (func (export "init") (param i32)))"#;
    assert_says(&refusal(&parse(typed), &own), &["\"init\"", "neither parameters nor results"]);
    let renamed = Options { renamed: vec![("a".into(), "b".into())], ..Options::default() };
    let wat = r#"(module (func (export "wizer.initialize")))"#;
    assert_says(&refusal(&parse(wat), &renamed), &["\"b\"", "renamed to \"a\""]);
}

#[test]
fn components() {
    let core = parse(r#"(module (func (export "wizer.initialize")))"#);
    let component = parse("(component)");
    let error = wasmaot_snapshot::preinit(&module(&core), &component, &Options::default());
    assert_says(&error.map(|_| ()).expect_err("it is refused").to_string(), &["component"]);
}

#[test]
fn ends_other_than_a_return() {
    let trap = refused(r#"(module (func $f unreachable) (func (export "wizer.initialize") (call $f)))"#);
    assert_says(
        &trap,
        &["\"wizer.initialize\" trapped: unreachable", "func[0] <f>", "func[1] <wizer.initialize>"],
    );
    let start = refused(r#"(module (func $f unreachable) (start $f) (func (export "wizer.initialize")))"#);
    assert_says(&start, &["the start function trapped"]);
    let exit = refused(
        r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (func (export "wizer.initialize") (call $exit (i32.const 3))))"#,
    );
    assert_says(&exit, &["ended the program with status 3"]);
    let endless = parse(r#"(module (func (export "wizer.initialize") (loop (br 0))))"#);
    let short = Options { timeout: Duration::from_millis(20), ..Options::default() };
    assert_says(&refusal(&endless, &short), &["trapped", "deadline"]);
    let grows = parse(
        r#"(module (memory 1) (func (export "wizer.initialize")
            (if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then unreachable))))"#,
    );
    let mut small = Options::default();
    small.limits.memory = 1 << 20;
    assert_says(&refusal(&grows, &small), &["trapped"]);
}

#[test]
fn imported_state_and_threads() {
    let init = r#"(func (export "wizer.initialize"))"#;
    for (import, kind) in [
        (r#"(import "env" "memory" (memory 1))"#, "memory"),
        (r#"(import "env" "table" (table 1 funcref))"#, "table"),
        (r#"(import "env" "global" (global i32))"#, "global"),
    ] {
        let message = refused(&format!("(module {import} {init})"));
        assert_says(&message, &[kind, "\"env\""]);
    }
    let shared = refused(&format!(r#"(module (import "env" "memory" (memory 1 1 shared)) {init})"#));
    assert_says(&shared, &["threads"]);
    assert_says(
        &refused(&format!("(module (memory 1) (memory 1 2 shared) {init})")),
        &["memory 1 is shared", "threads"],
    );
}

#[test]
fn exceptions() {
    let message = refused(
        r#"(module (tag $tag) (global $kept (mut exnref) (ref.null exn))
            (func (export "wizer.initialize")
                (block $caught (result exnref) (try_table (catch_all_ref $caught) (throw $tag)) (unreachable))
                (global.set $kept)))"#,
    );
    assert_says(&message, &["global 0 holds an exception", "null"]);
    let message = refused(
        r#"(module (tag $tag) (table 4 exnref)
            (func (export "wizer.initialize")
                (table.set (i32.const 2)
                    (block $caught (result exnref) (try_table (catch_all_ref $caught) (throw $tag)) (unreachable)))))"#,
    );
    assert_says(&message, &["element 2 of table 0 holds an exception"]);
    // One that nothing can reach any more is no obstacle.
    let caught = parse(
        r#"(module (tag $tag) (func (export "wizer.initialize")
            (block $caught (try_table (catch_all $caught) (throw $tag)))))"#,
    );
    crate::initialise(&caught, &Options::default()).expect("it can be written down");
}

#[test]
fn references_of_the_host_and_of_others() {
    let wasm = parse(
        r#"(module (table (export "table") 2 externref) (global (export "global") (mut externref) (ref.null extern))
            (table (export "functions") 1 funcref) (func (export "f")))"#,
    );
    let module = module(&wasm);
    let mut store = Store::new(());
    let linker = Linker::new();
    let (one, other) = (
        linker.instantiate(&mut store, &module).expect("an instance"),
        linker.instantiate(&mut store, &module).expect("an instance"),
    );
    let take = |store: &Store<()>| {
        Snapshot::take(store, one, &wasm).map(|_| ()).expect_err("it is refused").to_string()
    };
    let table = one.get_table(&store, "table").expect("a table");
    let some = wasmaot_runtime::Val::ExternRef(Some(1));
    table.set(&mut store, 1, some).expect("it is in range");
    assert_says(&take(&store), &["element 1 of table 0 holds an external reference"]);
    table.set(&mut store, 1, wasmaot_runtime::Val::ExternRef(None)).expect("it is in range");
    let global = one.get_global(&store, "global").expect("a global");
    global.set(&mut store, some).expect("it is mutable");
    assert_says(&take(&store), &["global 0 holds an external reference"]);
    global.set(&mut store, wasmaot_runtime::Val::ExternRef(None)).expect("it is mutable");
    let foreign = other.get_func(&store, "f").expect("a function");
    let functions = one.get_table(&store, "functions").expect("a table");
    functions.set(&mut store, 0, wasmaot_runtime::Val::FuncRef(Some(foreign))).expect("it is in range");
    assert_says(&take(&store), &["element 0 of table 1 holds a function of another instance"]);
    functions.set(&mut store, 0, wasmaot_runtime::Val::FuncRef(None)).expect("it is in range");
    let snapshot = Snapshot::take(&store, one, &wasm).expect("it can be written down");
    snapshot.to_wasm(&Exports::default()).expect("a module");
}

/// Native frames cannot be written down.
#[test]
fn calls_that_are_not_over() {
    const WAT: &str = r#"(module (import "host" "f" (func $f)) (func (export "run") (call $f)))"#;
    let wasm = parse(WAT);
    let mut linker = Linker::<Option<String>>::new();
    let inner = wasm.clone();
    let take = move |caller: &mut Caller<'_, Option<String>>| {
        let error = Snapshot::take(caller, caller.instance(), &inner).map(|_| ()).expect_err("it is refused");
        *caller.data_mut() = Some(error.to_string());
    };
    linker.func_wrap("host", "f", take).expect("a new name");
    let mut store = Store::new(None);
    let instance = linker.instantiate(&mut store, &module(&wasm)).expect("its import is defined");
    instance.call(&mut store, "run", &[]).expect("it returns");
    assert_says(store.data().as_deref().expect("it was tried"), &["running", "between two calls"]);

    let mut linker = Linker::<()>::new();
    linker
        .func_wrap("host", "f", |_: &mut Caller<'_, ()>| -> Result<(), wasmaot_runtime::HostError> {
            Err(Suspend::new(()).into())
        })
        .expect("a new name");
    let mut store = Store::new(());
    let instance = linker.instantiate(&mut store, &module(&wasm)).expect("its import is defined");
    let run = instance.get_func(&store, "run").expect("an export");
    let outcome = run.call_resumable(&mut store, &[]).expect("it is suspended");
    assert!(matches!(outcome, Outcome::Suspended(_)));
    let error = Snapshot::take(&store, instance, &wasm).map(|_| ()).expect_err("it is refused");
    assert_says(&error.to_string(), &["suspended", "between two calls"]);
}

#[test]
fn another_module() {
    let wasm = parse("(module (global (mut i32) (i32.const 0)))");
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module(&wasm)).expect("an instance");
    for (other, what) in [
        ("(module (memory 1) (global (mut i32) (i32.const 0)))", "memories"),
        ("(module (global (mut i32) (i32.const 0)) (global (mut i32) (i32.const 0)))", "globals"),
        ("(module (table 1 funcref) (global (mut i32) (i32.const 0)))", "tables"),
    ] {
        let other = parse(other);
        let snapshot = Snapshot::take(&store, instance, &other).expect("the state is fine");
        match snapshot.to_wasm(&Exports::default()) {
            Err(SnapshotError::OtherModule { what: found }) => assert_eq!(found, what),
            result => panic!("{result:?}"),
        }
    }
}
