//! Small pieces of text for people: sizes and counts.

use std::fmt::{self, Display};

/// A number of bytes, in the largest binary unit that leaves at least one.
pub(crate) struct Bytes(pub(crate) u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kibi = self.0 as f64 / 1024.0;
        match self.0 {
            0..1024 => write!(f, "{} B", self.0),
            1024..1_048_576 => write!(f, "{kibi:.1} KiB"),
            _ => write!(f, "{:.1} MiB", kibi / 1024.0),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts() {
        let shown = [0, 1023, 1024, 1536, 1 << 20, 5 << 30].map(|n| Bytes(n).to_string());
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "5120.0 MiB"]);
        assert_eq!(Count(1, "function").to_string(), "1 function");
        assert_eq!(Count(0, "function").to_string(), "0 functions");
    }
}
