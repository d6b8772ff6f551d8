//! `wasmaot run --fuel` and `--report`: programs that use up their fuel, and the record of what each used,
//! however it ended.

use crate::support::{Place, Run, program, threaded};
use serde_json::{Value, json};

/// The record, which is the last line of standard error, without times; what is before it.
#[track_caller]
fn record(run: &Run) -> (Value, String) {
    let text = run.stderr.strip_suffix('\n').expect("a whole line");
    let (before, line) = text.rsplit_once('\n').unwrap_or(("", text));
    (without_times(line), before.to_string())
}

#[track_caller]
fn without_times(line: &str) -> Value {
    let mut record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let fields = record.as_object_mut().expect("an object");
    let [wall, cpu] = ["wall_ns", "cpu_ns"].map(|name| fields.remove(name).expect("a time"));
    assert!(wall.as_u64() > Some(0) && cpu.is_u64(), "{line}");
    record
}

/// Runs the command with `input` as standard input.
fn fed(place: &Place, input: &[u8], arguments: &[&str]) -> Run {
    let mut command = place.command(arguments);
    command.stdin(std::fs::File::open(place.file("input", input)).expect("it is there"));
    crate::support::finish(command)
}

#[test]
fn every_end_has_its_record() {
    let place = Place::new();
    let ends = [
        ("(call $exit)", 35, json!({ "end": "exit", "status": 3, "trap": null }), 4),
        ("drop", 35, json!({ "end": "exit", "status": 0, "trap": null }), 3),
        ("unreachable", 35, json!({ "end": "trap", "status": 134, "trap": "unreachable" }), 3),
        (
            "(i32.div_u (i32.const 0)) drop",
            36,
            json!({ "end": "trap", "status": 134, "trap": "integer divide by zero" }),
            3,
        ),
        ("(throw $tag)", 35, json!({ "end": "exception", "status": 134, "trap": null }), 3),
    ];
    for (end, operators, expected, host_calls) in ends {
        place.file("program.wat", program(&format!("(call $copy_twice) {end}")));
        let run = fed(&place, b"abc", &["run", "--meter", "--report", "json", "program.wat"]);
        let status = expected["status"].as_i64().expect("a number");
        let (found, before) = record(&run);
        // A fill of a page, and a throw.
        let bulk = if end.contains("throw") { 1023 + 128 } else { 1023 };
        let mut wanted = json!({
            "operators": operators, "fuel": null, "fuel_used": operators + bulk, "memory_bytes": 2 << 16, "host_calls": host_calls,
            "bytes_read": 3, "bytes_written": 6,
        });
        wanted.as_object_mut().expect("an object").extend(expected.as_object().expect("an object").clone());
        assert_eq!(found, wanted, "{end}");
        assert_eq!(before.starts_with("error: "), status == 134, "{end}: {before}");
        run.status(status as i32).stdout("abcabc");
    }
}

#[test]
fn fields_are_in_their_order_on_one_line() {
    let place = Place::new();
    let name = place.artifact("nothing", r#"(module (func (export "_start")))"#);
    let run = place.run(&["run", "--report=json", &name]).status(0).stdout("");
    let times = |line: &str| line.replace(|c: char| c.is_ascii_digit(), "");
    let expected = r#"{"operators":null,"fuel":null,"fuel_used":null,"wall_ns":,"cpu_ns":,"memory_bytes":,"host_calls":,"bytes_read":,"bytes_written":,"end":"exit","status":,"trap":null}"#;
    assert_eq!(times(&run.stderr), format!("{expected}\n"));
}

#[test]
fn what_is_invoked_and_what_starts_is_recorded() {
    let place = Place::new();
    place.file("program.wat", program(""));
    let run = place.run(&["run", "--meter", "--report", "json", "--invoke", "increment", "program.wat", "5"]);
    assert_eq!(record(&run).0["operators"], 3);
    run.status(0).stdout("6\n");
    place.file("start.wat", "(module (memory 3) (func $f (drop (i32.const 1)) unreachable) (start $f))");
    let run = place.run(&["run", "--meter", "--report", "json", "start.wat"]).status(134);
    let (found, _) = record(&run);
    assert_eq!((&found["operators"], &found["memory_bytes"]), (&json!(3), &json!(3 << 16)));
    assert_eq!((&found["end"], &found["trap"]), (&json!("trap"), &json!("unreachable")));
}

/// 5 operators for each round, and 2.
const ROUNDS: &str = r#"(module (func (export "_start") (local $i i32) (local.set $i (i32.const 1000))
    (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))))"#;

