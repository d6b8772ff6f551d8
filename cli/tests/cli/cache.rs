//! The cache of `wasmaot run`: used when it can be, repaired when it is broken, and never in the way.

use crate::support::{Place, finish};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn answer(number: i32) -> String {
    format!(r#"(module (func (export "answer") (result i32) (i32.const {number})))"#)
}

const INVOKE: [&str; 4] = ["run", "--invoke", "answer", "a.wat"];

#[test]
fn the_second_run_uses_what_the_first_one_made() {
    let place = Place::new();
    place.file("a.wat", answer(42));
    assert!(place.cached().is_empty());
    place.run(&INVOKE).status(0).stdout("42\n").silent();
    let [entry] = &place.cached()[..] else { panic!("one entry: {:?}", place.cached()) };
    // What is there is what runs, so another artifact in its place shows.
    place.file("b.wat", answer(43));
    place.run(&["compile", "b.wat", "--quiet"]).status(0);
    std::fs::copy(place.path("b.so"), entry).expect("copied");
    place.run(&INVOKE).status(0).stdout("43\n").silent();
}

#[test]
fn entries_are_kept_apart_by_content_and_options() {
    let place = Place::new();
    place.file("a.wat", answer(1));
    place.run(&INVOKE).status(0).stdout("1\n");
    for options in [&["-O", "0"][..], &["-O", "2"], &["--target-cpu", "x86-64"], &["--target-cpu", "native"]]
    {
        let arguments = [&["run"], options, &INVOKE[1..]].concat();
        place.run(&arguments).status(0).stdout("1\n").silent();
    }
    place.file("a.wat", answer(2));
    place.run(&INVOKE).status(0).stdout("2\n").silent();
    assert_eq!(place.cached().len(), 6);
    place.run(&[&["run", "--jobs", "2"], &INVOKE[1..]].concat()).status(0).stdout("2\n");
    assert_eq!(place.cached().len(), 6);
}

#[test]
fn broken_entries_are_made_anew() {
    let place = Place::new();
    place.file("a.wat", answer(42));
    place.run(&INVOKE).status(0);
    let entry = place.cached().remove(0);
    let whole = std::fs::read(&entry).expect("the entry");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for broken in [&b""[..], b"junk", &whole[..whole.len() / 2], &flipped] {
        std::fs::write(&entry, broken).expect("written");
        place.run(&INVOKE).status(0).stdout("42\n").silent();
        assert!(std::fs::read(&entry).expect("the entry") == whole, "the entry was not repaired");
    }
}

#[test]
fn without_a_cache_programs_run_from_memory() {
    let place = Place::new();
    place.file("a.wat", answer(42));
    let file = place.file("file", "");
    for unusable in [file.as_path(), Path::new("/proc/none"), Path::new("/dev/null/none")] {
        let mut command = place.command(&INVOKE);
        command.env("XDG_CACHE_HOME", unusable);
        finish(command).status(0).stdout("42\n").silent();
    }
    let mut command = place.command(&INVOKE);
    command.env_remove("XDG_CACHE_HOME");
    finish(command).status(0).stdout("42\n").silent();
    assert!(place.cached().is_empty());
}

#[test]
fn without_xdg_the_cache_is_at_home() {
    let place = Place::new();
    place.file("a.wat", answer(42));
    let mut command = place.command(&INVOKE);
    command.env_remove("XDG_CACHE_HOME").env("HOME", place.path("home"));
    finish(command).status(0).stdout("42\n").silent();
    let entries = std::fs::read_dir(place.path("home/.cache/wasmaot")).expect("the cache");
    assert_eq!(entries.count(), 1);
}

#[test]
fn a_directory_that_others_can_write_to_is_not_trusted() {
    let place = Place::new();
    place.file("a.wat", answer(42));
    place.run(&INVOKE).status(0);
    let directory = place.path("cache/wasmaot");
    assert_eq!(std::fs::metadata(&directory).expect("the cache").permissions().mode() & 0o777, 0o700);
    place.file("b.wat", answer(43));
    place.run(&["compile", "b.wat", "--quiet"]).status(0);
    std::fs::copy(place.path("b.so"), place.cached().remove(0)).expect("copied");
    std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o777)).expect("the cache is ours");
    place.run(&INVOKE).status(0).stdout("42\n").silent();
}

