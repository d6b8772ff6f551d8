//! Artifacts of earlier builds, kept in the repository, load and do what they did.
//!
//! `artifacts/NAME.wat` says in comments what its exports give; `artifacts/NAME-MAJOR.MINOR.so` are artifacts
//! of it, by version of the artifact ABI. `WASMAOT_BLESS_ARTIFACTS=1 cargo test -p wasmaot-tests --test
//! abi_artifacts` adds those of the present version where they are missing. **Invariant: an artifact that is
//! there is never written again**; it goes only when its major does.

use std::path::{Path, PathBuf};
use wasmaot_abi::types::{GlobalType, Limits, MemoryType, TableType, ValType};
use wasmaot_abi::version::{ABI_MAJOR, ABI_MINOR};
use wasmaot_runtime::{CallError, Caller, Extern, Global, Linker, Memory, Module, Store, Table, Val};
use wasmaot_tests::{compile, files, report, tests_folder};

fn folder() -> PathBuf {
    tests_folder().join("artifacts")
}

/// What a call should end in.
enum Expected {
    Values(Vec<Val>),
    Trap(String),
}

/// A line `;; run: EXPORT TYPE:VALUE ... -> TYPE:VALUE ...` or `... -> trap: MESSAGE`.
struct Run {
    line: String,
    export: String,
    arguments: Vec<Val>,
    expected: Expected,
}

fn value(word: &str) -> Val {
    let parsed = word.split_once(':').and_then(|(ty, text)| {
        Some(match ty {
            "i32" => Val::I32(text.parse().ok()?),
            "i64" => Val::I64(text.parse().ok()?),
            "f32" => Val::F32(text.parse::<f32>().ok()?.to_bits()),
            "f64" => Val::F64(text.parse::<f64>().ok()?.to_bits()),
            _ => return None,
        })
    });
    parsed.unwrap_or_else(|| panic!("not a value: {word}"))
}

fn runs(wat: &Path) -> Vec<Run> {
    let text = std::fs::read_to_string(wat).expect("a readable source");
    let runs: Vec<Run> = text.lines().filter_map(|line| line.strip_prefix(";; run: ")).map(parse).collect();
    assert!(!runs.is_empty(), "{} says nothing of its results", wat.display());
    runs
}

fn parse(line: &str) -> Run {
    let (call, end) = line.split_once(" -> ").unwrap_or((line, ""));
    let mut words = call.split_whitespace();
    Run {
        line: line.to_string(),
        export: words.next().unwrap_or_else(|| panic!("no export: {line}")).to_string(),
        arguments: words.map(value).collect(),
        expected: match end.strip_prefix("trap: ") {
            Some(message) => Expected::Trap(message.to_string()),
            None => Expected::Values(end.split_whitespace().map(value).collect()),
        },
    }
}

fn linker(store: &mut Store<()>) -> Linker<()> {
    let mut linker = Linker::new();
    linker.func_wrap("host", "double", |_: &mut Caller<'_, ()>, n: i32| 2 * n).expect("a new name");
    let global = Global::new(store, GlobalType { value: ValType::I32, mutable: false }, Val::I32(7));
    linker.define("host", "seven", Extern::Global(global.expect("it fits"))).expect("a new name");
    let memory = Memory::new(store, MemoryType::new(Limits { min: 1, max: None }));
    linker.define("host", "memory", Extern::Memory(memory.expect("it fits"))).expect("a new name");
    let limits = Limits { min: 2, max: None };
    let table = Table::new(store, TableType::new(ValType::FUNCREF, limits), Val::FuncRef(None));
    linker.define("host", "table", Extern::Table(table.expect("it fits"))).expect("a new name");
    linker
}

/// Runs all lines of a source against an artifact, in one instance.
fn check(name: &str, module: &Module, runs: &[Run]) {
    let mut store = Store::new(());
    let linker = linker(&mut store);
    let instance = linker.instantiate(&mut store, module).unwrap_or_else(|e| panic!("{name}: {e}"));
    for run in runs {
        match (instance.call(&mut store, &run.export, &run.arguments), &run.expected) {
            (Ok(found), Expected::Values(expected)) if found == *expected => {}
            (Err(CallError::Trap(trap)), Expected::Trap(message)) if trap.code.message() == message => {}
            (found, _) => panic!("{name}: {}: got {found:?}", run.line),
        }
    }
}

/// The version in a name like `memory-1.0.so`, and the source's name.
fn parts(path: &Path) -> (String, u16, u16) {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let parsed = stem.rsplit_once('-').and_then(|(name, version)| {
        let (major, minor) = version.split_once('.')?;
        Some((name.to_string(), major.parse().ok()?, minor.parse().ok()?))
    });
    parsed.unwrap_or_else(|| panic!("{}: not named NAME-MAJOR.MINOR.so", path.display()))
}

#[test]
fn the_present_compiler_gives_the_known_results() {
    for wat in files(&folder(), "wat") {
        let wasm = wat::parse_file(&wat).unwrap_or_else(|e| panic!("{e}"));
        let module = wasmaot_tests::load(&compile(&wasm)).unwrap_or_else(|e| panic!("{e}"));
        check(&wat.display().to_string(), &module, &runs(&wat));
    }
}

#[test]
fn kept_artifacts_load_and_give_the_known_results() {
    if std::env::var_os("WASMAOT_BLESS_ARTIFACTS").is_some_and(|value| value == "1") {
        bless();
    }
    let artifacts = files(&folder(), "so");
    assert!(
        artifacts.len() >= files(&folder(), "wat").len(),
        "artifacts are missing: WASMAOT_BLESS_ARTIFACTS=1 adds them"
    );
    for path in &artifacts {
        let (name, major, minor) = parts(path);
        let module = wasmaot_tests::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!((module.header().major, module.header().minor), (major, minor), "{}", path.display());
        assert_eq!(major, ABI_MAJOR, "{}: artifacts of an old major go with it", path.display());
        check(&path.display().to_string(), &module, &runs(&folder().join(name).with_extension("wat")));
    }
    report(format_args!("abi_artifacts: {} artifacts load and give the known results", artifacts.len()));
}

/// Adds the artifacts of the present version that are missing.
fn bless() {
    for wat in files(&folder(), "wat") {
        let name = wat.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let path = folder().join(format!("{name}-{ABI_MAJOR}.{ABI_MINOR}.so"));
        if path.exists() {
            continue;
        }
        let wasm = wat::parse_file(&wat).unwrap_or_else(|e| panic!("{e}"));
        std::fs::write(&path, compile(&wasm)).expect("a writable folder");
        report(format_args!("abi_artifacts: added {}", path.display()));
    }
}
