//! Configurations, reloads and ends.

use crate::server::{PATIENCE, Server, handler, wasmaot, wasmaot_by_shell};
use rustix::process::Signal;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use tempfile::TempDir;

/// A configuration of these applications: name, hosts, path.
fn config(folder: &TempDir, applications: &[(&str, &[&str], &str)]) -> PathBuf {
    let mut text =
        "[server]\nlisten = [\"127.0.0.1:0\"]\nmetrics = \"127.0.0.1:0\"\ndrain = \"60s\"\n".to_string();
    for (name, hosts, path) in applications {
        let file = handler();
        text += &format!(
            "[[application]]\nname = {name:?}\nfile = {file:?}\nhosts = {hosts:?}\npath = {path:?}\n"
        );
    }
    let file = folder.path().join("serve.toml");
    std::fs::write(&file, text).expect("a file");
    file
}

#[test]
fn applications_are_found_by_host_and_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let applications: [(&str, &[&str], &str); 3] = [
        ("named", &["one.example"], "/"),
        ("deep", &[], "/trailer"),
        ("rest", &["two.example", "three.example"], "/"),
    ];
    let file = config(&folder, &applications);
    let server = Server::start_config(&file, &[], 1);
    for (host, path, expected) in [
        ("one.example", "/hello", Some("named")),
        ("ONE.example:8080", "/trailer", Some("named")),
        ("two.example", "/hello?x", Some("rest")),
        ("three.example", "/trailer", Some("rest")),
        ("four.example", "/trailer", Some("deep")),
        ("four.example", "/trailer/below", Some("deep")),
        ("four.example", "/trailers", None),
        ("four.example", "/hello", None),
    ] {
        let count = |name: &str| {
            server.figure(&format!("wasmaot_requests_total{{application={name:?},class=\"2xx\"}}"))
        };
        let before = expected.map(count);
        let status = server.connect().get_with(path, &[("host", host)]).status;
        assert_eq!(status, if expected.is_some() { 200 } else { 404 }, "{host}{path}");
        assert_eq!(expected.map(count), before.map(|count| count + 1.0), "{host}{path}");
    }
    assert_eq!(server.figure("wasmaot_unrouted_requests_total"), 2.0);
    server.end();
}

#[test]
fn a_configuration_can_be_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = |file: &Path| {
        let output = wasmaot().args(["serve", "--check", "--config"]).arg(file).output();
        let output = output.expect("the command runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let file = config(&folder, &[("one", &[], "/"), ("two", &["a"], "/")]);
    assert_eq!(check(&file), (Some(0), "one: ok\ntwo: ok\n".to_string()));
    let file = config(&folder, &[("one", &[], "/"), ("one", &["a"], "/")]);
    let (status, text) = check(&file);
    assert!(status == Some(1) && text.contains("applications `one` and `one`"), "{text}");
    std::fs::write(&file, "[[application]]\nname = \"x\"\nfile = \"missing.so\"\n").expect("a file");
    let (status, text) = check(&file);
    assert!(status == Some(1) && text.contains("application `x`") && text.contains("missing.so"), "{text}");
    std::fs::write(&file, "[server]\nlisten = 1\n").expect("a file");
    let (status, text) = check(&file);
    assert!(status == Some(1) && text.contains("listen"), "{text}");
}

#[test]
fn what_is_no_handler_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (text, expected) in [
        ("(module (func (export \"_start\")))", "not a component's"),
        (
            "(component (core module $m) (core instance (instantiate $m)))",
            "exports no function `wasi:http/incoming-handler",
        ),
    ] {
        let file = folder.path().join("app.wat");
        std::fs::write(&file, text).expect("a file");
        let output = wasmaot().arg("serve").arg(&file).arg("--check").output().expect("the command runs");
        let message = String::from_utf8_lossy(&output.stderr);
        let is_named = message.contains("`app`") && message.contains(expected);
        assert!(output.status.code() == Some(1) && is_named, "{message}");
    }
}

/// Sends requests by several connections until it is told to end, and checks that each is answered. A
/// connection that the server said that it closes, or that it closed before a request was sent, is made anew
/// if the server `goes_on`.
fn load(server: &Server, ends: &AtomicBool, goes_on: bool) -> usize {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| requests(server, ends, goes_on))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no check failed")).sum()
    })
}

fn requests(server: &Server, ends: &AtomicBool, goes_on: bool) -> usize {
    let mut answered = 0;
    let mut client = server.connect();
    while !ends.load(SeqCst) || !goes_on {
        client.send_head("GET", if answered % 8 == 0 { "/rest/3" } else { "/hello" }, &[]);
        let response = client.response().expect("a request is answered");
        assert_eq!((response.seen(), response.is_whole), ((200, "hello".to_string()), true));
        answered += 1;
        if response.header("connection") == Some("close") {
            if !goes_on {
                return answered;
            }
            client = server.connect();
        }
    }
    answered
}

