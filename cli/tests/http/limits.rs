//! What a request may take.

use crate::server::{Server, handler, metered, wasmaot};

#[test]
fn a_deadline_ends_a_guest() {
    let server = Server::start(&["--timeout", "100ms"]);
    let mut client = server.connect();
    for path in ["/spin", "/rest/100000"] {
        let response = client.get(path);
        let text = response.text();
        assert_eq!(response.status, 504, "{text}");
        assert!(text.starts_with("the application took too long\nrequest "), "{text}");
    }
    assert_eq!(client.get("/hello").status, 200);
    server.end();
}

#[test]
fn cpu_time_ends_a_guest_that_computes_and_not_one_that_waits() {
    let server = Server::start(&["--cpu-time", "50ms"]);
    let response = server.get("/spin");
    assert_eq!(response.status, 500);
    server.log().wait_for_line(&["the guest failed", "CPU time"]);
    assert_eq!(server.get("/rest/200").status, 200);
    server.end();
}

#[test]
fn fuel_ends_a_guest() {
    let server = Server::start_file(metered(), &["--fuel", "100000"]);
    assert_eq!(server.get("/spin").status, 500);
    server.log().wait_for_line(&["the guest failed", "fuel"]);
    assert_eq!(server.get("/hello").status, 200);
    server.end();
}

#[test]
fn fuel_needs_code_that_counts() {
    let output = wasmaot().arg("serve").arg(handler()).args(["--fuel", "1", "--check"]).output();
    let output = output.expect("the command runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("application `handler` has a limit of fuel") && text.contains("--meter"), "{text}");
}

#[test]
fn bodies_are_limited() {
    let server = Server::start(&["--max-request-body", "10K"]);
    let body = vec![b'.'; 10 << 10];
    assert_eq!(server.connect().post("/echo", &body).body, body);
    let too_large = server.connect().post("/echo", &vec![b'.'; (10 << 10) + 1]);
    assert_eq!(too_large.status, 413, "{}", too_large.text());
    // Without a length, the guest's stream ends with an error, and with it the response.
    let mut client = server.connect();
    client.send_head("POST", "/echo", &[("transfer-encoding", "chunked")]);
    for _ in 0..11 {
        client.send(b"400\r\n").expect("it is connected");
        client.send(&[b'.'; 0x400]).expect("it is connected");
        client.send(b"\r\n").expect("it is connected");
    }
    assert!(!client.response().is_ok_and(|response| response.is_whole));
    server.end();
    let server = Server::start(&["--max-response-body", "4"]);
    assert_eq!(server.get("/hello").status, 500, "the guest writes five bytes");
    server.end();
}

#[test]
fn requests_beyond_the_pool_are_refused_at_once() {
    let server = Server::start(&["--concurrency", "2", "--timeout", "600s"]);
    let mut held = [server.connect(), server.connect()];
    for client in &mut held {
        client.send_head("GET", "/spin", &[]);
    }
    server.wait_for_use(2);
    let refused = server.get("/hello");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert!(refused.text().starts_with("too many requests at a time\nrequest "));
    // Their guests end with their connections.
    drop(held);
    server.wait_for_use(0);
    assert_eq!(server.get("/hello").status, 200);
    server.end();
}

#[test]
fn guests_that_compute_let_others_run() {
    let server = Server::start(&["--threads", "1", "--timeout", "600s"]);
    let mut spinning = server.connect();
    spinning.send_head("GET", "/spin", &[]);
    server.wait_for_use(1);
    let mut client = server.connect();
    for _ in 0..50 {
        assert_eq!(client.get("/hello").status, 200);
    }
    drop(spinning);
    server.wait_for_use(0);
    server.end();
}
