//! A client of HTTP/1.1 that can break the rules.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::server::PATIENCE;

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
    /// Whether the body has ended as it is to.
    pub(crate) is_whole: bool,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Status and body.
    pub(crate) fn seen(&self) -> (u16, String) {
        (self.status, self.text())
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time");
        stream.set_nodelay(true).expect("a socket of TCP");
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends what stands before a body.
    pub(crate) fn send_head(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head.push_str("host: test.example\r\n");
        }
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        head.push_str("\r\n");
        self.send(head.as_bytes()).expect("it is connected");
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.send_head("GET", path, headers);
        self.response().expect("an answer")
    }

    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Response {
        self.send_head("POST", path, &[("content-length", &body.len().to_string())]);
        // A server that does not want it may answer before.
        _ = self.send(body);
        self.response().expect("an answer")
    }

    /// Nothing more will be sent.
    pub(crate) fn finish_sending(&self) {
        self.stream.get_ref().shutdown(Shutdown::Write).expect("it is connected");
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_string())
    }

    fn fields(&mut self) -> std::io::Result<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { return Ok(fields) };
            fields.push((name.to_ascii_lowercase(), value.trim().to_string()));
        }
    }

    /// Reads status and headers.
    pub(crate) fn head(&mut self) -> std::io::Result<Response> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status =
            status.filter(|_| line.starts_with("HTTP/1.1 ")).ok_or(std::io::ErrorKind::InvalidData)?;
        let headers = self.fields()?;
        Ok(Response { status, headers, body: Vec::new(), trailers: Vec::new(), is_whole: false })
    }

    /// Reads a response, which need not be whole.
    pub(crate) fn response(&mut self) -> std::io::Result<Response> {
        let mut response = self.head()?;
        let length = response.header("content-length").map(|length| length.parse().expect("a length"));
        let is_chunked = response.header("transfer-encoding") == Some("chunked");
        let read = match length {
            Some(length) => self.exactly(length, &mut response.body),
            None if is_chunked => self.chunks(&mut response),
            None if matches!(response.status, 204 | 304) => Ok(()),
            None => self.stream.read_to_end(&mut response.body).map(|_| ()),
        };
        response.is_whole = read.is_ok();
        Ok(response)
    }

    fn exactly(&mut self, length: usize, body: &mut Vec<u8>) -> std::io::Result<()> {
        let read = (&mut self.stream).take(length as u64).read_to_end(body)?;
        if read == length { Ok(()) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
    }

    fn chunks(&mut self, response: &mut Response) -> std::io::Result<()> {
        loop {
            let line = self.line()?;
            let length = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("no length: {line}"));
            if length == 0 {
                response.trailers = self.fields()?;
                return Ok(());
            }
            self.exactly(length, &mut response.body)?;
            assert_eq!(self.line()?, "", "a chunk ends as it is to");
        }
    }

    /// Reads one chunk of a body; the last one is empty.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let line = self.line().expect("a chunk");
        let length = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("no length: {line}"));
        let mut chunk = Vec::new();
        self.exactly(length, &mut chunk).expect("a whole chunk");
        assert_eq!(self.line().expect("a chunk"), "");
        chunk
    }

    /// Another end of the connection, to send by while this one reads.
    pub(crate) fn try_clone(&self) -> Self {
        let stream = self.stream.get_ref().try_clone().expect("a descriptor");
        Self { stream: BufReader::new(stream) }
    }

    /// Reads until the connection ends. Returns whether it ended without a reset.
    pub(crate) fn read_to_end(&mut self) -> bool {
        self.stream.read_to_end(&mut Vec::new()).is_ok()
    }
}
