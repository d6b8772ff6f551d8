//! Real programs answer as before, also in another engine, and nothing of a request is left for the next one.

use crate::{artifact, compile_with, initialise};
use std::collections::HashMap;
use wasmaot_compiler::{OptLevel, Options as CompilerOptions};
use wasmaot_runtime::{HotSets, InstancePre, Linker, Module, Pool, PoolConfig, ResetWay, Val};
use wasmaot_snapshot::{Options, Preinitialised};
use wasmaot_tests::{load, options, run_program, tests_folder, variable};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

fn program(name: &str) -> Vec<u8> {
    let path = tests_folder().join("snapshot").join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the program prints.
fn output(module: &Module) -> String {
    let ended = run_program(module, &mut WasiCtxBuilder::new()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((ended.status, String::from_utf8_lossy(&ended.stderr)), (0, "".into()));
    String::from_utf8(ended.stdout).expect("text")
}

fn linked(module: &Module) -> InstancePre<WasiCtx> {
    let mut linker = Linker::new();
    wasmaot_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).expect("new names");
    linker.instantiate_pre(module).expect("WASI is all that it imports")
}

/// Requests that are made of a program.
const REQUESTS: u32 = 6;

/// What an instance answers that makes all requests one after the other, plain or initialised.
fn answers(module: &Module, initialiser: Option<&str>) -> Vec<i32> {
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    let mut instance = pool.start(&linked(module), WasiCtxBuilder::new().build()).expect("a slot is free");
    if let Some(initialiser) = initialiser {
        instance.call(initialiser, &[]).expect("it returns");
    }
    (0..REQUESTS).map(|number| request(&instance.call("request", &[number_of(number)]))).collect()
}

fn number_of(number: u32) -> Val {
    Val::I32((number * 613) as i32)
}

fn request(result: &Result<Vec<Val>, wasmaot_runtime::CallError>) -> i32 {
    match result.as_deref() {
        Ok([Val::I32(answer)]) => *answer,
        other => panic!("{other:?}"),
    }
}

/// The same of the interpreter wasmi, which knows nothing of us; imports are not called by requests.
fn answers_of_wasmi(wasm: &[u8]) -> Vec<i32> {
    let engine = wasmi::Engine::default();
    let module = wasmi::Module::new(&engine, wasm).expect("a valid module");
    let mut linker = wasmi::Linker::new(&engine);
    for import in module.imports() {
        let ty = import.ty().func().expect("functions are all that it imports").clone();
        let fails = |_: wasmi::Caller<'_, ()>, _: &[wasmi::Val], results: &mut [wasmi::Val]| {
            results.iter_mut().for_each(|result| *result = wasmi::Val::I32(0));
            Ok(())
        };
        linker.func_new(import.module(), import.name(), ty, fails).expect("a new name");
    }
    let mut store = wasmi::Store::new(&engine, ());
    let instance = linker.instantiate_and_start(&mut store, &module).expect("an instance");
    let request = instance.get_typed_func::<u32, i32>(&store, "request").expect("an export");
    (0..REQUESTS).map(|number| request.call(&mut store, number * 613).expect("it returns")).collect()
}

/// Bytes of the image of the first memory.
fn image(module: &Module) -> u64 {
    module.descriptor().memories[0].image.iter().map(|run| run.file.length).sum()
}

/// Runs one program in all the ways.
fn check(name: &str) {
    let wasm = program(name);
    let plain_artifact = artifact(&wasm);
    let plain = load(&plain_artifact).expect("an artifact");
    let frozen =
        wasmaot_snapshot::preinit(&plain, &wasm, &Options::default()).expect("it can be written down");
    let artifact = artifact(&frozen.wasm);
    let module = load(&artifact).expect("an artifact");
    let expected = output(&plain);
    assert!(expected.lines().count() >= 5, "{expected}");
    assert_eq!(output(&module), expected, "{name}");
    let answers_expected = answers(&plain, Some("wizer.initialize"));
    assert_eq!(answers(&module, None), answers_expected, "{name}");
    assert_eq!(answers_of_wasmi(&frozen.wasm), answers_expected, "{name}");
    // What the artifact has more is the pages that are not zero.
    let added = artifact.len().saturating_sub(plain_artifact.len()) as u64;
    let pages = frozen.memory_bytes - image(&plain).min(frozen.memory_bytes);
    assert!(added as f64 <= 1.05 * pages as f64 + 16384.0, "{name}: {added} bytes for {pages}");
    resets(name, &module);
}

/// Each request is answered as by a new instance, whatever way the slot is reset.
fn resets(name: &str, module: &Module) {
    let rounds = variable("WASMAOT_SNAPSHOT_RESETS", 60) as u32;
    let linked = linked(module);
    let mut first: HashMap<u32, i32> = HashMap::new();
    for reset in [ResetWay::Copy, ResetWay::Scan, ResetWay::Drop] {
        let config = PoolConfig { slots: 2, reset, hot_sets: HotSets::Shared, ..PoolConfig::default() };
        let pool = Pool::new(config).expect("a pool");
        let mut initial = None;
        for round in 0..rounds {
            let mut instance = pool.start(&linked, WasiCtxBuilder::new().build()).expect("a slot is free");
            if round % (rounds / 6).max(1) == 0 {
                let memory = contents(&instance);
                assert!(
                    initial.get_or_insert_with(|| memory.clone()) == &memory,
                    "{name}: {reset:?} leaves something"
                );
            }
            let number = round % REQUESTS;
            let answer = request(&instance.call("request", &[number_of(number)]));
            assert_eq!(*first.entry(number).or_insert(answer), answer, "{name}: {reset:?}, round {round}");
        }
    }
}

fn contents(instance: &wasmaot_runtime::PooledInstance<WasiCtx>) -> Vec<u8> {
    let memory = instance.memory().expect("it has a memory");
    let mut bytes = vec![0; memory.data_size(instance).expect("its own") as usize];
    memory.read(instance, 0u32, &mut bytes).expect("in range");
    bytes
}

macro_rules! programs {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            check(stringify!($name));
        }
    )*};
}

programs! { constructors quickjs sqlite table regex user_agent }

/// The same bytes from two runs, from code of any level of optimisation, and from any number of jobs.
#[test]
fn the_same_bytes_each_time() {
    for name in ["constructors", "table"] {
        let wasm = program(name);
        let one = initialise(&wasm, &Options::default()).expect("it can be written down");
        let optimised = load(&compile_with(&wasm, &CompilerOptions { opt: OptLevel::Speed, ..options() }));
        let two = wasmaot_snapshot::preinit(&optimised.expect("an artifact"), &wasm, &Options::default());
        let Preinitialised { wasm: two, .. } = two.expect("it can be written down");
        assert!(one.wasm == two, "{name}");
        let artifacts = [1, 2, 5].map(|jobs| compile_with(&one.wasm, &CompilerOptions { jobs, ..options() }));
        assert!(artifacts.iter().all(|artifact| *artifact == artifacts[0]), "{name}");
    }
}
