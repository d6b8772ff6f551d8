//! The paths in a Rust file that lead to modules of its crate.
//!
//! A scanner of tokens is enough for that: what counts is `crate::`, `super::`, `self::` and the
//! names of a module's own submodules, in front of `::` or in a `use`. **Invariant: what is behind
//! `#[cfg(test)]` is not looked at.**

use std::collections::{BTreeMap, BTreeSet};

/// The files of a crate, by the path of their module.
pub(super) type Modules = BTreeMap<Vec<String>, String>;

/// The path of a file's module, the crate's own being empty.
pub(super) fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    if matches!(path, "lib" | "main") { Vec::new() } else { path.split('/').map(str::to_string).collect() }
}

/// What the text of a module leads to.
pub(super) struct Scan {
    /// The files that it names.
    pub(super) named: BTreeSet<String>,
    /// Its submodules behind `#[cfg(test)]`.
    pub(super) tests: BTreeSet<Vec<String>>,
}

/// Looks for the paths in the text of a module.
pub(super) fn scan(module: &[String], text: &str, modules: &Modules) -> Scan {
    let found = Scan { named: BTreeSet::new(), tests: BTreeSet::new() };
    let mut scanner = Scanner { tokens: tokens(text), at: 0, module, modules, found };
    scanner.items(0);
    scanner.found
}

/// Splits a text into identifiers, `::`, and single characters; comments, strings and numbers are
/// left out.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut tokens, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let rest = &chars[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().take_while(|&&c| c != '\n').count(),
            ['r', '#', '"', ..] => {
                3 + rest[3..].windows(2).take_while(|pair| pair != &['"', '#']).count() + 2
            }
            ['"', ..] => string_length(rest),
            ['\'', '\\', ..] => 3 + rest[3..].iter().take_while(|&&c| c != '\'').count() + 1,
            ['\'', _, '\'', ..] => 3,
            [':', ':', ..] => 2,
            [first, ..] if is_word(*first) => rest.iter().take_while(|&&c| is_word(c)).count(),
            _ => 1,
        };
        let token: String = rest.iter().take(length).collect();
        let counts = match token.chars().next() {
            Some('/' | '"' | '\'') => length == 1,
            Some(first) => !first.is_whitespace() && !token.starts_with("r#\""),
            None => false,
        };
        if counts {
            tokens.push(token);
        }
        at += length;
    }
    tokens
}

/// Characters of a string literal with both quotes.
fn string_length(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

struct Scanner<'a> {
    tokens: Vec<String>,
    at: usize,
    module: &'a [String],
    modules: &'a Modules,
    found: Scan,
}

impl Scanner<'_> {
    fn token(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| token)
    }

    fn starts_with(&self, wanted: &[&str]) -> bool {
        wanted.iter().enumerate().all(|(ahead, wanted)| self.token(ahead) == *wanted)
    }

    /// Reads up to the end of the block, `inline` modules below the file's.
    fn items(&mut self, inline: usize) {
        while self.at < self.tokens.len() {
            if self.starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) {
                self.at += 7;
                self.skip_item();
            } else if self.token(0) == "}" {
                self.at += 1;
                return;
            } else if self.token(0) == "{" {
                self.at += 1;
                self.items(inline);
            } else if self.token(0) == "mod" && self.token(2) == "{" {
                self.at += 3;
                self.items(inline + 1);
            } else if self.token(0) == "use" && self.token(1) != "<" {
                self.at += 1;
                self.tree(&[], inline);
            } else {
                self.path(inline);
            }
        }
    }

    /// Skips an item: up to a semicolon, or to the end of its block.
    fn skip_item(&mut self) {
        let (mut depth, is_use) = (0, self.token(0) == "use");
        let visible = if self.starts_with(&["pub", "(", "crate", ")"]) { 4 } else { 0 };
        if self.token(visible) == "mod" && self.token(visible + 2) == ";" {
            let name = self.token(visible + 1).to_string();
            self.found.tests.insert(self.module.iter().cloned().chain([name]).collect());
        }
        while self.at < self.tokens.len() {
            match self.token(0) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            let ends = depth == 0 && (self.token(0) == ";" || (self.token(0) == "}" && !is_use));
            self.at += 1;
            if ends {
                return;
            }
        }
    }

    /// Reads a tree of a `use`, behind these segments.
    fn tree(&mut self, before: &[String], inline: usize) {
        let mut path = before.to_vec();
        loop {
            match self.token(0) {
                "{" => {
                    self.at += 1;
                    while self.token(0) != "}" && self.at < self.tokens.len() {
                        self.tree(&path, inline);
                        if self.token(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "::" => {}
                "as" => self.at += 1,
                "," | "}" | ";" | "" => break,
                segment => path.push(segment.to_string()),
            }
            self.at += 1;
        }
        self.add(&path, inline);
    }

    /// Reads a path that is not in a `use`, or one token that begins none.
    fn path(&mut self, inline: usize) {
        let follows = self.at > 0 && matches!(&*self.tokens[self.at - 1], "::" | ".");
        let begins = self.token(1) == "::" && !follows;
        let mut path = vec![self.token(0).to_string()];
        self.at += 1;
        if begins {
            while self.token(0) == "::" && !matches!(self.token(1), "<" | "{" | "*") {
                path.push(self.token(1).to_string());
                self.at += 2;
            }
            self.add(&path, inline);
        }
    }

    /// Adds the file that a path leads to.
    fn add(&mut self, path: &[String], inline: usize) {
        let up = path.iter().take_while(|segment| *segment == "super").count();
        let from_here = |up: usize| {
            let depth = (self.module.len() + inline).checked_sub(up).expect("a path inside the crate");
            self.module[..depth.min(self.module.len())].to_vec()
        };
        let start = match path.first().map(|segment| &**segment) {
            Some("crate") => Vec::new(),
            Some("self") => from_here(up),
            Some("super") => from_here(up),
            Some(child) => {
                let mut start = self.module.to_vec();
                start.push(child.to_string());
                if !self.modules.contains_key(&start) {
                    return;
                }
                self.module.to_vec()
            }
            None => return,
        };
        let rest = path.iter().filter(|segment| !matches!(&***segment, "crate" | "self" | "super" | "$"));
        let full: Vec<String> = start.into_iter().chain(rest.cloned()).collect();
        let longest = (0..=full.len()).rev().find_map(|length| self.modules.get(&full[..length]));
        self.found.named.extend(longest.cloned());
    }
}
