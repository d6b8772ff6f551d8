//! Modules that new users bring, and what they are told: each message says what the file is and what to do,
//! without debug output of Rust.

use crate::support::{Place, Run};

/// Asserts that a message has no debug output in it.
#[track_caller]
pub(crate) fn plain(run: Run) -> Run {
    for mark in ["Abstract", "{ ", "Some(", "None", "HeapType", "Err("] {
        assert!(!run.stderr.contains(mark), "debug output {mark:?} in {run:#?}");
    }
    run
}

const EXIT: &str =
    r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)"#;

#[test]
fn the_default_export_and_reactors_start() {
    let place = Place::new();
    let status = |name: &str, functions: &str, status: i32| {
        let text = format!("(module {EXIT} (global $g (mut i32) (i32.const 0)) {functions})");
        let artifact = place.artifact(name, &text);
        place.run(&["run", &artifact]).status(status).stdout("").silent();
        let program = place.executable(name, &text, &[]);
        crate::support::finish(place.started(&program, &[])).status(status).stdout("").silent();
    };
    let exit =
        |name: &str, status: i32| format!(r#"(func (export "{name}") (call $exit (i32.const {status})))"#);
    status("default", &exit("", 5), 5);
    status("both", &(exit("_start", 6) + &exit("", 5)), 5);
    status("reactor", &exit("_initialize", 7), 7);
    status("quiet", r#"(func (export "_initialize"))"#, 0);
    let initialized = r#"(func (export "_initialize") (global.set $g (i32.const 8)))
        (func (export "") (call $exit (global.get $g)))"#;
    status("initialized", initialized, 8);
    status("command", &(exit("_start", 6) + &exit("_initialize", 7)), 6);
    // The start function is not all that a command has.
    status("start", &(exit("_start", 9) + "(func $f) (start $f)"), 9);
}

#[test]
fn a_flattened_component_is_a_module() {
    let place = Place::new();
    place.file(
        "seven.wat",
        r#"(component (core module $m (func (export "seven") (result i32) (i32.const 7))) (core instance $i (instantiate $m))
            (func (export "seven") (result u32) (canon lift (core func $i "seven"))))"#,
    );
    place.run(&["compile", "seven.wat", "--emit", "wasm"]).status(0);
    place.file("other.wat", r#"(module (func (export "f")))"#);
    place.run(&["compile", "other.wat", "--emit", "wasm"]).status(0);
    for name in ["seven.core.wasm", "other.core.wasm"] {
        place.run(&["compile", name]).status(0);
    }
}

#[test]
fn unsupported_features_are_named_in_plain_words() {
    let place = Place::new();
    for (feature, text) in [
        ("gc", "(module (func (param (ref i31))))"),
        ("gc", "(module (func (local anyref)))"),
        ("gc", "(module (type (struct (field i32))))"),
        ("gc", "(module (global eqref (ref.null none)))"),
        ("custom-descriptors", r#"(module (type $t (func)) (import "m" "f" (func (exact (type $t)))))"#),
        ("custom-descriptors", r#"(module (type $t (func)) (func (param (ref (exact $t)))))"#),
        ("stack-switching", "(module (type $f (func)) (type (cont $f)))"),
    ] {
        place.file("a.wat", text);
        let run = plain(place.run(&["compile", "a.wat"]).status(1));
        run.stderr_has(&["error: cannot compile `a.wat`", "unsupported WebAssembly feature: ", feature]);
    }
    place.file("a.wat", "(module (func (param (ref i31))))");
    place.run(&["compile", "a.wat"]).status(1).stderr_has(&["the reference type `i31ref`", "wasm32-wasip1"]);
}

#[test]
fn modules_for_javascript_are_recognised() {
    let place = Place::new();
    for (module, name, parts) in [
        ("./app_bg.js", "__wbg_log_1", ["wasm-bindgen", "wasm32-wasip1"]),
        ("env", "emscripten_resize_heap", ["Emscripten", "wasi-sdk"]),
        ("gojs", "runtime.wasmExit", ["Go has built it", "GOOS=wasip1"]),
        ("env", "abort", ["AssemblyScript", "--use abort="]),
        ("wasm:js-string", "length", ["builtins of JavaScript", "WASI"]),
    ] {
        place.file(
            "glue.wat",
            format!(r#"(module (import "{module}" "{name}" (func)) (func (export "_start")))"#),
        );
        let compiled = place.run(&["compile", "glue.wat", "--quiet"]).status(0).stdout("");
        compiled.stderr_has(&["warning: `wasmaot run` cannot run `glue.so`"]).stderr_has(&parts);
        place
            .run(&["run", "glue.wat"])
            .status(1)
            .stderr_has(&["error: cannot instantiate", "hint: "])
            .stderr_has(&parts);
        let refused = place.run(&["compile", "glue.wat", "--emit", "exe"]).status(1);
        refused.stderr_has(&["cannot be an executable"]).stderr_has(&parts);
    }
    place.file("host.wat", r#"(module (import "host" "log" (func)) (func (export "_start")))"#);
    place.run(&["compile", "host.wat", "--quiet"]).status(0).silent();
}

#[test]
fn only_features_that_are_used_are_listed() {
    let place = Place::new();
    let features = |text: &str| {
        let name = place.artifact("a", text);
        let shown = place.run(&["inspect", &name]).status(0).silent().stdout;
        let line = shown.lines().find_map(|line| line.strip_prefix("wasm features "));
        line.expect("a line of features").trim().to_string()
    };
    let table = r#"(module (table 1 funcref) (memory 1) (func $f) (elem (i32.const 0) $f)
        (func (export "g") (call_indirect (i32.const 0))))"#;
    assert_eq!(features(table), "none beyond version 1");
    assert_eq!(features("(module (func $f) (elem declare func $f))"), "reference-types");
    assert_eq!(features("(module (func $f) (elem func $f))"), "bulk-memory");
    let exprs = "(module (table 1 funcref) (elem (i32.const 0) funcref (ref.null func)))";
    assert_eq!(features(exprs), "reference-types");
}

#[test]
fn names_in_listings_cannot_drive_a_terminal() {
    let place = Place::new();
    place.file("a.wat", include_str!("../guests/control_characters.wat"));
    for emit in ["clif", "asm"] {
        let run = place.run(&["compile", "a.wat", "--emit", emit, "-o", "-", "--quiet"]).status(0).silent();
        let controls = run.stdout.chars().filter(|c| c.is_control() && *c != '\n').count();
        assert_eq!(controls, 0, "{run:#?}");
        assert!(run.stdout.contains("a\\u{1b}[2J") && !run.stdout.contains("\n; \u{1b}"), "{run:#?}");
    }
}

#[test]
fn names_in_messages_cannot_drive_a_terminal() {
    let place = Place::new();
    for text in [
        r#"(module (func (export "\1b[2J")) (func (export "\1b[2J")))"#,
        r#"(module (import "\1b[2J" "\07" (func)) (func (export "_start")))"#,
        r#"(module (func (export "\1b[2J")))"#,
        "(module (func $\u{1b}[2J))",
    ] {
        place.file("a\u{1b}[2J.wat", text);
        let run = place.run(&["run", "a\u{1b}[2J.wat"]).status(1).stdout("");
        assert!(run.stderr.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{run:#?}");
    }
}

#[test]
fn endless_files_are_refused() {
    let place = Place::new();
    for command in ["compile", "run", "inspect"] {
        place.run(&[command, "/dev/zero"]).status(1).stdout("").stderr_has(&["error: `/dev/zero` is n"]);
    }
    let mut command = place.command(&["compile", "-", "-o", "out.so"]);
    command.stdin(std::fs::File::open("/dev/zero").expect("a device"));
    crate::support::finish(command).status(1).stderr_has(&["error: `-` is neither"]);
}

#[test]
fn options_behind_the_file_are_pointed_out() {
    let place = Place::new();
    let library =
        place.artifact("lib", r#"(module (func (export "gcd") (param i32 i32) (result i32) (local.get 0)))"#);
    for line in [
        &["run", &library, "--invoke", "gcd", "48", "36"][..],
        &["run", &library, "--invoke=gcd", "48"],
        &["run", "--invoke", "gcd", &library, "48", "36", "--invoke"],
    ] {
        let run = place.run(line).status(1).stdout("");
        run.stderr_has(&["hint: options of `run` end at the file: put `--invoke` in front of it"]);
    }
    place.run(&["run", &library, "-O2"]).status(1).stderr_has(&["put `-O` in front"]);
    let plain = place.run(&["run", &library, "--verbose"]).status(1);
    plain.stderr_has(&["hint: `--invoke NAME` in front of the file", "`gcd`"]);
}

/// Exits with the number of its arguments, or traps if it finds a directory or variables.
const GRANTED: &str = include_str!("../guests/granted.wat");

#[test]
fn arguments_of_the_program_grant_nothing() {
    let place = Place::new();
    let name = place.artifact("options", GRANTED);
    for (arguments, count) in [
        (&["--dir=/"][..], 2),
        (&["--dir", "/::/", "--env", "K=V", "--inherit-env"], 6),
        (&["--report", "json", "--report-to", "record"], 5),
        (&["--", "--dir=/"], 2),
        (&["--", "--", "--dir=/"], 3),
        (&["-O9", "--invoke", "f", "--listen", "127.0.0.1:0"], 6),
    ] {
        let line = [&["run", &name], arguments].concat();
        place.run(&line).status(count).stdout("").silent();
        let line = [&["run", "--fuel", "100000", "options.wat"], arguments].concat();
        place.run(&line).status(count).stdout("").silent();
    }
    assert!(!place.path("record").exists());
    // In front of the file, it does.
    place.run(&["run", "--dir=/", &name]).status(134);
}
