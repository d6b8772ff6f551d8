//! What a client gets for what a guest does.

use crate::server::Server;

/// The status and the text of a response of the server's own, without the request's number; that is the same
/// in text, header and log.
#[track_caller]
fn refused(server: &Server, path: &str) -> (u16, String) {
    let response = server.get(path);
    let text = response.text();
    let id = response.header("x-request-id").expect("each response has a number");
    let (text, number) = text.split_once("\nrequest ").expect("the number is in the text");
    assert_eq!(number.trim(), id);
    server.log().wait_for_line(&[id]);
    (response.status, text.to_string())
}

#[test]
fn guests_answer() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let hello = client.get("/hello");
    assert_eq!(hello.seen(), (200, "hello".to_string()));
    assert_eq!(hello.header("x-request-id").map(str::len), Some(32));
    assert_eq!(client.post("/echo", b"some text").seen(), (200, "some text".to_string()));
    assert_eq!(client.get("/status/418").seen(), (418, "hello".to_string()));
    let trailer = client.get_with("/trailer", &[("te", "trailers")]);
    assert_eq!((trailer.text().as_str(), trailer.is_whole), ("hello", true));
    assert_eq!(trailer.trailers, [("t".to_string(), "1".to_string())]);
    // A header that it may not set: the guest gets the error `forbidden`, its second case.
    assert_eq!(client.get("/forbidden").status, 401);
    assert_eq!(client.get("/rest/5").seen(), (200, "hello".to_string()));
    server.end();
}

#[test]
fn bodies_of_any_size_come_back() {
    let server = Server::start(&["--max-request-body", "64M"]);
    let mut client = server.connect();
    for size in [0, 1, 4095, 4096, 4097, 65_536, 300_000, 5_000_000] {
        let body: Vec<u8> = (0..size).map(|index: u32| (index % 251) as u8).collect();
        // It comes back while it is sent.
        let sent = body.clone();
        let mut sender = server.connect();
        sender.send_head("POST", "/echo", &[("content-length", &size.to_string())]);
        let echoed = std::thread::scope(|scope| {
            let mut half = sender.try_clone();
            scope.spawn(move || half.send(&sent).expect("it is connected"));
            sender.response().expect("an answer")
        });
        assert!(echoed.is_whole && echoed.body == body, "{size}");
    }
    client.send_head("POST", "/echo", &[("transfer-encoding", "chunked")]);
    client.send(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").expect("it is connected");
    assert_eq!(client.response().expect("an answer").text(), "abcde");
    server.end();
}

#[test]
fn a_body_is_passed_on_while_it_arrives() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_head("POST", "/echo", &[("transfer-encoding", "chunked")]);
    client.send(b"3\r\nabc\r\n").expect("it is connected");
    // The rest is sent only when the first part has come back.
    let head = client.head().expect("an answer");
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(client.chunk(), b"abc");
    client.send(b"2\r\nde\r\n").expect("it is connected");
    assert_eq!(client.chunk(), b"de");
    client.send(b"0\r\n\r\n").expect("it is connected");
    assert_eq!(client.chunk(), b"");
    server.end();
}

#[test]
fn guests_that_fail_are_answered_for() {
    let server = Server::start(&["--max-memory", "1M"]);
    let failed = (500, "the application failed".to_string());
    assert_eq!(refused(&server, "/trap"), failed);
    server.log().wait_for_line(&["the guest failed", "unreachable"]);
    assert_eq!(refused(&server, "/fill"), failed);
    assert_eq!(refused(&server, "/refuse"), failed);
    server.log().wait_for_line(&["the guest answered with an error", "loop-detected"]);
    assert_eq!(refused(&server, "/mute"), (500, "the application did not answer".to_string()));
    // The connection is of use afterwards.
    let mut client = server.connect();
    assert_eq!(client.get("/trap").status, 500);
    assert_eq!(client.get("/hello").status, 200);
    server.end();
}

#[test]
fn responses_that_do_not_end_are_not_complete() {
    let server = Server::start(&[]);
    for path in ["/late", "/part"] {
        let response = server.get(path);
        assert_eq!(
            (response.status, response.text().as_str(), response.is_whole),
            (200, "hello", false),
            "{path}"
        );
    }
    // Fewer bytes than it announced.
    let short = server.get("/short");
    assert_eq!((short.status, short.is_whole), (200, false));
    // Nothing was sent yet: the guest never waited.
    assert_eq!(refused(&server, "/void"), (500, "the application failed".to_string()));
    assert_eq!(server.get("/hello").status, 200);
    server.end();
}

#[test]
fn a_second_answer_changes_nothing() {
    let server = Server::start(&[]);
    let response = server.get("/twice");
    assert_eq!((response.seen(), response.is_whole), ((200, "hello".to_string()), true));
    // The guest trapped by it, which the log knows.
    server.log().wait_for_line(&["the guest failed", response.header("x-request-id").expect("a number")]);
    server.end();
}

#[test]
fn a_guest_goes_on_behind_its_answer() {
    let server = Server::start(&["--timeout", "200ms"]);
    let mut client = server.connect();
    let response = client.get("/after");
    assert_eq!((response.seen(), response.is_whole), ((200, "hello".to_string()), true));
    // Until its time is over. Meanwhile others are served.
    assert_eq!(client.get("/hello").status, 200);
    server.log().wait_for_line(&["deadline exceeded", response.header("x-request-id").expect("a number")]);
    server.wait_for_use(0);
    server.end();
}

#[test]
fn headers_alone_are_answered() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_head("HEAD", "/hello", &[]);
    assert_eq!(client.head().expect("an answer").status, 200);
    assert_eq!(client.get("/hello").text(), "hello");
    client.send_head("GET", "/status/204", &[]);
    assert_eq!(client.head().expect("an answer").status, 204);
    assert_eq!(client.get("/hello").text(), "hello");
    server.wait_for_use(0);
    server.end();
}

#[test]
fn what_guests_print_is_in_the_log() {
    let server = Server::start(&[]);
    let id = server.get("/print").header("x-request-id").expect("a number").to_string();
    server.log().wait_for_line(&[&id, "a\\u{1b}[2J line", "stdout"]);
    server.end();
}

#[test]
fn requests_are_passed_on_only_where_that_is_allowed() {
    let other = Server::start(&[]);
    let address = other.address().to_string();
    // The number of the error's case is added to 500.
    let fetch = |server: &Server, host: &str| server.connect().post("/fetch", host.as_bytes());
    let denied = Server::start(&[]);
    assert_eq!(fetch(&denied, &address).status, 515);
    denied.end();
    // A wildcard reaches no address that is not public.
    let anywhere = Server::start(&["--allow-http", "*"]);
    assert_eq!(fetch(&anywhere, &address).status, 504);
    anywhere.end();
    let allowed = Server::start(&["--allow-http", "127.0.0.1", "--max-outgoing", "1"]);
    assert_eq!(fetch(&allowed, &address).seen(), (200, "hello".to_string()));
    assert_eq!(fetch(&allowed, "127.0.0.2:1").status, 515);
    // Nothing listens there.
    assert_eq!(fetch(&allowed, "127.0.0.1:1").status, 506);
    allowed.end();
    let none = Server::start(&["--allow-http", "127.0.0.1", "--max-outgoing", "0"]);
    assert_eq!(fetch(&none, &address).status, 511);
    none.end();
    other.end();
}
