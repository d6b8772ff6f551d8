//! The progress bar: drawn on a terminal only, and gone at the end.

use crate::support::Place;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fmt::Write;
use std::fs::{File, OpenOptions};
use std::io::Read;

/// A module that takes longer to compile than the bar waits before it shows.
fn large_module() -> String {
    let mut text = "(module (memory 1)\n".to_string();
    for number in 0..1500 {
        text.push_str("(func (param i32) (result i32) (local i32)\n");
        for offset in 0..30 {
            let place = number + offset;
            let _ = writeln!(
                text,
                "(local.set 1 (i32.add (local.get 1) (i32.load (i32.xor (local.get 0) (i32.const {place})))))"
            );
        }
        text.push_str("(local.get 1))\n");
    }
    text + ")"
}

/// What a compilation writes to standard error if that is a terminal.
fn on_a_terminal(place: &Place, arguments: &[&str]) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("a terminal of ours");
    let name = ptsname(&master, Vec::new()).expect("its name").into_string().expect("UTF-8");
    let terminal = OpenOptions::new().read(true).write(true).open(name).expect("the terminal's other end");
    let mut child = place.command(arguments).stderr(terminal).spawn().expect("the command starts");
    let mut shown = Vec::new();
    // The read fails when the last writer has closed the terminal.
    let _ = File::from(master).read_to_end(&mut shown);
    assert!(child.wait().expect("an end").success());
    String::from_utf8(shown).expect("UTF-8")
}

#[test]
fn a_terminal_shows_a_bar_that_leaves_nothing_behind() {
    let place = Place::new();
    place.file("a.wat", large_module());
    let shown = on_a_terminal(&place, &["compile", "a.wat", "--jobs", "1"]);
    let (bar, summary) = shown.rsplit_once("\r\x1b[K").expect("a bar was drawn and cleared");
    assert!(bar.starts_with("\rcompiling a.wat [") && bar.contains("/1500"), "{shown:?}");
    assert!(summary.starts_with("1500 functions, ") && summary.ends_with(" s\r\n"), "{shown:?}");
    assert!(!summary.contains('['), "{shown:?}");
    assert_eq!(on_a_terminal(&place, &["compile", "a.wat", "--quiet"]), "");
}

#[test]
fn short_compilations_and_pipes_show_none() {
    let place = Place::new();
    place.file("a.wat", "(module)");
    let shown = on_a_terminal(&place, &["compile", "a.wat"]);
    assert!(shown.starts_with("0 functions, ") && !shown.contains('\x1b'), "{shown:?}");
    place.file("b.wat", large_module());
    let run = place.run(&["compile", "b.wat"]).status(0);
    assert!(run.stderr.starts_with("1500 functions, ") && !run.stderr.contains('\x1b'), "{run:#?}");
}
