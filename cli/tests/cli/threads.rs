//! Programs with threads: each by `run`, metered, and as an executable.

use crate::support::{Place, Run, filled, finish, threaded};

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
    let text = threaded(
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
    let text = threaded(
        "(call $print) (call $spawned) (call $wait_for (i32.const 1)) (call $print)",
        "(call $print) (call $done)",
    );
    every_way(&text, |run| drop(run.status(0).stdout("thread\nthread\nthread\n").silent()));
}

#[test]
fn any_thread_ends_the_process() {
    let waiting = "(call $spawned) (call $wait_for (i32.const 1))";
    every_way(&threaded(waiting, "(call $exit (i32.const 5))"), |run| {
        drop(run.status(5).stdout("").silent())
    });
    every_way(&threaded(waiting, "unreachable"), |run| {
        run.status(134).stderr_has(&["error: trap: unreachable"]);
    });
    let leaves = threaded("(call $spawned)", "(call $wait_for (i32.const 1))");
    every_way(&leaves, |run| drop(run.status(0).stdout("").silent()));
}

#[test]
fn one_trap_is_reported_where_several_threads_trap() {
    let spawns = "(call $spawned)".repeat(8) + "unreachable";
    every_way(&threaded(&spawns, "unreachable"), |run| {
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{run:#?}");
        run.status(134);
    });
}

#[test]
fn a_program_that_exports_nothing_else_runs_in_every_way() {
    let text = include_str!("../guests/threads_bare.wat");
    every_way(text, |run| drop(run.status(0).stdout("").silent()));
}

/// Where the system allows fewer threads, it is refused earlier.
#[test]
fn more_threads_than_there_may_be_are_refused() {
    let place = Place::new();
    let name = place.artifact("spawns", include_str!("../guests/threads_many.wat"));
    place.run(&["run", &name]).status(0).stdout("").silent();
}

#[test]
fn a_program_whose_threads_have_nothing_to_call_is_refused_before_it_starts() {
    let place = Place::new();
    for thread in [
        "",
        r#"(func (export "wasi_thread_start"))"#,
        r#"(func (export "wasi_thread_start") (param i32 i64))"#,
    ] {
        let text = filled(include_str!("../guests/threads_nowhere.wat"), &[("thread", thread)]);
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