#[test]
fn fuel_ends_a_program_that_goes_on() {
    let place = Place::new();
    place.file("rounds.wat", ROUNDS);
    // A module is metered without being asked for it.
    let run = place.run(&["run", "--fuel", "5002", "--report", "json", "rounds.wat"]).status(0);
    let (found, before) = record(&run);
    assert_eq!((&found["operators"], &found["fuel"], &*before), (&json!(5002), &json!(5002), ""));
    place.run(&["run", "--fuel", "5002", "rounds.wat"]).status(0).silent();
    let run = place.run(&["run", "--fuel", "5001", "rounds.wat"]).status(134).stdout("");
    assert!(run.stderr.starts_with("error: trap: out of fuel\n  0: func[0] <_start>"), "{run:#?}");
    let run = place.run(&["run", "--fuel", "700", "--report", "json", "rounds.wat"]).status(134);
    let (found, _) = record(&run);
    let executed = found["operators"].as_u64().expect("it is counted");
    assert!((701..=700 + 128).contains(&executed), "{found}");
    assert_eq!((&found["end"], &found["trap"]), (&json!("trap"), &json!("out of fuel")));
    place.run(&["run", "--fuel", "0", "rounds.wat"]).status(134).stderr_has(&["out of fuel"]);
    place.run(&["run", "--fuel", "18446744073709551615", "rounds.wat"]).status(0).silent();
}

