//! Every kind of state comes back, and nothing else changes.

use crate::{compile_with, initialise, module, parse};
use wasmaot_compiler::Options as CompilerOptions;
use wasmaot_runtime::{CallError, Instance, Linker, Module, Store, Val};
use wasmaot_snapshot::{Exports, Options, Snapshot};
use wasmaot_tests::{load, options};

const EVERYTHING: &str = include_str!("../../guests/snapshot/everything.wat");

const CALLS: [(&str, &[Val]); 22] = [
    ("memories", &[]),
    ("globals", &[]),
    ("tables", &[]),
    ("constant", &[Val::I32(1)]),
    ("constant", &[Val::I32(3)]),
    ("element", &[Val::I32(0)]),
    ("element", &[Val::I32(1)]),
    ("element", &[Val::I32(5)]),
    ("element", &[Val::I32(10)]),
    ("element", &[Val::I32(22)]),
    ("typed", &[Val::I32(0)]),
    ("typed", &[Val::I32(1)]),
    ("filled", &[Val::I32(0)]),
    ("filled", &[Val::I32(1)]),
    ("filled", &[Val::I32(3)]),
    ("wide_table", &[Val::I64(3)]),
    ("init_dropped", &[Val::I32(1)]),
    ("init_active", &[Val::I32(1)]),
    ("init_kept", &[Val::I32(4)]),
    ("elem_passive", &[Val::I32(3)]),
    ("elem_gone", &[Val::I32(1)]),
    ("declared", &[]),
];

/// What an instance answers, traps included.
fn answers(store: &mut Store<()>, instance: Instance) -> Vec<Result<Vec<Val>, String>> {
    let more = [("elem_active", &[Val::I32(1)][..]), ("init_dropped", &[Val::I32(0)]), ("grow", &[])];
    let call = |(name, arguments): &(&str, &[Val])| match instance.call(store, name, arguments) {
        Ok(results) => Ok(results),
        Err(CallError::Trap(trap)) => Err(trap.code.to_string()),
        Err(error) => panic!("{name}: {error}"),
    };
    CALLS.iter().chain(&more).map(call).collect()
}

fn instantiate(module: &Module) -> (Store<()>, Instance) {
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, module).expect("it imports nothing");
    (store, instance)
}

/// What the module answers that initialises itself.
fn expected(module: &Module) -> Vec<Result<Vec<Val>, String>> {
    let (mut store, instance) = instantiate(module);
    for name in ["_initialize", "wizer.initialize"] {
        instance.call(&mut store, name, &[]).expect("it initialises itself");
    }
    answers(&mut store, instance)
}

#[test]
fn state_of_every_kind_comes_back() {
    let wasm = parse(EVERYTHING);
    let expected = expected(&module(&wasm));
    assert!(expected.iter().filter(|answer| answer.is_err()).count() >= 5, "{expected:?}");
    let frozen = initialise(&wasm, &Options::default()).expect("it can be written down");
    assert_eq!(frozen.record.calls, ["_initialize", "wizer.initialize"]);
    for meter in [false, true] {
        let compiled = compile_with(&frozen.wasm, &CompilerOptions { meter, ..options() });
        let module = load(&compiled).expect("an artifact");
        assert_eq!(module.is_metered(), meter);
        assert_eq!(module.descriptor().preinit.as_ref(), Some(&frozen.record));
        let exports = module.exports().map(|(name, _)| name);
        assert!(exports.into_iter().all(|name| !name.contains("initialize")));
        let (mut store, instance) = instantiate(&module);
        assert_eq!(answers(&mut store, instance), expected);
    }
}

/// A frozen module can be frozen again, and nothing changes if nothing has run.
#[test]
fn freezing_twice_is_freezing_once() {
    let wasm = parse(EVERYTHING);
    let frozen = initialise(&wasm, &Options::default()).expect("it can be written down").wasm;
    let (store, instance) = instantiate(&module(&frozen));
    let once = Snapshot::take(&store, instance, &frozen).expect("it can be written down again");
    let once = once.to_wasm(&Exports::default()).expect("a module");
    let (store, instance) = instantiate(&module(&once));
    let twice = Snapshot::take(&store, instance, &once).expect("it can be written down again");
    assert_eq!(twice.to_wasm(&Exports::default()).expect("a module"), once);
    let (mut store, instance) = instantiate(&module(&once));
    assert_eq!(answers(&mut store, instance), expected(&module(&wasm)));
}

/// The contents of the first section with this number.
fn section(wasm: &[u8], id: u8) -> &[u8] {
    let mut rest = &wasm[8..];
    loop {
        let (mut at, mut shift, mut length) = (1, 0, 0);
        loop {
            length |= usize::from(rest[at] & 0x7f) << shift;
            (at, shift) = (at + 1, shift + 7);
            if rest[at - 1] < 0x80 {
                break;
            }
        }
        if rest[0] == id {
            return &rest[at..at + length];
        }
        rest = &rest[at + length..];
    }
}

/// Offsets in the code stay, and with them names and whatever else refers to them.
#[test]
fn code_and_names_are_the_same_bytes() {
    let wasm = parse(EVERYTHING);
    let frozen = initialise(&wasm, &Options::default()).expect("it can be written down").wasm;
    // Types, functions, code, and the custom section with names, which is the first one.
    for id in [1, 3, 10, 0] {
        let section = section(&wasm, id);
        assert!(!section.is_empty());
        assert_eq!(self::section(&frozen, id), section, "section {id}");
    }
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(&frozen)
        .expect("a valid module");
}

#[test]
fn an_embedder_takes_its_own() {
    let wasm = parse(
        r#"(module (import "host" "seed" (func $seed (result i32))) (global $g (mut i32) (i32.const 0))
            (func (export "init") (global.set $g (call $seed)))
            (func (export "get") (result i32) (global.get $g)))"#,
    );
    let mut linker = Linker::new();
    linker.func_wrap("host", "seed", |_: &mut wasmaot_runtime::Caller<'_, ()>| 42).expect("a new name");
    let mut store = Store::new(());
    let instance = linker.instantiate(&mut store, &module(&wasm)).expect("its import is defined");
    instance.call(&mut store, "init", &[]).expect("it returns");
    let snapshot = Snapshot::take(&store, instance, &wasm).expect("it can be written down");
    let exports = Exports { removed: vec!["init".into()], renamed: vec![("value".into(), "get".into())] };
    let frozen = module(&snapshot.to_wasm(&exports).expect("a module"));
    let names: Vec<_> = frozen.exports().map(|(name, _)| name).collect();
    assert_eq!(names, ["value"]);
    let mut store = Store::new(());
    let instance = linker.instantiate(&mut store, &frozen).expect("its import is defined");
    assert_eq!(instance.call(&mut store, "value", &[]).expect("it returns"), [Val::I32(42)]);
}
