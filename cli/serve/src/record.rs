//! The record of a request: what it used, and how it ended.
//!
//! **Invariant: each request has one record**, which is made when nothing of the request is left: neither its
//! guest nor its response.

use crate::app::App;
use crate::metrics::Sample;
use crate::trace::{RequestId, Trace};
use crate::usage::Usage;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The status of a request whose client left before there was one.
const CLIENT_LEFT: u16 = 499;

/// The record of a request, as far as it is known.
pub(crate) struct Record {
    app: Arc<App>,
    pub(crate) id: RequestId,
    trace: Trace,
    usage: Option<Arc<Usage>>,
    since: Instant,
    at: SystemTime,
    status: AtomicU16,
    /// The response has been passed on as a whole.
    is_complete: AtomicBool,
    pub(crate) received: Arc<AtomicU64>,
    sent: AtomicU64,
    cpu: AtomicU64,
    instructions: AtomicU64,
    memory: AtomicU64,
    host_calls: AtomicU64,
    outgoing: AtomicU64,
    has_instructions: AtomicBool,
    /// Why the guest ended, unless it returned.
    end: Mutex<Option<String>>,
}

impl Record {
    pub(crate) fn new(app: Arc<App>, id: RequestId, trace: Trace, usage: Option<Arc<Usage>>) -> Self {
        Self {
            app,
            id,
            trace,
            usage,
            since: Instant::now(),
            at: SystemTime::now(),
            status: AtomicU16::new(0),
            is_complete: AtomicBool::new(false),
            received: Arc::default(),
            sent: AtomicU64::new(0),
            cpu: AtomicU64::new(0),
            instructions: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            host_calls: AtomicU64::new(0),
            outgoing: AtomicU64::new(0),
            has_instructions: AtomicBool::new(false),
            end: Mutex::new(None),
        }
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// Notes the status that the client gets.
    pub(crate) fn set_status(&self, status: http::StatusCode) {
        self.status.store(status.as_u16(), Relaxed);
    }

    /// Notes bytes of the response.
    pub(crate) fn add_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Relaxed);
    }

    /// Notes that the response was passed on as a whole.
    pub(crate) fn complete(&self) {
        self.is_complete.store(true, Relaxed);
    }

    /// Notes CPU time.
    pub(crate) fn add_cpu(&self, time: Duration) {
        self.cpu.fetch_add(time.as_nanos() as u64, Relaxed);
    }

    /// Notes what the guest used.
    pub(crate) fn set_used(&self, used: &wasmaot_runtime::Usage, outgoing: u64) {
        self.memory.store(used.memory, Relaxed);
        self.host_calls.store(used.host_calls, Relaxed);
        self.outgoing.store(outgoing, Relaxed);
        if let Some(operators) = used.operators {
            self.instructions.store(operators, Relaxed);
            self.has_instructions.store(true, Relaxed);
        }
    }

    /// Notes why the guest ended.
    pub(crate) fn set_end(&self, end: String) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    fn sample(&self, end: Option<&str>) -> Sample {
        let status = match self.status.load(Relaxed) {
            0 => CLIENT_LEFT,
            status => status,
        };
        Sample {
            status,
            seconds: self.since.elapsed().as_secs_f64(),
            cpu_seconds: self.cpu.load(Relaxed) as f64 / 1e9,
            instructions: self.instructions.load(Relaxed),
            received: self.received.load(Relaxed),
            sent: self.sent.load(Relaxed),
            outgoing: self.outgoing.load(Relaxed),
            has_trapped: end.is_some(),
        }
    }

    fn line(&self, line: &mut Vec<u8>, sample: &Sample, end: Option<&str>) {
        let time = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let instructions = match self.has_instructions.load(Relaxed) {
            true => sample.instructions.to_string(),
            false => "null".to_string(),
        };
        let end = match (end, self.is_complete.load(Relaxed)) {
            (Some(end), _) => end,
            (None, true) => "done",
            (None, false) => "client left",
        };
        // Writing to memory does not fail.
        _ = write!(line, "{{\"time\":{}.{:06},\"application\":", time.as_secs(), time.subsec_micros());
        quote(line, &self.app.config.name);
        _ = write!(
            line,
            ",\"request\":\"{}\",\"trace\":\"{:032x}\",\"span\":\"{:016x}\",\"status\":{},\"end\":",
            self.id, self.trace.trace, self.trace.span, sample.status
        );
        quote(line, end);
        _ = writeln!(
            line,
            ",\"wall_ns\":{},\"cpu_ns\":{},\"instructions\":{instructions},\"memory_bytes\":{},\"host_calls\":{},\
             \"bytes_in\":{},\"bytes_out\":{},\"outgoing_requests\":{}}}",
            self.since.elapsed().as_nanos(),
            self.cpu.load(Relaxed),
            self.memory.load(Relaxed),
            self.host_calls.load(Relaxed),
            sample.received,
            sample.sent,
            sample.outgoing
        );
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let end = self.end.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let sample = self.sample(end.as_deref());
        self.app.metrics.add(&sample);
        tracing::debug!(
            request = %self.id,
            trace = format_args!("{:032x}", self.trace.trace),
            application = self.app.config.name,
            status = sample.status,
            seconds = sample.seconds,
            "request ended"
        );
        if let Some(usage) = &self.usage {
            usage.add(|line| self.line(line, &sample, end.as_deref()));
        }
    }
}

/// Writes text as JSON.
fn quote(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    for c in text.chars() {
        match c {
            '"' | '\\' => line.extend([b'\\', c as u8]),
            c if u32::from(c) < 0x20 => _ = write!(line, "\\u{:04x}", u32::from(c)),
            c => line.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted() {
        let mut line = Vec::new();
        quote(&mut line, "a\"b\\c\nd é");
        assert_eq!(String::from_utf8(line).expect("it is text"), "\"a\\\"b\\\\c\\u000ad é\"");
    }
}
