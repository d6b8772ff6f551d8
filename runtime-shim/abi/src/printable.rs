//! Names from modules, as listings and messages show them.
//!
//! **Invariant: a name never reaches a terminal with its control characters intact.**

use core::fmt::{self, Display, Write};

/// A name from a module. Displayed with control characters, and marks that change the direction of writing,
/// as escapes.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if is_disguise(c) { write!(f, "{}", c.escape_unicode())? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

/// Returns whether a terminal acts on the character instead of showing it.
fn is_disguise(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::Printable;
    use std::string::ToString;

    #[test]
    fn names_cannot_drive_a_terminal() {
        assert_eq!(Printable("a\u{1b}[2J\u{202e}é\n").to_string(), "a\\u{1b}[2J\\u{202e}é\\u{a}");
    }
}
