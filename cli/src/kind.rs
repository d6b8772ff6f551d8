//! What a file is, by its name or its first bytes, and whether a module is all there.
//!
//! **Invariant: this only looks at bytes**: nothing is opened.

use std::path::Path;

/// The first bytes of every ELF file.
pub(crate) const ELF_MAGIC: [u8; 4] = *b"\x7fELF";

/// The first bytes of every binary module and component.
pub(crate) const WASM_MAGIC: [u8; 4] = *b"\0asm";

/// Returns whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Where a module ends in the middle of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Offset of the section, or of the header.
    pub(crate) section: usize,
    /// Bytes that are missing, at least.
    pub(crate) missing: u64,
}

/// Returns where a binary module is cut off, if it is, as far as the sizes of its sections tell.
pub(crate) fn cut(wasm: &[u8]) -> Option<Cut> {
    const HEADER: usize = 8;
    const LAST_SECTION: u8 = 13;
    if !wasm.starts_with(&WASM_MAGIC) {
        return None;
    }
    let short = |section, end: u64| Some(Cut { section, missing: end - wasm.len() as u64 });
    if wasm.len() < HEADER {
        return short(0, HEADER as u64);
    }
    let mut section = HEADER;
    while let Some((&kind, rest)) = wasm.get(section..).and_then(<[u8]>::split_first) {
        if kind > LAST_SECTION {
            return None;
        }
        let Some((size, bytes)) = leb(rest)? else { return short(section, wasm.len() as u64 + 1) };
        let end = (section + 1 + bytes) as u64 + size;
        if end > wasm.len() as u64 {
            return short(section, end);
        }
        section = end as usize;
    }
    None
}

/// Decodes a number of at most 32 bits and returns it with its length: `Some(None)` if the bytes end before
/// it does, `None` if it is none.
fn leb(bytes: &[u8]) -> Option<Option<(u64, usize)>> {
    const LONGEST: usize = 5;
    let mut value = 0;
    for (position, byte) in bytes.iter().take(LONGEST).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            return Some(Some((value, position + 1)));
        }
    }
    (bytes.len() < LONGEST).then_some(None)
}

#[cfg(test)]
mod tests {
    use super::{Cut, WASM_MAGIC, cut};

    #[test]
    fn every_cut_of_a_module_is_seen() {
        let whole = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x82\0\x01\0";
        assert_eq!(cut(whole), None);
        for length in WASM_MAGIC.len()..whole.len() {
            let section = [8, 14].into_iter().rfind(|&start| start < length).unwrap_or(0);
            match cut(&whole[..length]) {
                // Between two sections it could be all.
                None => assert!([8, 14].contains(&length), "{length}"),
                Some(Cut { section: found, missing }) => {
                    assert_eq!((found, missing > 0), (section, true), "{length}");
                }
            }
        }
        // What is no section is damaged in another way.
        assert_eq!(cut(b"\0asm\x01\0\0\0\x20\x7f"), None);
        assert_eq!(cut(b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\xff\xff"), None);
    }
}
