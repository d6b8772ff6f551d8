//! Usage: help with examples, and status 2 for what cannot be meant.

use crate::support::{Place, broken_pipe, finish};
use std::fs::OpenOptions;

#[test]
fn every_help_has_examples() {
    let place = Place::new();
    for command in [
        &["--help"][..],
        &["compile", "--help"],
        &["run", "--help"],
        &["inspect", "--help"],
        &["cache", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ] {
        let run = place.run(command).status(0).silent();
        let (_, examples) = run.stdout.split_once("Examples:\n").expect("a heading of examples");
        assert!(examples.lines().filter(|line| line.starts_with("  wasmaot ")).count() >= 2, "{command:?}");
    }
}

#[test]
fn wrong_usage_is_status_2() {
    let place = Place::new();
    place.file("x.wat", "(module)");
    let wrong: [&[&str]; 17] = [
        &[],
        &["frobnicate"],
        &["compile"],
        &["compile", "x.wat", "-O", "3"],
        &["compile", "x.wat", "--target-cpu", "i386"],
        &["compile", "x.wat", "--emit", "elf"],
        &["compile", "x.wat", "--jobs", "0"],
        &["run"],
        &["run", "--env", "novalue", "x.wat"],
        &["run", "--env", "=v", "x.wat"],
        &["run", "--dir", "::/x", "x.wat"],
        &["run", "--unknown", "x.wat"],
        &["run", "--timeout", "soon", "x.wat"],
        &["run", "--max-memory", "1.5M", "x.wat"],
        &["cache"],
        &["cache", "fill"],
        &["inspect", "x.so", "--xml"],
    ];
    for arguments in wrong {
        let run = place.run(arguments).status(2).stdout("");
        assert!(run.stderr.contains("--help"), "{run:#?}");
    }
}

#[test]
fn misspelt_options_are_recognised() {
    let place = Place::new();
    for (line, meant) in [
        (&["run", "--dri", ".", "a.so"][..], "--dir"),
        (&["run", "--evn", "K=V", "a.so"], "--env"),
        (&["run", "--timeuot=1s", "a.so"], "--timeout"),
        (&["compile", "--jsno", "a.wasm"], "--json"),
        (&["compile", "--target-pcu", "native", "a.wasm"], "--target-cpu"),
        (&["cache", "show", "--jsno"], "--json"),
        (&["inspect", "--jsno", "a.so"], "--json"),
    ] {
        let run = place.run(line).status(2).stdout("");
        run.stderr_has(&[&format!("a similar argument exists: '{meant}'")]);
    }
    let run = place.run(&["run", "--max-memory", "-1K", "a.so"]).status(2).stdout("");
    run.stderr_has(&["tip: no option takes a negative value"]);
    for line in [&["run", "--xyz", "a.so"][..], &["run", "-x", "a.so"], &["compile", "-j4", "a.wasm"]] {
        let run = place.run(line).status(2).stdout("");
        assert!(!run.stderr.contains("tip:") && run.stderr.contains("--help"), "{run:#?}");
    }
}

#[test]
fn wrong_values_are_told_what_is_right() {
    let place = Place::new();
    for (line, right) in [
        (&["run", "-O", "3"][..], "the levels are 0, 1 and 2"),
        (&["run", "--jobs", "0"], "1 to 65535"),
        (&["run", "--jobs", "many"], "1 to 65535"),
        (&["run", "--fuel", "1e9"], "not a whole number"),
        (&["run", "--max-table-elements=-1"], "not a whole number"),
        (&["run", "--timeout", "1us"], "500ms or 2.5s"),
        (&["run", "--max-memory", "1.5M"], "512M or 2G"),
        (&["run", "--max-memory", "-1"], "512M or 2G"),
        (&["run", "--fuel", "-1"], "not a whole number"),
        (&["run", "--timeout", "-1.5"], "500ms or 2.5s"),
        (&["run", "-O", "-1"], "the levels are 0, 1 and 2"),
        (&["verify", "--jobs", "-1"], "1 to 65535"),
        (&["run", "--nesting", "many"], "not a whole number"),
        (&["run", "--nesting", "4294967296"], "more than 4294967295"),
        (&["run", "--max-globals", "+1"], "not a whole number"),
        (&["run", "--max-descriptors", "18446744073709551616"], "more than 18446744073709551615"),
        (&["run", "--max-written-pages", ""], "not a whole number"),
        (&["run", "--listen", "127.0.0.1"], "HOST:PORT"),
        (&["run", "--listen", ":80"], "HOST:PORT"),
        (&["run", "--listen", "127.0.0.1:65536"], "ports are 0 to 65535"),
        (&["run", "--listen", "no.such.host.invalid:80"], "no such host"),
        (&["run", "--listen", "localhost:http"], "HOST:PORT"),
        (&["run", "--env", "K"], "NAME=VALUE"),
    ] {
        let line = [line, &["a.so"]].concat();
        let run = place.run(&line).status(2).stdout("").stderr_has(&[right]);
        assert!(!run.stderr.contains("digit") && !run.stderr.contains(".."), "{run:#?}");
    }
}

#[test]
fn a_file_in_place_of_a_command_is_pointed_to_run() {
    let place = Place::new();
    place.file("app.wasm", "(module)");
    let run = place.run(&["app.wasm", "one"]).status(2).stdout("");
    run.stderr_has(&["hint: `wasmaot run app.wasm` runs it, `wasmaot compile app.wasm` compiles it"]);
    place.file("cache", "");
    let run = place.run(&["cache", "shw"]).status(2).stderr_has(&["a similar subcommand exists: 'show'"]);
    assert!(!run.stderr.contains("runs it"), "{run:#?}");
    let run = place.run(&["frobnicate"]).status(2);
    assert!(!run.stderr.contains("runs it"), "{run:#?}");
}

#[test]
fn help_and_version_fail_where_they_cannot_be_written() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["--version"], &["run", "--help"], &["compile", "--features"]] {
        let mut command = place.command(arguments);
        command.stdout(OpenOptions::new().write(true).open("/dev/full").expect("a device"));
        let run = finish(command).status(1);
        assert!(run.stderr.contains("cannot write to standard output"), "{arguments:?}: {run:#?}");
        let mut command = place.command(arguments);
        let output = command.stdout(broken_pipe()).output().expect("the command starts");
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{arguments:?}");
    }
}

/// Whatever is wrong with a number, it is said in this command's words.
#[test]
fn no_option_answers_in_the_words_of_rust() {
    let place = Place::new();
    for command in ["run", "compile", "verify"] {
        let help = place.run(&[command, "--help"]).status(0).stdout;
        let options = help.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
        let numbers =
            options.filter(|line| ["<N>", "<SIZE>", "<TIME>"].iter().any(|kind| line.contains(kind)));
        let names: Vec<_> = numbers.filter_map(|line| line.split_whitespace().next()).collect();
        assert!(!names.is_empty(), "{help}");
        for name in names {
            for value in ["x", "-1", "1.5.5", "0x10", "99999999999999999999999999", "\u{664}"] {
                let run = place.run(&[command, &format!("--{name}"), value, "a.so"]).status(2).stdout("");
                let words =
                    ["digit", "..", "invalid float", "too large to fit", "ParseIntError", "unexpected"];
                assert!(!words.iter().any(|word| run.stderr.contains(word)), "{name} {value}: {run:#?}");
                assert!(run.stderr.contains(name), "{name} {value}: {run:#?}");
            }
        }
    }
}
