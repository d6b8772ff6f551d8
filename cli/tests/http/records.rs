//! Usage records, metrics and traces.

use crate::requests;
use crate::server::{Server, metered};
use serde_json::Value;
use std::path::Path;

/// The records in a file, all of which are whole.
fn records(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("there are records");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn number(record: &Value, field: &str) -> u64 {
    record[field].as_u64().unwrap_or_else(|| panic!("no number `{field}` in {record}"))
}

#[test]
fn each_request_has_an_instance_of_its_own_and_a_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("usage.jsonl");
    let server = Server::start(&["--usage", file.to_str().expect("a path")]);
    let (connections, each) = (4, requests() / 4);
    let sent: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|connection| {
                let server = &server;
                scope.spawn(move || {
                    let mut client = server.connect();
                    let mut sent = 0;
                    for request in 0..each {
                        // A new connection now and then, too.
                        if request % 97 == 96 {
                            client = server.connect();
                        }
                        if request % 5 == connection {
                            let body = vec![b'x'; request % 3000];
                            assert_eq!(client.post("/echo", &body).body, body);
                            sent += body.len();
                        } else {
                            assert_eq!(client.get("/count").seen(), (200, "1".to_string()));
                        }
                    }
                    sent
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no check failed")).sum()
    });
    let all = (connections * each) as f64;
    let figure = |name: &str| server.figure(&format!("{name}{{application=\"handler\"}}"));
    assert_eq!(server.figure("wasmaot_requests_total{application=\"handler\",class=\"2xx\"}"), all);
    assert_eq!(figure("wasmaot_received_bytes_total"), sent as f64);
    server.end();
    let records = records(&file);
    assert_eq!(records.len(), connections * each);
    let sum = |field: &str| records.iter().map(|record| number(record, field)).sum::<u64>();
    let counts = records.iter().filter(|record| number(record, "bytes_in") == 0).count() as u64;
    let echoes_of_nothing =
        (0..connections).flat_map(|connection| (0..each).map(move |request| (connection, request)));
    let echoes_of_nothing =
        echoes_of_nothing.filter(|(connection, request)| request % 5 == *connection && request % 3000 == 0);
    let counts = counts - echoes_of_nothing.count() as u64;
    assert_eq!(sum("bytes_in"), sent as u64);
    assert_eq!(sum("bytes_out"), sent as u64 + counts);
    for record in &records {
        assert_eq!(
            (record["application"].as_str(), number(record, "status")),
            (Some("handler"), 200),
            "{record}"
        );
        assert_eq!(
            (record["end"].as_str(), &record["instructions"]),
            (Some("done"), &Value::Null),
            "{record}"
        );
        assert!(number(record, "wall_ns") > 0 && number(record, "host_calls") > 0, "{record}");
        assert_eq!(number(record, "memory_bytes"), 2 << 16, "{record}");
    }
    let mut numbers: Vec<_> = records.iter().map(|record| record["request"].as_str()).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), records.len(), "each has a number of its own");
}

#[test]
fn records_say_how_a_request_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("usage.jsonl");
    let options = ["--usage", file.to_str().expect("a path"), "--timeout", "100ms", "--concurrency", "1"];
    let server = Server::start_file(metered(), &options);
    for (path, status) in [("/hello", 200), ("/trap", 500), ("/spin", 504), ("/mute", 500)] {
        assert_eq!(server.get(path).status, status);
        server.wait_for_use(0);
    }
    server.end();
    let server = Server::start_file(metered(), &[&options[..2], &["--timeout", "600s"]].concat());
    let mut client = server.connect();
    client.send_head("GET", "/spin", &[]);
    server.wait_for_use(1);
    drop(client);
    server.wait_for_use(0);
    server.end();
    let records = records(&file);
    let seen: Vec<_> = records
        .iter()
        .map(|record| (number(record, "status"), record["end"].as_str().expect("an end").to_string()))
        .collect();
    assert_eq!(seen[0], (200, "done".to_string()));
    assert!(seen[1].0 == 500 && seen[1].1.contains("unreachable"), "{seen:?}");
    assert!(seen[2].0 == 504 && seen[2].1.contains("deadline exceeded"), "{seen:?}");
    assert_eq!(seen[3], (500, "the guest did not answer".to_string()));
    assert_eq!(seen[4], (499, "client left".to_string()));
    assert_eq!(seen.len(), 5);
    // The same work is the same count, and a loop is more.
    assert!(number(&records[0], "instructions") > 0);
    assert!(number(&records[2], "instructions") > 1000 * number(&records[0], "instructions"));
    assert!(number(&records[2], "cpu_ns") > number(&records[0], "cpu_ns"));
}

#[test]
fn a_response_is_complete_with_its_last_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("usage.jsonl");
    let server = Server::start(&["--usage", file.to_str().expect("a path")]);
    let response = server.get("/exact");
    assert_eq!((response.seen(), response.header("content-length")), ((200, "hello".to_string()), Some("5")));
    server.wait_for_use(0);
    server.end();
    // The guest returned, though nothing waited for the end that it gave its body.
    let records = records(&file);
    assert_eq!((records[0]["end"].as_str(), number(&records[0], "bytes_out")), (Some("done"), 5));
}

#[test]
fn traces_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("usage.jsonl");
    let server = Server::start(&["--usage", file.to_str().expect("a path")]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let response = server.connect().get_with("/hello", &[("traceparent", &parent)]);
    server.get("/hello");
    server.end();
    let records = records(&file);
    assert_eq!(records[0]["trace"], trace);
    assert_eq!(records[0]["request"].as_str(), response.header("x-request-id"));
    assert_ne!(records[1]["trace"], trace);
}

#[test]
fn the_state_can_be_asked_for() {
    let server = Server::start(&["--concurrency", "7"]);
    assert_eq!(server.ask("/healthz").seen(), (200, "ok\n".to_string()));
    assert_eq!(server.ask("/readyz").seen(), (200, "ready\n".to_string()));
    assert_eq!(server.ask("/hello").status, 404);
    assert_eq!(server.figure("wasmaot_slots{application=\"handler\"}"), 7.0);
    // Applications answer there, and nothing else does.
    assert_eq!(server.get("/metrics").text(), "hello");
    assert_eq!(server.get("/trap").status, 500);
    assert_eq!(server.figure("wasmaot_traps_total{application=\"handler\"}"), 1.0);
    assert_eq!(server.figure("wasmaot_requests_total{application=\"handler\",class=\"5xx\"}"), 1.0);
    server.end();
}
