//! What `wasmaot run` gives a program: directories, sockets, the environment, and either version of WASI.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, Run, finish};

/// After so long what did not come is a failure.
const LONG: Duration = Duration::from_secs(60);

/// A program that opens "file" in its first directory with these flags and rights, and exits with the error number.
fn opens(flags: u32, rights: u32) -> String {
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "file")
        (func (export "_start")
            (call $exit (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4)
                (i32.const {flags}) (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const 16)))))"#
    )
}

#[test]
fn a_directory_can_be_read_only() {
    const READ: u32 = 1 << 1;
    const WRITE: u32 = 1 << 6;
    const NOENT: i32 = 44;
    const ROFS: i32 = 69;
    let place = Place::new();
    std::fs::create_dir(place.path("data")).expect("a new directory");
    let create = place.artifact("create", &opens(1, WRITE));
    let read = place.artifact("read", &opens(0, READ));
    place.run(&["run", "--dir", "data:ro", &read]).status(NOENT).silent();
    place.run(&["run", "--dir", "data:ro", &create]).status(ROFS).silent();
    place.run(&["run", "--dir", "data::/:ro", &create]).status(ROFS).silent();
    place.run(&["run", "--dir", "data", &create]).status(0).silent();
    place.run(&["run", "--dir", "data:ro", &read]).status(0).silent();
    place.run(&["run", "--dir", "data:ro", &create]).status(ROFS).silent();
}

/// The errno is the one of Wasmtime, which C libraries and Rust's turn into "permission denied".
#[test]
fn an_escape_is_not_permitted() {
    const PERM: i32 = 63;
    let place = Place::new();
    std::fs::create_dir(place.path("data")).expect("a new directory");
    place.file("secret", "x");
    std::os::unix::fs::symlink("../secret", place.path("data/link")).expect("a link");
    for path in ["../secret", "link", "/secret", "../data/../secret"] {
        let text = opens(0, 1 << 1)
            .replace(r#""file""#, &format!("{path:?}"))
            // Follows links.
            .replace("(call $open (i32.const 3) (i32.const 0)", "(call $open (i32.const 3) (i32.const 1)")
            .replace("(i32.const 4)", &format!("(i32.const {})", path.len()));
        let name = place.artifact("escapes", &text);
        place.run(&["run", "--dir", "data", &name]).status(PERM).silent();
    }
}

#[test]
fn the_environment_is_given_on_request_only() {
    let place = Place::new();
    let text = r#"(module
        (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (drop (call $sizes (i32.const 0) (i32.const 20)))
            (drop (call $get (i32.const 64) (i32.const 4096)))
            (i32.store (i32.const 16) (i32.const 4096))
            (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))))"#;
    let name = place.artifact("environment", text);
    let run = |arguments: &[&str]| -> Run {
        let mut command = place.command(&[&["run"], arguments, &[&name]].concat());
        command.env_clear().env("A", "host").env("B", "host");
        finish(command)
    };
    run(&[]).status(0).stdout("").silent();
    let both = run(&["--inherit-env"]).status(0).silent();
    assert!(["A=host\0B=host\0", "B=host\0A=host\0"].contains(&both.stdout.as_str()), "{both:#?}");
    run(&["--inherit-env", "--env", "A=own"]).status(0).stdout("B=host\0A=own\0").silent();
}

/// A child that does not outlive its test, also where that fails: it would keep the test's output open.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn a_program_accepts_connections() {
    let place = Place::new();
    let text = r#"(module
        (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\20\00\00\00\05\00\00\00")
        (data (i32.const 32) "hello")
        (func (export "_start")
            (if (call $accept (i32.const 3) (i32.const 0) (i32.const 8)) (then (call $exit (i32.const 1))))
            (call $exit (call $send (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 12)))))"#;
    let name = place.artifact("server", text);
    // Of an address that nobody else uses, so that the port stays free until the program has it. And it is not the one that connections
    // are made from: a connection to a port that nobody listens at can meet itself.
    let [.., high, low] = std::process::id().to_be_bytes();
    let free =
        TcpListener::bind(SocketAddr::from(([127, 1, high, low], 0))).and_then(|socket| socket.local_addr());
    let free = free.expect("a loopback port");
    let mut command = place.command(&["run", "--listen", &free.to_string(), &name]);
    let mut child = Ended(command.stdout(Stdio::null()).spawn().expect("the command starts"));
    let late = Instant::now() + LONG;
    let mut socket = loop {
        if let Ok(socket) = TcpStream::connect(free) {
            break socket;
        }
        assert!(child.0.try_wait().expect("a child").is_none(), "the program ended without a connection");
        assert!(Instant::now() < late, "the program does not listen");
        std::thread::sleep(Duration::from_millis(5));
    };
    socket.set_read_timeout(Some(LONG)).expect("a socket");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    assert_eq!(answer, "hello");
    assert_eq!(child.0.wait().expect("a child").code(), Some(0));
}

#[test]
fn an_address_that_cannot_be_used_is_named() {
    let place = Place::new();
    let name = place.artifact("nothing", r#"(module (func (export "_start")))"#);
    place.run(&["run", "--listen", "nowhere", &name]).status(2).stderr_has(&["nowhere", "--listen"]);
}

#[test]
fn programs_for_the_older_version_run() {
    let place = Place::new();
    let text = r#"(module
        (import "wasi_unstable" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\20\00\00\00\04\00\00\00")
        (data (i32.const 32) "old\n")
        (func (export "_start")
            (call $exit (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#;
    let name = place.artifact("older", text);
    place.run(&["run", &name]).status(0).stdout("old\n").silent();
}
