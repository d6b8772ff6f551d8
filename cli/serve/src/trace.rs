//! Numbers of requests, and the trace that they belong to (W3C Trace Context).
//!
//! **Invariant: what a client sends as a trace is taken only if it has the form that it is to have.**

use http::{HeaderMap, HeaderName, HeaderValue};
use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// The header with the number of a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The number of a request: random, 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId(u128);

/// The trace that a request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    /// That of all requests of one operation.
    pub(crate) trace: u128,
    /// Who made this one; 0 if that is not known.
    pub(crate) parent: u64,
    /// What this server does for it.
    pub(crate) span: u64,
    flags: u8,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A number that cannot be guessed.
fn random() -> u64 {
    // Keys are from the system, once for each thread.
    thread_local!(static STATE: RefCell<(RandomState, u64)> = RefCell::new((RandomState::new(), 0)));
    STATE.with_borrow_mut(|(keys, count)| {
        *count += 1;
        keys.hash_one(*count)
    })
}

fn wide() -> u128 {
    u128::from(random()) << 64 | u128::from(random())
}

impl RequestId {
    pub(crate) fn new() -> Self {
        Self(wide())
    }

    /// The value of its header.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_str(&self.to_string()).expect("digits are valid")
    }
}

impl Trace {
    /// The trace that a request's headers name, or a new one. The headers get what is to be passed on.
    pub(crate) fn of(headers: &mut HeaderMap) -> Self {
        let named = headers.get(TRACEPARENT).and_then(|value| Self::parse(value.as_bytes()));
        let trace = named.unwrap_or_else(|| {
            headers.remove(TRACESTATE);
            Self { trace: wide(), parent: 0, span: random(), flags: 0 }
        });
        let value = HeaderValue::from_str(&trace.to_string()).expect("digits are valid");
        headers.insert(TRACEPARENT, value);
        trace
    }

    /// `00-TRACE-PARENT-FLAGS`; later versions may have more behind that.
    fn parse(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        let mut parts = text.split('-');
        let mut field = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length)?;
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            part.bytes().all(is_digit).then(|| u128::from_str_radix(part, 16).ok())?
        };
        let (version, trace, parent, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        let has_more = parts.next().is_some();
        let is_valid = version != 0xff && trace != 0 && parent != 0 && !(version == 0 && has_more);
        is_valid.then(|| Self { trace, parent: parent as u64, span: random(), flags: flags as u8 & 1 })
    }
}

/// As the header says it, with this server as the parent.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on() {
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(sent));
        headers.insert(TRACESTATE, HeaderValue::from_static("a=b"));
        let trace = Trace::of(&mut headers);
        assert_eq!(
            (trace.trace, trace.parent),
            (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7)
        );
        let passed = headers[TRACEPARENT].to_str().expect("it is text");
        assert_eq!(passed, format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{:016x}-01", trace.span));
        assert_eq!(headers[TRACESTATE], "a=b");
    }

    #[test]
    fn a_malformed_trace_is_replaced() {
        for sent in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::from_static(sent));
            headers.insert(TRACESTATE, HeaderValue::from_static("a=b"));
            let trace = Trace::of(&mut headers);
            assert_eq!(trace.parent, 0, "{sent}");
            assert!(headers.get(TRACESTATE).is_none(), "{sent}");
            assert!(Trace::parse(headers[TRACEPARENT].as_bytes()).is_some(), "{sent}");
        }
    }

    #[test]
    fn numbers_differ() {
        assert_ne!(RequestId::new(), RequestId::new());
        assert_eq!(RequestId::new().to_string().len(), 32);
    }
}
