//! Clients that leave, stall, or break the rules.

use crate::server::Server;
use std::time::Duration;

#[test]
fn a_client_that_leaves_ends_its_guest() {
    let server = Server::start(&["--timeout", "600s"]);
    for path in ["/spin", "/rest/600000", "/flood", "/after"] {
        let mut client = server.connect();
        client.send_head("GET", path, &[]);
        if path == "/after" {
            // Its response is complete: the guest goes on until its deadline, so this is not waited for.
            assert_eq!(client.response().expect("an answer").status, 200);
            continue;
        }
        server.wait_for_use(1);
        drop(client);
        server.wait_for_use(0);
    }
}

#[test]
fn a_client_that_does_not_read_holds_its_guest_back() {
    let server = Server::start(&["--timeout", "600s", "--usage", "-"]);
    let mut client = server.connect();
    client.send_head("GET", "/flood", &[]);
    assert_eq!(client.head().expect("an answer").status, 200);
    // The guest waits: it has written what the sockets and the server's buffer take, and not more.
    let sent = || server.figure("wasmaot_slots_in_use{application=\"handler\"}");
    assert_eq!(sent(), 1.0);
    drop(client);
    server.wait_for_use(0);
    let bytes = server.figure("wasmaot_sent_bytes_total{application=\"handler\"}");
    assert!(bytes < 64e6, "{bytes}");
    server.end();
}

#[test]
fn a_client_that_stalls_is_left() {
    let config = tempfile::tempdir().expect("a folder");
    let file = config.path().join("serve.toml");
    let text = format!(
        "[server]\nlisten = [\"127.0.0.1:0\"]\nmetrics = \"127.0.0.1:0\"\nheader-timeout = \"200ms\"\n\
         write-timeout = \"200ms\"\n[[application]]\nname = \"handler\"\nfile = {:?}\ntimeout = \"600s\"\n",
        crate::server::handler()
    );
    std::fs::write(&file, text).expect("a file");
    let server = Server::start_config(&file, &[], 1);
    // Nothing at all, or what could become HTTP/2.
    let mut silent = [server.connect(), server.connect()];
    silent[1].send(b"PRI * HT").expect("it is connected");
    silent.iter_mut().for_each(|client| assert!(client.read_to_end(), "the server closes the connection"));
    // Nothing more.
    let mut idle = server.connect();
    assert_eq!(idle.get("/hello").status, 200);
    assert!(idle.read_to_end(), "the server closes the connection");
    // Headers that do not end.
    let mut slow = server.connect();
    slow.send(b"GET /hello HTTP/1.1\r\nhost: a\r\n").expect("it is connected");
    slow.read_to_end();
    // A response that is not read.
    let mut deaf = server.connect();
    deaf.send_head("GET", "/flood", &[]);
    server.wait_for_use(1);
    server.wait_for_use(0);
    assert_eq!(server.get("/hello").status, 200);
    server.end();
}

#[test]
fn a_request_that_does_not_end_is_ended_by_its_deadline() {
    let server = Server::start(&["--timeout", "200ms"]);
    let mut client = server.connect();
    client.send_head("POST", "/echo", &[("content-length", "10")]);
    client.send(b"abc").expect("it is connected");
    let response = client.response();
    assert!(!response.is_ok_and(|response| response.is_whole));
    server.wait_for_use(0);
    server.end();
}

#[test]
fn an_unread_body_does_not_disturb_the_answer() {
    let server = Server::start(&[]);
    let response = server.connect().post("/deaf", &[b'.'; 1000]);
    assert_eq!(response.seen(), (200, "hello".to_string()));
    server.end();
}

#[test]
fn malformed_requests_are_refused() {
    let server = Server::start(&[]);
    let longest = format!("GET /hello HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(100_000));
    for (sent, expected) in [
        ("no request\r\n\r\n", Some(400)),
        ("GET /hello HTTP/1.1\r\nhost: a\r\na header\r\n\r\n", Some(400)),
        ("GET /hello HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", Some(400)),
        ("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", Some(400)),
        (&*longest, Some(431)),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03", None),
    ] {
        let mut client = server.connect();
        _ = client.send(sent.as_bytes());
        client.finish_sending();
        let status = client.head().ok().map(|response| response.status);
        assert!(status == expected || status == Some(400), "{status:?} for {sent:.60}");
        assert_eq!(server.get("/hello").status, 200);
    }
    server.end();
}

#[test]
fn connections_are_limited() {
    let server = Server::start(&["--max-connections", "2"]);
    let mut held = [server.connect(), server.connect()];
    held.iter_mut().for_each(|client| assert_eq!(client.get("/hello").status, 200));
    let mut waiting = server.connect();
    waiting.send_head("GET", "/hello", &[]);
    std::thread::sleep(Duration::from_millis(20));
    drop(held);
    // It was not lost, only late.
    assert_eq!(waiting.response().expect("an answer").status, 200);
    server.end();
}
