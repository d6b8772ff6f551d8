//! Usage: help with examples, and status 2 for what cannot be meant.

use crate::support::Place;

#[test]
fn every_help_has_examples() {
    let place = Place::new();
    for command in [&["--help"][..], &["compile", "--help"], &["run", "--help"], &["inspect", "--help"]] {
        let run = place.run(command).status(0).silent();
        let (_, examples) = run.stdout.split_once("Examples:\n").expect("a heading of examples");
        assert!(examples.lines().filter(|line| line.starts_with("  wasmaot ")).count() >= 2, "{command:?}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let expected = format!("wasmaot {}\n", env!("CARGO_PKG_VERSION"));
    Place::new().run(&["--version"]).status(0).stdout(&expected);
}

#[test]
fn wrong_usage_is_status_2() {
    let place = Place::new();
    place.file("x.wat", "(module)");
    let wrong: [&[&str]; 14] = [
        &[],
        &["frobnicate"],
        &["compile"],
        &["compile", "x.wat", "-O", "3"],
        &["compile", "x.wat", "--target-cpu", "i386"],
        &["compile", "x.wat", "--emit", "elf"],
        &["compile", "x.wat", "--jobs", "0"],
        &["compile", "x.wat", "y.wat"],
        &["run"],
        &["run", "x.wat", "--env", "novalue"],
        &["run", "x.wat", "--env", "=v"],
        &["run", "x.wat", "--dir", "::/x"],
        &["run", "x.wat", "--unknown"],
        &["inspect", "x.so", "--xml"],
    ];
    for arguments in wrong {
        let run = place.run(arguments).status(2).stdout("");
        assert!(run.stderr.contains("--help"), "{run:#?}");
    }
}

#[test]
fn an_unknown_option_is_pointed_to_the_program() {
    Place::new().run(&["run", "x.so", "--verbose"]).status(2).stderr_has(&["-- --verbose"]);
}