#[test]
fn bulk_work_takes_fuel_by_its_size() {
    let place = Place::new();
    let fill = "(memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))";
    place.file("fill.wat", format!(r#"(module (memory 1) (func (export "_start") {fill}))"#));
    let run = place.run(&["run", "--fuel", "1027", "--report", "json", "fill.wat"]).status(0);
    let (found, _) = record(&run);
    assert_eq!((&found["operators"], &found["fuel_used"]), (&json!(4), &json!(4 + 1023)));
    place.file("fills.wat", format!(r#"(module (memory 1) (func (export "_start") (loop {fill} (br 0))))"#));
    let run = place.run(&["run", "--fuel", "100", "--report", "json", "fills.wat"]).status(134);
    let (found, _) = record(&run);
    assert_eq!((&found["operators"], &found["fuel_used"]), (&json!(4), &json!(4)), "it is not begun");
}

#[test]
fn an_artifact_is_metered_or_is_given_no_fuel() {
    let place = Place::new();
    let name = place.artifact("rounds", ROUNDS);
    let run = place.run(&["run", "--fuel", "9", &name]).status(1).stdout("");
    run.stderr_has(&["error: cannot instantiate `rounds.so`", "compile it with `--meter`"]);
    let shown = place.run(&["inspect", &name]).status(0).stdout;
    assert!(shown.contains("metered        no\n"), "{shown}");
    place.run(&["compile", "rounds.wat", "--meter", "-o", "metered.so", "--quiet"]).status(0).silent();
    place.run(&["run", "--fuel", "9", "metered.so"]).status(134).stderr_has(&["out of fuel"]);
    let run = place.run(&["run", "--report", "json", "metered.so"]).status(0);
    assert_eq!(record(&run).0["operators"], 5002);
    let shown = place.run(&["inspect", "metered.so"]).status(0).stdout;
    assert!(shown.contains("metered        yes\n") && !shown.contains("problem"), "{shown}");
    let shown = place.run(&["inspect", "metered.so", "--json"]).status(0).stdout;
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!((&shown["metered"], &shown["problems"]), (&json!(true), &json!([])));
}

#[test]
fn the_record_may_go_to_a_file() {
    let place = Place::new();
    let name = place.artifact("trap", r#"(module (func (export "_start") unreachable))"#);
    place.file(
        "record",
        "what was there before, and is longer than the record, in any case, whatever happens: ".repeat(9),
    );
    let run = place.run(&["run", "--report", "json", "--report-to", "record", &name]).status(134);
    assert!(run.stderr.starts_with("error: trap") && !run.stderr.contains('{'), "{run:#?}");
    let line = std::fs::read_to_string(place.path("record")).expect("a file");
    assert_eq!(line.matches('\n').count(), 1);
    assert_eq!(without_times(line.trim_end())["trap"], "unreachable");
    // Before anything runs.
    let run = place.run(&["run", "--report", "json", "--report-to", "-", &name]).status(134);
    assert_eq!(without_times(run.stdout.trim_end())["end"], "trap", "{run:#?}");
    assert!(!run.stderr.contains('{') && !place.path("-").exists(), "{run:#?}");
    let run = place.run(&["run", "--report", "json", "--report-to", "no/such/record", &name]).status(1);
    assert!(!run.stderr.contains("unreachable"), "{run:#?}");
    run.stderr_has(&["error: cannot write `no/such/record`"]);
    place
        .run(&["run", "--report", "json", "--report-to", "/dev/full", &name])
        .status(1)
        .stderr_has(&["error: trap: unreachable", "error: cannot write `/dev/full`"]);
}

#[test]
fn the_record_never_replaces_the_program() {
    let place = Place::new();
    let name = place.artifact("trap", r#"(module (func (export "_start") unreachable))"#);
    let program = std::fs::read(place.path(&name)).expect("a file");
    std::os::unix::fs::symlink(place.path(&name), place.path("link")).expect("a new name");
    for record in [name.as_str(), "link"] {
        place
            .run(&["run", "--report", "json", "--report-to", record, &name])
            .status(1)
            .stderr_has(&["the report would overwrite the program", "name another file with `--report-to`"]);
    }
    assert_eq!(std::fs::read(place.path(&name)).expect("a file"), program);
}

/// A trap is status 134, with which a program may exit by itself.
#[test]
fn a_trap_is_told_from_a_status_of_134() {
    let place = Place::new();
    for (body, end) in [("(call $exit (i32.const 134))", "exit"), ("unreachable", "trap")] {
        let name = place.artifact("ends", &program(body));
        let run = place.run(&["run", "--report", "json", &name]).status(134);
        assert_eq!(record(&run).0["end"], end);
    }
}

#[test]
fn an_error_of_the_command_has_no_record() {
    let place = Place::new();
    let name = place.artifact("imports", r#"(module (import "no" "body" (func)) (func (export "_start")))"#);
    let run = place.run(&["run", "--report", "json", &name]).status(1);
    assert!(!run.stderr.contains('{'), "{run:#?}");
}

#[test]
fn wrong_usage() {
    let place = Place::new();
    let name = place.artifact("nothing", r#"(module (func (export "_start")))"#);
    let wrong: [&[&str]; 7] = [
        &["--report", "xml"],
        &["--report"],
        &["--report-to", "record"],
        &["--fuel", "-1"],
        &["--fuel", "many"],
        &["--fuel", "18446744073709551616"],
        &["--fuel"],
    ];
    for options in wrong {
        let run = place.run(&[&["run"], options, &[&name]].concat()).status(2).stdout("");
        assert!(run.stderr.contains("--help"), "{run:#?}");
    }
    assert!(!place.path("record").exists());
}

#[test]
fn all_threads_are_in_the_record() {
    let place = Place::new();
    let run = |body: &str, thread: &str, options: &[&str]| {
        place.file("threads.wat", threaded(body, thread));
        place.run(&[&["run", "--meter", "--report", "json"], options, &["threads.wat"]].concat())
    };
    // One that has ended, and others that sleep when the first thread ends the program: all have printed.
    let once = "(if (i32.eq (local.get $number) (i32.const 1)) (then (call $print) (call $done) (return)))";
    let three = "(call $spawned) (call $spawned) (call $spawned) (call $wait_for (i32.const 3)) (call $exit (i32.const 4))";
    let (found, _) =
        record(&run(three, &format!("{once} (call $print) (call $done) (call $sleep)"), &[]).status(4));
    // Three calls that spawn, three that print, one that exits.
    assert_eq!(found["host_calls"], 7);
    assert_eq!((&found["bytes_written"], &found["memory_bytes"]), (&json!(3 * 7), &json!(1 << 16)));
    assert_eq!((&found["end"], &found["status"]), (&json!("exit"), &json!(4)));
    assert!(found["operators"].as_u64() > Some(3 * 5 + 3 * (16 + 8) + 2), "{found}");
    // Another thread ends it, which the first one waits for, and a third one goes on and on.
    let two = "(call $spawned) (call $spawned) (call $sleep)";
    for (end, name, status, host_calls) in
        [("(call $exit (i32.const 5))", "exit", 5, 3), ("unreachable", "trap", 134, 2)]
    {
        let thread = format!(
            "(if (i32.eq (local.get $number) (i32.const 1)) (then (call $done) (loop (br 0)))) (call $wait_for (i32.const 1)) {end}"
        );
        let run = run(two, &thread, &[]).status(status).stdout("");
        let (found, _) = record(&run);
        assert_eq!((&found["end"], &found["host_calls"]), (&json!(name), &json!(host_calls)));
        assert!(found["operators"].as_u64() > Some(2 * 6 + 4 + 8), "{found}");
    }
    // Each thread has the fuel, and none has more.
    let run = run("(call $spawned) (call $sleep)", "(loop (br 0))", &["--fuel", "1000"]).status(134);
    let (found, _) = record(&run);
    let executed = found["operators"].as_u64().expect("it is counted");
    assert!((1001..1000 + 128 + 20).contains(&executed), "{found}");
    assert_eq!(found["trap"], "out of fuel");
}

#[test]
fn operators_of_threads_add_up() {
    let place = Place::new();
    let rounds = "(local.set $number (i32.const 100000))
        (loop (br_if 0 (local.tee $number (i32.sub (local.get $number) (i32.const 1)))))";
    let body = format!(
        "(local $number i32) (call $spawned) (call $spawned) {rounds} (call $wait_for (i32.const 2))"
    );
    place.file("threads.wat", threaded(&body, &format!("{rounds} (call $done)")));
    let run = place.run(&["run", "--meter", "--report", "json", "threads.wat"]).status(0);
    let (found, _) = record(&run);
    let executed = found["operators"].as_u64().expect("it is counted");
    assert!((1_500_000..1_501_000).contains(&executed), "{found}");
}

#[test]
fn threads_need_no_meter_to_be_recorded() {
    let place = Place::new();
    let thread = "(call $print) (call $exit (i32.const 0))";
    place.file("threads.wat", threaded("(call $spawned) (loop (br 0))", thread));
    let run = place.run(&["run", "--report", "json", "threads.wat"]).status(0);
    let (found, _) = record(&run);
    assert_eq!(found["operators"], Value::Null);
    assert_eq!((&found["host_calls"], &found["bytes_written"]), (&json!(3), &json!(7)));
}
