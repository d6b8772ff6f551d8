//! `wasmaot run`: what a program is given, how its end is reported, and calls of single functions.

use crate::support::{ECHO, IMPORTS, Place, Run, TRAP, finish, program, repository};
use std::path::Path;

#[test]
fn a_program_gets_its_arguments_and_only_the_given_environment() {
    let place = Place::new();
    let name = place.artifact("echo", ECHO);
    place.run(&["run", &name]).status(1).stdout("echo.so\0").silent();
    place.run(&["run", &name, "a", "--env", "b=c"]).status(4).stdout("echo.so\0a\0--env\0b=c\0").silent();
    place.run(&["run", &name, "--env", "b=c"]).status(3).stdout("echo.so\0--env\0b=c\0").silent();
    place.run(&["run", &name, "--help"]).status(2).stdout("echo.so\0--help\0").silent();
    place.run(&["run", &name, "--", "--env", "-5"]).status(3).stdout("echo.so\0--env\0-5\0").silent();
    place.run(&["run", &name, "-7"]).status(2).stdout("echo.so\0-7\0").silent();
    let run = place.run(&["run", "--env", "K=V=W", "--env", "L=", &name, "x"]).status(2).silent();
    run.stdout("echo.so\0x\0K=V=W\0L=\0");
}

#[test]
fn arguments_need_not_be_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let name = place.artifact("echo", ECHO);
    let mut command = place.command(&["run", &name]);
    let output = command.arg(std::ffi::OsStr::from_bytes(b"\xff\xfe")).output().expect("the command starts");
    assert_eq!(output.stdout, b"echo.so\0\xff\xfe\0");
}

#[test]
fn the_exit_status_is_the_programs() {
    let place = Place::new();
    for status in [0, 1, 7, 134, 255] {
        let text = program(&format!("(call $exit (i32.const {status})) unreachable"));
        let name = place.artifact("exit", &text);
        place.run(&["run", &name]).status(status).stdout("").silent();
    }
    let name = place.artifact("return", r#"(module (func (export "_start")))"#);
    place.run(&["run", &name]).status(0).stdout("").silent();
}

/// Asserts that a program ended with this error in these calls, the innermost first.
#[track_caller]
fn ends_in(run: &Run, error: &str, calls: &[&str]) {
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!((run.status, run.stdout.as_str(), lines.len()), (134, "", 1 + calls.len()), "{run:#?}");
    assert_eq!(lines[0], error);
    for ((number, call), line) in calls.iter().enumerate().zip(&lines[1..]) {
        let offset = line.strip_prefix(&format!("  {number}: {call} at wasm offset 0x"));
        assert!(offset.is_some_and(|hex| u32::from_str_radix(hex, 16).is_ok()), "{call}: {run:#?}");
    }
}

#[test]
fn a_trap_shows_its_code_and_the_calls_that_led_to_it() {
    let place = Place::new();
    let name = place.artifact("trap", TRAP);
    let calls = ["func[0] <divide>", "func[1] <middle>", "func[2] <_start>"];
    ends_in(&place.run(&["run", &name]), "error: trap: integer divide by zero", &calls);
}

#[test]
fn an_uncaught_exception_shows_its_values_and_the_calls_that_led_to_it() {
    let place = Place::new();
    let name = place.artifact("throw", include_str!("../guests/throw.wat"));
    let calls = ["func[0] <throw>", "func[1] <miss>", "func[2] <_start>"];
    ends_in(&place.run(&["run", &name]), "error: uncaught exception with 7, 2.5", &calls);
    let run = place.run(&["run", "--invoke", "plain", &name]);
    ends_in(&run, "error: uncaught exception", &["func[3] <plain>"]);
}

#[test]
fn every_trap_is_named() {
    let place = Place::new();
    let traps = [
        ("unreachable", "unreachable"),
        ("(drop (i32.load (i32.const 65536)))", "out of bounds memory access"),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", "invalid conversion to integer"),
        ("(drop (i32.trunc_f32_s (f32.const 1e30)))", "integer overflow"),
        ("(call_indirect (i32.const 9))", "undefined element"),
        ("(call_indirect (i32.const 1))", "uninitialized element"),
        ("(call_indirect (param i32) (i32.const 0) (i32.const 0))", "indirect call type mismatch"),
    ];
    for (body, message) in traps {
        let text = format!(
            r#"(module (memory 1) (table 2 2 funcref) (elem (i32.const 0) $f) (func $f)
                (func (export "_start") {body}))"#
        );
        let name = place.artifact("trap", &text);
        place.run(&["run", &name]).status(134).stderr_has(&[&format!("error: trap: {message}\n")]);
    }
}

