//! `wasmaot run` with limits of time, memory and tables.

use crate::support::{Place, threaded};

/// Grows its memory by a page, and its table by an element, as often as it can, and exits with the sum.
const GROWS: &str = include_str!("../guests/grows.wat");

#[test]
fn memories_and_tables_grow_up_to_their_limits() {
    let place = Place::new();
    let name = place.artifact("grows", GROWS);
    let run = |options: &[&str]| place.run(&[&["run"], options, &[&name]].concat());
    run(&[]).status(20).silent();
    run(&["--max-memory", "256K"]).status(4 + 10).silent();
    run(&["--max-memory", "131072", "--max-table-elements", "3"]).status(2 + 3).silent();
    run(&["--max-memory", "1G"]).status(20).silent();
    let trap = run(&["--max-memory", "128K", "--trap-on-grow-failure"]).status(134);
    trap.stderr_has(&["error: trap: memory limit exceeded"]);
    let trap = run(&["--max-table-elements", "3", "--trap-on-grow-failure"]).status(134);
    trap.stderr_has(&["error: trap: table limit exceeded"]);
    // What the module has from the beginning counts, too.
    run(&["--max-memory", "1K"]).status(1).stderr_has(&["error: cannot instantiate `grows.so`", "memory"]);
    run(&["--max-table-elements", "0"])
        .status(1)
        .stderr_has(&["error: cannot instantiate `grows.so`", "table"]);
}

/// Every option of what a module may ask for refuses this one, by name, and without it the program runs.
#[test]
fn a_module_beyond_a_limit_is_not_started() {
    let place = Place::new();
    let name = place.artifact("asks", include_str!("../guests/asks.wat"));
    place.run(&["run", &name]).status(7).silent();
    for (option, limit, value, asked) in [
        ("--max-memories", "memories", "3", "4"),
        ("--max-tables", "tables", "1", "2"),
        ("--max-total-elements", "total_elements", "9", "10"),
        ("--max-globals", "globals", "1", "2"),
        ("--max-functions", "functions", "1", "2"),
        ("--max-types", "types", "1", "2"),
        ("--max-tags", "tags", "1", "2"),
        ("--max-segments", "segments", "3", "4"),
        ("--max-written-pages", "written_pages", "1", "2"),
        ("--max-mappings", "mappings", "43", "44"),
    ] {
        let expected = format!("limit exceeded: `{limit}` is {value}, and the module asks for {asked}");
        let run = place.run(&["run", option, value, &name]).status(1);
        run.stderr_has(&["error: cannot instantiate `asks.so`", &expected]);
        place.run(&["run", option, asked, &name]).status(7).silent();
    }
    let run = place.run(&["run", "--max-addresses", "24G", &name]).status(1);
    run.stderr_has(&["limit exceeded: `addresses` is 25769803776"]);
    place
        .run(&["run", "--max-addresses", "100G", "--nesting", "1", "--max-descriptors", "3", &name])
        .status(7)
        .silent();
}

/// A refusal says which limit it is, in the unit of the option that sets it.
#[test]
fn a_refusal_names_the_option() {
    let place = Place::new();
    let text = r#"(module (memory (export "memory") 2) (table 5 funcref) (elem (i32.const 0) func $f) (func $f)
        (func (export "_start") (call_indirect (i32.const 0))))"#;
    let name = place.artifact("asks", text);
    for (option, limit, value, asked) in [
        ("--max-memory", "memory", "65536", "131072"),
        ("--max-table-elements", "table", "4", "5"),
        ("--max-tables", "tables", "0", "1"),
    ] {
        let expected = format!("limit exceeded: `{limit}` is {value}, and the module asks for {asked}");
        let hint = format!("hint: `{option}` sets the limit");
        place.run(&["run", option, value, &name]).status(1).stderr_has(&[&expected, &hint]);
        place.run(&["run", option, asked, &name]).status(0).silent();
    }
    // Also where no limit would be high enough.
    let name = place.artifact("wide", r#"(module (memory i64 100000000) (func (export "_start")))"#);
    let run = place.run(&["run", "--max-memory", "1G", &name]).status(1);
    run.stderr_has(&[
        "`memory` is 1073741824, and the module asks for 6553600000000",
        "hint: `--max-memory` sets",
    ]);
    place.run(&["run", &name]).status(1).stderr_has(&["hint: larger memories are not supported"]);
    let run = place.run(&["run", "--max-memory", "16384G", &name]).status(1);
    run.stderr_has(&["a memory of 6553600000000 bytes is larger than the 68719476736 bytes"]);
}

#[test]
fn stored_exceptions_and_transfers_are_limited() {
    let place = Place::new();
    let keeps = place.artifact(
        "keeps",
        r#"(module (tag $e (param exnref)) (global $last (mut exnref) (ref.null exn))
            (func (export "_start") (local $count i32)
                (loop $next
                    (block $caught (result exnref exnref)
                        (try_table (catch_ref $e $caught) (throw $e (global.get $last)))
                        (unreachable))
                    (global.set $last)
                    (drop)
                    (local.set $count (i32.add (local.get $count) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $count) (i32.const 2000))))))"#,
    );
    place.run(&["run", &keeps]).status(0).silent();
    let run = place.run(&["run", "--max-exceptions", "1000", &keeps]).status(134);
    run.stderr_has(&["error: trap: ", "hint: `--max-exceptions` sets the limit"]);
    let writes = place.artifact(
        "writes",
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1) (data (i32.const 16) "abcdef") (data (i32.const 0) "\10\00\00\00\06\00\00\00")
            (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
    );
    place.run(&["run", &writes]).status(0).stdout("abcdef");
    place.run(&["run", "--max-transfer", "4", &writes]).status(0).stdout("abcd");
}

#[test]
fn a_timeout_is_a_trap_wherever_the_program_is() {
    let place = Place::new();
    let endless = place.artifact("endless", r#"(module (func (export "_start") (loop (br 0))))"#);
    let run = place.run(&["run", "--timeout", "50ms", &endless]).status(134).stdout("");
    run.stderr_has(&["error: trap: deadline exceeded"]);
    let waiting = place.artifact("waits", include_str!("../guests/waits.wat"));
    place.run(&["run", "--timeout", "50ms", &waiting]).status(134).stderr_has(&["deadline exceeded"]);
    let quick = place.artifact("quick", r#"(module (func (export "_start")))"#);
    place.run(&["run", "--timeout", "1h", "--cpu-time", "1h", &quick]).status(0).silent();
    let run = place.run(&["run", "--cpu-time", "50ms", &endless]).status(134).stdout("");
    run.stderr_has(&["error: trap: CPU time exceeded"]);
}

#[test]
fn all_threads_have_one_deadline_and_the_same_limits() {
    let place = Place::new();
    let program = |thread| threaded("(call $spawned) (call $sleep)", thread);
    let endless = place.artifact("endless", &program("(loop (br 0))"));
    let run = place.run(&["run", "--timeout", "50ms", &endless]).status(134);
    assert_eq!(run.stderr.matches("deadline exceeded").count(), 1, "{run:#?}");
    let grows = place.artifact("grows", &program("(call $exit (memory.grow (i32.const 2)))"));
    place.run(&["run", &grows]).status(1).silent();
    place.run(&["run", "--max-memory", "128K", &grows]).status(255).silent();
    place.run(&["run", "--max-memory", "1K", &grows]).status(1).stderr_has(&[
        "error: cannot instantiate `grows.so`",
        "limit exceeded: `memory` is 1024, and the module asks for 65536",
        "hint: `--max-memory` sets the limit",
    ]);
}
