//! `wasmaot compile --emit exe`: programs that run without the command, what they are given, and what is
//! refused.

use crate::support::{ECHO, IMPORTS, Place, Run, TRAP, WRITE, broken_pipe, finish, repository};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a program to its end, if it can be started. One that this process has written itself may be busy for
/// a moment: another test's child that was forked meanwhile holds it open until it is started.
fn output(command: &mut Command) -> std::io::Result<Output> {
    for _ in 0..1000 {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            output => return output,
        }
    }
    command.output()
}

/// Runs a program to its end.
#[track_caller]
fn start(mut command: Command) -> Run {
    let _ = output(&mut command);
    finish(command)
}

#[test]
fn a_program_runs_on_its_own() {
    let place = Place::new();
    let path = place.executable("echo", ECHO, &[]);
    let elsewhere = Place::new();
    let run = |path: &Path, arguments: &[&str]| finish(elsewhere.started(path, arguments));
    run(&path, &[]).status(1).stdout("echo\0").silent();
    run(&path, &["--help", "-5", ""]).status(4).stdout("echo\0--help\0-5\0\0").silent();
    // Under another name, by a link, and in another place.
    let (moved, link) = (elsewhere.path("moved"), elsewhere.path("link"));
    std::fs::rename(&path, &moved).expect("it can be moved");
    std::os::unix::fs::symlink(&moved, &link).expect("a new name");
    run(&moved, &["a"]).status(2).stdout("moved\0a\0").silent();
    run(&link, &["a"]).status(2).stdout("link\0a\0").silent();
}

#[test]
fn streams_and_status_are_those_of_the_process() {
    let place = Place::new();
    let hello = repository("benchmarks/programs/hello.wasm");
    place
        .run(&["compile", hello.to_str().expect("UTF-8"), "--emit", "exe", "-o", "hello", "--quiet"])
        .status(0);
    let run = finish(place.started(&place.path("hello"), &[])).status(0).silent();
    assert!(run.stdout.starts_with("hello"), "{run:#?}");
    let closed = place.executable("closed", WRITE, &[]);
    // As under `wasmaot run`, a pipe without readers is an error number and not a signal.
    let mut command = place.started(&closed, &[]);
    assert_eq!(command.stdout(broken_pipe()).status().expect("it starts").code(), Some(64));
}

/// Reads a byte of standard input; the status is the number of bytes that were read.
const READ: &str = include_str!("../guests/read.wat");

/// A file that the process opens may not become the standard input that its caller had closed, neither of a
/// program of its own nor under `run`.
#[test]
fn closed_standard_input_is_empty() {
    let place = Place::new();
    let program = place.executable("read", READ, &[]);
    let artifact = place.path(&place.artifact("read", READ));
    let run = [Path::new(env!("CARGO_BIN_EXE_wasmaot")), Path::new("run"), &artifact];
    for command in [&[program.as_path()][..], &run] {
        let within = |script: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]).args(command);
            start(shell)
        };
        within(r#"exec "$0" "$@" <&-"#).status(0).silent();
        within(r#"echo x | "$0" "$@""#).status(1).silent();
    }
}

