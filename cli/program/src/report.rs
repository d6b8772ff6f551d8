//! How an error, a trap or a bug is told on stderr.
//!
//! ```text
//! error: cannot compile `app.wasm`                                 error: trap: integer divide by zero
//!   cause: invalid WebAssembly at offset 0x2f: type mismatch         0: func[12] <divide> at wasm offset 0x1a3
//!   hint: ...                                                        1: func[3] <_start> at wasm offset 0x98
//! ```
//!
//! **Invariant: a name that comes from a module never reaches a terminal with its control characters intact.**

use std::error::Error;
use std::fmt::{self, Display, Write as _};
use std::io::Write as _;
use wasmaot_runtime::{Exception, Frame, Trap};

/// Frames shown of a deep backtrace.
const SHOWN: usize = 32;

/// Writes a line to stderr, where there is nobody left to tell of a failure.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// An error, what caused it, and what to do about it, without a newline at the end.
pub fn error(error: &dyn Error, hint: Option<&str>) -> String {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Some errors quote their source.
        if !text.ends_with(&message) {
            item(&mut text, "cause", &message);
        }
        cause = error.source();
    }
    if let Some(hint) = hint {
        item(&mut text, "hint", hint);
    }
    text
}

/// Appends a labelled item, further lines of which stay indented below it.
fn item(text: &mut String, label: &str, message: &str) {
    for (number, line) in message.lines().filter(|line| !line.trim().is_empty()).enumerate() {
        let start = if number == 0 { format!("{label}: ") } else { "  ".into() };
        let _ = write!(text, "\n  {start}{line}");
    }
}

/// A trap: its code, and the calls that led to it. Without a newline at the end.
pub fn trap(trap: &Trap) -> String {
    with_backtrace(format!("error: trap: {}", trap.code), &trap.backtrace, trap.omitted_frames)
}

/// An exception that nothing caught: its values, and the calls that led to it. Without a newline at the end.
pub fn exception(exception: &Exception) -> String {
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

/// A panic is a bug of this program, and is reported as that.
pub fn panics_as_errors() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| format!(" ({place})"));
        let message = panic.payload_as_str().unwrap_or("no message");
        note(&format!(
            "error: internal error: {message}{place}\n  hint: please report it at {}",
            env!("CARGO_PKG_REPOSITORY")
        ));
    }));
}

/// A name from a module: control characters are written as escapes.
#[derive(Debug)]
pub struct Name<'a>(pub &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if is_disguise(c) { write!(f, "{}", c.escape_unicode())? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

/// Whether a terminal acts on the character instead of showing it: controls, and the marks that turn
/// the direction of writing.
fn is_disguise(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_drive_a_terminal() {
        assert_eq!(Name("a\u{1b}[2J\u{202e}é").to_string(), "a\\u{1b}[2J\\u{202e}é");
    }
}
