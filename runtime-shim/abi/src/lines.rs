//! From machine code to source lines, where the Wasm module has a DWARF line table.
//!
//! ```text
//!  line table: | files u32 | rows u32 | map bytes u32 | (file u32, line u32, column u32) x rows
//!              | address map | (length u32, UTF-8) x files |
//! ```
//!
//! The address map is that of [`crate::addrmap`], with the number of a row, counted from 1, in place of a
//! Wasm offset. **Invariant: it is searched in place**: nothing is decoded until something traps.

use crate::addrmap::{NO_OFFSET, wasm_offset, write_address_map};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes in front of the rows.
const HEAD: usize = 12;

/// Bytes of a row.
const ROW: usize = 12;

/// A place in the source, with its file as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// The file's position in the list of files.
    pub file: u32,
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1; 0 if it is not known.
    pub column: u32,
}

/// A place in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceLine<'a> {
    /// Path of the file, as the debug information states it.
    pub file: &'a str,
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1; 0 if it is not known.
    pub column: u32,
}

/// Writes a line table. Entries are in ascending order of code, and hold up to the next one.
pub fn write_line_table(entries: &[(u32, Option<Row>)], files: &[String]) -> Vec<u8> {
    let mut rows = Vec::new();
    let mut numbers = BTreeMap::new();
    let mut number = |row: Row| {
        *numbers.entry(row).or_insert_with(|| {
            rows.push(row);
            rows.len() as u32
        })
    };
    let numbered: Vec<(u32, u32)> =
        entries.iter().map(|&(code, row)| (code, row.map_or(NO_OFFSET, &mut number))).collect();
    let map = write_address_map(&numbered);
    let mut bytes = Vec::with_capacity(HEAD + rows.len() * ROW + map.len());
    let mut put = |word: u32| bytes.extend_from_slice(&word.to_le_bytes());
    [files.len() as u32, rows.len() as u32, map.len() as u32].into_iter().for_each(&mut put);
    rows.iter().flat_map(|row| [row.file, row.line, row.column]).for_each(&mut put);
    bytes.extend_from_slice(&map);
    for file in files {
        bytes.extend_from_slice(&(file.len() as u32).to_le_bytes());
        bytes.extend_from_slice(file.as_bytes());
    }
    bytes
}

/// Returns the place in the source that the instruction at `code` stems from; `None` where none is known, or
/// the table is malformed.
pub fn line_at(table: &[u8], code: u32) -> Option<SourceLine<'_>> {
    let word = |at: usize| {
        let bytes = table.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let (files, rows, length) = (word(0)?, word(4)?, word(8)? as usize);
    let map_at = (rows as usize).checked_mul(ROW)?.checked_add(HEAD)?;
    let files_at = map_at.checked_add(length)?;
    let number = wasm_offset(table.get(map_at..files_at)?, code)?;
    if number > rows {
        return None;
    }
    let row = HEAD + (number as usize).checked_sub(1)? * ROW;
    let [file, line, column] = [word(row)?, word(row + 4)?, word(row + 8)?];
    if file >= files {
        return None;
    }
    let mut at = files_at;
    for _ in 0..file {
        at = at.checked_add(4)?.checked_add(word(at)? as usize)?;
    }
    let name = table.get(at.checked_add(4)?..)?.get(..word(at)? as usize)?;
    Some(SourceLine { file: core::str::from_utf8(name).ok()?, line, column })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    fn table() -> Vec<u8> {
        let row = |file, line| Some(Row { file, line, column: 2 });
        let files = vec!["a.c".to_string(), "dir/b.h".to_string()];
        write_line_table(&[(0, row(0, 10)), (4, row(1, 7)), (8, None), (12, row(0, 10))], &files)
    }

    #[test]
    fn round_trip() {
        let table = table();
        let at = |code| line_at(&table, code).map(|found| (found.file, found.line, found.column));
        assert_eq!(at(0), Some(("a.c", 10, 2)));
        assert_eq!(at(5), Some(("dir/b.h", 7, 2)));
        assert_eq!(at(8), None);
        assert_eq!(at(100), Some(("a.c", 10, 2)));
        assert_eq!(line_at(&write_line_table(&[], &[]), 0), None);
    }

    #[test]
    fn malformed_tables_give_none() {
        let table = table();
        for end in 0..table.len() {
            assert_eq!(line_at(&table[..end], 5), None);
        }
        assert_eq!(line_at(&[0xff; 64], 5), None);
    }
}