#[test]
fn a_reload_loses_no_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = config(&folder, &[("one", &[], "/")]);
    let server = Server::start_config(&file, &[], 1);
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| load(&server, &ends, true));
        for reload in 1..=5 {
            server.signal(Signal::HUP);
            server.log().wait_for(|lines| {
                (lines.iter().filter(|line| line.contains("reloaded")).count() == reload).then_some(())
            });
        }
        // A configuration that is wrong changes nothing.
        std::fs::write(&file, "nothing of use").expect("a file");
        server.signal(Signal::HUP);
        server.log().wait_for_line(&["not reloaded", "serve.toml"]);
        ends.store(true, SeqCst);
        assert!(load.join().expect("no check failed") > 0);
    });
    assert_eq!(server.figure("wasmaot_reloads_total{result=\"done\"}"), 5.0);
    assert_eq!(server.figure("wasmaot_reloads_total{result=\"failed\"}"), 1.0);
    assert_eq!(server.get("/hello").status, 200);
    // Another application is there as soon as it is said.
    config(&folder, &[("two", &["two.example"], "/")]);
    server.signal(Signal::HUP);
    server.log().wait_for(|lines| {
        (lines.iter().filter(|line| line.ends_with("reloaded")).count() >= 6).then_some(())
    });
    assert_eq!(server.get("/hello").status, 404);
    assert_eq!(server.connect().get_with("/hello", &[("host", "two.example")]).status, 200);
    server.end();
}

#[test]
fn a_request_that_has_begun_ends_after_a_reload() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = config(&folder, &[("one", &[], "/")]);
    let server = Server::start_config(&file, &[], 1);
    let mut client = server.connect();
    client.send_head("POST", "/echo", &[("content-length", "3")]);
    server.wait_for_use(1);
    server.signal(Signal::HUP);
    server.log().wait_for_line(&["reloaded"]);
    client.send(b"abc").expect("it is connected");
    assert_eq!(client.response().expect("an answer").text(), "abc");
    server.end();
}

#[test]
fn an_end_loses_no_request() {
    let mut server = Server::start(&[]);
    let (mut slow, mut idle) = (server.connect(), server.connect());
    assert_eq!(idle.get("/hello").status, 200);
    slow.send_head("POST", "/echo", &[("content-length", "3")]);
    server.wait_for_use(1);
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| load(&server, &ends, false));
        std::thread::sleep(std::time::Duration::from_millis(50));
        server.signal(Signal::TERM);
        server.log().wait_for_line(&["draining"]);
        // Each connection is told that it closes, with its last answer.
        assert!(load.join().expect("no check failed") > 0);
    });
    assert_eq!(server.ask("/readyz").seen(), (503, "draining\n".to_string()));
    let refused = std::net::TcpStream::connect(server.address()).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));
    slow.send(b"abc").expect("it is connected");
    assert_eq!(slow.response().expect("an answer").text(), "abc");
    assert!(server.wait().success());
    server.log().wait_for_line(&["all requests have ended"]);
}

#[test]
fn requests_that_do_not_end_are_given_up_and_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("usage.jsonl");
    let options = ["--drain", "200ms", "--timeout", "600s", "--usage", file.to_str().expect("a path")];
    let mut server = Server::start(&options);
    let mut client = server.connect();
    client.send_head("GET", "/spin", &[]);
    server.wait_for_use(1);
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    let records = std::fs::read_to_string(&file).expect("there are records");
    assert!(records.lines().count() == 1 && records.contains("client left"), "{records}");
}

#[test]
fn a_changed_file_is_loaded_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.so");
    std::fs::copy(handler(), &file).expect("a file");
    let server = Server::start_file(&file, &["--dev"]);
    assert_eq!(server.get("/hello").status, 200);
    let new = folder.path().join("new.so");
    std::fs::copy(handler(), &new).expect("a file");
    std::fs::rename(&new, &file).expect("a file");
    server.log().wait_for_line(&["reloaded"]);
    assert_eq!(server.get("/hello").status, 200);
    server.end();
}

#[test]
fn systemd_passes_sockets_and_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let notified = UnixDatagram::bind(&path).expect("a socket");
    notified.set_read_timeout(Some(PATIENCE)).expect("a time");
    let told = || {
        let mut message = [0; 256];
        let length = notified.recv(&mut message).expect("a message in time");
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    let mut command = wasmaot_by_shell("export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$@\" 3<&0");
    command.stdin(OwnedFd::from(listener)).env("NOTIFY_SOCKET", &path);
    command.arg("serve").arg(handler()).args(["--addr", "192.0.2.1:1", "--metrics", "127.0.0.1:0"]);
    let server = Server::of(command, &[], 1);
    // Not the address of the option, which is none of this machine's.
    assert_eq!(server.address(), address);
    assert_eq!(told(), "READY=1\n");
    assert_eq!(server.get("/hello").status, 200);
    server.signal(Signal::HUP);
    let reloading = told();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(told(), "READY=1\n");
    server.end();
    assert_eq!(told(), "STOPPING=1\n");
}