#[test]
fn a_module_may_be_run_by_its_start_function() {
    let place = Place::new();
    let text = r#"(module
        (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
        (func $run (call $exit (i32.const 9)))
        (start $run))"#;
    finish(place.started(&place.executable("start", text, &[]), &[])).status(9).silent();
    let plain = place.executable("plain", r#"(module (func (export "_start")))"#, &[]);
    finish(place.started(&plain, &[])).status(0).stdout("").silent();
}

#[test]
fn a_trap_is_reported_as_by_run() {
    let place = Place::new();
    let path = place.executable("trap", TRAP, &[]);
    let own = finish(place.started(&path, &[])).status(134).stdout("");
    let run = place.run(&["run", "trap.wat"]).status(134).stdout("");
    assert_eq!(own.stderr, run.stderr);
    own.stderr_has(&[
        "error: trap: integer divide by zero",
        "0: func[0] <divide> at wasm offset 0x",
        "1: func[1]",
    ]);
    let deep = place.executable("deep", r#"(module (func $f (export "_start") (call $f)))"#, &[]);
    finish(place.started(&deep, &[])).status(134).stderr_has(&["stack", "more"]);
}

#[test]
fn the_environment_is_what_was_compiled_in() {
    let place = Place::new();
    let run = |options: &[&str]| {
        let mut command = place.started(&place.executable("echo", ECHO, options), &[]);
        command.env_clear().env("A", "host");
        finish(command).status(1).silent()
    };
    run(&[]).stdout("echo\0");
    run(&["--env", "K=V=W", "--env", "L="]).stdout("echo\0K=V=W\0L=\0");
    run(&["--inherit-env", "--env", "K=V"]).stdout("echo\0A=host\0K=V\0");
    run(&["--inherit-env", "--env", "A=own"]).stdout("echo\0A=own\0");
}

#[test]
fn directories_are_those_that_were_compiled_in() {
    let place = Place::new();
    let program = repository("benchmarks/programs/cat-sync.wasm");
    let program = program.to_str().expect("UTF-8");
    std::fs::create_dir(place.path("data")).expect("a directory");
    place.file("data/in.txt", "some text\n");
    let cat = |options: &[&str], file: &str| {
        place
            .run(&[&["compile", program, "--emit", "exe", "-o", "cat", "--quiet"], options].concat())
            .status(0);
        finish(place.started(&place.path("cat"), &[file]))
    };
    cat(&["--dir", "data::/inside"], "/inside/in.txt").status(0).stdout("some text\n");
    cat(&["--dir", "data:ro"], "data/in.txt").status(0).stdout("some text\n");
    for refused in [cat(&[], "data/in.txt"), cat(&["--dir", "data"], "/etc/passwd")] {
        assert!(refused.status != 0 && refused.stdout.is_empty(), "{refused:#?}");
    }
    // A relative name is one where the program is started.
    cat(&["--dir", "missing"], "x").status(1).stderr_has(&["directories", "missing"]);
    std::fs::create_dir(place.path("missing")).expect("a directory");
    place.file("missing/x", "there");
    finish(place.started(&place.path("cat"), &["missing/x"])).status(0).stdout("there");
}

#[test]
fn what_cannot_be_a_program_is_refused() {
    let place = Place::new();
    let refused = |text: &str, parts: &[&str]| {
        place.file("bad.wat", text);
        place.run(&["compile", "bad.wat", "--emit", "exe"]).status(1).stdout("").stderr_has(parts);
        assert!(!place.path("bad").exists());
    };
    refused(
        r#"(module (func (export "f")) (func (export "g")))"#,
        &["`bad.wat`", "`_start`", "hint: ", "`f`, `g`"],
    );
    refused(r#"(module (func (export "_start") (param i32)))"#, &["its `_start` has parameters (i32)"]);
    refused("(module)", &["exports no functions at all"]);
    refused(IMPORTS, &["`bad.wat`", "\"one\"", "\"no_such_call\"", "\"two\"", "hint: "]);
    let ty = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i64))) (func (export "_start")))"#;
    refused(ty, &["proc_exit", "i64", "i32"]);
    place.run(&["compile", "bad.wat", "--dir", "."]).status(1).stderr_has(&["--emit exe"]);
    place.file("bare", r#"(module (func (export "_start")))"#);
    place.run(&["compile", "bare", "--emit", "exe"]).status(1).stderr_has(&["overwrite"]);
}

#[test]
fn a_damaged_program_says_so_and_runs_nothing() {
    let place = Place::new();
    let bytes = std::fs::read(place.executable("good", TRAP, &[])).expect("the program");
    let report = place.run(&["inspect", "good", "--json"]).status(0).stdout;
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let artifact = report["executable"]["artifact_offset"].as_u64().expect("a number") as usize;
    let damaged = |name: &str, contents: &[u8]| {
        let path = place.file(name, contents);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its owner's");
        let run = start(place.started(&path, &[])).status(1).stdout("");
        run.stderr_has(&["error: cannot ", "cause: "])
    };
    damaged("runner", &bytes[..artifact]);
    damaged("cut", &bytes[..bytes.len() - 1])
        .stderr_has(&["hint: it is lost where a file is copied", "in part"]);
    damaged("longer", &[&bytes[..], b"x"].concat());
    damaged("twice", &[&bytes[..artifact], &bytes[..]].concat());
    for (name, at) in [("elf", artifact), ("inside", artifact + 5000), ("settings", bytes.len() - 33)] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        damaged(name, &changed);
    }
    // A part that is gone leaves what follows where no page begins.
    let shifted = [&bytes[..artifact], &bytes[artifact + 8..]].concat();
    damaged("shifted", &shifted).stderr_has(&["cut or extended"]);
    place.run(&["inspect", "shifted"]).status(1).stderr_has(&["damaged executable"]);
}

