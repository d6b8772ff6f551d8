//! Real programs, in `tests/programs`: each runs its own tests, or gives known answers. `README.md` there
//! says where they come from.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wasmaot_runtime::Module;
use wasmaot_tests::{Ended, Random, compile, files, parallel, report, run_program_with, tests_folder};
use wasmaot_wasi::WasiCtxBuilder;

fn folder() -> PathBuf {
    tests_folder().join("programs")
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn module(name: &str) -> Module {
    wasmaot_tests::load(&compile(&read(name))).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs a program in a folder, which is "/" and "." to it.
fn run(module: &Module, folder: &Path, arguments: &[&str], input: &[u8]) -> Ended {
    let mut builder = WasiCtxBuilder::new();
    builder.args(["program"]).args(arguments);
    builder
        .preopen_dir(folder, "/")
        .and_then(|builder| builder.preopen_dir(folder, "."))
        .expect("it is there");
    run_program_with(module, &mut builder, input).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

/// As [`run`], for what must succeed.
fn output(module: &Module, folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let ended = run(module, folder, arguments, input);
    let [stdout, stderr] = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert_eq!(ended.status, 0, "{arguments:?}: {stdout}{stderr}");
    stdout
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The shell on a database in a file: what one run leaves another one finds.
#[test]
fn sqlite_gives_known_answers() {
    let (sqlite, place) = (module("sqlite3.wasm"), scratch());
    for script in ["tables", "again"] {
        let answers = output(&sqlite, place.path(), &["/test.db"], &read(&format!("sqlite/{script}.sql")));
        let expected = String::from_utf8(read(&format!("sqlite/{script}.expected"))).expect("text");
        assert_eq!(answers, expected, "{script}.sql");
    }
    let checked = output(&sqlite, place.path(), &["/test.db", "PRAGMA integrity_check"], b"");
    assert_eq!(checked, "ok\n");
    let refused = run(&sqlite, place.path(), &["-bail", "/test.db", "SELECT missing"], b"");
    assert_ne!(refused.status, 0);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no such column: missing"));
}

/// The tests of the interpreter, which throw what is wrong.
#[test]
fn quickjs_passes_its_tests() {
    let (quickjs, scripts) = (module("qjs.wasm"), folder().join("quickjs"));
    let tests: Vec<PathBuf> =
        files(&scripts, "js").into_iter().filter(|path| !path.ends_with("assert.js")).collect();
    assert!(tests.len() >= 8);
    let results = parallel(tests.clone(), |test| {
        let name = test.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let ended = run(&quickjs, &scripts, &[&name], b"");
        let wrong = ended.status != 0 || !ended.stderr.is_empty();
        wrong.then(|| format!("{name}: {} {}", ended.status, String::from_utf8_lossy(&ended.stderr)))
    });
    let wrong: Vec<String> = results.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    report(format_args!("wasi: {} test scripts of QuickJS passed", tests.len()));
}

/// The library's own example, which checks what it does, and its `gzip`.
#[test]
fn zlib_passes_its_tests() {
    let place = scratch();
    let printed = output(&module("zlib-example.wasm"), place.path(), &[], b"");
    assert_eq!(printed.as_bytes(), read("zlib/example.expected"));

    let minigzip = module("minigzip.wasm");
    let unpacked = run(&minigzip, place.path(), &["-d"], &read("zlib/known.gz"));
    assert_eq!((unpacked.status, unpacked.stdout), (0, read("zlib/known.txt")), "what gzip made");

    // Bytes that repeat at all distances, and some that do not.
    let mut random = Random::new(7);
    let bytes: Vec<u8> =
        (0..300_000_u64).map(|at| ((at * at) >> 9) as u8 & 0xfc | random.below(4) as u8).collect();
    let packed = run(&minigzip, place.path(), &[], &bytes);
    assert!(packed.status == 0 && packed.stdout.len() < bytes.len(), "{}", packed.stdout.len());
    let mut damaged = packed.stdout.clone();
    assert_eq!(run(&minigzip, place.path(), &["-d"], &packed.stdout).stdout, bytes);
    damaged[packed.stdout.len() / 2] ^= 1;
    assert_ne!(run(&minigzip, place.path(), &["-d"], &damaged).status, 0, "a damaged file is noticed");

    // Files take the place of others.
    fs::write(place.path().join("data"), &bytes).expect("written");
    output(&minigzip, place.path(), &["/data"], b"");
    assert!(!place.path().join("data").exists());
    output(&minigzip, place.path(), &["-d", "/data.gz"], b"");
    assert_eq!(fs::read(place.path().join("data")).expect("there again"), bytes);
}

/// A parser's own tests in Rust's own test runner.
#[test]
fn rust_passes_its_tests() {
    let printed = output(&module("markdown.wasm"), scratch().path(), &["--test-threads=1"], b"");
    let last = printed.trim_end().lines().last().expect("a summary");
    assert!(last.starts_with("test result: ok. 739 passed; 0 failed; 0 ignored"), "{last}");
    report("wasi: 739 tests of pulldown-cmark passed");
}

/// A program in C++ that throws, as compilers emit it today, prints what a native build of it prints.
#[test]
fn cpp_exceptions_do_what_native_ones_do() {
    let printed = output(&module("exceptions.wasm"), scratch().path(), &[], b"");
    let expected = String::from_utf8(read("exceptions/expected.txt")).expect("text");
    assert_eq!(printed, expected);
    report("wasi: exceptions of C++ are thrown and caught as in a native build");
}
