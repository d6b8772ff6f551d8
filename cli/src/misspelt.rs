//! What a message about an unknown option suggests: the option that was meant, if one is spelt nearly so.
//!
//! The parser suggests an option only if the letters come in nearly the same order, which misses `--dri`.
//! Where it finds none, it says how to pass the word as a value; no value of this command begins with a dash,
//! so that is no help.

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error};

/// Replaces the suggestions in a message about an unknown option by one of this module's, if the parser has
/// found no similar option. (It takes `-1K` behind an option for one, as that is no number.)
pub(crate) fn suggest(message: &mut Error, command: &Command, line: impl Iterator<Item = String>) {
    if message.get(ContextKind::SuggestedArg).is_some() {
        return;
    }
    message.remove(ContextKind::Suggested);
    let Some(ContextValue::String(word)) = message.get(ContextKind::InvalidArg) else { return };
    if word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        let tip = StyledStr::from("no option takes a negative value");
        message.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
        return;
    }
    let Some(name) = word.strip_prefix("--") else { return };
    let command = selected(command, line);
    let options = command.get_arguments().filter_map(|option| option.get_long());
    let nearest = options.map(|option| (distance(name, option), option)).min();
    if let Some((_, option)) = nearest.filter(|&(distance, option)| distance <= allowed(option)) {
        message.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{option}")));
    }
}

/// The subcommand that a command line names.
fn selected(command: &Command, line: impl Iterator<Item = String>) -> &Command {
    let words = line.take_while(|word| !word.starts_with('-'));
    words.fold(command, |command, word| command.find_subcommand(&word).unwrap_or(command))
}

/// Mistakes that leave a name recognisable.
fn allowed(option: &str) -> usize {
    if option.len() < 5 { 1 } else { 2 }
}

/// Letters inserted, removed, replaced or exchanged with their neighbour between two names (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances_count_mistakes() {
        for (a, b, mistakes) in [
            ("dir", "dir", 0),
            ("dri", "dir", 1),
            ("di", "dir", 1),
            ("dirs", "dir", 1),
            ("die", "dir", 1),
            ("", "dir", 3),
            ("rid", "dir", 2),
            ("timoeuts", "timeout", 2),
            ("quiet", "json", 5),
        ] {
            assert_eq!(distance(a, b), mistakes, "{a} {b}");
            assert_eq!(distance(b, a), mistakes, "{b} {a}");
        }
    }
}
