//! Loading by proof: what is opened, what is refused, and which modules may be in one store.

use crate::broken::{Broken, EPILOGUE, F, PROLOGUE};
use std::fs;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasmaot_runtime::{
    CallError, InstantiateError, Linker, Loader, Module, ModulePolicy, OpenError, PolicyError, Pool,
    PoolConfig, Signers, StartError, Store, TrapCode, UnchangingFolder,
};
use wasmaot_signature::SecretKey;
use wasmaot_tests::{compile_wat, load};
use wasmaot_verifier::Property;

/// A module whose answer is its number, so that no other test has proven it.
fn artifact(number: u32) -> Vec<u8> {
    compile_wat(&format!(
        r#"(module (memory (export "m") 1) (data (i32.const 7) "image")
            (func (export "answer") (result i32) (i32.const {number}))
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#
    ))
}

fn answer(module: &Module) -> i32 {
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, module).unwrap_or_else(|e| panic!("{e}"));
    let load = instance.get_typed_func::<i32, i32>(&store, "load").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(load.call(&mut store, 7).ok(), Some(i32::from_le_bytes(*b"imag")));
    let trap = load.call(&mut store, -4).expect_err("it is out of bounds");
    assert!(matches!(trap, CallError::Trap(trap) if trap.code == TrapCode::MemoryOutOfBounds));
    let answer = instance.get_typed_func::<(), i32>(&store, "answer").unwrap_or_else(|e| panic!("{e}"));
    answer.call(&mut store, ()).unwrap_or_else(|e| panic!("{e}"))
}

fn opened(artifact: &[u8]) -> Module {
    Module::from_bytes(artifact).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn what_is_proven_runs_and_later_changes_of_the_file_do_not_reach_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.so");
    let artifact = artifact(41);
    fs::write(&path, &artifact).expect("a writable folder");
    let module = Module::open(&path).unwrap_or_else(|e| panic!("{e}"));
    assert!(module.is_proven() && opened(&artifact).is_proven());
    assert!(!load(&artifact).expect("an artifact").is_proven());
    // In place: the same file with other bytes, and none at all.
    let mut file = fs::File::options().write(true).open(&path).expect("the file");
    file.write_all(&vec![0xf4; artifact.len()]).expect("a writable file");
    file.set_len(0).expect("a writable file");
    assert_eq!(answer(&module), 41);
    assert!(matches!(Module::open(&path), Err(OpenError::Truncated { .. })));
}

/// Whether the process has code mapped from this file.
fn is_mapped(path: &std::path::Path) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let path = path.to_str().expect("UTF-8");
    maps.lines().any(|line| line.ends_with(path) && line.contains(" r-xp "))
}

