//! From machine code to Wasm: which function, which offset in the Wasm file.
//!
//! ```text
//!  address map:   | count u32 | (code u32, wasm u32, at u32) x blocks | steps |
//!  function map:  | count u32 | (code u32, length u32, index u32, name u32) x count, code ascending | names |
//! ```
//!
//! `code` counts from the start of `.text`. An entry of the address map holds up to the next one; `wasm` is
//! [`NO_OFFSET`] where code stems from no operator. Entries come in blocks of [`BLOCK`], the last one
//! shorter: a block states its first entry, and `at` is where in `steps` the way to the others begins: for
//! each, the differences of `code` (LEB128) and `wasm` (LEB128 of the zigzag form) from the entry before.
//!
//! `index` is the Wasm function index; `name` is the offset in `names` of a `u32` length and that many bytes
//! of UTF-8, or [`NO_NAME`]. Trampolines are not functions and have no entry. **Invariant: both are searched
//! in place**: nothing is decoded until something traps.

use alloc::vec::Vec;

/// Code that no Wasm operator gave rise to. No operator is the first byte of a file.
pub const NO_OFFSET: u32 = 0;

/// Entries in a block of the address map.
pub const BLOCK: usize = 64;

/// The function has no name.
pub const NO_NAME: u32 = u32::MAX;

/// A compiled function's place in `.text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionRange<'a> {
    /// Offset from the start of `.text`.
    pub code: u32,
    /// Length of the code in bytes.
    pub length: u32,
    /// Index of the Wasm function.
    pub index: u32,
    /// From the name section, or the export's name.
    pub name: Option<&'a str>,
}

/// Writes an address map from `(code, wasm)` pairs in ascending order of code.
pub fn write_address_map(entries: &[(u32, u32)]) -> Vec<u8> {
    debug_assert!(entries.is_sorted_by_key(|entry| entry.0));
    let mut bytes = Vec::with_capacity(4 + entries.len() * 3);
    let mut steps = Vec::with_capacity(entries.len() * 2);
    bytes.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    for block in entries.chunks(BLOCK) {
        for word in [block[0].0, block[0].1, steps.len() as u32] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        for pair in block.windows(2) {
            write_leb(&mut steps, pair[1].0 - pair[0].0);
            let step = pair[1].1.wrapping_sub(pair[0].1) as i32;
            write_leb(&mut steps, ((step << 1) ^ (step >> 31)) as u32);
        }
    }
    bytes.extend_from_slice(&steps);
    bytes
}

fn write_leb(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Reads a LEB128 number and moves past it.
fn read_leb(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0;
    for shift in (0..32).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
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

/// Index of the last of `count` records of `words` words each (after the first word) whose own first word is
/// at most `key`.
fn last_at_most(bytes: &[u8], count: usize, words: usize, key: u32) -> Option<usize> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if word(bytes, 1 + middle.checked_mul(words)?)? <= key { low = middle + 1 } else { high = middle }
    }
    low.checked_sub(1)
}

/// The Wasm offset of the instruction at `code`. `None` where there is none, or the map is malformed.
pub fn wasm_offset(map: &[u8], code: u32) -> Option<u32> {
    let count = word(map, 0)? as usize;
    let blocks = count.div_ceil(BLOCK);
    let block = last_at_most(map, blocks, 3, code)?;
    let field = |i: usize| word(map, 1 + block * 3 + i);
    let (mut at, mut wasm) = (field(0)?, field(1)?);
    let steps = map.get(blocks.checked_mul(12)?.checked_add(4)?..)?;
    let mut steps = steps.get(field(2)? as usize..)?;
    for _ in 1..(count - block * BLOCK).min(BLOCK) {
        at = at.checked_add(read_leb(&mut steps)?)?;
        if at > code {
            break;
        }
        let step = read_leb(&mut steps)?;
        wasm = wasm.wrapping_add_signed((step >> 1) as i32 ^ -((step & 1) as i32));
    }
    (wasm != NO_OFFSET).then_some(wasm)
}

/// Returns the function that contains the instruction at `code`. `None` for trampolines and malformed maps.
pub fn function_at(map: &[u8], code: u32) -> Option<FunctionRange<'_>> {
    let function = nth_function(map, last_at_most(map, word(map, 0)? as usize, 4, code)?)?;
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
        assert_eq!(wasm_offset(&write_address_map(&[]), 0), None);
    }

    #[test]
    fn long_address_maps_are_found_in_every_block() {
        // Several blocks; Miri is slow.
        let count: u32 = if cfg!(miri) { 200 } else { 1000 };
        let entries: Vec<(u32, u32)> = (0..count)
            .map(|i| (i * 3 + i / 100 * 5000, 1 + i.wrapping_mul(0x9e37_79b9) % 0xffff_fffe))
            .collect();
        let map = write_address_map(&entries);
        for &(code, wasm) in &entries {
            assert_eq!(wasm_offset(&map, code), Some(wasm));
            assert_eq!(wasm_offset(&map, code + 2), Some(wasm));
        }
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
        let map = write_address_map(&[(0, 7), (1, u32::MAX), (2, 8)]);
        for end in 0..map.len() {
            assert_eq!(wasm_offset(&map[..end], 2), None);
        }
    }
}
