//! Names of the symbols that exported functions have.
//!
//! A Wasm export may have any name, also an empty one, one with NUL bytes, or `malloc`. Its symbol has the
//! prefix [`EXPORT_PREFIX`], and every byte outside `[A-Za-z0-9_.]` is written as `$` and two hex digits.
//! **Invariant: different names give different symbols.**

use std::fmt::Write;
use wasmaot_abi::entry::EXPORT_PREFIX;

/// The symbol of the function exported as `name`.
pub(super) fn export_symbol(name: &str) -> String {
    let mut symbol = String::with_capacity(EXPORT_PREFIX.len() + name.len());
    symbol.push_str(EXPORT_PREFIX);
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' {
            symbol.push(char::from(byte));
        } else {
            write!(symbol, "${byte:02x}").expect("a string takes everything");
        }
    }
    symbol
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The export's name, if `symbol` is one that [`export_symbol`] gives.
    fn export_name(symbol: &str) -> Option<String> {
        let mut rest = symbol.strip_prefix(EXPORT_PREFIX)?.bytes();
        let mut name = Vec::new();
        while let Some(byte) = rest.next() {
            name.push(match byte {
                b'$' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
                }
                _ => byte,
            });
        }
        String::from_utf8(name).ok()
    }

    #[test]
    fn plain_names_stay_readable() {
        assert_eq!(export_symbol("_start"), "wasmaot_export__start");
        assert_eq!(export_symbol("std.Map_9"), "wasmaot_export_std.Map_9");
    }

    #[test]
    fn everything_else_is_escaped() {
        assert_eq!(export_symbol(""), "wasmaot_export_");
        assert_eq!(export_symbol("a\0b"), "wasmaot_export_a$00b");
        assert_eq!(export_symbol("cabi/f@1"), "wasmaot_export_cabi$2ff$401");
        assert_eq!(export_symbol("$2f"), "wasmaot_export_$242f");
        assert_eq!(export_symbol("é"), "wasmaot_export_$c3$a9");
    }

    #[test]
    fn names_can_be_told_from_their_symbols() {
        let all_bytes: String = (0..=255u8).map(char::from).collect();
        for name in ["", "$", "$$24", "a$", "\0", "日本", &all_bytes] {
            assert_eq!(export_name(&export_symbol(name)).as_deref(), Some(name));
        }
    }
}
