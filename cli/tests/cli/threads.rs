//! Programs with threads: each by `run`, metered, and as an executable.

use crate::support::{Place, Run, finish};

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

/// Runs a program in each way that there is: as an artifact, metered, and as executables of both kinds.
#[track_caller]
fn every_way(text: &str, check: impl Fn(Run)) {
    let place = Place::new();
    place.file("threads.wat", text);
    for options in [&[][..], &["--meter"]] {
        let compile = [&["compile", "--quiet", "threads.wat"], options].concat();
        place.run(&compile).status(0).silent();
        check(place.run(&["run", "threads.so"]));
        place.run(&[&compile[..], &["--emit", "exe"]].concat()).status(0).silent();
        check(finish(place.started(&place.path("threads"), &[])));
    }
    check(place.run(&["run", "--meter", "threads.wat"]));
}

#[test]
fn threads_share_memory_and_have_numbers_of_their_own() {
    // Each adds a power of 16 for its number, and its argument.
    let text = program(
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
    );
    every_way(&text, |run| drop(run.status(9).stdout("").silent()));
}

#[test]
fn threads_have_one_context_together() {
    let text = program(
        "(call $print) (drop (call $spawn (i32.const 0))) (call $wait_for (i32.const 1)) (call $print)",
        "(call $print) (call $done)",
    );
    every_way(&text, |run| drop(run.status(0).stdout("thread\nthread\nthread\n").silent()));
}

#[test]
fn any_thread_ends_the_process() {
    let waiting = "(drop (call $spawn (i32.const 0))) (call $wait_for (i32.const 1))";
    every_way(&program(waiting, "(call $exit (i32.const 5))"), |run| drop(run.status(5).stdout("").silent()));
    every_way(&program(waiting, "unreachable"), |run| {
        run.status(134).stderr_has(&["error: trap: unreachable"]);
    });
    let leaves = program("(drop (call $spawn (i32.const 0)))", "(call $wait_for (i32.const 1))");
    every_way(&leaves, |run| drop(run.status(0).stdout("").silent()));
}

#[test]
fn one_trap_is_reported_where_several_threads_trap() {
    let spawns = "(drop (call $spawn (i32.const 0)))".repeat(8) + "unreachable";
    every_way(&program(&spawns, "unreachable"), |run| {
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{run:#?}");
        run.status(134);
    });
}

/// A module that waits for its thread and exports nothing that a command exports in addition.
#[test]
fn a_bare_program_runs_in_every_way() {
    let text = r#"(module
        (import "env" "memory" (memory 1 1 shared))
        (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
        (func (export "wasi_thread_start") (param i32 i32)
            (i32.atomic.store (i32.const 0) (i32.const 1))
            (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
        (func (export "_start")
            (if (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0)) (then unreachable))
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))"#;
    every_way(text, |run| drop(run.status(0).stdout("").silent()));
}

/// Spawns until it is refused; the threads wait forever. Where the system allows fewer threads, it is refused earlier.
#[test]
fn more_threads_than_there_may_be_are_refused() {
    let text = r#"(module
        (import "env" "memory" (memory 1 1 shared))
        (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (export "memory" (memory 0))
        (func (export "wasi_thread_start") (param i32 i32)
            (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
            (drop (memory.atomic.notify (i32.const 8) (i32.const 1)))
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
        (func (export "_start") (local $count i32) (local $ran i32)
            (block $refused
                (loop $again
                    (br_if $refused (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0)))
                    (local.set $count (i32.add (local.get $count) (i32.const 1)))
                    (br $again)))
            ;; Each that was not refused runs.
            (block $all
                (loop $again
                    (local.set $ran (i32.atomic.load (i32.const 8)))
                    (br_if $all (i32.eq (local.get $ran) (local.get $count)))
                    (drop (memory.atomic.wait32 (i32.const 8) (local.get $ran) (i64.const -1)))
                    (br $again)))
            (if (i32.gt_u (local.get $count) (i32.const 4096)) (then unreachable))
            (call $exit (i32.ne (call $spawn (i32.const 0)) (i32.const -1)))))"#;
    let place = Place::new();
    let name = place.artifact("spawns", text);
    place.run(&["run", &name]).status(0).stdout("").silent();
}

#[test]
fn a_program_whose_threads_have_nothing_to_call_is_refused_before_it_starts() {
    let place = Place::new();
    for start in [
        "",
        r#"(func (export "wasi_thread_start"))"#,
        r#"(func (export "wasi_thread_start") (param i32 i64))"#,
    ] {
        let text = format!(
            r#"(module
            (import "env" "memory" (memory 1 1 shared))
            (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
            {start}
            (func (export "_start") unreachable))"#
        );
        let name = place.artifact("nostart", &text);
        for line in [&["run", &name][..], &["compile", "--emit", "exe", "nostart.wat"]] {
            let run = place.run(line).status(1).stdout("");
            assert!(!run.stderr.contains("unreachable"), "{run:#?}");
            run.stderr_has(&[
                "error: cannot start `nostart.",
                "exports no function `wasi_thread_start`",
                "hint: ",
            ]);
        }
        assert!(!place.path("nostart").exists());
    }
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
