//! A panic in a host function reaches the caller in an optimised build too, where the compiler is free to
//! drop what it believes unneeded.
//!
//! The program `wasmaot-tests-release` is built with `--release` and run on an artifact that is compiled
//! here. It depends on the runtime alone, so the build takes seconds.

use std::process::Command;
use wasmaot_tests::{compile_wat, report, repository};

const MODULE: &str = r#"(module (import "host" "f" (func $f))
    (func $middle (call $f))
    (func (export "run") (result i32) (call $middle) (i32.const 1))
    (func (export "trap") unreachable)
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;

#[test]
fn panics_traps_and_errors_with_optimisation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let artifact = folder.path().join("module.so");
    std::fs::write(&artifact, compile_wat(MODULE)).expect("a writable folder");
    let output = Command::new(env!("CARGO"))
        .current_dir(repository())
        .args(["run", "--release", "--quiet", "--package", "wasmaot-tests-release", "--"])
        .arg(&artifact)
        // Expected panics would fill the log.
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("cargo is there, it runs this test");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = stderr.lines().rev().take(20).collect();
    assert!(output.status.success(), "{}: {tail:#?}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ok");
    report("release: panics, traps and errors of an optimised build reach the caller");
}
