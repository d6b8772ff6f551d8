//! The code table: what each range of the text is, for readers that examine machine code.
//!
//! ```text
//!  code table:  | row x count, ascending start |
//!  row:         | start u32 | length u32 | kind u8, index u24 | type u32 |
//! ```
//!
//! Ranges count from the start of `.text`. They do not overlap; what lies between them is padding. *Index* is
//! a function's in the module for thunks and functions, a position in the list of function entries for array
//! entries, and a [`Helper`]'s number. *Type* is the index of the function's type in the descriptor; helpers
//! have [`NO_TYPE`], because their numbers fix their signatures.
//!
//! **Invariant: the table is a claim.** A runtime needs nothing of it; a verifier believes no row that it has
//! not proven.

use alloc::vec::Vec;

/// The type of a helper.
pub const NO_TYPE: u32 = u32::MAX;

/// Bits of a row's third word that are the index.
const INDEX_BITS: u32 = 24;

/// The most that an index can be.
pub const MAX_INDEX: u32 = (1 << INDEX_BITS) - 1;

const ROW: usize = 16;

/// What a range of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CodeKind {
    /// Leads from a tail call to an imported function's array entry.
    Thunk = 0,
    /// A defined function: a tail entry.
    Function = 1,
    /// Array entry of a function that is callable from outside the module.
    ArrayEntry = 2,
    /// A helper function, called directly only.
    Helper = 3,
}

/// A helper function compiled into the artifact. All follow the tail convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Helper {
    /// `memory.copy` within the instance's own memory: `(vmctx, i32 to, i32 from, i32 length)`.
    Copy = 0,
    /// `memory.fill` of the instance's own memory: `(vmctx, i32 to, i32 byte, i32 length)`.
    Fill = 1,
    /// `i8x16.swizzle`: `(v128 bytes, v128 indices) -> v128`. The only code without a vmctx.
    Swizzle = 2,
}

impl Helper {
    /// The helper with this number.
    pub const fn from_index(index: u32) -> Option<Self> {
        match index {
            0 => Some(Helper::Copy),
            1 => Some(Helper::Fill),
            2 => Some(Helper::Swizzle),
            _ => None,
        }
    }
}

/// A range of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeRange {
    /// Offset of the first byte, which is the entry.
    pub start: u32,
    /// Bytes, at least one.
    pub length: u32,
    /// What kind of code the range holds.
    pub kind: CodeKind,
    /// Which one, at most [`MAX_INDEX`].
    pub index: u32,
    /// Index of its type, or [`NO_TYPE`].
    pub ty: u32,
}

impl CodeRange {
    /// Offset of the byte behind the last one.
    pub const fn end(&self) -> u32 {
        self.start + self.length
    }
}

/// Why a code table cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedCodeTable(pub &'static str);

impl core::fmt::Display for MalformedCodeTable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for MalformedCodeTable {}

/// Writes a code table from ranges in ascending order.
///
/// # Panics
///
/// If an index exceeds [`MAX_INDEX`].
pub fn write_code_table(ranges: &[CodeRange]) -> Vec<u8> {
    debug_assert!(ranges.is_sorted_by(|a, b| a.end() <= b.start));
    let mut bytes = Vec::with_capacity(ranges.len() * ROW);
    for range in ranges {
        assert!(range.index <= MAX_INDEX, "a module has fewer functions");
        let word = (range.kind as u32) << INDEX_BITS | range.index;
        for word in [range.start, range.length, word, range.ty] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }
    bytes
}

/// Reads a code table, whose ranges it checks to be disjoint, ascending and inside a text of `text` bytes.
///
/// # Errors
/// A row is cut off or unknown, or its range is not where it may be.
pub fn read_code_table(bytes: &[u8], text: u64) -> Result<Vec<CodeRange>, MalformedCodeTable> {
    if !bytes.len().is_multiple_of(ROW) {
        return Err(MalformedCodeTable("the code table ends within a row"));
    }
    let mut ranges = Vec::with_capacity(bytes.len() / ROW);
    let mut end = 0;
    for row in bytes.chunks_exact(ROW) {
        let range = read_row(row)?;
        if u64::from(range.start) < end || range.length == 0 {
            return Err(MalformedCodeTable("ranges of the code table overlap"));
        }
        end = u64::from(range.start) + u64::from(range.length);
        if end > text {
            return Err(MalformedCodeTable("a range of the code table is outside the text"));
        }
        ranges.push(range);
    }
    Ok(ranges)
}

fn read_row(row: &[u8]) -> Result<CodeRange, MalformedCodeTable> {
    let (words, _) = row.as_chunks::<4>();
    let &[start, length, what, ty] = words else {
        return Err(MalformedCodeTable("the code table ends within a row"));
    };
    let [start, length, what, ty] = [start, length, what, ty].map(u32::from_le_bytes);
    let kind = match what >> INDEX_BITS {
        0 => CodeKind::Thunk,
        1 => CodeKind::Function,
        2 => CodeKind::ArrayEntry,
        3 => CodeKind::Helper,
        _ => return Err(MalformedCodeTable("a range of the code table is of an unknown kind")),
    };
    Ok(CodeRange { start, length, kind, index: what & MAX_INDEX, ty })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const TEXT: u64 = 100;

    fn sample() -> Vec<CodeRange> {
        let range = |start, length, kind, index, ty| CodeRange { start, length, kind, index, ty };
        vec![
            range(0, 10, CodeKind::Thunk, 0, 1),
            range(32, 20, CodeKind::Function, MAX_INDEX, 0),
            range(52, 1, CodeKind::ArrayEntry, 0, 0),
            range(64, 36, CodeKind::Helper, Helper::Swizzle as u32, NO_TYPE),
        ]
    }

    #[test]
    fn round_trip() {
        assert_eq!(read_code_table(&write_code_table(&sample()), TEXT), Ok(sample()));
        assert_eq!(read_code_table(&[], 0), Ok(vec![]));
        for helper in [Helper::Copy, Helper::Fill, Helper::Swizzle] {
            assert_eq!(Helper::from_index(helper as u32), Some(helper));
        }
        assert_eq!(Helper::from_index(3), None);
    }

    #[test]
    fn malformed_tables_are_refused() {
        let bytes = write_code_table(&sample());
        for end in (1..bytes.len()).filter(|end| !end.is_multiple_of(ROW)) {
            assert!(read_code_table(&bytes[..end], TEXT).is_err());
        }
        type Change = fn(&mut [CodeRange]);
        let changes: [(Change, &str); 4] = [
            (|r| r[0].length = 33, "overlap"),
            (|r| r[2].length = 0, "overlap"),
            (|r| r[3].length = 37, "outside"),
            (|r| r[3].length = u32::MAX, "outside"),
        ];
        for (change, problem) in changes {
            let mut ranges = sample();
            change(&mut ranges);
            let mut bytes = bytes.clone();
            for (row, range) in bytes.chunks_exact_mut(ROW).zip(&ranges) {
                row[..4].copy_from_slice(&range.start.to_le_bytes());
                row[4..8].copy_from_slice(&range.length.to_le_bytes());
            }
            let error = read_code_table(&bytes, TEXT).unwrap_err();
            assert!(error.0.contains(problem), "{error}");
        }
        let mut unknown = bytes;
        unknown[11] = 4;
        assert!(read_code_table(&unknown, TEXT).unwrap_err().0.contains("unknown kind"));
    }
}
