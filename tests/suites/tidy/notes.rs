//! Notes of unsafe code argue for themselves.
//!
//! **Invariant: a note says something of its own**: what has to hold, or why it does. One that says only
//! where else that is said goes wrong when either place changes.

use super::sources;

/// What begins a note.
const NOTE: &str = concat!("SAF", "ETY: ");

/// The fewest words that a note has, apart from those that point elsewhere.
const FEWEST: usize = 5;

/// What points elsewhere. A quote stands for a word in quotes or brackets.
const POINTERS: [&[&str]; 13] = [
    &["the", "rest", "as"],
    &["as", "the", "caller", "*"],
    &["as", "the", "header", "*"],
    &["as", "the", "module", "*"],
    &["as", "above"],
    &["as", "below"],
    &["as", "in", "`"],
    &["as", "for", "`"],
    &["see", "the", "*"],
    &["see", "above"],
    &["see", "`"],
    &["likewise"],
    &["the", "same"],
];

fn is_quoted(word: &str) -> bool {
    word.starts_with(['`', '['])
}

/// Whether these words begin with a pointer; if so, how many words it has.
fn pointer(words: &[&str]) -> Option<usize> {
    let fits = |(part, word): (&&str, &&str)| match *part {
        "*" => true,
        "`" => is_quoted(word),
        part => word.eq_ignore_ascii_case(part),
    };
    let at = POINTERS.iter().filter(|pointer| pointer.len() <= words.len());
    at.filter(|pointer| pointer.iter().zip(words).all(fits)).map(|pointer| pointer.len()).max()
}

/// How many words a note has of its own; none if it begins with a pointer.
fn own_words(note: &str) -> usize {
    let words = note.split_whitespace().map(|word| word.trim_matches(['.', ',', ';', ':', '(', ')']));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    if pointer(&words).is_some() {
        return 0;
    }
    let (mut at, mut own) = (0, 0);
    while at < words.len() {
        match pointer(&words[at..]) {
            Some(length) => at += length,
            None => (at, own) = (at + 1, own + 1),
        }
    }
    own
}

/// The notes of a text, each with its line.
fn notes(text: &str) -> Vec<(usize, String)> {
    let mut notes: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (line, text) in (1..).zip(text.lines()) {
        let comment = text.trim_start().strip_prefix("// ");
        if let Some((_, note)) = text.split_once("// ").and_then(|(_, comment)| comment.split_once(NOTE)) {
            notes.push((line, note.to_owned()));
            goes_on = true;
        } else if let (true, Some(more), Some((_, note))) = (goes_on, comment, notes.last_mut()) {
            *note = format!("{note} {more}");
        } else {
            goes_on = false;
        }
    }
    notes
}

#[test]
fn pointers_are_told_from_arguments() {
    let empty = [
        "as above.",
        "as the caller states.",
        "see `at`.",
        "as in `read`; the rest as the caller says.",
        "a valid set.",
    ];
    assert!(empty.iter().all(|note| own_words(note) < FEWEST));
    let full = [
        "the slot was taken off a list, so this owns it.",
        "`into` is valid and `from` is inside the mapping.",
    ];
    assert!(full.iter().all(|note| own_words(note) >= FEWEST));
    let text =
        format!("    // {NOTE}one\n    // and more\n    code(); // {NOTE}two\n    // no note\n\n// none\n");
    assert_eq!(notes(&text), [(1, "one and more".to_owned()), (3, "two no note".to_owned())]);
}

#[test]
fn notes_argue_for_themselves() {
    let mut count = 0;
    let mut pointing = Vec::new();
    for (path, text) in sources() {
        let found = notes(&text);
        count += found.len();
        let bad = found.into_iter().filter(|(_, note)| own_words(note) < FEWEST);
        pointing.extend(bad.map(|(line, note)| format!("{}:{line}: {note}", path.display())));
    }
    assert!(count > 300, "the notes are not where this test looks");
    assert!(pointing.is_empty(), "these notes do not say why:\n{}", pointing.join("\n"));
}
