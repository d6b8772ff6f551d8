//! The log, and what guests print, as lines of it.
//!
//! **Invariant: a guest can neither fill the host's memory nor forge a line**: lines have a maximum length,
//! and control characters are escaped.

use crate::trace::RequestId;
use std::io;
use std::task::{Context, Poll};
use wasmaot_wasi::p2::{HostOutput, Readiness, StreamError};

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// An object of JSON a line.
    Json,
}

/// Begins to write the log to standard error: all of this level and of more important ones.
pub fn start_log(format: LogFormat, level: tracing::Level) {
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr);
    // A host that has begun its own log keeps it.
    _ = match format {
        LogFormat::Text => {
            let subscriber = subscriber.with_ansi(false).finish();
            tracing::subscriber::set_global_default(subscriber)
        }
        LogFormat::Json => tracing::subscriber::set_global_default(subscriber.json().finish()),
    };
}

/// The most bytes of a line; longer ones become several.
const MAX_LINE: usize = 4096;

/// Bytes that a write may have.
const MAX_WRITE: usize = 64 << 10;

/// A stream that becomes lines of the log.
pub(crate) struct Lines {
    id: RequestId,
    app: String,
    stream: &'static str,
    line: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(id: RequestId, app: String, stream: &'static str) -> Self {
        Self { id, app, stream, line: Vec::new() }
    }

    fn print(&mut self) {
        let text = String::from_utf8_lossy(&self.line);
        let is_plain = !text.chars().any(char::is_control);
        let text = if is_plain { text } else { text.escape_debug().to_string().into() };
        tracing::info!(target: "guest", request = %self.id, app = self.app, stream = self.stream, "{text}");
        self.line.clear();
    }
}

impl Readiness for Lines {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

impl HostOutput for Lines {
    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(MAX_WRITE)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, is_whole) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            for chunk in text.chunks(MAX_LINE) {
                if self.line.len() + chunk.len() > MAX_LINE {
                    self.print();
                }
                self.line.extend_from_slice(chunk);
            }
            if is_whole {
                self.print();
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.print();
        }
    }
}
