//! The progress bar: drawn on a terminal only, and gone at the end.

use crate::support::Place;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
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

/// What a compilation writes to standard error on a terminal of this width, in pieces between control
/// sequences.
fn on_a_terminal(place: &Place, columns: u16, arguments: &[&str]) -> Vec<String> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("a terminal of ours");
    tcsetwinsize(&master, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })
        .expect("a size");
    let name = ptsname(&master, Vec::new()).expect("its name").into_string().expect("UTF-8");
    let terminal = OpenOptions::new().read(true).write(true).open(name).expect("the terminal's other end");
    let mut child =
        place.command(arguments).env("TERM", "xterm").stderr(terminal).spawn().expect("the command starts");
    let mut shown = Vec::new();
    // The read fails when the last writer has closed the terminal.
    let _ = File::from(master).read_to_end(&mut shown);
    assert!(child.wait().expect("an end").success());
    let shown = String::from_utf8(shown).expect("UTF-8");
    let pieces = shown.split(['\r', '\n', '\x1b']).map(|piece| match piece.strip_prefix('[') {
        Some(sequence) => {
            sequence.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').get(1..).unwrap_or("")
        }
        None => piece,
    });
    pieces.map(String::from).filter(|piece| !piece.is_empty()).collect()
}

#[test]
fn a_terminal_shows_a_bar_that_leaves_nothing_behind() {
    let place = Place::new();
    place.file("a.wat", large_module());
    let shown = on_a_terminal(&place, 80, &["compile", "a.wat", "--jobs", "1"]);
    let (summary, bars) = shown.split_last().expect("something is shown");
    assert!(!bars.is_empty(), "{shown:?}");
    for bar in bars {
        assert!(bar.starts_with("compiling a.wat [") && bar.trim_end().ends_with("/1500"), "{shown:?}");
    }
    assert!(summary.starts_with("1500 functions, ") && summary.ends_with(" s"), "{shown:?}");
    assert_eq!(on_a_terminal(&place, 80, &["compile", "a.wat", "--quiet"]), [""; 0]);
}

#[test]
fn a_narrow_terminal_shows_what_fits() {
    let place = Place::new();
    place.file("a.wat", large_module());
    for columns in [30, 12, 5] {
        let shown = on_a_terminal(&place, columns, &["compile", "a.wat", "--jobs", "1"]);
        let (_, bars) = shown.split_last().expect("something is shown");
        assert_eq!(bars.is_empty(), columns == 5, "{columns}: {shown:?}");
        for bar in bars {
            assert!(bar.trim_end().ends_with("/1500") && bar.len() <= columns.into(), "{columns}: {shown:?}");
        }
    }
}

#[test]
fn short_compilations_and_pipes_show_none() {
    let place = Place::new();
    place.file("a.wat", "(module)");
    let shown = on_a_terminal(&place, 80, &["compile", "a.wat"]);
    assert!(shown.len() == 1 && shown[0].starts_with("0 functions, "), "{shown:?}");
    place.file("b.wat", large_module());
    let run = place.run(&["compile", "b.wat"]).status(0);
    assert!(run.stderr.starts_with("1500 functions, ") && !run.stderr.contains('\x1b'), "{run:#?}");
}
