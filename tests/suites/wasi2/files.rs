//! `wasi:filesystem`: open files and directories.

use crate::{Guest, bytes, bytes_of, flags, name, number_of, parts, resource_of, show, text, u64};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::slice::from_ref;
use tempfile::TempDir;
use wasmaot_component::Val;

pub(crate) fn all() {
    directories_are_those_that_were_given();
    files_are_made_opened_and_removed();
    opening_fails_as_documented();
    files_are_read_and_written_at_positions();
    streams_of_files_have_their_own_positions();
    descriptors_are_good_for_what_they_were_opened_for();
    what_may_only_be_read_does_not_change();
    status_is_told_and_times_are_set();
    directories_are_listed();
    fifos_are_streams();
}

/// A function of a descriptor.
pub(crate) fn on(function: &str) -> String {
    format!("wasi:filesystem/types#descriptor.{function}")
}

/// A guest with a directory.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) guest: Guest,
    pub(crate) root: Val,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(false, |_| ())
    }

    /// A place that is made, and then given to be read only or not.
    fn with(read_only: bool, make: impl FnOnce(&Path)) -> Self {
        let folder = TempDir::new().expect("a folder");
        make(folder.path());
        let mut guest = Guest::of(|builder| {
            let given = match read_only {
                true => builder.preopen_dir_read_only(folder.path(), "/"),
                false => builder.preopen_dir(folder.path(), "/"),
            };
            given.expect("it opens");
        });
        let Val::List(directories) = guest.call("wasi:filesystem/preopens#get-directories", &[]) else {
            panic!("a list");
        };
        let [directory] = <[Val; 1]>::try_from(directories).expect("one directory");
        let [root, named] = parts(directory);
        assert_eq!(named, text("/"));
        Self { folder, guest, root }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Calls a function of the root and compares its answer.
    pub(crate) fn gives(&mut self, function: &str, args: &[Val], expected: &str) {
        let args: Vec<Val> = [self.root.clone()].into_iter().chain(args.iter().cloned()).collect();
        self.guest.gives(&on(function), &args, expected);
    }

    pub(crate) fn call(&mut self, function: &str, args: &[Val]) -> Val {
        let args: Vec<Val> = [self.root.clone()].into_iter().chain(args.iter().cloned()).collect();
        self.guest.call(&on(function), &args)
    }

    /// Opens a path beneath the root.
    pub(crate) fn try_open(&mut self, path: &str, open: &[&str], for_what: &[&str]) -> Val {
        self.call("open-at", &[flags(&["symlink-follow"]), text(path), flags(open), flags(for_what)])
    }

    pub(crate) fn open(&mut self, path: &str, open: &[&str], for_what: &[&str]) -> Val {
        match self.try_open(path, open, for_what) {
            Val::Result(Ok(Some(descriptor))) => *descriptor,
            other => panic!("{path}: {}", show(&other)),
        }
    }

    fn opening(&mut self, path: &str, open: &[&str], for_what: &[&str], expected: &str) {
        let found = show(&self.try_open(path, open, for_what));
        assert_eq!(found, expected, "{path} {open:?} {for_what:?}");
    }
}