#[test]
fn files_that_stay_as_they_are_are_mapped_where_they_lie() {
    let (stays, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    // SAFETY: nothing but this test uses the folder, and it writes no file that it has opened.
    let folder = unsafe { UnchangingFolder::declare(stays.path()) }.expect("it exists");
    // SAFETY: there is no such folder, so nothing is declared.
    assert!(unsafe { UnchangingFolder::declare(stays.path().join("none")) }.is_err());
    let loader = Loader { unchanging: vec![folder], ..Loader::default() };
    let inside = stays.path().canonicalize().expect("it exists").join("app.so");
    let outside = other.path().canonicalize().expect("it exists").join("app.so");
    let artifact = artifact(48);
    for path in [&inside, &outside] {
        fs::write(path, &artifact).expect("a writable folder");
    }
    // By its own name, by links, and of links out of the folder.
    std::os::unix::fs::symlink(&inside, other.path().join("link.so")).expect("a link");
    std::os::unix::fs::symlink(&outside, stays.path().join("link.so")).expect("a link");
    let open = |path: &std::path::Path| loader.open(path).unwrap_or_else(|e| panic!("{e}"));
    let copies = [open(&outside), open(&stays.path().join("link.so"))];
    assert!(!is_mapped(&inside) && !is_mapped(&outside));
    for path in [inside.clone(), other.path().join("link.so")] {
        let module = open(&path);
        assert!(module.is_proven() && is_mapped(&inside));
        // The name may be another file's by now.
        fs::rename(&inside, stays.path().join("old.so")).expect("a writable folder");
        fs::write(&inside, b"other").expect("a writable folder");
        assert_eq!(answer(&module), 48);
        fs::rename(stays.path().join("old.so"), &inside).expect("a writable folder");
    }
    assert!(copies.iter().all(|module| answer(module) == 48));
    let broken = Broken::new();
    let code = [PROLOGUE, &[0x48, 0x8b, 0x04, 0x37], EPILOGUE].concat();
    let file = broken.artifact.resealed(broken.artifact.with_code(&broken.function(F), &code));
    fs::write(stays.path().join("broken.so"), file).expect("a writable folder");
    assert!(matches!(loader.open(stays.path().join("broken.so")), Err(OpenError::NotProven(_))));
}

#[test]
fn what_is_not_proven_is_not_loaded() {
    let broken = Broken::new();
    // mov rax, [rdi + rsi]: an index of 64 bits
    let code = [PROLOGUE, &[0x48, 0x8b, 0x04, 0x37], EPILOGUE].concat();
    let file = broken.artifact.resealed(broken.artifact.with_code(&broken.function(F), &code));
    load(&file).expect("its form is an artifact's");
    for _ in 0..2 {
        match Module::from_bytes(&file) {
            Err(OpenError::NotProven(refused)) => {
                let properties = refused.rejections.iter().map(|rejection| rejection.property);
                assert!(properties.eq([Property::Memory]), "{refused}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_same_bytes_are_proven_once() {
    let artifact = artifact(42);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.so");
    let reports = AtomicUsize::new(0);
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("a writable folder");
        let open = Loader::default().open_reporting(&path, &|_, _| _ = reports.fetch_add(1, Relaxed));
        open.unwrap_or_else(|e| panic!("{e}"));
        reports.swap(0, Relaxed)
    };
    assert!(open(&artifact) > 0);
    assert_eq!(open(&artifact), 0);
    assert!(open(&self::artifact(43)) > 0);
}

fn refused<T>(result: Result<T, InstantiateError>) -> PolicyError {
    match result {
        Err(InstantiateError::Policy(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was made"),
    }
}

#[test]
fn a_store_has_proven_and_trusted_modules_only_if_asked() {
    let artifact = artifact(46);
    let (proven, trusted) = (opened(&artifact), load(&artifact).expect("an artifact"));
    let linker = Linker::new();
    for (first, second) in [(&proven, &trusted), (&trusted, &proven)] {
        let mut store = Store::new(());
        linker.instantiate(&mut store, first).unwrap_or_else(|e| panic!("{e}"));
        linker.instantiate(&mut store, first).unwrap_or_else(|e| panic!("{e}"));
        let mixed = PolicyError::Mixed { proven: second.is_proven() };
        assert_eq!(refused(linker.instantiate(&mut store, second)), mixed);
        let linked = linker.instantiate_pre(second).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(refused(linked.instantiate(&mut store)), mixed);
        store.set_policy(ModulePolicy::Mixed).expect("all are allowed");
        linker.instantiate(&mut store, second).unwrap_or_else(|e| panic!("{e}"));
        // A policy that its instances do not meet changes nothing.
        assert_eq!(store.set_policy(ModulePolicy::Proven), Err(PolicyError::NotProven));
        assert!(matches!(store.set_policy(ModulePolicy::default()), Err(PolicyError::Mixed { .. })));
        linker.instantiate(&mut store, first).unwrap_or_else(|e| panic!("{e}"));
    }
    let mut store = Store::new(());
    store.set_policy(ModulePolicy::Proven).expect("it is empty");
    assert_eq!(refused(linker.instantiate(&mut store, &trusted)), PolicyError::NotProven);
    linker.instantiate(&mut store, &proven).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn stores_and_pools_ask_for_signers() {
    let [own, other] = [5, 6].map(|byte| SecretKey::from_seed(&[byte; 32]));
    let artifact = artifact(49);
    let signed = |key: &SecretKey| [artifact.clone(), key.block(&artifact).to_bytes()].concat();
    let loader = Loader { keys: vec![own.public_key(), other.public_key()], ..Loader::default() };
    let by = |key: &SecretKey| loader.from_bytes(&signed(key)).unwrap_or_else(|e| panic!("{e}"));
    let (by_own, by_other, unsigned) = (by(&own), by(&other), opened(&signed(&own)));
    // SAFETY: the compiler has written what is signed here.
    let trusted = unsafe { loader.from_bytes_trusted(&signed(&own)) }.unwrap_or_else(|e| panic!("{e}"));
    let keys: &'static [_] = Box::leak(Box::new([own.public_key()]));
    let linker = Linker::<()>::new();
    let expected = |policy: ModulePolicy, module: &Module, expected: Option<PolicyError>| {
        let mut store = Store::new(());
        store.set_policy(policy).expect("it is empty");
        let made = linker.instantiate(&mut store, module).map(drop);
        let linked = linker.instantiate_pre(module).unwrap_or_else(|e| panic!("{e}"));
        let config = PoolConfig { slots: 1, modules: policy, ..PoolConfig::default() };
        let pool = Pool::new(config).unwrap_or_else(|e| panic!("{e}"));
        match (made, pool.start(&linked, ()).map(drop), expected) {
            (Ok(()), Ok(()), None) => {}
            (
                Err(InstantiateError::Policy(one)),
                Err(StartError::Instantiate(InstantiateError::Policy(two))),
                Some(expected),
            ) => assert_eq!((&one, &two), (&expected, &expected)),
            other => panic!("{policy:?}: {other:?}"),
        }
    };
    let (any, ours) = (Signers::ANY, Signers::of(keys));
    for (module, by_any, by_ours, is_proven) in [
        (&by_own, true, true, true),
        (&by_other, true, false, true),
        (&unsigned, false, false, true),
        (&trusted, true, true, false),
    ] {
        let signature = |holds: bool| (!holds).then_some(PolicyError::NotSigned);
        let proof = (!is_proven).then_some(PolicyError::NotProven);
        expected(ModulePolicy::Signed(any), module, signature(by_any));
        expected(ModulePolicy::Signed(ours), module, signature(by_ours));
        expected(ModulePolicy::ProvenAndSigned(any), module, proof.or(signature(by_any)));
        expected(ModulePolicy::ProvenAndSigned(ours), module, proof.or(signature(by_ours)));
    }
}

#[test]
fn a_pool_starts_what_its_policy_allows() {
    let artifact = artifact(47);
    let (proven, trusted) = (opened(&artifact), load(&artifact).expect("an artifact"));
    let linked = [&proven, &trusted]
        .map(|module| Linker::<()>::new().instantiate_pre(module).unwrap_or_else(|e| panic!("{e}")));
    let config = PoolConfig { slots: 1, ..PoolConfig::default() };
    let any = Pool::new(config).unwrap_or_else(|e| panic!("{e}"));
    let strict =
        Pool::new(PoolConfig { modules: ModulePolicy::Proven, ..config }).unwrap_or_else(|e| panic!("{e}"));
    for _ in 0..3 {
        for linked in &linked {
            any.start(linked, ()).unwrap_or_else(|e| panic!("{e}")).finish();
        }
        strict.start(&linked[0], ()).unwrap_or_else(|e| panic!("{e}")).finish();
        match strict.start(&linked[1], ()).map(drop) {
            Err(StartError::Instantiate(InstantiateError::Policy(error))) => {
                assert_eq!(error, PolicyError::NotProven);
            }
            other => panic!("{other:?}"),
        }
    }
}
