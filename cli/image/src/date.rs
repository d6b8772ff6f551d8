//! Times as configurations state them.

/// Returns a number of seconds since 1970 in the form of RFC 3339, in UTC.
pub fn rfc3339(seconds: u64) -> String {
    const DAY: u64 = 86_400;
    let (year, month, day) = date(seconds / DAY);
    let second = seconds % DAY;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Returns year, month and day of a number of days since 1970, in the Gregorian calendar. Counted from the
/// 1st of March of the year 0, a leap day is the last day of its year.
fn date(days: u64) -> (u64, u64, u64) {
    const TO_1970: u64 = 719_468;
    const CENTURIES_4: u64 = 146_097;
    let days = days + TO_1970;
    let (cycle, of_cycle) = (days / CENTURIES_4, days % CENTURIES_4);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (400 * cycle + year, if month < 10 { month + 3 } else { month - 9 });
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_795_651_200, "2026-11-26T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
        // Every day follows the one before.
        let mut last = date(0);
        for day in 1..150_000 {
            let (year, month, day) = date(day);
            let follows = (year, month, day) == (last.0, last.1, last.2 + 1)
                || day == 1 && (month == last.1 + 1 && year == last.0 || month == 1 && year == last.0 + 1);
            assert!(follows, "{last:?} {year}-{month}-{day}");
            last = (year, month, day);
        }
    }
}
