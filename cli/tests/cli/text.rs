//! Modules in the text format that are wrong: the message shows the place in the text.

use crate::support::Place;

/// Compiles a text, and asserts what is wrong with it and where.
#[track_caller]
fn wrong(text: &str, message: &str, place: &str, line: &str) {
    let folder = Place::new();
    folder.file("a.wat", text);
    for command in ["compile", "run"] {
        let run = folder.run(&[command, "a.wat"]).status(1).stdout("");
        assert!(!run.stderr.contains("offset") && !run.stderr.contains("hint"), "{run:#?}");
        run.stderr_has(&[message, &format!("--> a.wat:{place}\n"), line]);
    }
}

#[test]
fn what_the_parser_refuses_is_shown() {
    let call = "(module\n  (func $f\n    (call $g)))";
    wrong(call, "failed to find name `$g`", "3:11", "3 |     (call $g)))\n      |           ^\n");
    wrong("(module (func (i32.foo)))", "unknown operator or unexpected token", "1:16", "i32.foo");
    wrong("(module (func", "expected `)`", "1:14", "1 | (module (func\n");
    wrong("(module) (module)", "extra tokens", "1:10", "(module)");
}

#[test]
fn what_the_compiler_refuses_is_shown() {
    for (text, message, place) in [
        ("(module (func (result i32) i64.const 1))", "type mismatch: expected i32, found i64", "1:28"),
        (
            "(module\r\n (func nop)\r\n (func (param i32)\r\n  (drop (f32.add (f32.const 1)\r\n   (i32.const 2)))))",
            "type mismatch: expected f32, found i32",
            "4:10",
        ),
        ("(module (func (result i32)))", "type mismatch: expected i32 but nothing on stack", "1:10"),
        ("(module\n (func nop nop (local.get 9)))", "unknown local 9", "2:17"),
        ("(module\n (global i32 (i64.const 1)))", "type mismatch", "2:3"),
        ("(module\n (func (export \"a\"))\n (func (export \"a\")))", "duplicate export name", "3:3"),
        ("(module\n (memory 70000))", "memory size", "2:3"),
        ("(module\n (memory 1) (data (i64.const 0) \"x\"))", "type mismatch", "2:14"),
        ("(module\n (elem (i32.const 0) 0))", "unknown table", "2:3"),
        ("(module (func $f (param i32))\n (start $f))", "invalid start function", "2:9"),
        ("(module\n (type (struct)))", "unsupported WebAssembly feature: gc", "2:3"),
        ("(module\n (func nop)\n (func (param anyref)))", "unsupported WebAssembly feature: gc", "3:3"),
    ] {
        wrong(text, message, place, " | ");
    }
}

/// One line may be the whole text, and what is not the author's is not on the screen.
#[test]
fn long_lines_are_cut_and_harmless() {
    let many = "(func) ".repeat(20_000);
    let folder = Place::new();
    for text in [
        format!("(module {many}(func (result i32) i64.const 1) {many})"),
        format!("(module {many}(func (foo)) {many})"),
    ] {
        folder.file("a.wat", text);
        let run = folder.run(&["compile", "a.wat"]).status(1);
        assert!(run.stderr.len() < 600 && run.stderr.contains("--> a.wat:1:1400"), "{run:#?}");
    }
    folder.file("a.wat", "(module (; \u{1b}[2J ;) (func (foo)))");
    let run = folder.run(&["compile", "a.wat"]).status(1);
    assert!(!run.stderr.contains('\u{1b}'), "{run:#?}");
}

#[test]
fn editors_leave_marks() {
    let folder = Place::new();
    folder.file("a.wat", "\u{feff}(module (func (export \"_start\")))");
    folder.run(&["run", "a.wat"]).status(0).silent();
    folder.file("a.wat", "\u{feff}(module (foo))");
    folder.run(&["run", "a.wat"]).status(1).stderr_has(&["a.wat:1:10"]);
    folder.file("a.wat", b"\xff\xfe(\0m\0");
    folder.run(&["run", "a.wat"]).status(1).stderr_has(&["is text in UTF-16", "hint: save it as UTF-8"]);
}

#[test]
fn what_is_no_text_of_a_module_gets_a_hint() {
    let folder = Place::new();
    for text in ["<html></html>", "hello", "{}"] {
        folder.file("a.wasm", text);
        folder.run(&["compile", "a.wasm"]).status(1).stderr_has(&["hint: modules (.wasm, or .wat"]);
    }
}
