//! The words of comments, texts and pages, and the width of comments.
//!
//! `words.txt` lists what a reader stumbles over: each has a noun or a number in its place.

use super::find;
use std::path::{Path, PathBuf};

/// Names of files that are read by people.
const ENDINGS: [&str; 9] = ["c", "cc", "go", "h", "hpp", "md", "py", "rs", "sh"];

/// Programs of other projects.
const FOREIGN: &str = "tests/programs";

/// The most columns of a line of comment: `rustfmt` keeps code to them, and leaves comments alone.
const WIDTH: usize = 110;

/// The text of a line that is all comment, in a file with this ending.
fn comment<'l>(ending: &str, line: &'l str) -> Option<&'l str> {
    let marks: &[&str] = match ending {
        "rs" | "go" => &["//"],
        "py" | "sh" => &["#"],
        "c" | "cc" | "h" | "hpp" => &["//", "/*", "* "],
        _ => &[],
    };
    let line = line.trim_start();
    let text = marks.iter().find_map(|mark| line.strip_prefix(mark))?;
    Some(text.trim_start_matches(['/', '!', ':', '*', ' ']))
}

/// The lines of comment of a file that are wider than the code, by number. Drawings, tables and examples have
/// the width that they need, and links cannot be broken.
fn too_wide(ending: &str, text: &str) -> Vec<usize> {
    let mut is_verbatim = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some(comment) = comment(ending, line) else {
            is_verbatim = false;
            continue;
        };
        let is_fence = comment.starts_with("```");
        is_verbatim ^= is_fence;
        let is_free = is_fence || is_verbatim || comment.starts_with('|') || comment.contains("://");
        if !is_free && line.chars().count() > WIDTH {
            found.push(number + 1);
        }
    }
    found
}

/// Whether a text has these words in a row, whatever stands around them.
fn has(text: &str, words: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(words).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + words.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The ending of a file's name.
fn ending(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// All files of the project's own that are read by people, with their text.
fn read() -> impl Iterator<Item = (PathBuf, String)> {
    let found = find(|path| ENDINGS.contains(&ending(path)));
    found.into_iter().filter(|(path, _)| !path.starts_with(FOREIGN))
}

#[test]
fn comments_are_as_wide_as_code() {
    let found: Vec<String> = read()
        .flat_map(|(path, text)| {
            let lines = too_wide(ending(&path), &text);
            lines.into_iter().map(|line| format!("{}:{line}", path.display())).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "comments of more than {WIDTH} columns:\n{}", found.join("\n"));
}

#[test]
fn wide_comments_are_found() {
    let long = "x ".repeat(WIDTH);
    assert_eq!(too_wide("rs", &format!("//! {long}\nlet x = 1; // {long}\n    /// {long}")), [1, 3]);
    assert_eq!(too_wide("c", &format!("/* {long}\n * {long} */\nint *{long}")), [1, 2]);
    assert_eq!(too_wide("sh", &format!("# {long}")), [1]);
    assert_eq!(too_wide("md", &format!("# {long}")), [0; 0]);
    assert_eq!(
        too_wide("rs", &format!("/// ```\n/// {long}\n/// ```\n/// | {long}\n/// <https://{long}>")),
        [0; 0]
    );
    assert_eq!(too_wide("rs", &format!("/// ```\n/// {long}\n/// ```\n/// {long}")), [4]);
}

#[test]
fn listed_words_are_not_used() {
    let list: Vec<&str> = include_str!("words.txt").lines().collect();
    let mut found = Vec::new();
    for (path, text) in read() {
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
