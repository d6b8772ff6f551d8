//! From machine code to Wasm: which function, which offset in the Wasm file.
//!
//! ```text
//!  address map:   | count u32 | (code u32, wasm u32) x count, code ascending |
//!  function map:  | count u32 | (code u32, length u32, index u32, name u32) x count, code ascending | names |
//! ```
//!
//! `code` counts from the start of `.text`. An entry of the address map holds up to the next one; `wasm` is
//! [`NO_OFFSET`] where code stems from no operator. `index` is the Wasm function index; `name` is the offset
//! in `names` of a `u32` length and that many bytes of UTF-8, or [`NO_NAME`]. Trampolines are
//! not functions and have no entry. **Invariant: both are searched in place**: nothing is decoded until something traps.

use alloc::vec::Vec;

/// Code that no Wasm operator gave rise to.
pub const NO_OFFSET: u32 = u32::MAX;

/// The function has no name.
pub const NO_NAME: u32 = u32::MAX;

/// A compiled function's place in `.text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionRange<'a> {
    /// Offset from the start of `.text`.
    pub code: u32,
    /// Bytes of code.
    pub length: u32,
    /// Wasm function index.
    pub index: u32,
    /// From the name section, or the export's name.
    pub name: Option<&'a str>,
}

/// Writes an address map from `(code, wasm)` pairs in ascending order of code.
pub fn write_address_map(entries: &[(u32, u32)]) -> Vec<u8> {
    debug_assert!(entries.is_sorted_by_key(|entry| entry.0));
    let mut bytes = Vec::with_capacity(4 + entries.len() * 8);
    bytes.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    for (code, wasm) in entries {
        bytes.extend_from_slice(&code.to_le_bytes());
        bytes.extend_from_slice(&wasm.to_le_bytes());
    }
    bytes
}

/// Writes a function map from ranges in ascending order of code.
pub fn write_function_map(functions: &[FunctionRange<'_>]) -> Vec<u8> {
    debug_assert!(functions.is_sorted_by_key(|function| function.code));
    let mut bytes = Vec::with_capacity(4 + functions.len() * 16);
    let mut names = Vec::new();
    bytes.extend_from_slice(&(functions.len() as u32).to_le_bytes());
    for function in functions {
        let name = function.name.map_or(NO_NAME, |_| names.len() as u32);
        if let Some(text) = function.name {
            names.extend_from_slice(&(text.len() as u32).to_le_bytes());
            names.extend_from_slice(text.as_bytes());
        }
        for word in [function.code, function.length, function.index, name] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }
    bytes.extend_from_slice(&names);
    bytes
}

fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let start = index.checked_mul(4)?;
    Some(u32::from_le_bytes(bytes.get(start..start.checked_add(4)?)?.try_into().ok()?))
}

/// Index of the last of `count` records of `words` words each (after the count) whose first word
/// is at most `key`.
fn last_at_most(bytes: &[u8], words: usize, key: u32) -> Option<usize> {
    let count = word(bytes, 0)? as usize;
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if word(bytes, 1 + middle.checked_mul(words)?)? <= key { low = middle + 1 } else { high = middle }
    }
    low.checked_sub(1)
}

/// The Wasm offset of the instruction at `code`. `None` where there is none, or the map is malformed.
pub fn wasm_offset(map: &[u8], code: u32) -> Option<u32> {
    let index = last_at_most(map, 2, code)?;
    word(map, 2 + index * 2).filter(|&offset| offset != NO_OFFSET)
}

/// The function that the instruction at `code` belongs to. `None` for trampolines and malformed maps.
pub fn function_at(map: &[u8], code: u32) -> Option<FunctionRange<'_>> {
    let function = nth_function(map, last_at_most(map, 4, code)?)?;
    (code - function.code < function.length).then_some(function)
}

/// All functions, in order of code. Stops at the first malformed record.
pub fn functions(map: &[u8]) -> impl Iterator<Item = FunctionRange<'_>> {
    let count = word(map, 0).unwrap_or(0) as usize;
    (0..count).map_while(|index| nth_function(map, index))
}

fn nth_function(map: &[u8], index: usize) -> Option<FunctionRange<'_>> {
    let field = |i: usize| word(map, index.checked_mul(4)?.checked_add(1 + i)?);
    let count = word(map, 0)? as usize;
    let name = match field(3)? {
        NO_NAME => None,
        offset => {
            let names = map.get(count.checked_mul(16)?.checked_add(4)?..)?;
            let at = names.get(offset as usize..)?;
            let length = word(at, 0)? as usize;
            Some(core::str::from_utf8(at.get(4..)?.get(..length)?).ok()?)
        }
    };
    Some(FunctionRange { code: field(0)?, length: field(1)?, index: field(2)?, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_map_round_trip() {
        let map = write_address_map(&[(4, 100), (8, NO_OFFSET), (12, 140)]);
        assert_eq!(wasm_offset(&map, 3), None);
        assert_eq!(wasm_offset(&map, 4), Some(100));
        assert_eq!(wasm_offset(&map, 7), Some(100));
        assert_eq!(wasm_offset(&map, 9), None);
        assert_eq!(wasm_offset(&map, 99), Some(140));
    }

    #[test]
    fn function_map_round_trip() {
        let ranges = [
            FunctionRange { code: 0, length: 16, index: 2, name: Some("main") },
            FunctionRange { code: 32, length: 8, index: 3, name: None },
            FunctionRange { code: 40, length: 8, index: 4, name: Some("") },
        ];
        let map = write_function_map(&ranges);
        assert_eq!(functions(&map).collect::<Vec<_>>(), ranges);
        assert_eq!(function_at(&map, 15), Some(ranges[0].clone()));
        assert_eq!(function_at(&map, 16), None);
        assert_eq!(function_at(&map, 47), Some(ranges[2].clone()));
        assert_eq!(function_at(&map, 48), None);
    }

    #[test]
    fn malformed_maps_give_none() {
        let map = write_function_map(&[FunctionRange { code: 0, length: 9, index: 0, name: Some("x") }]);
        for end in 0..map.len() {
            assert_eq!(function_at(&map[..end], 0), None);
        }
        assert_eq!(wasm_offset(&[0xff; 12], 5), None);
    }
}
