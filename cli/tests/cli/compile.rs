//! `wasmaot compile`: what it writes, where, and what it says.

use crate::support::{Place, broken_pipe, finish, repository};
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
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
        .stderr_has(&["cannot write `no/where.so`", "hint: the folder does not exist"]);
}

#[test]
fn the_input_is_never_overwritten() {
    let place = Place::new();
    place.file("a.so", ADD);
    place.run(&["compile", "a.so"]).status(1).stderr_has(&["overwrite", "hint: name the output with `-o`"]);
    assert_eq!(std::fs::read(place.path("a.so")).expect("the input"), ADD.as_bytes());
    let named = place.run(&["compile", "a.so", "-o", "a.so"]).status(1);
    named.stderr_has(&["overwrite", "hint: name another output with `-o`"]);
    // That it is an artifact already is the better reason.
    place.run(&["compile", "a.so", "-o", "b.so", "--quiet"]).status(0);
    place.run(&["compile", "b.so"]).status(1).stderr_has(&["`b.so` is an artifact already"]);
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
    place.run(&["run", "--invoke", "add", "a.so", "1", "2"]).status(0).stdout("3\n");
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
    place.run(&["run", "--invoke", "f", "a.wat"]).status(0).stdout("1\n2\n");
    let run = place.run(&["run", "--disable", "multi-value", "--invoke", "f", "a.wat"]).status(1);
    run.stderr_has(&["disabled WebAssembly feature: ", "multi-value", "--disable multi-value"]);
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
        "limit exceeded: the compilation takes longer than 0s",
    ]);
    assert!(!place.path("late.so").exists());
    let large = place.run(&["compile", "a.wat", "-o", "large.so", "--max-function-size", "2"]).status(1);
    large.stderr_has(&["intermediate code of ", "at most 2", "hint: `--max-function-size` sets the limit"]);
    place.run(&["compile", "a.wat", "--max-memory", "1T"]).status(2).stderr_has(&["512M or 2G"]);
}

/// A function whose code takes long to generate, although it is translated at once, is given up when the time
/// is over.
#[test]
fn time_is_bounded_inside_of_a_function() {
    let place = Place::new();
    let (depth, branches) = (4000, 40_000);
    let (open, close) = ("block ".repeat(depth), "end ".repeat(depth));
    let branches: String = (0..branches).map(|i| format!("local.get 0 br_if {} ", i % depth)).collect();
    place.file("deep.wat", format!("(module (func (param i32) {open} {branches} {close}))"));
    // Where that takes longer than the time, the compiler sees it first.
    let ended_inside = ["500ms", "2s", "8s"].into_iter().any(|time| {
        let late = place.run(&["compile", "deep.wat", "--timeout", time, "--quiet"]).status(1);
        assert!(!place.path("deep.so").exists());
        let is_inside = late.stderr.contains("in the passes over one function");
        late.stderr_has(&[
            "error: cannot compile `deep.wat`",
            "limit exceeded: the compilation takes longer than",
        ]);
        is_inside
    });
    assert!(ended_inside);
}

/// What the compiler counts is not all that a process allocates.
#[test]
fn memory_that_the_compiler_does_not_count_is_bounded_too() {
    let place = Place::new();
    let path = place.file("huge.wasm", b"\0asm\x01\0\0\0");
    let file = std::fs::OpenOptions::new().write(true).open(path).expect("a writable directory");
    file.set_len(1 << 30).expect("a file of zeros");
    let refused = place.run(&["compile", "huge.wasm", "--max-memory", "100M"]).status(1).stdout("");
    refused.stderr_has(&["takes more memory than `--max-memory` allows"]);
}

#[test]
fn several_modules_go_to_a_folder() {
    let place = Place::new();
    std::fs::create_dir(place.path("in")).expect("a directory");
    for name in ["a.wat", "b.wat", "in/c.wat"] {
        place.file(name, ADD);
    }
    place.run(&["compile", "a.wat", "b.wat", "in/c.wat", "-o", "new/out", "--quiet"]).status(0).silent();
    let alone = place.artifact("alone", ADD);
    for name in ["a", "b", "c"] {
        let made = std::fs::read(place.path(&format!("new/out/{name}.so"))).expect("an artifact");
        assert!(made == std::fs::read(place.path(&alone)).expect("an artifact"), "{name}");
    }
    // A folder that exists, or is named like one, will do for a single module, too.
    place.run(&["compile", "in/c.wat", "-o", ".", "--quiet"]).status(0).silent();
    place.run(&["compile", "in/c.wat", "-o", "other/", "--quiet"]).status(0).silent();
    assert!(place.path("c.so").is_file() && place.path("other/c.so").is_file());
    // Without one, each lies beside its module.
    place.run(&["compile", "a.wat", "in/c.wat", "--quiet"]).status(0).silent();
    assert!(place.path("a.so").is_file() && place.path("in/c.so").is_file());
}

