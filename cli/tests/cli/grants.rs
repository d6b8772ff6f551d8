//! What `wasmaot run` gives a program: directories, sockets, the environment, and either version of WASI.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, Run, filled, finish};

/// After so long what did not come is a failure.
const LONG: Duration = Duration::from_secs(60);

/// A program that opens a path in its first directory with these flags and rights, and exits with the error
/// number.
fn opens(path: &str, follow: u32, flags: u32, rights: u32) -> String {
    let length = path.len();
    let call = format!(
        "(call $open (i32.const {follow}) (i32.const {length}) (i32.const {flags}) (i64.const {rights}))"
    );
    filled(include_str!("../guests/open.wat"), &[("path", &format!("{path:?}")), ("call", &call)])
}

#[test]
fn a_directory_can_be_read_only() {
    const READ: u32 = 1 << 1;
    const WRITE: u32 = 1 << 6;
    const NOENT: i32 = 44;
    const ROFS: i32 = 69;
    let place = Place::new();
    std::fs::create_dir(place.path("data")).expect("a new directory");
    let create = place.artifact("create", &opens("file", 0, 1, WRITE));
    let read = place.artifact("read", &opens("file", 0, 0, READ));
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
        let name = place.artifact("escapes", &opens(path, 1, 0, 1 << 1));
        place.run(&["run", "--dir", "data", &name]).status(PERM).silent();
    }
}

#[test]
fn the_environment_is_given_on_request_only() {
    let place = Place::new();
    let name = place.artifact("environment", include_str!("../guests/environment.wat"));
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
    let name = place.artifact("server", include_str!("../guests/server.wat"));
    // Of an address that no other test uses, so that the port stays free until the program has it. And it is
    // not the one that connections are made from: a connection to a port without listeners can meet
    // itself.
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
fn what_cannot_be_granted_is_explained() {
    let place = Place::new();
    let name = place.artifact("nothing", r#"(module (func (export "_start")))"#);
    std::fs::create_dir(place.path("data")).expect("a directory");
    place.file("file", "");
    for (directory, hint) in [
        ("data:/inside", "two colons divide the name outside from that inside: `--dir data::/inside`"),
        ("data:rw", "`--dir data` may be written to already"),
        ("none", "the directory does not exist: create it first"),
        ("file", "it is a file: grant the directory that it is in"),
        ("file/data", "`file` is a file, not a folder"),
    ] {
        let run = place.run(&["run", "--dir", directory, &name]).status(1);
        assert!(run.stderr.ends_with(&format!("hint: {hint}\n")), "{directory}: {run:#?}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").and_then(|socket| Ok((socket.local_addr()?, socket)));
    let (address, _socket) = taken.expect("a loopback port");
    let run = place.run(&["run", "--listen", &address.to_string(), &name]).status(1);
    run.stderr_has(&["hint: another process listens there"]);
}

#[test]
fn programs_for_the_older_version_run() {
    let place = Place::new();
    let name = place.artifact("older", include_str!("../guests/write_unstable.wat"));
    place.run(&["run", &name]).status(0).stdout("old\n").silent();
}