#[test]
fn directories_are_those_that_were_given() {
    let folder = TempDir::new().expect("a folder");
    let mut guest = Guest::of(|builder| {
        builder.preopen_dir(folder.path(), "/a").expect("it opens");
        builder.preopen_dir_read_only(folder.path(), "b").expect("it opens");
    });
    let name = "wasi:filesystem/preopens#get-directories";
    guest.gives(name, &[], r#"[(handle, "/a"), (handle, "b")]"#);
    let Val::List(directories) = guest.call(name, &[]) else { panic!("a list") };
    let directories: Vec<Val> = directories.into_iter().map(|pair| parts::<2>(pair)[0].clone()).collect();
    guest.gives(&on("get-flags"), from_ref(&directories[0]), "ok({read, mutate-directory})");
    guest.gives(&on("get-flags"), from_ref(&directories[1]), "ok({read})");
    guest.gives(&on("is-same-object"), &directories, "true");
    assert_ne!(resource_of(&directories[0]), resource_of(&directories[1]));
    Guest::of(|_| ()).gives(name, &[], "[]");
}

#[test]
fn files_are_made_opened_and_removed() {
    let mut place = Place::new();
    place.gives("create-directory-at", &[text("d")], "ok");
    place.gives("create-directory-at", &[text("d")], "err(exist)");
    place.gives("create-directory-at", &[text("x/y")], "err(no-entry)");
    let file = place.open("d/f", &["create", "exclusive"], &["read", "write"]);
    place.guest.gives(&on("get-type"), from_ref(&file), "ok(regular-file)");
    place.guest.gives(&on("get-flags"), from_ref(&file), "ok({read, write})");
    place.gives("get-type", &[], "ok(directory)");
    place.guest.gives(&on("write"), &[file.clone(), bytes(b"content"), u64(0)], "ok(7)");
    for synchronise in ["sync", "sync-data"] {
        place.guest.gives(&on(synchronise), from_ref(&file), "ok");
        place.gives(synchronise, &[], "ok");
    }
    for advice in ["normal", "sequential", "random", "will-need", "dont-need", "no-reuse"] {
        place.guest.gives(&on("advise"), &[file.clone(), u64(0), u64(0), name(advice)], "ok");
    }
    place.guest.gives(&on("advise"), &[file.clone(), u64(1 << 63), u64(0), name("normal")], "err(invalid)");
    place.guest.drop("wasi:filesystem/types#descriptor", file);
    let emptied = place.open("d/f", &["truncate"], &["write"]);
    place.guest.gives(&on("set-size"), &[emptied.clone(), u64(5)], "ok");
    assert_eq!(std::fs::read(place.path("d/f")).expect("it is there"), [0; 5]);
    place.guest.gives(&on("set-size"), &[emptied, u64(u64::MAX)], "err(invalid)");
    place.gives("unlink-file-at", &[text("d")], "err(is-directory)");
    place.gives("remove-directory-at", &[text("d")], "err(not-empty)");
    place.gives("remove-directory-at", &[text("d/f")], "err(not-directory)");
    place.gives("unlink-file-at", &[text("d/f")], "ok");
    place.gives("unlink-file-at", &[text("d/f")], "err(no-entry)");
    place.gives("remove-directory-at", &[text("d")], "ok");
    place.gives("remove-directory-at", &[text("d")], "err(no-entry)");
}

#[test]
fn opening_fails_as_documented() {
    let mut place = Place::with(false, |folder| {
        std::fs::write(folder.join("f"), "f").expect("room");
        std::fs::create_dir(folder.join("d")).expect("room");
        symlink("f", folder.join("link")).expect("room");
        symlink("loop", folder.join("loop")).expect("room");
    });
    place.opening("missing", &[], &["read"], "err(no-entry)");
    place.opening("f", &["create", "exclusive"], &["write"], "err(exist)");
    place.opening("f", &["directory"], &["read"], "err(not-directory)");
    place.opening("f/x", &[], &["read"], "err(not-directory)");
    place.opening("d", &[], &["read", "write"], "err(is-directory)");
    place.opening("d", &["create", "directory"], &["read"], "err(invalid)");
    place.opening("d", &["directory", "truncate"], &["read"], "err(invalid)");
    place.opening("loop", &[], &["read"], "err(loop)");
    place.opening("/", &[], &["read"], "err(not-permitted)");
    place.opening("", &[], &["read"], "err(no-entry)");
    place.opening("a\0b", &[], &["read"], "err(invalid)");
    place.opening(&"n".repeat(256), &[], &["read"], "err(name-too-long)");
    place.opening(&"n/".repeat(3000), &[], &["read"], "err(name-too-long)");
    let args = [flags(&[]), text("link"), flags(&[]), flags(&["read"])];
    place.gives("open-at", &args, "err(loop)");
    place.opening("link", &[], &["read"], "ok(handle)");
    // Without a flag that says so, it is open for nothing but to ask about it.
    let file = place.open("f", &[], &[]);
    place.guest.gives(&on("read"), &[file.clone(), u64(1), u64(0)], "err(bad-descriptor)");
    place.guest.gives(&on("get-type"), from_ref(&file), "ok(regular-file)");
    // A flag for directories means nothing for a file.
    let other = place.open("f", &[], &["read", "mutate-directory"]);
    place.guest.gives(&on("get-flags"), from_ref(&other), "ok({read})");
    // What is no directory has nothing beneath it.
    let args = [file, flags(&[]), text("x"), flags(&[]), flags(&["read"])];
    place.guest.gives(&on("open-at"), &args, "err(not-directory)");
}

#[test]
fn only_so_many_files_are_open_at_a_time() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("f"), "f").expect("room");
    let mut guest = Guest::of(|builder| {
        builder.preopen_dir(folder.path(), "/").expect("it opens").max_descriptors(7);
    });
    let Val::List(directories) = guest.call("wasi:filesystem/preopens#get-directories", &[]) else {
        panic!("a list");
    };
    let [root, _] = parts(directories[0].clone());
    let args = [root.clone(), flags(&[]), text("f"), flags(&[]), flags(&["read"])];
    let mut files: Vec<Val> = (0..3).map(|_| guest.handle(&on("open-at"), &args)).collect();
    guest.gives(&on("open-at"), &args, "err(insufficient-memory)");
    guest.gives(&on("read-directory"), &[root], "err(insufficient-memory)");
    // A stream keeps its file open.
    let file = files.pop().expect("three");
    let stream = guest.handle(&on("read-via-stream"), &[file.clone(), u64(0)]);
    guest.drop("wasi:filesystem/types#descriptor", file);
    guest.gives(&on("open-at"), &args, "err(insufficient-memory)");
    guest.drop("wasi:io/streams#input-stream", stream);
    guest.handle(&on("open-at"), &args);
    guest.gives(&on("open-at"), &args, "err(insufficient-memory)");
}

