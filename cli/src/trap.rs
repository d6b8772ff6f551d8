//! How a trap or an uncaught exception is reported: what it is, and the calls that led to it.
//!
//! ```text
//! error: trap: integer divide by zero
//!   0: func[12] <divide> at wasm offset 0x1a3
//!   1: func[3] <_start> at wasm offset 0x98
//! ```

use crate::text::Name;
use std::fmt::Write;
use wasmaot_runtime::{Exception, Frame, Trap};

/// Exit status of a program that trapped: what a shell gives for SIGABRT.
pub(crate) const STATUS: i32 = 134;

/// Frames shown of a deep backtrace.
const SHOWN: usize = 32;

/// The report, without a newline at its end.
pub(crate) fn report(trap: &Trap) -> String {
    with_backtrace(format!("error: trap: {}", trap.code), &trap.backtrace, trap.omitted_frames)
}

/// The report of an exception that nothing caught, likewise.
pub(crate) fn report_exception(exception: &Exception) -> String {
    with_backtrace(format!("error: {exception}"), &exception.backtrace, exception.omitted_frames)
}

fn with_backtrace(mut text: String, frames: &[Frame], omitted: usize) -> String {
    for (number, frame) in frames.iter().take(SHOWN).enumerate() {
        let _ = write!(text, "\n  {number}: {}", line(frame));
    }
    let hidden = frames.len().saturating_sub(SHOWN) + omitted;
    if hidden > 0 {
        let _ = write!(text, "\n  ... and {hidden} more");
    }
    text
}

fn line(frame: &Frame) -> String {
    let mut text = format!("func[{}]", frame.func_index);
    if let Some(name) = &frame.name {
        let _ = write!(text, " <{}>", Name(name));
    }
    if let Some(offset) = frame.wasm_offset {
        let _ = write!(text, " at wasm offset {offset:#x}");
    }
    text
}
