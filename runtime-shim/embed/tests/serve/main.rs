//! Tests the HTTP server example under load: correct answers, deadlines, clients that disconnect, an
//! exhausted pool, and memory use.
//!
//! `WASMAOT_LOAD=SECONDS` runs the load for that long, with 64 connections, and prints the measurements.
//! `WASMAOT_SERVER=PATH` names the server program, for example an optimised build.

#[path = "../built/mod.rs"]
mod built;
mod client;

use client::{Client, Server};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The time in milliseconds of requests that take more. All others have as much as they need.
const DEADLINE: u64 = 100;
const LONG: u64 = 600_000;

fn program() -> PathBuf {
    std::env::var_os("WASMAOT_SERVER").map_or_else(|| built::examples().join("serve"), PathBuf::from)
}

/// How long the load lasts, if that is asked for.
fn campaign() -> Option<Duration> {
    let seconds = std::env::var("WASMAOT_LOAD").ok()?;
    Some(Duration::from_secs(seconds.parse().expect("WASMAOT_LOAD is a number of seconds")))
}

/// Outcomes of the requests of one connection.
#[derive(Debug, Default)]
struct Counts {
    /// Latencies of requests that were answered at once, in milliseconds.
    answered: Vec<f64>,
    /// Latencies of requests that slept for 20 ms, in milliseconds.
    rested: Vec<f64>,
    /// Latencies of requests that their deadline ended, in milliseconds.
    ended: Vec<f64>,
    /// Connections closed while their guest was computing or sleeping.
    closed: usize,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.answered.extend(other.answered);
        self.rested.extend(other.rested);
        self.ended.extend(other.ended);
        self.closed += other.closed;
    }

    fn requests(&self) -> usize {
        self.answered.len() + self.rested.len() + self.ended.len() + self.closed
    }
}

/// Numbers that look random, of which each connection has its own.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// A body that no other request has, from 12 bytes to 16 KiB.
    fn body(&mut self, start: &str) -> Vec<u8> {
        let length = if self.below(16) == 0 { self.below(16 << 10) } else { self.below(200) };
        let rest = (0..length + 8).map(|_| b'a' + self.below(26) as u8);
        start.bytes().chain(rest).collect()
    }
}

/// Sends requests by one connection while `goes_on`, and checks each answer.
fn requests(server: &Server, seed: u64, goes_on: impl Fn(usize) -> bool) -> Counts {
    let (mut counts, mut random) = (Counts::default(), Random(seed));
    let mut client = server.connect();
    while goes_on(counts.requests()) {
        match random.below(64) {
            0 => counts.ended.push(ended(&mut client)),
            1 => {
                let start = if random.below(2) == 0 { "spin" } else { "rest" };
                client.send(&random.body(start)).expect("it is connected");
                std::thread::sleep(Duration::from_millis(random.below(8)));
                client = server.connect();
                counts.closed += 1;
            }
            2 => counts.rested.push(answered(&mut client, &random.body("rest"))),
            _ => counts.answered.push(answered(&mut client, &random.body("echo"))),
        }
    }
    counts
}

/// Sends a request that is answered. Returns the milliseconds that it took.
fn answered(client: &mut Client, body: &[u8]) -> f64 {
    let since = Instant::now();
    let (status, mut answer) = client.post(body).expect("an answer");
    let milliseconds = since.elapsed().as_secs_f64() * 1e3;
    answer.reverse();
    assert_eq!((status, &*answer), (200, body), "{}", String::from_utf8_lossy(&answer));
    milliseconds
}

/// Sends a request whose guest does not end. Returns the milliseconds after which that was so.
fn ended(client: &mut Client) -> f64 {
    let since = Instant::now();
    let (status, text) = client.post_within(DEADLINE, b"spin").expect("an answer");
    let text = String::from_utf8_lossy(&text);
    assert!(status == 504 && text.contains("deadline exceeded"), "{status}: {text}");
    since.elapsed().as_secs_f64() * 1e3
}

/// Runs many connections at a time.
fn load(server: &Server, connections: u64, goes_on: impl Fn(usize) -> bool + Sync) -> Counts {
    let all = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for seed in 0..connections {
            let (all, goes_on) = (&all, &goes_on);
            scope.spawn(move || {
                let counts = requests(server, seed, goes_on);
                all.lock().expect("no check failed").add(counts);
            });
        }
    });
    all.into_inner().expect("no check failed")
}

#[test]
fn every_answer_is_right_under_load() {
    let server = Server::start(&program(), 128, LONG);
    let counts = match campaign() {
        None => load(&server, 8, |sent| sent < 100),
        Some(time) => measured(&server, time),
    };
    assert!(counts.answered.len() > 500 && counts.closed > 0 && !counts.ended.is_empty(), "{counts:?}");
    // Requests whose client has disconnected no longer run.
    server.wait_for_use(0);
    assert_eq!(server.gauge("failed"), 0);
}

/// Loads the server for some time, and prints the figures.
fn measured(server: &Server, time: Duration) -> Counts {
    let warm_up = load(server, 64, |sent| sent < 500);
    let (before, since) = (server.resident(), Instant::now());
    let mut resident = Vec::new();
    let mut counts = Counts::default();
    while since.elapsed() < time {
        let part = Instant::now();
        counts.add(load(server, 64, |_| part.elapsed() < time / 10));
        resident.push(server.resident());
    }
    println!("{} requests to warm up, {} measured, 64 connections:", warm_up.requests(), counts.requests());
    println!("  {:.0} requests a second", counts.requests() as f64 / since.elapsed().as_secs_f64());
    for (what, times) in [
        ("answered", &counts.answered),
        ("rested 20 ms", &counts.rested),
        ("ended after 100 ms", &counts.ended),
    ] {
        let mut times = times.clone();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        let (median, high, most) = (at(0.5), at(0.99), at(1.0));
        println!("  {what}: {}, ms: p50 {median:.2}, p99 {high:.2}, most {most:.2}", times.len());
    }
    println!("  closed by the client: {}", counts.closed);
    println!("  resident, KiB: {before} after the warm-up, then {resident:?}");
    let most = resident.iter().max().expect("one part at least");
    assert!(*most < before + before / 10, "it grows");
    counts
}

#[test]
fn requests_are_refused_while_all_slots_are_in_use() {
    let server = Server::start(&program(), 2, LONG);
    let mut held = [server.connect(), server.connect()];
    held[0].send(b"spin").expect("it is connected");
    held[1].send(b"spin, too").expect("it is connected");
    server.wait_for_use(2);
    let (status, text) = server.connect().post(b"echo").expect("an answer");
    assert_eq!((status, &*text), (503, &b"all 2 slots of the pool are in use"[..]));
    // Their requests end with their connections, ten minutes before their deadline.
    drop(held);
    server.wait_for_use(0);
    answered(&mut server.connect(), b"echo");
}

#[test]
fn bodies_are_limited() {
    let server = Server::start(&program(), 2, LONG);
    answered(&mut server.connect(), &[b'.'; 64 << 10]);
    let (status, _) = server.connect().post(&[b'.'; (64 << 10) + 1]).expect("an answer");
    assert_eq!(status, 413);
}