#[test]
fn a_program_can_be_looked_at() {
    let place = Place::new();
    place.file("in.wat", ECHO);
    place.run(&["compile", "in.wat", "--quiet"]).status(0);
    place.executable("in", ECHO, &[]);
    let options =
        ["--dir", "data::/data:ro", "--env", "K=\u{1b}[2J", "--inherit-env", "--listen", "127.0.0.1:80"];
    place.executable("app", ECHO, &options);
    let json = |name: &str| -> Value {
        serde_json::from_str(&place.run(&["inspect", name, "--json"]).status(0).silent().stdout)
            .expect("JSON")
    };
    let (artifact, app) = (json("in.so"), json("app"));
    assert_eq!(artifact["executable"], Value::Null);
    for same in ["size", "checksum", "problems", "sections", "imports", "exports", "memories"] {
        assert_eq!(app[same], artifact[same], "{same}");
    }
    assert_eq!(app["executable"]["artifact_offset"].as_u64().expect("a number") % 4096, 0);
    assert_eq!(
        app["executable"]["directories"],
        json!([{ "host": "data", "guest": "/data", "read_only": true }])
    );
    assert_eq!(app["executable"]["environment"], json!([{ "key": "K", "value": "\u{1b}[2J" }]));
    assert_eq!(app["executable"]["inherit_env"], true);
    assert_eq!(app["executable"]["listeners"], json!(["127.0.0.1:80"]));
    let text = place.run(&["inspect", "app"]).status(0).silent().stdout;
    for wanted in [
        "executable     artifact at 0x",
        "\"data\" as \"/data\", read only",
        "K=\\u{1b}[2J",
        "127.0.0.1:80",
        "\"_start\"",
    ] {
        assert!(text.contains(wanted), "no {wanted:?} in {text}");
    }
    assert!(!text.contains('\u{1b}'));
    place.run(&["run", "app"]).status(1).stderr_has(&["`app` is a standalone executable", "hint: start it"]);
}

#[test]
fn the_file_is_made_to_be_started() {
    let place = Place::new();
    let path = place.executable("a", TRAP, &[]);
    let mode = std::fs::metadata(&path).expect("the program").permissions().mode();
    let data = std::fs::metadata(place.path("a.wat")).expect("the module").permissions().mode();
    assert_eq!(mode & 0o777, (data | (data & 0o444) >> 2) & 0o777);
    let first = std::fs::read(&path).expect("the program");
    place
        .run(&["compile", "a.wat", "--emit", "exe", "-o", "b", "--jobs", "1"])
        .status(0)
        .stderr_has(&["-> b ("]);
    assert!(first == std::fs::read(place.path("b")).expect("the program"), "the output differs");
    assert_eq!(finish(place.started(&place.path("b"), &[])).status, 134);
}

/// Where `/proc` is not mounted, the program finds itself by the path that it was started by.
#[test]
fn a_program_runs_without_proc() {
    let place = Place::new();
    place.executable("echo", ECHO, &[]);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "chroot"]).arg(place.path("")).args(["/echo", "a"]);
    let output = match command.output() {
        Ok(output) if output.status.code() == Some(2) => output,
        Ok(output) if String::from_utf8_lossy(&output.stderr).starts_with("error: ") => panic!("{output:?}"),
        other => return println!("skipped: cannot change the root here: {other:?}"),
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "echo\0a\0");
}

