//! Components: programs of WASI 0.2, single functions with values in WAVE, and what is not run.

use crate::faults::plain;
use crate::support::Place;

/// A program that prints a text to standard output, and then does as this core function does: `end`, which
/// may return 0 or 1.
fn program(end: &str) -> String {
    format!(
        r#"(component
            (import "wasi:io/error@0.2.1" (instance $error (export "error" (type (sub resource)))))
            (alias export $error "error" (type $error))
            (import "wasi:io/streams@0.2.1" (instance $streams
                (alias outer 1 $error (type $e))
                (export "error" (type $error (eq $e)))
                (export "output-stream" (type $output (sub resource)))
                (type $failed (variant (case "last-operation-failed" (own $error)) (case "closed")))
                (export "stream-error" (type $stream-error (eq $failed)))
                (export "[method]output-stream.blocking-write-and-flush"
                    (func (param "self" (borrow $output)) (param "contents" (list u8))
                        (result (result (error $stream-error)))))))
            (alias export $streams "output-stream" (type $output))
            (import "wasi:cli/stdout@0.2.1" (instance $stdout
                (alias outer 1 $output (type $o))
                (export "output-stream" (type $output (eq $o)))
                (export "get-stdout" (func (result (own $output))))))
            (import "wasi:cli/exit@0.2.1" (instance $exit (export "exit" (func (param "status" (result))))))
            (core module $memory (memory (export "memory") 1) (data (i32.const 100) "a component\n"))
            (core instance $memory (instantiate $memory))
            (alias core export $memory "memory" (core memory $m))
            (core func $get (canon lower (func $stdout "get-stdout")))
            (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $m)))
            (core func $exit (canon lower (func $exit "exit")))
            (core module $main
                (import "" "get" (func $get (result i32)))
                (import "" "write" (func $write (param i32 i32 i32 i32)))
                (import "" "exit" (func $exit (param i32)))
                (func (export "run") (result i32)
                    (call $write (call $get) (i32.const 100) (i32.const 12) (i32.const 8))
                    {end}))
            (core instance $main (instantiate $main (with "" (instance
                (export "get" (func $get)) (export "write" (func $write)) (export "exit" (func $exit))))))
            (func $run (result (result)) (canon lift (core func $main "run")))
            (instance (export "wasi:cli/run@0.2.4") (export "run" (func $run))))"#
    )
}

#[test]
fn programs_run_and_end() {
    let place = Place::new();
    for (end, status, error) in [
        ("(i32.const 0)", 0, ""),
        ("(i32.const 1)", 1, ""),
        ("(call $exit (i32.const 0)) (i32.const 1)", 0, ""),
        ("(call $exit (i32.const 1)) (i32.const 0)", 1, ""),
        ("unreachable", 134, "unreachable"),
        // What is more than the interface allows at once.
        (
            "(call $write (call $get) (i32.const 0) (i32.const 5000) (i32.const 8)) (i32.const 0)",
            134,
            "error: trap: 5000 bytes were to be written and flushed at once: at most 4096 can be",
        ),
        // A handle that is none.
        (
            "(call $write (i32.const 77) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0)",
            134,
            "error: trap: unknown handle index 77",
        ),
    ] {
        place.file("program.wat", program(end));
        let run = place.run(&["run", "program.wat"]).status(status).stdout("a component\n");
        plain(run).stderr_has(&[error]);
    }
    place.run(&["compile", "program.wat"]).status(0);
    place.run(&["run", "program.so"]).status(134).stdout("a component\n");
}

#[test]
fn what_programs_used_is_reported() {
    let place = Place::new();
    place.file("program.wat", program("(i32.const 0)"));
    let run = place.run(&["run", "--meter", "--report", "json", "program.wat"]).status(0);
    let report: serde_json::Value = serde_json::from_str(run.stderr.trim()).expect("a line of JSON");
    assert_eq!(report["bytes_written"], 12, "{report}");
    assert_eq!((&report["end"], &report["status"]), (&"exit".into(), &0.into()), "{report}");
    assert!(report["operators"].as_u64().is_some_and(|count| count > 0), "{report}");
    place.file(
        "program.wat",
        program("(call $write (i32.const 77) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0)"),
    );
    let run = place.run(&["run", "--report", "json", "program.wat"]).status(134);
    let line = run.stderr.lines().last().expect("a line");
    let report: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
    assert_eq!(
        (&report["end"], &report["trap"]),
        (&"trap".into(), &"unknown handle index 77".into()),
        "{report}"
    );
}

