//! Real components do what they do in Wasmtime, and Wasmtime links what the guest of these tests imports.
//!
//! The components lie outside of the repository, in the folder that `COMPONENT_TESTSUITE` names; `WASMTIME`
//! is the path of Wasmtime's command. Without them the tests say that they are skipped.

use crate::{INTERFACES, link_bytes, proxy, state};
use std::path::{Path, PathBuf};
use std::process::Command;
use wasmaot_component::Error;
use wasmaot_runtime::CallError;

fn from_environment(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os(name).map(PathBuf::from);
    if found.is_none() {
        wasmaot_tests::report(format!("wasi2: skipped, {name} is not set"));
    }
    found
}

/// What a program prints, and its status.
#[derive(Debug, PartialEq)]
struct Ended {
    stdout: String,
    stderr: String,
    status: i32,
}

const ARGUMENTS: [&str; 2] = ["one", "two words"];

/// Runs a command here. `None` if it is no command.
fn run(wasm: &[u8], name: &str) -> Option<Ended> {
    let linked = link_bytes(wasm).ok()?;
    let run = linked.get_typed_func::<(), Result<(), ()>>("wasi:cli/run@0.2.0#run").ok()?;
    let mut instance = linked
        .instantiate(state(|builder| {
            builder.args([name]).args(ARGUMENTS).env("KEY", "value").stdin_bytes(*b"input");
            builder.capture_stdout(1 << 20).capture_stderr(1 << 20);
        }))
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let status = match run.call(&mut instance, ()) {
        Ok(result) => i32::from(result.is_err()),
        Err(Error::Call(CallError::Exit(status))) => status,
        Err(error) => panic!("{name}: {error}"),
    };
    let ctx = &instance.data().ctx;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Ended { stdout: text(ctx.stdout()), stderr: text(ctx.stderr()), status })
}

/// Runs a command in Wasmtime.
fn run_there(wasmtime: &Path, file: &Path) -> Ended {
    let mut command = Command::new(wasmtime);
    command.args(["run", "--env", "KEY=value"]).arg(file).args(ARGUMENTS);
    let input = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(input.path(), "input").expect("room");
    let output =
        command.stdin(std::fs::File::open(input.path()).expect("it opens")).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended {
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        status: output.status.code().expect("no signal"),
    }
}

#[test]
fn components_print_what_they_print_in_wasmtime() {
    let Some(suite) = from_environment("COMPONENT_TESTSUITE") else { return };
    let wasmtime = from_environment("WASMTIME");
    let mut count = 0;
    for file in wasmaot_tests::files(&suite.join("components"), "wasm") {
        let wasm = std::fs::read(&file).expect("readable");
        let name = file.file_name().expect("a name").to_str().expect("UTF-8");
        let Some(here) = run(&wasm, name) else { continue };
        count += 1;
        assert!(!here.stdout.is_empty(), "{name}: {here:?}");
        if let Some(wasmtime) = &wasmtime {
            assert_eq!(here, run_there(wasmtime, &file), "{name}");
        }
    }
    assert!(count > 0, "no command is there");
}

/// The types of all functions are those that Wasmtime has.
#[test]
fn wasmtime_links_the_same_interfaces() {
    let Some(wasmtime) = from_environment("WASMTIME") else { return };
    // It lacks one.
    let known: Vec<&str> =
        INTERFACES.split("\n\n").filter(|text| !text.contains("interface wasi:clocks/timezone")).collect();
    let wasm = wat::parse_str(proxy::component(&known.join("\n\n"), "0.2.6")).expect("a component");
    let file = tempfile::NamedTempFile::with_suffix(".wasm").expect("a file");
    std::fs::write(file.path(), wasm).expect("room");
    // What only experiments have is defined by options.
    let options = ["-Scli-exit-with-code", "-Snetwork-error-code"];
    let output = Command::new(wasmtime).arg("run").args(options).arg(file.path()).output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}