#[test]
fn files_are_read_and_written_at_positions() {
    let mut place = Place::new();
    let file = place.open("f", &["create"], &["read", "write"]);
    let guest = &mut place.guest;
    guest.gives(&on("read"), &[file.clone(), u64(10), u64(0)], "ok(([], true))");
    guest.gives(&on("write"), &[file.clone(), bytes(b"abc"), u64(2)], "ok(3)");
    guest.gives(&on("read"), &[file.clone(), u64(10), u64(0)], "ok((\"\\0\\0abc\", false))");
    guest.gives(&on("read"), &[file.clone(), u64(2), u64(3)], r#"ok(("bc", false))"#);
    guest.gives(&on("read"), &[file.clone(), u64(2), u64(5)], "ok(([], true))");
    guest.gives(&on("read"), &[file.clone(), u64(0), u64(0)], "ok(([], false))");
    guest.gives(&on("read"), &[file.clone(), u64(2), u64(u64::MAX)], "ok(([], true))");
    guest.gives(&on("write"), &[file.clone(), bytes(b"x"), u64(u64::MAX)], "err(file-too-large)");
    guest.gives(&on("write"), &[file.clone(), bytes(&[]), u64(0)], "ok(0)");
    let long: Vec<u8> = (0..3_000_000_u32).map(|index| (index % 251) as u8).collect();
    guest.gives(&on("write"), &[file.clone(), bytes(&long), u64(0)], "ok(3000000)");
    let [read, _] = parts(guest.ok(&on("read"), &[file, u64(500), u64(2_999_800)]));
    assert_eq!(bytes_of(&read), long[2_999_800..]);
    assert_eq!(guest.state().ctx.transferred().written, 3_000_003);
}

#[test]
fn transfers_are_limited() {
    let folder = TempDir::new().expect("a folder");
    let mut guest = Guest::of(|builder| {
        builder.preopen_dir(folder.path(), "/").expect("it opens").max_transfer(5);
    });
    let Val::List(directories) = guest.call("wasi:filesystem/preopens#get-directories", &[]) else {
        panic!("a list");
    };
    let [root, _] = parts(directories[0].clone());
    let args = [root, flags(&[]), text("f"), flags(&["create"]), flags(&["read", "write"])];
    let file = guest.handle(&on("open-at"), &args);
    guest.gives(&on("write"), &[file.clone(), bytes(b"abcdefgh"), u64(0)], "ok(5)");
    guest.gives(&on("read"), &[file, u64(10), u64(0)], r#"ok(("abcde", false))"#);
}

#[test]
fn streams_of_files_have_their_own_positions() {
    let mut place = Place::new();
    let file = place.open("f", &["create"], &["read", "write"]);
    let guest = &mut place.guest;
    let write = "wasi:io/streams#output-stream.blocking-write-and-flush";
    let one = guest.handle(&on("write-via-stream"), &[file.clone(), u64(0)]);
    let other = guest.handle(&on("write-via-stream"), &[file.clone(), u64(3)]);
    guest.gives(write, &[one.clone(), bytes(b"a")], "ok");
    guest.gives(write, &[other, bytes(b"d")], "ok");
    guest.gives(write, &[one, bytes(b"bc")], "ok");
    let end = guest.handle(&on("append-via-stream"), from_ref(&file));
    guest.gives(write, &[end.clone(), bytes(b"ef")], "ok");
    guest.gives(&on("set-size"), &[file.clone(), u64(5)], "ok");
    guest.gives(write, &[end, bytes(b"g")], "ok");
    let input = guest.handle(&on("read-via-stream"), &[file.clone(), u64(1)]);
    guest.gives("wasi:io/streams#input-stream.read", &[input.clone(), u64(2)], r#"ok("bc")"#);
    let pollable = guest.call("wasi:io/streams#input-stream.subscribe", from_ref(&input));
    guest.gives("wasi:io/poll#pollable.ready", &[pollable], "true");
    // It goes on when its descriptor is gone.
    guest.drop("wasi:filesystem/types#descriptor", file);
    assert_eq!(guest.read_all(&input), b"deg");
    assert_eq!(std::fs::read(place.path("f")).expect("it is there"), b"abcdeg");
}

#[test]
fn descriptors_are_good_for_what_they_were_opened_for() {
    let mut place = Place::new();
    let writes = place.open("f", &["create"], &["write"]);
    let reads = place.open("f", &[], &["read"]);
    let guest = &mut place.guest;
    guest.gives(&on("read"), &[writes.clone(), u64(1), u64(0)], "err(bad-descriptor)");
    guest.gives(&on("read-via-stream"), &[writes, u64(0)], "err(bad-descriptor)");
    guest.gives(&on("write"), &[reads.clone(), bytes(b"x"), u64(0)], "err(bad-descriptor)");
    guest.gives(&on("write-via-stream"), &[reads.clone(), u64(0)], "err(bad-descriptor)");
    guest.gives(&on("append-via-stream"), from_ref(&reads), "err(bad-descriptor)");
    guest.gives(&on("set-size"), &[reads.clone(), u64(0)], "err(bad-descriptor)");
    guest.gives(&on("read-directory"), from_ref(&reads), "err(not-directory)");
    guest.gives(&on("stat-at"), &[reads, flags(&[]), text("x")], "err(not-directory)");
    let root = place.root.clone();
    for (function, args) in [
        ("read", &[u64(1), u64(0)][..]),
        ("write", &[bytes(b"x"), u64(0)]),
        ("read-via-stream", &[u64(0)]),
        ("write-via-stream", &[u64(0)]),
        ("append-via-stream", &[]),
        ("set-size", &[u64(0)]),
        ("advise", &[u64(0), u64(0), name("normal")]),
    ] {
        let args: Vec<Val> = [root.clone()].into_iter().chain(args.iter().cloned()).collect();
        place.guest.gives(&on(function), &args, "err(is-directory)");
    }
    // Flags of synchronisation are kept.
    let synchronised =
        ["read", "write", "file-integrity-sync", "data-integrity-sync", "requested-write-sync"];
    let file = place.open("f", &[], &synchronised);
    place.guest.gives(&on("get-flags"), &[file], &format!("ok({{{}}})", synchronised.join(", ")));
}

#[test]
fn what_may_only_be_read_does_not_change() {
    let make = |folder: &Path| {
        std::fs::write(folder.join("f"), "f").expect("room");
        std::fs::create_dir(folder.join("d")).expect("room");
    };
    let mut given = Place::with(true, make);
    refuses_changes(&mut given);
    // The same for a directory that the guest opened so.
    let mut place = Place::with(false, make);
    place.root = place.open(".", &["directory"], &["read"]);
    refuses_changes(&mut place);
}

fn refuses_changes(place: &mut Place) {
    place.opening("f", &[], &["write"], "err(read-only)");
    place.opening("f", &["truncate"], &["read"], "err(read-only)");
    place.opening("f", &["create"], &["read"], "err(read-only)");
    place.opening("d", &["directory"], &["read", "mutate-directory"], "err(read-only)");
    let root = place.root.clone();
    let (no_change, none) = (Val::Variant("no-change".to_string(), None), || flags(&[]));
    for (function, args) in [
        ("create-directory-at", &[text("n")][..]),
        ("remove-directory-at", &[text("d")]),
        ("unlink-file-at", &[text("f")]),
        ("symlink-at", &[text("f"), text("n")]),
        ("link-at", &[none(), text("f"), root.clone(), text("n")]),
        ("rename-at", &[text("f"), root.clone(), text("n")]),
        ("set-times-at", &[none(), text("f"), no_change.clone(), no_change.clone()]),
        ("set-times", &[no_change.clone(), no_change]),
    ] {
        place.gives(function, args, "err(read-only)");
    }
    let file = place.open("f", &[], &["read"]);
    place.guest.gives(&on("read"), &[file, u64(9), u64(0)], r#"ok(("f", false))"#);
    let directory = place.open("d", &["directory"], &["read"]);
    place.guest.gives(&on("create-directory-at"), &[directory, text("n")], "err(read-only)");
}

fn moment(seconds: u64, nanoseconds: u32) -> Val {
    let fields =
        vec![("seconds".to_string(), u64(seconds)), ("nanoseconds".to_string(), Val::U32(nanoseconds))];
    Val::Variant("timestamp".to_string(), Some(Box::new(Val::Record(fields))))
}

#[test]
fn status_is_told_and_times_are_set() {
    let mut place = Place::with(false, |folder| {
        std::fs::write(folder.join("f"), "four").expect("room");
        symlink("f", folder.join("link")).expect("room");
    });
    let (keep, now) = (Val::Variant("no-change".to_string(), None), Val::Variant("now".to_string(), None));
    let file = place.open("f", &[], &["read"]);
    place.guest.gives(&on("set-times"), &[file.clone(), moment(5, 6), moment(7, 8)], "ok");
    let found = show(&place.guest.call(&on("stat"), from_ref(&file)));
    let expected = "ok({type: regular-file, link-count: 1, size: 4, \
        data-access-timestamp: some({seconds: 5, nanoseconds: 6}), \
        data-modification-timestamp: some({seconds: 7, nanoseconds: 8}), status-change-timestamp: some({seconds: ";
    assert!(found.starts_with(expected), "{found}");
    place.guest.gives(&on("set-times"), &[file.clone(), keep.clone(), moment(9, 0)], "ok");
    let metadata = std::fs::metadata(place.path("f")).expect("it is there");
    assert_eq!((metadata.atime(), metadata.atime_nsec(), metadata.mtime()), (5, 6, 9));
    for (time, expected) in
        [(moment(0, 1_000_000_000), "err(invalid)"), (moment(u64::MAX, 0), "err(overflow)")]
    {
        place.guest.gives(&on("set-times"), &[file.clone(), time, keep.clone()], expected);
    }
    // The link itself, or what it leads to.
    let follow = flags(&["symlink-follow"]);
    place.gives("set-times-at", &[follow.clone(), text("link"), now, moment(3, 0)], "ok");
    assert_eq!(std::fs::metadata(place.path("f")).expect("it is there").mtime(), 3);
    place.gives("set-times-at", &[flags(&[]), text("link"), moment(1, 0), moment(2, 0)], "ok");
    assert_eq!(std::fs::symlink_metadata(place.path("link")).expect("it is there").mtime(), 2);
    assert_eq!(std::fs::metadata(place.path("f")).expect("it is there").mtime(), 3);
    place.gives("set-times-at", &[flags(&[]), text("missing"), keep.clone(), keep], "err(no-entry)");
    let kind = |place: &mut Place, flags: Val| show(&place.call("stat-at", &[flags, text("link")]));
    assert!(kind(&mut place, flags(&[])).starts_with("ok({type: symbolic-link, link-count: 1, size: 1, "));
    assert!(kind(&mut place, follow.clone()).starts_with("ok({type: regular-file, link-count: 1, size: 4, "));
    place.gives("stat-at", &[flags(&[]), text("missing")], "err(no-entry)");
    hashes_tell_files_apart(&mut place, &file, follow);
}

fn hashes_tell_files_apart(place: &mut Place, file: &Val, follow: Val) {
    let by_file = place.guest.ok(&on("metadata-hash"), from_ref(file));
    let by_link = place.call("metadata-hash-at", &[follow, text("link")]);
    assert_eq!(by_link, Val::Result(Ok(Some(Box::new(by_file.clone())))));
    let of_link = place.call("metadata-hash-at", &[flags(&[]), text("link")]);
    assert_ne!(of_link, by_link);
    place.gives("metadata-hash-at", &[flags(&[]), text("missing")], "err(no-entry)");
    std::fs::write(place.path("f"), "other content").expect("room");
    assert_eq!(place.guest.ok(&on("metadata-hash"), from_ref(file)), by_file);
    let same = place.open("link", &[], &["read"]);
    place.guest.gives(&on("is-same-object"), &[file.clone(), same], "true");
    place.guest.gives(&on("is-same-object"), &[file.clone(), place.root.clone()], "false");
}

#[test]
fn directories_are_listed() {
    let mut place = Place::with(false, |folder| {
        std::fs::write(folder.join("f"), "").expect("room");
        std::fs::create_dir(folder.join("d")).expect("room");
        symlink("/etc", folder.join("l")).expect("room");
    });
    let next = "wasi:filesystem/types#directory-entry-stream.read-directory-entry";
    let listing = place.guest.handle(&on("read-directory"), from_ref(&place.root));
    let other = place.guest.handle(&on("read-directory"), from_ref(&place.root));
    for listing in [listing.clone(), other] {
        let mut found: Vec<String> =
            (0..3).map(|_| show(&place.guest.call(next, from_ref(&listing)))).collect();
        found.sort();
        let expected = [
            r#"ok(some({type: directory, name: "d"}))"#,
            r#"ok(some({type: regular-file, name: "f"}))"#,
            r#"ok(some({type: symbolic-link, name: "l"}))"#,
        ];
        assert_eq!(found, expected);
        place.guest.gives(next, from_ref(&listing), "ok(none)");
        place.guest.gives(next, &[listing], "ok(none)");
    }
    place.guest.drop("wasi:filesystem/types#directory-entry-stream", listing);
    use std::os::unix::ffi::OsStrExt;
    std::fs::create_dir(place.path("names")).expect("room");
    std::fs::write(place.path("names").join(std::ffi::OsStr::from_bytes(b"\xff")), "").expect("room");
    let names = place.open("names", &["directory"], &["read"]);
    let listing = place.guest.handle(&on("read-directory"), &[names]);
    place.guest.gives(next, &[listing], "err(illegal-byte-sequence)");
}

#[test]
fn fifos_are_streams() {
    let mut place = Place::new();
    let fifo = place.path("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("a fifo");
    // Both ends at once, so that nothing waits for the other.
    let file = place.open("fifo", &[], &["read", "write"]);
    let guest = &mut place.guest;
    guest.gives(&on("get-type"), from_ref(&file), "ok(fifo)");
    guest.gives(&on("read"), &[file.clone(), u64(1), u64(0)], "err(invalid-seek)");
    guest.gives(&on("advise"), &[file.clone(), u64(0), u64(0), name("normal")], "err(invalid-seek)");
    let input = guest.handle(&on("read-via-stream"), &[file.clone(), u64(0)]);
    guest.gives("wasi:io/streams#input-stream.read", &[input.clone(), u64(5)], "ok([])");
    let output = guest.handle(&on("append-via-stream"), &[file]);
    let write = "wasi:io/streams#output-stream.blocking-write-and-flush";
    guest.gives(write, &[output, bytes(b"through")], "ok");
    guest.gives("wasi:io/streams#input-stream.blocking-read", &[input, u64(9)], r#"ok("through")"#);
    let written = number_of(&u64(guest.state().ctx.transferred().written));
    assert_eq!(written, 7);
}