#[test]
fn a_stack_overflow_is_a_trap_with_a_short_backtrace() {
    let place = Place::new();
    let name = place.artifact("deep", r#"(module (func $f (export "_start") (call $f) (call $f)))"#);
    let run =
        place.run(&["run", &name]).status(134).stderr_has(&["error: trap: call stack exhausted", "... and "]);
    assert!(run.stderr.lines().count() < 40, "{run:#?}");
}

#[test]
fn names_in_a_backtrace_cannot_drive_a_terminal() {
    let place = Place::new();
    let name = place.artifact("trap", r#"(module (func $"\1b[2J" (export "_start") unreachable))"#);
    place.run(&["run", &name]).status(134).stderr_has(&["<\\u{1b}[2J>"]);
}

#[test]
fn all_unresolved_imports_are_listed_at_once() {
    let place = Place::new();
    let name = place.artifact("imports", IMPORTS);
    let run = place.run(&["run", &name]).status(1).stdout("");
    assert!(!run.stderr.contains("proc_exit"), "{run:#?}");
    run.stderr_has(&[
        "error: cannot instantiate `imports.so`",
        "\"one\"",
        "\"no_such_call\"",
        "\"two\"",
        "hint: ",
    ]);
}

#[test]
fn what_starts_a_module() {
    let place = Place::new();
    let neither = place.artifact("neither", r#"(module (func (export "f")) (func (export "g")))"#);
    place.run(&["run", &neither]).status(1).stderr_has(&[
        "exports no function `_start`",
        "--invoke",
        "`f`, `g`",
    ]);
    let takes = place.artifact("takes", r#"(module (func (export "_start") (param i32 f64)))"#);
    let run = place.run(&["run", &takes]).status(1);
    run.stderr_has(&[
        "`takes.so` cannot be started: its `_start` has parameters (i32, f64)",
        "`--invoke _start` in front",
    ]);
    place.run(&["run", "--invoke", "_start", &takes, "1", "2"]).status(0).silent();
    let empty = place.artifact("empty", "(module)");
    place.run(&["run", &empty]).status(1).stderr_has(&["exports no functions at all"]);
    let start = place.artifact("start", r#"(module (func $f unreachable) (start $f))"#);
    place.run(&["run", &start]).status(134).stderr_has(&["error: trap: unreachable"]);
    let library = place.artifact(
        "library",
        r#"(module (global $g (mut i32) (i32.const 1))
            (func (export "_initialize") (global.set $g (i32.const 5)))
            (func (export "get") (result i32) (global.get $g)))"#,
    );
    place.run(&["run", "--invoke", "get", &library]).status(0).stdout("5\n").silent();
}

#[test]
fn invoke_takes_and_prints_values_of_every_type() {
    let place = Place::new();
    let name = place.artifact("values", include_str!("../guests/values.wat"));
    let invoke = |arguments: &[&str]| {
        place.run(&[&["run", "--invoke", arguments[0], &name], &arguments[1..]].concat())
    };
    invoke(&["i32", "4294967295"]).status(0).stdout("-1\n").silent();
    invoke(&["i32", "-2147483648"]).status(0).stdout("-2147483648\n").silent();
    invoke(&["i64", "0x7fffffffffffffff"]).status(0).stdout("9223372036854775807\n").silent();
    invoke(&["f32", "0.1"]).status(0).stdout("0.1\n").silent();
    invoke(&["f64", "-1e300"]).status(0).stdout("-1e300\n").silent();
    invoke(&["f64", "--", "-inf"]).status(0).stdout("-inf\n").silent();
    invoke(&["v128", "0xffffffff00000001"]).status(0).stdout("0x000000000000000000000001ffffffff\n").silent();
    invoke(&["v128", "1"])
        .status(1)
        .stderr_has(&["argument 1 of `v128` is `1`, which is not a v128 (0x and"]);
    invoke(&["ref", "null"]).status(0).stdout("null\n").silent();
    invoke(&["all", "1", "-2", "3", "4.5"]).status(0).stdout("4.5\n3.0\n-2\n1\n").silent();
    invoke(&["none"]).status(0).stdout("").silent();
    invoke(&["i32"])
        .status(1)
        .stderr_has(&["`i32` takes 1 argument, not 0", "hint: its parameters are (i32)"]);
    invoke(&["none", "1"]).status(1).stderr_has(&["`none` takes 0 arguments, not 1"]);
    invoke(&["i32", "1.5"]).status(1).stderr_has(&["argument 1 of `i32` is `1.5`, which is not an i32"]);
    invoke(&["memory"]).status(1).stderr_has(&["exports no function `memory`", "`i32`"]);
}

#[test]
fn directories_are_given_by_name() {
    let place = Place::new();
    let program = repository("benchmarks/programs/cat-sync.wasm");
    let program = program.to_str().expect("UTF-8");
    std::fs::create_dir(place.path("data")).expect("a directory");
    place.file("data/in.txt", "some text\n");
    place.run(&["compile", program, "-o", "cat.so", "--quiet"]).status(0);
    let cat = |options: &[&str], file: &str| place.run(&[&["run"], options, &["cat.so", file]].concat());
    cat(&["--dir", "data"], "data/in.txt").status(0).stdout("some text\n");
    cat(&["--dir", "data::/inside"], "/inside/in.txt").status(0).stdout("some text\n");
    let refused = cat(&["--dir", "data"], "/etc/passwd");
    assert!(refused.status != 0 && refused.stdout.is_empty(), "{refused:#?}");
    let refused = cat(&[], "data/in.txt");
    assert!(refused.status != 0 && refused.stdout.is_empty(), "{refused:#?}");
    cat(&["--dir", "missing"], "x").status(1).stderr_has(&["directories", "missing"]);
}

#[test]
fn signals_that_the_caller_blocked_still_become_traps() {
    let env = Path::new("/usr/bin/env");
    let place = Place::new();
    if finish(place.started(env, &["--block-signal=FPE", "true"])).status != 0 {
        println!("skipped: env has no --block-signal");
        return;
    }
    let text = r#"(module (memory 1)
        (func (export "div") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
        (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#;
    let artifact = place.artifact("traps", text);
    for (export, argument, message) in
        [("div", "0", "integer divide by zero"), ("load", "65536", "out of bounds memory access")]
    {
        let command = ["run", "--invoke", export, &artifact, argument];
        let blocked = [&["--block-signal", env!("CARGO_BIN_EXE_wasmaot")][..], &command].concat();
        finish(place.started(env, &blocked)).status(134).stdout("").stderr_has(&[message]);
    }
}

/// What an option asks for is done or refused: code that is there already is not generated.
#[test]
fn options_of_code_generation_are_refused_for_artifacts() {
    let place = Place::new();
    let text = r#"(module (func (export "_start")))"#;
    let name = place.artifact("a", text);
    for (options, option) in [
        (&["-O1"][..], "-O"),
        (&["-O", "2"], "-O"),
        (&["--target-cpu", "native"], "--target-cpu"),
        (&["--relaxed-simd", "native"], "--relaxed-simd"),
        (&["--meter"], "--meter"),
        (&["--no-debug"], "--no-debug"),
        (&["--without-pass", "merge"], "--without-pass"),
        (&["--disable", "simd"], "--disable"),
    ] {
        let run = place.run(&[&["run"], options, &[&name]].concat()).status(1).stdout("");
        run.stderr_has(&[
            &format!("error: `{option}` is for modules, and `a.so` is compiled already"),
            &format!("`wasmaot compile {option}`"),
        ]);
        place.run(&[&["run"], options, &["a.wat"]].concat()).status(0).silent();
    }
    place.run(&["run", "--jobs", "2", &name]).status(0).silent();
}