#[test]
fn many_runs_at_once_make_one_whole_entry() {
    let place = Place::new();
    place.file("a.wat", answer(42));
    let mut commands: Vec<_> = (0..12).map(|_| place.command(&INVOKE)).collect();
    std::thread::scope(|scope| {
        for command in commands.drain(..) {
            scope.spawn(|| finish(command).status(0).stdout("42\n").silent());
        }
    });
    assert_eq!(place.cached().len(), 1, "{:?}", place.cached());
    place.run(&INVOKE).status(0).stdout("42\n").silent();
}

#[test]
fn the_least_recently_used_artifacts_are_evicted() {
    let place = Place::new();
    let run = |number: i32, limit: &str| {
        place.file("a.wat", answer(number));
        let mut command = place.command(&INVOKE);
        command.env("WASMAOT_CACHE_LIMIT", limit);
        finish(command).status(0).stdout(&format!("{number}\n")).silent();
    };
    run(1, "1G");
    let one = std::fs::metadata(&place.cached()[0]).expect("an entry").len();
    let first = place.cached().remove(0);
    let room = (3 * one).to_string();
    for number in 2..=3 {
        run(number, &room);
    }
    assert_eq!(place.cached().len(), 3);
    // An old entry that is used again stays.
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
    for (path, age) in place.cached().iter().zip(0..) {
        let file = std::fs::File::open(path).expect("an entry");
        file.set_modified(old + std::time::Duration::from_secs(age)).expect("ours");
    }
    run(1, &room);
    for number in 4..=5 {
        run(number, &room);
        assert_eq!(place.cached().len(), 3);
        assert!(place.cached().contains(&first));
    }
    // What is larger than the limit is not kept, and 0 is for no cache.
    run(6, &(one - 1).to_string());
    assert!(place.cached().is_empty(), "{:?}", place.cached());
    run(7, "0");
    assert!(place.cached().is_empty());
}

#[test]
fn the_cache_can_be_shown_and_cleared() {
    let place = Place::new();
    let empty = place.run(&["cache", "show"]).status(0).silent().stdout;
    assert!(empty.contains("0 artifacts, 0 B of 1.0 GiB"), "{empty}");
    place.file("a.wat", answer(42));
    place.run(&INVOKE).status(0);
    place.file("cache/wasmaot/other", "not an artifact");
    let bytes = std::fs::metadata(&place.cached()[0]).expect("an entry").len();
    let shown = place.run(&["cache", "show", "--json"]).status(0).silent().stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let folder = place.path("cache/wasmaot");
    assert_eq!(
        shown,
        serde_json::json!({ "folder": folder, "artifacts": 1, "bytes": bytes, "limit": 1 << 30 })
    );
    let text = place.run(&["cache", "show"]).status(0).silent().stdout;
    assert!(text.contains(folder.to_str().expect("UTF-8")) && text.contains("1 artifact, "), "{text}");
    place.run(&["cache", "clear"]).status(0).silent();
    assert_eq!(place.cached(), [folder.join("other")]);
    let run = place.run(&["cache", "clear"]).status(0).silent();
    assert_eq!(run.stdout, "deleted 0 artifacts, 0 B\n");
    let mut command = place.command(&["cache", "show"]);
    command.env("WASMAOT_CACHE_LIMIT", "lots");
    finish(command)
        .status(1)
        .stdout("")
        .stderr_has(&["error: `$WASMAOT_CACHE_LIMIT` is `lots`: not a size", "2G"]);
    let mut command = place.command(&["cache", "show"]);
    command.env_remove("XDG_CACHE_HOME");
    finish(command).status(1).stderr_has(&["there is no cache", "XDG_CACHE_HOME"]);
}
