//! What an initialisation gets of the host's: nothing that is not granted, and the same each time.

use crate::{initialise, parse, refusal};
use wasmaot_snapshot::{Clock, Directory, Grant, Grants, Options, PreinitError, Random};

/// A module whose initialiser makes one call of WASI, and stores what it returns.
fn calls(name: &str, parameters: &str, arguments: &str) -> Vec<u8> {
    parse(&format!(
        r#"(module (import "wasi_snapshot_preview1" "{name}" (func $call (param {parameters}) (result i32)))
            (memory (export "memory") 1) (data (i32.const 904) "\01")
            (global $result (mut i32) (i32.const -1))
            (func $inner (global.set $result (call $call {arguments})))
            (func (export "wizer.initialize") (call $inner))
            (func (export "result") (result i32) (global.get $result)))"#
    ))
}

fn zeros(count: usize) -> (String, String) {
    ("i32 ".repeat(count), "(i32.const 0) ".repeat(count))
}

#[track_caller]
fn assert_denied(wasm: &[u8], options: &Options, import: &str, granted_by: Option<Grant>) {
    let error = initialise(wasm, options).map(|_| ()).expect_err("it is denied");
    let message = error.to_string();
    let PreinitError::Denied { denied, trap, .. } = error else { panic!("{message}") };
    assert_eq!((&*denied.name, denied.grant), (import, granted_by), "{message}");
    let frames: Vec<_> = trap.backtrace.iter().filter_map(|frame| frame.name.as_deref()).collect();
    assert_eq!(frames, ["inner", "wizer.initialize"], "{message}");
    assert!(
        message.contains(import) && message.contains("denied") && message.contains("<inner>"),
        "{message}"
    );
}

#[test]
fn the_host_is_denied_by_default() {
    let options = Options::default();
    let (two, two_zeros) = zeros(2);
    let environment = calls("environ_sizes_get", &two, &two_zeros);
    assert_denied(&environment, &options, "environ_sizes_get", Some(Grant::Environment));
    let (four, four_zeros) = zeros(4);
    for (name, descriptor) in [("fd_read", 0), ("fd_write", 1), ("fd_write", 2)] {
        let arguments = format!("(i32.const {descriptor}) {}", zeros(3).1);
        assert_denied(&calls(name, &four, &arguments), &options, name, Some(Grant::Stdio));
    }
    let (three, three_zeros) = zeros(3);
    let path = calls("path_unlink_file", &three, &three_zeros);
    assert_denied(&path, &options, "path_unlink_file", Some(Grant::Directory));
    assert_denied(&calls("sock_shutdown", &two, &two_zeros), &options, "sock_shutdown", None);
    // A subscription to a descriptor.
    let polls = calls("poll_oneoff", &four, "(i32.const 896) (i32.const 0) (i32.const 1) (i32.const 0)");
    assert_denied(&polls, &options, "poll_oneoff", None);
    let own = parse(
        r#"(module (import "host" "f" (func $f (param i64) (result f64))) (func $inner (drop (call $f (i64.const 1))))
            (func (export "wizer.initialize") (call $inner)))"#,
    );
    assert_denied(&own, &options, "f", None);
    let _ = four_zeros;
}

#[test]
fn what_is_granted_is_recorded() {
    let (two, _) = zeros(2);
    let environment = calls("environ_sizes_get", &two, "(i32.const 0) (i32.const 4)");
    let granted = |environment| Options {
        grants: Grants { environment: Some(environment), ..Grants::default() },
        ..Options::default()
    };
    let result = initialise(&environment, &granted(vec![("K".into(), "V".into())])).expect("it is granted");
    assert_eq!(result.record.environment.as_deref(), Some(&["K=V".to_string()][..]));
    let result = initialise(&environment, &granted(Vec::new())).expect("an empty environment is granted");
    assert_eq!(result.record.environment.as_deref(), Some(&[][..]));
    let write = calls("fd_write", &zeros(4).0, "(i32.const 2) (i32.const 0) (i32.const 0) (i32.const 8)");
    let stdio = Options { grants: Grants { stdio: true, ..Grants::default() }, ..Options::default() };
    assert!(initialise(&write, &stdio).expect("it is granted").record.stdio);
}

