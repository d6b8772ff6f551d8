//! Files that are not what they should be: an error which says what they are, and nothing of them runs.

use crate::support::{Place, Run};
use std::path::Path;

/// Runs each subcommand on a file; all must fail as errors of the tool.
#[track_caller]
fn all_refuse(place: &Place, file: &str) -> [Run; 3] {
    ["compile", "run", "inspect"].map(|command| {
        let run = place.run(&[command, file]).status(1).stdout("");
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains(file), "{run:#?}");
        run
    })
}

#[test]
fn missing_empty_and_unreadable_files() {
    let place = Place::new();
    place.file("empty", "");
    for run in all_refuse(&place, "missing.wasm") {
        run.stderr_has(&["cannot read `missing.wasm`", "No such file"]);
    }
    for run in all_refuse(&place, ".") {
        run.stderr_has(&["directory"]);
    }
    let [compile, run, inspect] = all_refuse(&place, "empty");
    compile.stderr_has(&["`empty` is empty"]);
    run.stderr_has(&["`empty` is empty"]);
    inspect.stderr_has(&["not an ELF file"]);
}

#[test]
fn files_of_another_kind() {
    let place = Place::new();
    place.file("notes.txt", "hello, world\n");
    place.file("picture", b"\x89PNG\r\n\x1a\n\xff\xfe");
    let [compile, run, inspect] = all_refuse(&place, "notes.txt");
    compile.stderr_has(&["text format", "notes.txt:1:1", "hint: "]);
    run.stderr_has(&["text format", "notes.txt:1:1", "hint: "]);
    inspect.stderr_has(&["not an artifact", "not an ELF file"]);
    let [compile, run, _] = all_refuse(&place, "picture");
    compile.stderr_has(&["neither"]);
    run.stderr_has(&["neither"]);
}

#[test]
fn source_files_are_to_be_compiled_first() {
    let place = Place::new();
    for (name, text, hint) in [
        ("a.c", "int main() {}", "clang --target=wasm32-wasip1"),
        ("a.rs", "fn main() {}", "cargo build --target wasm32-wasip1"),
    ] {
        place.file(name, text);
        for command in ["compile", "run"] {
            place.run(&[command, name]).status(1).stderr_has(&["hint: it looks like ", hint]);
        }
    }
}

#[test]
fn elf_files_that_are_no_artifacts() {
    let place = Place::new();
    let ours = env!("CARGO_BIN_EXE_wasmaot");
    for file in [ours, "/bin/true"] {
        if !Path::new(file).exists() {
            println!("skipped: there is no {file} here");
            continue;
        }
        let [compile, run, inspect] = all_refuse(&place, file);
        compile.stderr_has(&["an ELF file, not a WebAssembly module"]);
        run.stderr_has(&["cannot load", "cause: "]);
        inspect.stderr_has(&["not an artifact", ".wasmaot.module"]);
    }
}

