//! The example that serves HTTP as a process of its own, and a client of it.
//!
//! **Invariant: a server ends with its test.**

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process that serves.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts the program with a number of slots, and of milliseconds for each request.
    pub(crate) fn start(program: &Path, slots: u32, milliseconds: u64) -> Self {
        let mut command = Command::new(program);
        command.args(["127.0.0.1:0", &slots.to_string(), &milliseconds.to_string()]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("it says where it listens");
        let address = line.trim_end().strip_prefix("listening on ").expect("an address").parse();
        Self { child, address: address.expect("an address") }
    }

    /// Connects to it.
    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        Client { stream: BufReader::new(stream) }
    }

    /// The gauge or counter of its pool with this name.
    pub(crate) fn gauge(&self, name: &str) -> u64 {
        let (status, text) = self.connect().get("/pool").expect("it answers");
        assert_eq!(status, 200);
        let text = String::from_utf8(text).expect("UTF-8");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no gauge {name} in {text}"))
    }

    /// Waits until this number of slots of its pool is in use.
    pub(crate) fn wait_for_use(&self, slots: u64) {
        for _ in 0..6000 {
            if self.gauge("in_use") == slots {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{} slots are in use, not {slots}", self.gauge("in_use"));
    }

    /// The KiB of memory that are present of it.
    pub(crate) fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A connection to a server.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>)> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    /// Sends a request, without waiting for its answer.
    pub(crate) fn send(&mut self, body: &[u8]) -> Result<()> {
        self.send_with("", body)
    }

    fn send_with(&mut self, headers: &str, body: &[u8]) -> Result<()> {
        let length = body.len();
        let head = format!("POST / HTTP/1.1\r\nhost: test\r\n{headers}content-length: {length}\r\n\r\n");
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())
    }

    /// Sends a request and returns the answer's status and body.
    pub(crate) fn post(&mut self, body: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.send(body)?;
        self.answer()
    }

    /// The same, for a request that may take this number of milliseconds.
    pub(crate) fn post_within(&mut self, milliseconds: u64, body: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.send_with(&format!("deadline-ms: {milliseconds}\r\n"), body)?;
        self.answer()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.strip_suffix("\r\n").ok_or(ErrorKind::UnexpectedEof)?;
        Ok(line.to_ascii_lowercase())
    }

    fn answer(&mut self) -> Result<(u16, Vec<u8>)> {
        let invalid = |line: &str| Error::new(ErrorKind::InvalidData, line);
        let line = self.line()?;
        let status = line.strip_prefix("http/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| invalid(&line))?;
        let mut length = 0;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| invalid(&line))?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }
}