#[test]
fn outputs_that_would_replace_each_other_are_refused() {
    let place = Place::new();
    std::fs::create_dir(place.path("in")).expect("a directory");
    for name in ["a.wat", "in/a.wat", "file"] {
        place.file(name, ADD);
    }
    let refused = place.run(&["compile", "a.wat", "in/a.wat", "-o", "out"]).status(1).stdout("");
    refused.stderr_has(&["`a.wat` and `in/a.wat` would both become `out/a.so`", "hint: "]);
    assert!(!place.path("out").exists(), "nothing is made");
    for output in ["both.so", "new/both.o", "both.wasm"] {
        let refused = place.run(&["compile", "a.wat", "file", "-o", output]).status(1).stdout("");
        refused.stderr_has(&["several modules cannot become one output", &format!("is written `{output}/`")]);
        assert!(!place.path(output).exists(), "nothing is made");
    }
    place.run(&["compile", "a.wat", "file", "-o", "both.so/", "--quiet"]).status(0).silent();
    assert!(place.path("both.so/a.so").is_file());
    for output in ["file", "-"] {
        let refused = place.run(&["compile", "a.wat", "in/a.wat", "-o", output]).status(1);
        refused.stderr_has(&[&format!("several modules cannot become one output, `{output}`"), "folder"]);
    }
}

#[test]
fn a_module_that_fails_does_not_keep_others_from_being_compiled() {
    let place = Place::new();
    place.file("a.wat", ADD);
    place.file("bad.wat", "(module (func (result i32)))");
    place.file("c.wat", ADD);
    let run = place.run(&["compile", "a.wat", "bad.wat", "c.wat", "missing.wat", "--quiet"]).status(1);
    run.stderr_has(&[
        "cannot compile `bad.wat`",
        "cannot read `missing.wat`",
        "error: 2 of 4 modules failed",
    ]);
    assert!(place.path("a.so").is_file() && place.path("c.so").is_file() && !place.path("bad.so").exists());
}

#[test]
fn standard_input_is_a_module() {
    let place = Place::new();
    let stdin = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.stdin(std::fs::File::open(place.file("in.wat", ADD)).expect("it is there"));
        finish(command)
    };
    stdin(&["compile", "-", "-o", "a.so", "--quiet"]).status(0).silent();
    place.run(&["run", "--invoke", "add", "a.so", "1", "2"]).status(0).stdout("3\n");
    let asm = stdin(&["compile", "-", "-o", "-", "--emit", "asm", "--quiet"]).status(0).silent();
    assert!(asm.stdout.contains("ret"), "{asm:#?}");
    stdin(&["run", "--invoke", "add", "-", "1", "2"]).status(0).stdout("3\n").silent();
    let unnamed = stdin(&["compile", "-"]).status(1);
    unnamed.stderr_has(&["standard input has no name", "hint: name the output with `-o`"]);
    let unnamed = stdin(&["compile", "-", "-o", "out/"]).status(1);
    unnamed.stderr_has(&["standard input has no name", "with `-o`, such as `out/a.so`"]);
    assert!(!place.path("-").exists() && !place.path("-.so").exists());
}

#[test]
fn json_has_a_line_for_each_module() {
    let place = Place::new();
    place.file("a.wat", r#"(module (memory 1) (data (i32.const 0) "x") (func (export "f") (param v128)))"#);
    place.file("bad.wat", "(module (func (result i32)))");
    let run = place.run(&["compile", "a.wat", "bad.wat", "--json"]).status(1);
    let lines: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [a, bad] = &lines[..] else { panic!("two lines: {run:#?}") };
    assert_eq!((&a["input"], &a["output"], &a["emit"]), (&json!("a.wat"), &json!("a.so"), &json!("so")));
    assert_eq!((&a["functions"], &a["image_bytes"], &a["error"]), (&json!(1), &json!(4096), &Value::Null));
    assert_eq!((&a["features"], &a["warnings"]), (&json!(["simd"]), &json!([])));
    assert_eq!(a["bytes"], std::fs::metadata(place.path("a.so")).expect("an artifact").len());
    for time in ["wall_ns", "parse_ns", "translate_ns", "generate_ns", "emit_ns"] {
        assert!(a[time].as_u64() > Some(0), "{time}: {a}");
    }
    assert!(bad["error"].as_str().is_some_and(|error| error.contains("bad.wat:1:10")), "{bad}");
    let keys = |line: &Value| line.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(a), keys(bad));
    assert_eq!((&bad["functions"], &bad["wall_ns"]), (&Value::Null, &Value::Null));
    place.run(&["compile", "a.wat", "--json", "-o", "-"]).status(1).stderr_has(&["cannot both go"]);
}

#[test]
fn existing_outputs_keep_their_permissions_and_links_are_followed() {
    let place = Place::new();
    place.file("a.wat", r#"(module (func (export "_start")))"#);
    std::os::unix::fs::symlink("folder/real.so", place.path("link.so")).expect("a link");
    std::fs::create_dir(place.path("folder")).expect("a directory");
    let compile = || place.run(&["compile", "a.wat", "-o", "link.so", "--quiet"]).status(0).silent();
    compile();
    assert!(place.path("folder/real.so").is_file());
    let link = std::fs::symlink_metadata(place.path("link.so")).expect("the link");
    assert!(link.is_symlink());
    std::fs::set_permissions(place.path("folder/real.so"), PermissionsExt::from_mode(0o640)).expect("ours");
    compile();
    assert_eq!(std::fs::metadata(place.path("folder/real.so")).expect("it").mode() & 0o777, 0o640);
    place.run(&["run", "link.so"]).status(0).silent();
}
