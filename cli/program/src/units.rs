//! Sizes and times as people write them, in options and in files.

use std::time::Duration;

/// Parses a number of bytes: `1048576`, `1024K`, `64MiB`, `1G`.
///
/// # Errors
/// It is none, or too large.
pub fn size(text: &str) -> Result<u64, &'static str> {
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

/// Parses a time: `500ms`, `2.5s`, `10m`, `1h`. A number alone is in seconds.
///
/// # Errors
/// It is none, or too long.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
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
