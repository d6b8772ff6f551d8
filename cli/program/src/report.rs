//! Error messages, traps and internal errors, as they are written to stderr.
//!
//! ```text
//! error: cannot compile `app.wasm`                                 error: trap: integer divide by zero
//!   cause: invalid WebAssembly at offset 0x2f: type mismatch         0: func[12] <divide> at wasm offset 0x1a3
//!   hint: ...                                                        1: func[3] <_start> at wasm offset 0x98
//! ```
//!
//! **Invariant: a name that comes from a module never reaches a terminal with its control characters
//! intact.**

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
pub use wasmaot_abi::printable::Printable as Name;
use wasmaot_runtime::{Exception, Trap};

/// Writes a line to stderr, where a failure can no longer be reported.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// An error, what caused it, and what to do about it, without a newline at the end.
pub fn error(error: &dyn Error, hint: Option<&str>) -> String {
    let mut text = format!("error: {}", Name(&error.to_string()));
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
        let _ = write!(text, "\n  {start}");
        for (number, part) in line.split('\t').enumerate() {
            let _ = write!(text, "{}{}", if number == 0 { "" } else { "\t" }, Name(part));
        }
    }
}

/// A trap: its code, and the calls that led to it. Without a newline at the end.
pub fn trap(trap: &Trap) -> String {
    format!("error: trap: {}{}", trap.code, trap.frames())
}

/// An exception that nothing caught: its values, and the calls that led to it. Without a newline at the end.
pub fn exception(exception: &Exception) -> String {
    format!("error: {exception}{}", exception.frames())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_message_can_drive_a_terminal() {
        let cause = std::io::Error::other("first \u{1b}[2J\n\tsecond\u{7}");
        #[derive(Debug, thiserror::Error)]
        #[error("failed\u{1b}c")]
        struct Failed(#[source] std::io::Error);
        let text = error(&Failed(cause), Some("hint"));
        assert_eq!(
            text,
            "error: failed\\u{1b}c\n  cause: first \\u{1b}[2J\n    \tsecond\\u{7}\n  hint: hint"
        );
    }
}