#[test]
fn limits_hold_for_components() {
    let place = Place::new();
    place.file("program.wat", program("(loop $again (br $again)) (i32.const 0)"));
    for (option, words) in
        [("--timeout=50ms", "deadline"), ("--cpu-time=50ms", "CPU time"), ("--fuel=100000", "fuel")]
    {
        plain(place.run(&["run", option, "program.wat"]).status(134).stdout("a component\n"))
            .stderr_has(&[words]);
    }
}

#[test]
fn options_for_modules_are_refused_for_components_and_the_other_way() {
    let place = Place::new();
    place.file("program.wat", program("(i32.const 0)"));
    let options = ["run", "--tcp", "--udp", "--allow-dns", "--allow-http", "*.example.com:80", "program.wat"];
    place.run(&options).status(0).silent();
    plain(place.run(&["run", "--listen", "127.0.0.1:0", "program.wat"]).status(1).stdout(""))
        .stderr_has(&["`--listen` is for modules", "`--tcp`"]);
    place.file("module.wat", "(module (func (export \"_start\")))");
    for option in ["--tcp", "--udp", "--allow-dns", "--allow-http=*"] {
        plain(place.run(&["run", option, "module.wat"]).status(1)).stderr_has(&[
            "` is for components",
            option.split('=').next().unwrap_or(option),
            "`--listen`",
        ]);
    }
    plain(place.run(&["compile", "program.wat", "--emit", "exe"]).status(1))
        .stderr_has(&["is a component, which cannot be an executable", "wasm32-wasip1"]);
}

#[test]
fn programs_may_import_http() {
    let place = Place::new();
    place.file(
        "asks.wat",
        r#"(component
            (import "wasi:http/types@0.2.0" (instance $types
                (export "fields" (type $fields (sub resource)))
                (export "outgoing-request" (type $request (sub resource)))
                (export "request-options" (type (sub resource)))
                (export "future-incoming-response" (type (sub resource)))
                (export "[constructor]fields" (func (result (own $fields))))
                (export "[constructor]outgoing-request" (func (param "headers" (own $fields)) (result (own $request))))
                (export "[method]outgoing-request.set-authority"
                    (func (param "self" (borrow $request)) (param "authority" (option string)) (result (result))))))
            (alias export $types "outgoing-request" (type $request))
            (core module $memory (memory (export "m") 1) (data (i32.const 8) "127.0.0.1:9"))
            (core instance $memory (instantiate $memory))
            (core func $fields (canon lower (func $types "[constructor]fields")))
            (core func $new (canon lower (func $types "[constructor]outgoing-request")))
            (core func $set (canon lower (func $types "[method]outgoing-request.set-authority")
                (memory (core memory $memory "m"))))
            (core module $main
                (import "" "fields" (func $fields (result i32)))
                (import "" "new" (func $new (param i32) (result i32)))
                (import "" "set" (func $set (param i32 i32 i32 i32) (result i32)))
                (func (export "run") (result i32)
                    (call $set (call $new (call $fields)) (i32.const 1) (i32.const 8) (i32.const 11))))
            (core instance $main (instantiate $main (with "" (instance
                (export "fields" (func $fields)) (export "new" (func $new)) (export "set" (func $set))))))
            (func $run (result (result)) (canon lift (core func $main "run")))
            (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#,
    );
    place.run(&["run", "asks.wat"]).status(0).stdout("").silent();
    plain(place.run(&["run", "--allow-http", "a b", "asks.wat"]).status(2)).stderr_has(&["is no host"]);
}

#[test]
fn components_that_cannot_be_run_say_why() {
    let place = Place::new();
    place.file("empty.wat", "(component)");
    plain(place.run(&["run", "empty.wat"]).status(1))
        .stderr_has(&["exports no function `run` of `wasi:cli/run`", "no functions at all"]);
    place.file(
        "handler.wat",
        r#"(component
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance (export "wasi:http/incoming-handler@0.2.0") (export "handle" (func $f))))"#,
    );
    plain(place.run(&["run", "handler.wat"]).status(1)).stderr_has(&["hint: `wasmaot serve handler.wat`"]);
    place.file(
        "imports.wat",
        r#"(component
            (import "example:host/numbers@1.0.0" (instance (export "next" (func (param "from" u32) (result (list string))))))
            (import "wasi:cli/environment@0.3.0" (instance (export "get-arguments" (func (result (list string))))))
            (import "wasi:random/random@0.2.0" (instance $random (export "get-random-u64" (func (result string)))))
            (core module $memory (memory (export "m") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable))
            (core instance $memory (instantiate $memory))
            (core func $f (canon lower (func $random "get-random-u64") (memory (core memory $memory "m")) (realloc (core func $memory "r"))))
            (core module $main (import "" "f" (func (param i32))) (func (export "run") (result i32) (i32.const 0)))
            (core instance $main (instantiate $main (with "" (instance (export "f" (func $f))))))
            (func $run (result (result)) (canon lift (core func $main "run")))
            (instance (export "wasi:cli/run@0.2.0") (export "run" (func $run))))"#,
    );
    let run = plain(place.run(&["run", "imports.wat"]).status(1));
    run.stderr_has(&[
        "error: cannot run the component `imports.wat`",
        "`wasi:random/random@0.2.0#get-random-u64` has another type: the component wants func() -> string",
        "hint: `wasmaot run` defines the interfaces of WASI 0.2",
    ]);
    place.file("async.wat", "(component (type (stream)))");
    plain(place.run(&["compile", "async.wat"]).status(1))
        .stderr_has(&["component-model-async", "wasm32-wasip2"]);
}

