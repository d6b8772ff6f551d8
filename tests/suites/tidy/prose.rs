//! The words of comments, texts and pages.
//!
//! `words.txt` lists what a reader stumbles over: each has a noun or a number in its place.

use super::find;
use std::path::Path;

/// Names of files that are read by people.
const ENDINGS: [&str; 9] = ["c", "cc", "go", "h", "hpp", "md", "py", "rs", "sh"];

/// Programs of other projects.
const FOREIGN: &str = "tests/programs";

/// Whether a text has these words in a row, whatever stands around them.
fn has(text: &str, words: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(words).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + words.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[test]
fn listed_words_are_not_used() {
    let list: Vec<&str> = include_str!("words.txt").lines().collect();
    let read = |path: &Path| {
        let ending = path.extension().and_then(|extension| extension.to_str());
        ending.is_some_and(|ending| ENDINGS.contains(&ending))
    };
    let mut found = Vec::new();
    for (path, text) in find(read).into_iter().filter(|(path, _)| !path.starts_with(FOREIGN)) {
        for (number, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            for words in list.iter().filter(|words| has(&lower, words)) {
                found.push(format!("{}:{}: {words}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "tests/suites/tidy/words.txt lists these:\n{}", found.join("\n"));
}

#[test]
fn words_are_found_as_a_whole() {
    assert!(has("of two words here", "two words"));
    assert!(has("\"words\"", "words"));
    assert!(!has("of two wordsmiths", "two words"));
}
