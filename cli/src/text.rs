//! Sizes, counts and times as people write and read them.

use std::fmt::{self, Display};
use std::time::Duration;

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

/// Parses a number of bytes: `1048576`, `1024K`, `64MiB`, `1G`.
pub(crate) fn size(text: &str) -> Result<u64, &'static str> {
    const WRONG: &str = "not a size; write a number of bytes, or a number with K, M or G, such as 512M or 2G";
    let (number, unit) = split(text);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(WRONG),
    };
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    number.checked_mul(1 << shift).ok_or("more than 64 bits hold")
}

/// Parses a count.
pub(crate) fn number<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("not a whole number".into());
    }
    let number = text.parse().ok().and_then(|number: u64| T::try_from(number).ok());
    number.ok_or_else(|| format!("more than {}, which is the most", u64::MAX >> (64 - 8 * size_of::<T>())))
}

/// Parses a time: `500ms`, `2.5s`, `10m`, `1h`. A number alone is in seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "not a time; write a number with ms, s, m or h, such as 500ms or 2.5s";
    let (number, unit) = split(text);
    let seconds = match unit {
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(WRONG),
    };
    let number: f64 = number.parse().map_err(|_| WRONG)?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| "longer than can be measured")
}

/// Splits a number from its unit.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
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
    fn sizes_are_parsed() {
        for (text, bytes) in [("0", 0), ("65536", 65536), ("64K", 65536), ("1 MiB", 1 << 20), ("2g", 2 << 30)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "K", "-1", "1.5M", "1T", "1 0", "0x10", "17179869184G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
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

    #[test]
    fn times_are_parsed() {
        for (text, milliseconds) in
            [("2", 2000), ("500ms", 500), ("2.5s", 2500), ("1m", 60_000), ("0.5h", 1_800_000), ("0", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for wrong in ["", "s", "-1s", "1d", "1.2.3s", "inf", "nan", "99999999999999999999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