#[test]
fn truncated_and_changed_artifacts() {
    let place = Place::new();
    let name =
        place.artifact("a", r#"(module (memory 1) (data (i32.const 0) "x") (func (export "_start")))"#);
    let whole = std::fs::read(place.path(&name)).expect("the artifact");
    for length in [4, 63, 64, 200, whole.len() / 2, whole.len() - 1] {
        place.file("cut.so", &whole[..length]);
        place.run(&["run", "cut.so"]).status(1).stderr_has(&["error: cannot load `cut.so`", "cause: "]);
        let inspected = place.run(&["inspect", "cut.so"]);
        assert!(inspected.status == 1 || inspected.stdout.contains("problem"), "{inspected:#?}");
    }
    for at in (4..whole.len()).step_by(whole.len() / 40) {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        place.file("changed.so", &changed);
        place.run(&["run", "changed.so"]).status(1).stderr_has(&["error: cannot load `changed.so`"]);
    }
}

#[test]
fn a_relocatable_object_is_no_artifact() {
    let place = Place::new();
    place.file("a.wat", r#"(module (func (export "_start")))"#);
    place.run(&["compile", "a.wat", "--emit", "obj", "--quiet"]).status(0);
    let [_, run, _] = all_refuse(&place, "a.o");
    run.stderr_has(&["cannot load", "not a shared object"]);
}

#[test]
fn the_kind_is_told_by_content() {
    let place = Place::new();
    let text = r#"(module (func (export "seven") (result i32) (i32.const 7)))"#;
    place.artifact("a", text);
    std::fs::rename(place.path("a.so"), place.path("artifact.wasm")).expect("renamed");
    place.file("text.so", text);
    place.file("binary.wat", wat::parse_str(text).expect("a module"));
    for file in ["text.so", "binary.wat"] {
        place.run(&["run", "--invoke", "seven", file]).status(0).stdout("7\n").silent();
    }
    for line in [
        &["run", "--invoke", "seven", "artifact.wasm"][..],
        &["run", "--allow-native", "--invoke", "seven", "artifact.wasm"],
    ] {
        place.run(line).status(0).stdout("7\n").silent();
    }
    place.run(&["compile", "artifact.wasm"]).status(1).stderr_has(&["is an artifact already"]);
}

#[test]
fn invalid_modules_are_reported_with_their_offset() {
    let place = Place::new();
    let bad = wat::parse_str("(module (func (result i32) i64.const 1))").expect("well-formed");
    place.file("bad.wasm", bad);
    for command in ["compile", "run"] {
        let run = place.run(&[command, "bad.wasm"]).status(1);
        assert!(!run.stderr.contains("hint"), "{run:#?}");
        run.stderr_has(&["error: cannot compile", "at offset 0x"]);
    }
}

#[test]
fn a_module_that_is_cut_off_is_recognised() {
    let place = Place::new();
    let whole = wat::parse_str(r#"(module (memory 1) (func (export "_start")) (data (i32.const 0) "text"))"#);
    let whole = whole.expect("a module");
    for length in [4, 7, 9, 12, whole.len() / 2, whole.len() - 1] {
        place.file("cut.wasm", &whole[..length]);
        let run = place.run(&["compile", "cut.wasm"]).status(1);
        run.stderr_has(&[
            "error: cannot compile `cut.wasm`",
            "hint: the file is cut off or damaged",
            "lacks at least ",
        ]);
    }
}

/// What comes through a pipe cannot be opened twice.
#[test]
fn artifacts_come_through_pipes() {
    let place = Place::new();
    let name = place.artifact("a", r#"(module (func (export "seven") (result i32) (i32.const 7)))"#);
    let piped = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.stdin(std::fs::File::open(place.path(&name)).expect("the artifact"));
        crate::support::finish(command)
    };
    for line in [
        &["run", "--allow-native", "--invoke", "seven", "-"][..],
        &["run", "--allow-native", "--invoke", "seven", "/dev/stdin"],
        &["run", "--invoke", "seven", "-"],
        &["run", "--invoke", "seven", "/dev/stdin"],
    ] {
        piped(line).status(0).stdout("7\n").silent();
    }
    piped(&["compile", "-", "-o", "b.so"])
        .status(1)
        .stderr_has(&["is an artifact already", "`wasmaot run -`"]);
    piped(&["inspect", "-"]).status(0).silent();
    piped(&["verify", "-"]).status(0).silent();
    let pipe = place.path("pipe");
    let made =
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0);
    made.expect("a pipe");
    for options in [&["--allow-native"][..], &[]] {
        let artifact = std::fs::read(place.path(&name)).expect("the artifact");
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::write(pipe, artifact).expect("a reader")
        });
        place.run(&[&["run"], options, &["--invoke", "seven", "pipe"]].concat()).status(0).stdout("7\n");
        writer.join().expect("a writer");
    }
}

#[test]
fn paths_through_files_and_folders_are_explained() {
    let place = Place::new();
    place.file("file", "(module)");
    place.file("a.wat", r#"(module (func (export "_start")))"#);
    std::fs::create_dir(place.path("folder")).expect("a folder");
    for (line, hint) in [
        (&["compile", "file/a.wat"][..], "`file` is a file, not a folder"),
        (&["compile", "a.wat", "-o", "file/a.so"], "`file` is a file, not a folder"),
        (&["compile", "a.wat", "-o", "none/a.so"], "the folder does not exist: create it first"),
        (&["run", "folder"], "it is a folder: name a file in it"),
        (
            &["run", "--report", "json", "--report-to", "folder", "a.wat"],
            "a folder has that name: choose another",
        ),
        (&["man", "file"], "it is a file: name a folder"),
    ] {
        let run = place.run(line).status(1);
        assert!(run.stderr.ends_with(&format!("hint: {hint}\n")), "{line:?}: {run:#?}");
    }
}
