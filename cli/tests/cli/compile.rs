//! `wasmaot compile`: what it writes, where, and what it says.

use crate::support::{Place, broken_pipe, finish, repository};
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

const ADD: &str = r#"(module (func $add (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))"#;

#[test]
fn the_output_is_named_after_the_input() {
    let place = Place::new();
    std::fs::create_dir(place.path("in")).expect("a directory");
    place.file("in/a.b.wat", ADD);
    for (emit, extension) in [("so", "so"), ("obj", "o"), ("clif", "clif"), ("asm", "s")] {
        place.run(&["compile", "in/a.b.wat", "--emit", emit]).status(0).stdout("");
        assert!(place.path(&format!("in/a.b.{extension}")).is_file(), "{emit}");
    }
    place.run(&["compile", "in/a.b.wat", "-o", "x"]).status(0);
    assert_eq!(std::fs::read(place.path("x")).ok(), std::fs::read(place.path("in/a.b.so")).ok());
}

#[test]
fn one_line_sums_up() {
    let place = Place::new();
    place.file("a.wat", ADD);
    let run = place.run(&["compile", "a.wat"]).status(0).stdout("");
    assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    run.stderr_has(&["1 function, ", " B code, 0 B image -> a.so (", " s\n"]);
    place.run(&["compile", "a.wat", "--quiet"]).status(0).silent();
}

#[test]
fn text_goes_to_standard_output() {
    let place = Place::new();
    place.file("a.wat", ADD);
    let clif = place.run(&["compile", "a.wat", "--emit", "clif", "-o", "-"]).status(0);
    assert!(clif.stdout.contains("iadd"), "{clif:#?}");
    clif.stderr_has(&["-> standard output ("]);
    let asm = place.run(&["compile", "a.wat", "--emit", "asm", "-o", "-", "--quiet"]).status(0).silent();
    assert!(asm.stdout.contains("ret"), "{asm:#?}");
    assert!(!place.path("-").exists());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::new();
    place.file("a.wat", ADD);
    let mut command = place.command(&["compile", "a.wat", "--emit", "asm", "-o", "-", "--quiet"]);
    let status = command.stdout(broken_pipe()).status().expect("the command starts");
    assert!(status.success(), "{status}");
}

#[test]
fn artifacts_are_replaced_never_changed() {
    let place = Place::new();
    place.file("a.wat", ADD);
    place.run(&["compile", "a.wat"]).status(0);
    let old = std::fs::File::open(place.path("a.so")).expect("the artifact");
    place.file("a.wat", r#"(module (func (export "_start")))"#);
    place.run(&["compile", "a.wat"]).status(0);
    let new = std::fs::metadata(place.path("a.so")).expect("the artifact");
    assert_ne!(old.metadata().expect("open").ino(), new.ino());
    let left: Vec<_> = std::fs::read_dir(place.path("")).expect("the directory").collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_cannot_be_written_is_reported() {
    let place = Place::new();
    place.file("a.wat", ADD);
    place
        .run(&["compile", "a.wat", "-o", "no/where.so"])
        .status(1)
        .stderr_has(&["cannot write `no/where.so`"]);
    place.run(&["compile", "a.wat", "-o", "."]).status(1).stderr_has(&["cannot write `.`", "directory"]);
}

#[test]
fn the_input_is_never_overwritten() {
    let place = Place::new();
    place.file("a.so", ADD);
    place.run(&["compile", "a.so"]).status(1).stderr_has(&["overwrite", "hint: name another file with `-o`"]);
    assert_eq!(std::fs::read(place.path("a.so")).expect("the input"), ADD.as_bytes());
}

#[test]
fn a_module_may_come_through_a_pipe() {
    let place = Place::new();
    let mut command = place.command(&["compile", "/dev/stdin", "-o", "a.so", "--quiet"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, ADD.as_bytes()).expect("written");
    drop(stdin);
    assert!(child.wait().expect("an end").success());
    place.run(&["run", "a.so", "--invoke", "add", "1", "2"]).status(0).stdout("3\n");
}

#[test]
fn jobs_change_nothing_and_options_are_recorded() {
    let place = Place::new();
    let program = repository("benchmarks/programs/nbody.wasm");
    let program = program.to_str().expect("UTF-8");
    let compile = |name: &str, options: &[&str]| {
        place.run(&[&["compile", program, "--quiet", "-o", name], options].concat()).status(0).silent();
        std::fs::read(place.path(name)).expect("the artifact")
    };
    let one = compile("one.so", &["--jobs", "1"]);
    assert!(one == compile("three.so", &["--jobs", "3"]), "the output depends on the number of jobs");
    for level in ["x86-64", "x86-64-v2", "x86-64-v3"] {
        compile("level.so", &["--target-cpu", level, "-O", "0"]);
        let report = place.run(&["inspect", "level.so"]).status(0);
        assert!(report.stdout.lines().any(|l| l.starts_with("cpu ") && l.contains(level)), "{report:#?}");
    }
    compile("native.so", &["--target-cpu", "native", "-O2"]);
    finish(place.command(&["run", "native.so", "10"])).status(0);
}

#[test]
fn features_are_listed_and_can_be_disabled() {
    let place = Place::new();
    let state = |arguments: &[&str], name: &str| {
        let run = place.run(arguments).status(0).silent();
        let line = run.stdout.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.and_then(|line| line.split("  ").last())
            .map(str::trim)
            .unwrap_or_else(|| panic!("{run:#?}"))
            .to_string()
    };
    assert_eq!(state(&["compile", "--features"], "multi-value"), "on");
    assert_eq!(state(&["compile", "--features", "--disable", "multi-value"], "multi-value"), "off");

    place.file("a.wat", r#"(module (func (export "f") (result i32 i32) (i32.const 1) (i32.const 2)))"#);
    place.run(&["run", "a.wat", "--invoke", "f"]).status(0).stdout("1\n2\n");
    let run = place.run(&["run", "a.wat", "--disable", "multi-value", "--invoke", "f"]).status(1);
    run.stderr_has(&["disabled WebAssembly feature at offset 0x", "multi-value", "--disable multi-value"]);
    place
        .run(&["compile", "a.wat", "--disable", "multi"])
        .status(2)
        .stderr_has(&["wasmaot compile --features"]);
    place.run(&["compile"]).status(2);
}

#[test]
fn memory_and_time_are_bounded() {
    let place = Place::new();
    place.file("a.wat", ADD);
    place.run(&["compile", "a.wat", "--max-memory", "1G", "--timeout", "3600", "--jobs", "1"]).status(0);
    let late = place.run(&["compile", "a.wat", "-o", "late.so", "--timeout", "0"]).status(1);
    late.stderr_has(&[
        "error: cannot compile `a.wat`",
        "limit exceeded: the compilation takes longer than 0ns",
    ]);
    assert!(!place.path("late.so").exists());
    place.run(&["compile", "a.wat", "--max-memory", "1T"]).status(2).stderr_has(&["512M or 2G"]);
}

/// What the compiler counts is not all that a process allocates.
#[test]
fn memory_that_the_compiler_does_not_count_is_bounded_too() {
    let place = Place::new();
    let file = std::fs::File::create(place.path("huge.wasm")).expect("a writable directory");
    file.set_len(1 << 30).expect("a file of zeros");
    let refused = place.run(&["compile", "huge.wasm", "--max-memory", "100M"]).status(1).stdout("");
    refused.stderr_has(&["takes more memory than `--max-memory` allows"]);
}