/// Opens `file` in the first directory, reads eight bytes of it to address 0, and closes it unless told
/// otherwise.
fn reads_file(closes: bool) -> Vec<u8> {
    let close = if closes { "(drop (call $close (i32.load (i32.const 64))))" } else { "" };
    parse(&format!(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
            (memory (export "memory") 1) (data (i32.const 900) "file") (data (i32.const 80) "\00\00\00\00\08\00\00\00")
            (func (export "wizer.initialize")
                (if (call $open (i32.const 3) (i32.const 0) (i32.const 900) (i32.const 4) (i32.const 0)
                        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64)) (then unreachable))
                (if (call $read (i32.load (i32.const 64)) (i32.const 80) (i32.const 1) (i32.const 72)) (then unreachable))
                {close})
            (func (export "get") (result i64) (i64.load (i32.const 0))))"#
    ))
}

#[test]
fn files_are_read_and_descriptors_must_be_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), b"contents").expect("a file");
    let directory = Directory { host: folder.path().into(), guest: "/data".into() };
    let options = Options {
        grants: Grants { directories: vec![directory], ..Grants::default() },
        ..Options::default()
    };
    let frozen = initialise(&reads_file(true), &options).expect("it is granted");
    assert_eq!(
        (&frozen.record.directories[..], &frozen.record.files[..]),
        (&["/data".to_string()][..], &["file".to_string()][..])
    );
    assert!(frozen.wasm.windows(8).any(|bytes| bytes == b"contents"));
    assert!(frozen.record.is_reproducible());
    let message = refusal(&reads_file(false), &options);
    assert!(message.contains("descriptor 4") && message.contains("close"), "{message}");
    // Nor may one be closed that was given.
    let closes = calls("fd_close", "i32", "(i32.const 3)");
    let message = refusal(&closes, &options);
    assert!(message.contains("descriptor 3"), "{message}");
    let missing = Directory { host: folder.path().join("missing"), guest: "/".into() };
    let options =
        Options { grants: Grants { directories: vec![missing], ..Grants::default() }, ..Options::default() };
    assert!(refusal(&closes, &options).contains("missing"));
}

/// Reads the real-time clock, the monotonic one, sixteen random bytes, and waits for an hour.
const READS: &str = r#"(module
    (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "wizer.initialize")
        (if (call $time (i32.const 0) (i64.const 0) (i32.const 0)) (then unreachable))
        (if (call $time (i32.const 1) (i64.const 0) (i32.const 8)) (then unreachable))
        (if (call $random (i32.const 16) (i32.const 16)) (then unreachable))
        ;; A subscription to the monotonic clock in an hour.
        (i64.store (i32.const 104) (i64.const 99))
        (i32.store (i32.const 120) (i32.const 1))
        (i64.store (i32.const 128) (i64.const 3600000000000))
        (if (call $poll (i32.const 104) (i32.const 208) (i32.const 1) (i32.const 304)) (then unreachable)))
    (func (export "wait_not")))"#;

#[test]
fn clocks_stand_and_random_bytes_follow_from_the_module() {
    let wasm = parse(READS);
    let options = Options { clock: Clock::Fixed(1_000_000), ..Options::default() };
    let one = initialise(&wasm, &options).expect("clocks need no grant");
    let two = initialise(&wasm, &options).expect("clocks need no grant");
    assert_eq!(one.wasm, two.wasm);
    assert_eq!((one.record.clock_reads, one.record.random_bytes), (3, 16));
    assert!(one.record.is_reproducible());
    // One segment, for one page.
    let page = page_of(&one.wasm);
    assert_eq!(page[..16], [&1_000_000_000_000_000u64.to_le_bytes()[..], &[0; 8]].concat());
    assert_eq!((page[208], page[304]), (99, 1));
    let renamed = parse(&READS.replace("wait_not", "other"));
    let other = page_of(&initialise(&renamed, &options).expect("clocks need no grant").wasm);
    assert_ne!(other[16..32], page[16..32]);
}

/// The contents of the first active data segment.
fn page_of(wasm: &[u8]) -> Vec<u8> {
    let sections = wasmparser::Parser::new(0).parse_all(wasm).map(|payload| payload.expect("a module"));
    for section in sections {
        if let wasmparser::Payload::DataSection(data) = section {
            return data.into_iter().next().expect("a segment").expect("a segment").data.to_vec();
        }
    }
    panic!("no data");
}

#[test]
fn real_clocks_and_random_bytes_are_marked() {
    let wasm = parse(&READS.replace("3600000000000", "1000000"));
    let options = Options { clock: Clock::Real, random: Random::Real, ..Options::default() };
    let one = initialise(&wasm, &options).expect("they are granted");
    assert_eq!((one.record.clock_reads, one.record.random_bytes), (3, 16));
    assert!(!one.record.is_reproducible());
    let page = page_of(&one.wasm);
    assert_ne!(page[..8], [0; 8]);
    assert_ne!(page[16..32], page_of(&initialise(&wasm, &options).expect("they are granted").wasm)[16..32]);
}