#[test]
fn functions_are_called_with_wave() {
    let place = Place::new();
    let memory = r#"(memory (export "memory") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))"#;
    place.file(
        "echo.wat",
        format!(
            r#"(component (core module $m {memory}
                (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
                (func (export "echo") (param i32 i32) (result i32)
                    (i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 12) (local.get 1)) (i32.const 8))
                (func (export "fail") unreachable))
            (core instance $i (instantiate $m))
            (func (export "add") (param "a" s32) (param "b" s32) (result s32) (canon lift (core func $i "add")))
            (func (export "echo") (param "l" (list u8)) (result (list u8))
                (canon lift (core func $i "echo") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
            (func (export "fail") (canon lift (core func $i "fail"))))"#
        ),
    );
    place.run(&["run", "--invoke", "add(-3, 10)", "echo.wat"]).status(0).stdout("7\n").silent();
    place.run(&["run", "--invoke", "echo([1, 2, 255])", "echo.wat"]).status(0).stdout("[1, 2, 255]\n");
    plain(place.run(&["run", "--invoke", "add(1)", "echo.wat"]).status(1))
        .stderr_has(&["no arguments of `add`", "WAVE"]);
    plain(place.run(&["run", "--invoke", "add", "echo.wat", "1", "2"]).status(1))
        .stderr_has(&["`1 2` are no arguments of `add`", "in parentheses"]);
    plain(place.run(&["run", "--invoke", "sub(1)", "echo.wat"]).status(1))
        .stderr_has(&["exports no function `sub`", "`add`"]);
    plain(place.run(&["run", "echo.wat"]).status(1)).stderr_has(&["cannot be started", "--invoke", "`echo`"]);
    for call in ["fail()", "fail"] {
        place.run(&["run", "--invoke", call, "echo.wat"]).status(134).stderr_has(&["unreachable"]);
    }
}

#[test]
fn worlds_are_shown_in_wit() {
    let place = Place::new();
    place.file("program.wat", program("(i32.const 0)"));
    place.run(&["compile", "program.wat"]).status(0);
    let shown = place.run(&["inspect", "--wit", "program.so"]).status(0).silent().stdout;
    for line in [
        "world component {",
        "  import wasi:io/streams@0.2.1: interface {",
        "    resource output-stream;",
        "    [method]output-stream.blocking-write-and-flush: func(self: borrow<output-stream>, contents: list<u8>) -> \
         result<_, variant { last-operation-failed(error), closed }>;",
        "  export wasi:cli/run@0.2.4: interface {",
        "    run: func() -> result;",
    ] {
        assert!(shown.lines().any(|found| found == line), "no {line:?} in\n{shown}");
    }
    place.file("module.wat", "(module)");
    place.run(&["compile", "module.wat"]).status(0);
    plain(place.run(&["inspect", "--wit", "module.so"]).status(1))
        .stderr_has(&["a module's, not a component's"]);
}
