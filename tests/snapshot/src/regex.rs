//! Wizer's regex example: a regular expression compiled at initialisation.
#[macro_use]
#[path = "guest.rs"]
mod guest;

use regex::Regex;

fn initialise() -> Regex {
    Regex::new(r"^(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2}) (\w+|\s)*\p{Greek}?$").expect("a valid pattern")
}

fn request(pattern: &Regex, number: u32) -> String {
    let text = format!("{:04}-{:02}-{:02} some words and α", 1970 + number % 100, number % 12 + 1, number % 28 + 1);
    match pattern.captures(&text) {
        Some(found) => format!("{text}: {} {} {}", &found["day"], &found["month"], &found["year"]),
        None => format!("{text}: no"),
    }
}

guest!(Regex);
