//! `wasmaot run` of programs with threads.

use crate::support::Place;

/// A program over a shared memory; `body` is that of `_start`, `thread` that of its threads, which take their number and an argument.
fn program(body: &str, thread: &str) -> String {
    format!(
        r#"(module
        (import "env" "memory" (memory 1 2 shared))
        (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (export "memory" (memory 0))
        (data $text "thread\n")
        (func $print
            (memory.init $text (i32.const 64) (i32.const 0) (i32.const 7))
            (i32.store (i32.const 16) (i32.const 64))
            (i32.store (i32.const 20) (i32.const 7))
            (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))
        (func $wait_for (param $count i32) (local $now i32)
            (loop $again
                (local.set $now (i32.atomic.load (i32.const 0)))
                (if (i32.ne (local.get $now) (local.get $count))
                    (then
                        (drop (memory.atomic.wait32 (i32.const 0) (local.get $now) (i64.const -1)))
                        (br $again)))))
        (func $done
            (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
            (drop (memory.atomic.notify (i32.const 0) (i32.const -1))))
        (func (export "_start") {body})
        (func (export "wasi_thread_start") (param $number i32) (param $argument i32) {thread}))"#
    )
}

#[test]
fn threads_share_memory_and_have_numbers_of_their_own() {
    let place = Place::new();
    // Each adds a power of 16 for its number, and its argument.
    let name = place.artifact(
        "sum",
        &program(
            r#"(local $i i32)
            (loop $again
                (if (i32.lt_s (call $spawn (i32.const 3)) (i32.const 1)) (then unreachable))
                (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
            (call $wait_for (i32.const 4))
            (if (i32.ne (i32.load (i32.const 4)) (i32.const 0x1111c)) (then unreachable))
            (call $exit (i32.const 9))"#,
            r#"(drop (i32.atomic.rmw.add (i32.const 4)
                (i32.add (i32.shl (i32.const 1) (i32.mul (local.get $number) (i32.const 4))) (local.get $argument))))
            (call $done)"#,
        ),
    );
    place.run(&["run", &name]).status(9).stdout("").silent();
}

#[test]
fn threads_have_one_context_together() {
    let place = Place::new();
    let name = place.artifact(
        "print",
        &program(
            "(call $print) (drop (call $spawn (i32.const 0))) (call $wait_for (i32.const 1)) (call $print)",
            "(call $print) (call $done)",
        ),
    );
    place.run(&["run", &name]).status(0).stdout("thread\nthread\nthread\n").silent();
}

#[test]
fn any_thread_ends_the_process() {
    let place = Place::new();
    let waiting = "(drop (call $spawn (i32.const 0))) (call $wait_for (i32.const 1))";
    let exits = place.artifact("exits", &program(waiting, "(call $exit (i32.const 5))"));
    place.run(&["run", &exits]).status(5).stdout("").silent();
    let traps = place.artifact("traps", &program(waiting, "unreachable"));
    let run = place.run(&["run", &traps]).status(134);
    assert!(run.stderr.contains("unreachable"), "{run:#?}");
    let leaves = place
        .artifact("leaves", &program("(drop (call $spawn (i32.const 0)))", "(call $wait_for (i32.const 1))"));
    place.run(&["run", &leaves]).status(0).stdout("").silent();
}

#[test]
fn a_program_with_64_bit_pointers_is_told_so() {
    let place = Place::new();
    let name = place.artifact(
        "wide",
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i64 i64 i64) (result i32)))
            (memory (export "memory") i64 1) (func (export "_start")))"#,
    );
    let run = place.run(&["run", &name]).status(1);
    assert!(run.stderr.contains("64-bit addresses") && run.stderr.contains("wasm32"), "{run:#?}");
}
