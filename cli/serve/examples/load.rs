//! Loads a server by HTTP/1.1 and prints what that gave, as JSON:
//! `load ADDRESS PATH CONNECTIONS REQUESTS [RATE]`.
//!
//! Each connection sends its next request when it has the answer to the one before. With a rate, in requests
//! a second of all connections, a request is due at its own time, and its latency counts from there, so that
//! a server that stalls is not asked less for it.

use std::io::Write as _;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A response's length with its headers, if all of it is there.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = str::from_utf8(&bytes[..head]).ok()?.to_ascii_lowercase();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if let Some(length) = field("content-length:") {
        let all = head + length.parse::<usize>().ok()?;
        return (bytes.len() >= all).then_some(all);
    }
    let end = b"0\r\n\r\n";
    bytes[head..].windows(end.len()).position(|window| window == end).map(|at| head + at + end.len())
}

async fn connection(
    address: String,
    request: String,
    requests: usize,
    interval: Option<Duration>,
    start: Instant,
) -> Result<Vec<u64>, Error> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut buffer, mut latencies) = (Vec::new(), Vec::with_capacity(requests));
    for number in 0..requests {
        let mut due = Instant::now();
        if let Some(interval) = interval {
            due = start + interval * number as u32;
            tokio::time::sleep_until(due.into()).await;
        }
        stream.write_all(request.as_bytes()).await?;
        let length = loop {
            if let Some(length) = length(&buffer) {
                break length;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
        };
        if !buffer.starts_with(b"HTTP/1.1 200") {
            return Err(String::from_utf8_lossy(&buffer[..length]).into());
        }
        buffer.drain(..length);
        latencies.push(due.elapsed().as_nanos() as u64);
    }
    Ok(latencies)
}

async fn load(args: &[String]) -> Result<(), Error> {
    let [address, path, connections, requests, rest @ ..] = args else {
        return Err("load ADDRESS PATH CONNECTIONS REQUESTS [RATE]".into());
    };
    let (connections, requests): (usize, usize) = (connections.parse()?, requests.parse()?);
    let rate: Option<f64> = rest.first().map(|rate| rate.parse()).transpose()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let interval = rate.map(|rate| Duration::from_secs_f64(connections as f64 / rate));
    let start = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|index| {
            // Connections take turns.
            let first = start
                + interval.map_or(Duration::ZERO, |interval| interval / connections as u32 * index as u32);
            tokio::spawn(connection(
                address.clone(),
                request.clone(),
                requests / connections,
                interval,
                first,
            ))
        })
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize] as f64 / 1e3;
    writeln!(
        std::io::stdout(),
        "{{\"requests\":{},\"seconds\":{seconds:.3},\"p50_us\":{:.1},\"p99_us\":{:.1},\"p999_us\":{:.1},\"max_us\":{:.1}}}",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    )?;
    Ok(())
}

fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(load(&args))
}