#[test]
fn a_program_that_cannot_be_read_says_so() {
    let place = Place::new();
    let path = place.executable("echo", ECHO, &[]);
    std::fs::set_permissions(place.path(""), PermissionsExt::from_mode(0o755)).expect("ours");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o111)).expect("ours");
    let mut command = place.started(&path, &[]);
    if rustix::process::geteuid().is_root() {
        // Root may read everything.
        std::os::unix::process::CommandExt::uid(&mut command, 65534);
    }
    let run = start(command).status(1).stdout("");
    run.stderr_has(&["cannot read the program's own file", "Permission denied", "hint: ", "chmod +r"]);
}

/// Where its file was cut off, a program is not started, or says so: it never dies by a signal.
#[test]
fn a_program_that_is_cut_off_says_so() {
    let place = Place::new();
    let path = place.executable("echo", ECHO, &[]);
    let whole = std::fs::read(&path).expect("the program");
    let (mut refused, mut said) = (0, 0);
    for part in 1..64 {
        // The last ones are in what is attached.
        for length in [whole.len() * part / 64, whole.len() - part * part] {
            let mut command = place.started(&place.path("cut"), &[]);
            std::fs::write(place.path("cut"), &whole[..length]).expect("a writable directory");
            std::fs::set_permissions(place.path("cut"), PermissionsExt::from_mode(0o755)).expect("ours");
            match output(&mut command) {
                Ok(output) if output.stderr.starts_with(b"error: ") => {
                    let run = finish(command).status(1).stdout("");
                    run.stderr_has(&["error: cannot start the program", "hint: "]);
                    said += 1;
                }
                // It is no program to the kernel, so a shell is tried.
                Ok(output) => {
                    let refused_by_shell = output.status.code().is_some_and(|status| status != 0);
                    assert!(refused_by_shell && output.stdout.is_empty(), "{length}: {output:?}");
                    refused += 1;
                }
                Err(error) => {
                    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()), "{length}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 50 && said > 30, "{refused} {said}");
}

/// Tools that would lay it out anew, and lose what is attached, refuse it, or it says so.
#[test]
fn a_stripped_program_runs_or_says_so() {
    let place = Place::new();
    let path = place.executable("echo", ECHO, &[]);
    for tool in ["strip", "llvm-strip-19"] {
        let stripped = place.path("stripped");
        std::fs::copy(&path, &stripped).expect("a writable directory");
        match Command::new(tool).arg(&stripped).output() {
            Err(error) => println!("skipped: no {tool}: {error}"),
            Ok(output) if output.status.success() => {
                let run = start(place.started(&stripped, &[])).status(1).stdout("");
                run.stderr_has(&["error: cannot start the program", "hint: ", "`strip`", "compile it again"]);
            }
            Ok(_) => {
                start(place.started(&stripped, &["a"])).status(2).stdout("stripped\0a\0").silent();
            }
        }
    }
}

/// The first process of a container is not ended by signals unless it handles them; engines ask first, and
/// then wait for seconds before they kill.
#[test]
fn the_first_process_of_a_container_ends_when_asked() {
    let place = Place::new();
    let program = place.executable("read", READ, &[]);
    let artifact = place.path(&place.artifact("read", READ));
    let run = [Path::new(env!("CARGO_BIN_EXE_wasmaot")), Path::new("run"), &artifact];
    for command in [&[program.as_path()][..], &run] {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"]).args(command);
        let mut unshare =
            match unshare.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn() {
                Ok(child) => child,
                Err(error) => return println!("skipped: no unshare: {error}"),
            };
        // The input stays open, so the program waits for it.
        let input = unshare.stdin.take();
        let children = format!("/proc/{0}/task/{0}/children", unshare.id());
        let status = loop {
            if let Some(status) = unshare.try_wait().expect("a child") {
                break status;
            }
            // Until the handler is there, signals are lost.
            let first = std::fs::read_to_string(&children).unwrap_or_default();
            if let Some(pid) = first.trim().parse().ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        drop(input);
        let mut stderr = String::new();
        std::io::Read::read_to_string(&mut unshare.stderr.take().expect("a pipe"), &mut stderr)
            .expect("UTF-8");
        if stderr.starts_with("unshare: ") {
            return println!("skipped: cannot make a namespace here: {stderr}");
        }
        // Before the program is executed, the process that is to become it may be the one that ends.
        assert_eq!(status.code(), Some(143), "{stderr}");
    }
}
