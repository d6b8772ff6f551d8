//! The place in a Wasm program that an instruction stems from.
//!
//! **Invariant: it names a Wasm function**, never a thunk or an entry.

use std::fmt;
use wasmaot_abi::lines::SourceLine;
use wasmaot_abi::printable::Printable;

/// A function that was running when a trap happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Wasm index of the function in its module.
    pub func_index: u32,
    /// Its name, if the artifact has one.
    pub name: Option<String>,
    /// Offset in the Wasm file of the operator that trapped or called.
    pub wasm_offset: Option<u32>,
    /// The source line that it stems from, if the module has debug information.
    pub source: Option<SourceLocation>,
}

/// A place in the source of a module, as its debug information states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLocation {
    /// Path of the file on the machine that compiled the source.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1, if it is known.
    pub column: Option<u32>,
}

impl From<SourceLine<'_>> for SourceLocation {
    fn from(found: SourceLine<'_>) -> Self {
        let column = (found.column != 0).then_some(found.column);
        Self { file: found.file.to_owned(), line: found.line, column }
    }
}

/// `src/main.c:12:5`, with control characters of the path as escapes.
impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", Printable(&self.file), self.line)?;
        match self.column {
            Some(column) => write!(f, ":{column}"),
            None => Ok(()),
        }
    }
}

/// `func[3] <name> at wasm offset 0x98 (src/main.c:12:5)`, with control characters of the name as escapes.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "func[{}]", self.func_index)?;
        if let Some(name) = &self.name {
            write!(f, " <{}>", Printable(name))?;
        }
        if let Some(offset) = self.wasm_offset {
            write!(f, " at wasm offset {offset:#x}")?;
        }
        match &self.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

/// The most frames that a [`Backtrace`] displays.
const SHOWN: usize = 32;

/// The functions that were running, as reports list them: each on a line of its own, behind a line feed, and
/// how many more there are.
#[derive(Debug, Clone, Copy)]
pub struct Backtrace<'a> {
    /// Innermost first.
    pub(crate) frames: &'a [Frame],
    /// Machine frames beyond those.
    pub(crate) omitted: usize,
}

impl fmt::Display for Backtrace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, frame) in self.frames.iter().take(SHOWN).enumerate() {
            write!(f, "\n  {number}: {frame}")?;
        }
        match self.frames.len().saturating_sub(SHOWN) + self.omitted {
            0 => Ok(()),
            hidden => write!(f, "\n  ... and {hidden} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: Option<&str>, wasm_offset: Option<u32>) -> Frame {
        Frame { func_index: 3, name: name.map(str::to_string), wasm_offset, source: None }
    }

    #[test]
    fn source_lines_stand_behind_the_offset() {
        let source = SourceLocation { file: "a\u{7}.c".into(), line: 12, column: Some(5) };
        let frame = Frame { source: Some(source), ..frame(None, Some(1)) };
        assert_eq!(frame.to_string(), "func[3] at wasm offset 0x1 (a\\u{7}.c:12:5)");
    }

    #[test]
    fn functions_are_listed_with_what_is_known_of_them() {
        let frames = [frame(Some("a\u{1b}"), Some(0x98)), frame(None, None)];
        let text = Backtrace { frames: &frames, omitted: 2 }.to_string();
        assert_eq!(text, "\n  0: func[3] <a\\u{1b}> at wasm offset 0x98\n  1: func[3]\n  ... and 2 more");
        assert_eq!(Backtrace { frames: &[], omitted: 0 }.to_string(), "");
    }

    #[test]
    fn long_lists_are_cut() {
        let frames = vec![frame(None, None); SHOWN + 1];
        let text = Backtrace { frames: &frames, omitted: 4 }.to_string();
        assert_eq!(text.lines().count(), 1 + SHOWN + 1, "{text}");
        assert!(text.ends_with("\n  31: func[3]\n  ... and 5 more"), "{text}");
    }
}
