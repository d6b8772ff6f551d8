//! Sizes, counts and times as people write and read them.

use std::fmt::{self, Display};

pub(crate) use wasmaot_program::units::{duration, size};

/// A digest or key in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number of bytes, shown in the largest binary unit that leaves at least one.
pub(crate) struct Bytes(pub(crate) u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kibi = self.0 as f64 / 1024.0;
        match self.0 {
            0..1024 => write!(f, "{} B", self.0),
            1024..1_048_576 => write!(f, "{kibi:.1} KiB"),
            1_048_576..1_073_741_824 => write!(f, "{:.1} MiB", kibi / 1024.0),
            _ => write!(f, "{:.1} GiB", kibi / 1_048_576.0),
        }
    }
}

/// A count and its noun, which takes an `s` unless the count is one.
pub(crate) struct Count(pub(crate) usize, pub(crate) &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// Parses a count.
pub(crate) fn number<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("not a whole number".into());
    }
    let number = text.parse().ok().and_then(|number: u64| T::try_from(number).ok());
    number.ok_or_else(|| format!("more than {}, which is the most", u64::MAX >> (64 - 8 * size_of::<T>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts() {
        let shown = [0, 1023, 1024, 1536, 1 << 20, (1 << 30) - 1, 5 << 30].map(|n| Bytes(n).to_string());
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1024.0 MiB", "5.0 GiB"]);
        assert_eq!(Count(1, "function").to_string(), "1 function");
        assert_eq!(Count(0, "function").to_string(), "0 functions");
    }

    #[test]
    fn numbers_are_parsed() {
        assert_eq!(number("0"), Ok(0u64));
        assert_eq!(number("18446744073709551615"), Ok(u64::MAX));
        let beyond = number::<u64>("18446744073709551616");
        assert_eq!(beyond, Err("more than 18446744073709551615, which is the most".into()));
        assert_eq!(number("4294967295"), Ok(u32::MAX));
        let beyond = number::<u32>("4294967296");
        assert_eq!(beyond, Err("more than 4294967295, which is the most".into()));
        for wrong in ["", "x", "-1", "+1", "1.5", "1e9", "1_000", "1K"] {
            assert_eq!(number::<u64>(wrong), Err("not a whole number".into()), "{wrong}");
        }
    }
}
