//! Manual pages: one for the command and one for each subcommand, with all that `--help` says.

use crate::support::{Place, finish};
use std::process::Command;

/// Subcommands, as the command's own help lists them.
fn subcommands(place: &Place) -> Vec<String> {
    let help = place.run(&["--help"]).status(0).stdout;
    let (_, list) = help.split_once("Commands:\n").expect("a list of subcommands");
    let (list, _) = list.split_once("\n\n").expect("something follows the list");
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn each_subcommand_has_a_page() {
    let place = Place::new();
    std::fs::create_dir(place.path("man1")).expect("a writable directory");
    place.run(&["man", "man1"]).status(0).silent().stdout("");
    let names = subcommands(&place);
    assert!(names.iter().any(|name| name == "compile"), "{names:?}");
    let pages = std::fs::read_dir(place.path("man1")).expect("a readable directory").count();
    assert_eq!(pages, names.len() + 1);
    for name in names {
        let page = std::fs::read_to_string(place.path(&format!("man1/wasmaot-{name}.1"))).expect("a page");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"] {
            assert!(
                page.contains(&format!(".SH {section}\n")) || page.contains(&format!(".SH \"{section}\"\n")),
                "no {section} in {page}"
            );
        }
    }
}

#[test]
fn man_shows_all_options() {
    let man = Command::new("man").arg("--version").output();
    if !man.is_ok_and(|output| output.status.success()) {
        println!("skipped: man is not installed");
        return;
    }
    let place = Place::new();
    std::fs::create_dir(place.path("man1")).expect("a writable directory");
    place.run(&["man", "man1"]).status(0);
    for name in subcommands(&place) {
        let mut man = Command::new("man");
        man.args(["--local-file", "--ascii", "--warnings", "--pager=cat"]);
        man.arg(place.path(&format!("man1/wasmaot-{name}.1"))).env("MANWIDTH", "100").env("LC_ALL", "C");
        let page = finish(man).status(0).silent().stdout;
        let help = place.run(&[&name, "--help"]).stdout;
        let words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        for option in words.filter(|word| word.starts_with("--") && word.len() > 2) {
            assert!(page.contains(option), "no {option} in {page}");
        }
        assert!(
            page.contains(&format!("wasmaot {name} [OPTIONS]"))
                || page.contains(&format!("wasmaot {name} <")),
            "{page}"
        );
        let (_, examples) = help.split_once("Examples:\n").expect("examples");
        let example = examples.lines().next().expect("an example").trim();
        assert!(page.lines().any(|line| line.trim() == example), "no line {example:?} in {page}");
    }
}

#[test]
fn a_missing_directory_is_created() {
    let place = Place::new();
    place.run(&["man", "share/man/man1"]).status(0).silent().stdout("");
    assert!(place.path("share/man/man1/wasmaot.1").exists());
    place.file("file", "");
    place.run(&["man", "file/man1"]).status(1).stderr_has(&["cannot write `file/man1`", "Not a directory"]);
}
