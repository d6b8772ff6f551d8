//! `wasmaot compile --preinit`: what becomes of a module, what is reported, and what is refused.

use crate::support::{Place, finish};
use serde_json::{Value, json};

/// The initialiser stores 41 and `add` adds its arguments; `_start` would exit with 1, `report` with the sum,
/// and `wizer.resume` with the sum plus one.
const MODULE: &str = include_str!("../guests/preinit.wat");

#[test]
fn artifacts_modules_and_executables_start_initialised() {
    let place = Place::new();
    place.file("a.wat", MODULE);
    let run = place.run(&["compile", "a.wat", "--preinit"]).status(0).stdout("");
    run.stderr_has(&["initialised by `_initialize`, `wizer.initialize`: 4.0 KiB of memory", "-> a.so"]);
    place.run(&["run", "a.so"]).status(42);
    place.run(&["compile", "a.wat", "--preinit", "--emit", "wasm", "--quiet"]).status(0).silent();
    place.run(&["run", "a.core.wasm"]).status(42);
    // The record comes along.
    place.run(&["compile", "a.core.wasm", "-o", "b.so", "--quiet"]).status(0).silent();
    let bytes = |name| std::fs::read(place.path(name)).expect("an artifact");
    assert!(bytes("a.so") == bytes("b.so"));
    place.run(&["compile", "a.wat", "--preinit", "--emit", "exe", "--meter", "--quiet"]).status(0).silent();
    assert_eq!(finish(place.started(&place.path("a"), &[])).status, 42);
}

#[test]
fn calls_names_and_hot_pages() {
    let place = Place::new();
    place.file("a.wat", MODULE);
    let options = [
        "--preinit=setup",
        "--preinit-call",
        "add=3,0x4",
        "--seed-hot-set",
        "--preinit-rename",
        "_start=report",
    ];
    let run = place.run(&[&["compile", "a.wat", "--json"], &options[..]].concat()).status(0).silent();
    let line: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(line["preinit"]["calls"], json!(["_initialize", "setup", "add=3,4"]));
    assert_eq!((&line["preinit"]["hot_pages"], &line["preinit"]["reproducible"]), (&json!(1), &json!(true)));
    place.run(&["run", "a.so"]).status(7);
    let shown = place.run(&["inspect", "a.so"]).status(0).silent();
    for wanted in
        ["initialised by 3\n  \"_initialize\"", "\"add=3,4\"", "  reproducible yes", "hot pages      1"]
    {
        assert!(shown.stdout.contains(wanted), "no {wanted:?} in {}", shown.stdout);
    }
    let shown = place.run(&["inspect", "a.so", "--json"]).status(0).silent();
    let report: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!((&report["hot_pages"], &report["preinit"]["stdio"]), (&json!([[16, 1]]), &json!(false)));
}

#[test]
fn grants_and_what_was_read_are_shown() {
    let place = Place::new();
    place.file("a.wat", include_str!("../guests/preinit_host.wat"));
    let run = place.run(&["compile", "a.wat", "--preinit"]).status(1).stdout("");
    run.stderr_has(&[
        "error: cannot initialise `a.wat`",
        "\"wasi_snapshot_preview1\" \"environ_sizes_get\", which is denied",
        "0: func[3] <wizer.initialize>",
        "`--preinit-env NAME=VALUE`",
    ]);
    let granted = ["compile", "a.wat", "--preinit", "--preinit-env", "NAME=VALUE"];
    let run = place.run(&granted).status(0);
    run.stderr_has(&[
        "the initialisation read 1 clock, which stood still",
        "8 random bytes, which follow from the module",
    ]);
    let shown = place.run(&["inspect", "a.so"]).status(0).silent();
    for wanted in ["  NAME=VALUE", "  clock reads  1, deterministic", "  random bytes 8, deterministic"] {
        assert!(shown.stdout.contains(wanted), "no {wanted:?} in {}", shown.stdout);
    }
    // The clock shows what the environment says.
    let mut command = place.command(&granted);
    command.env("SOURCE_DATE_EPOCH", "12");
    finish(command).status(0);
    place.run(&["run", "--invoke", "time", "a.so"]).status(0).stdout("12000000000\n");
    let mut command = place.command(&granted);
    command.env("SOURCE_DATE_EPOCH", "noon");
    finish(command).status(1).stderr_has(&["SOURCE_DATE_EPOCH", "noon"]);
    let real =
        place.run(&[&granted[..], &["--preinit-real-random", "--preinit-real-clock"]].concat()).status(0);
    real.stderr_has(&["8 random bytes, of this machine", "not reproducible"]);
    let shown = place.run(&["inspect", "a.so"]).status(0).silent();
    assert!(shown.stdout.contains("  reproducible no"), "{}", shown.stdout);
}

#[test]
fn refusals_say_what_to_do() {
    let place = Place::new();
    place.file("command.wat", r#"(module (func (export "_start")))"#);
    let run = place.run(&["compile", "command.wat", "--preinit"]).status(1);
    run.stderr_has(&[
        "wizer.initialize",
        "export_name(\"wizer.initialize\")",
        "__wasm_call_ctors",
        "wizer.resume",
    ]);
    place
        .run(&["compile", "command.wat", "--preinit=setup"])
        .status(1)
        .stderr_has(&["\"setup\"", "it exports `_start`"]);
    for option in [&["--preinit-real-clock"][..], &["--preinit-env", "A=B"], &["--preinit-call", "_start"]] {
        let run = place.run(&[&["compile", "command.wat"], option].concat()).status(2);
        run.stderr_has(&["--preinit"]);
    }
    place.file("loop.wat", r#"(module (func (export "wizer.initialize") (loop (br 0))))"#);
    let run = place.run(&["compile", "loop.wat", "--preinit", "--preinit-timeout", "20ms"]).status(1);
    run.stderr_has(&["deadline", "--preinit-timeout"]);
    place.file("add.wat", MODULE);
    let run = place.run(&["compile", "add.wat", "--preinit", "--preinit-call", "add=1"]).status(1);
    run.stderr_has(&["`add` takes 2 arguments, not 1"]);
}
