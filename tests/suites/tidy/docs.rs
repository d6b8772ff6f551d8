//! What the documentation of public items has.
//!
//! **Invariant: a public function that returns a `Result` says under `# Errors` when it fails.**

use std::path::Path;

/// The libraries of the workspace that embedders see, and those that they are made of.
const LIBRARIES: [&str; 7] = [
    "compiler/src",
    "cli/program/src",
    "runtime-shim/abi/src",
    "runtime-shim/embed/src",
    "runtime-shim/src",
    "runtime-shim/verifier/src",
    "runtime-shim/wasi/src",
];

/// Types that a host meets first, with the files that define them: each has an example.
const EXAMPLES: [(&str, &str); 12] = [
    ("runtime-shim/src/api/caller.rs", "Caller"),
    ("runtime-shim/src/api/externs.rs", "Global"),
    ("runtime-shim/src/api/externs.rs", "Memory"),
    ("runtime-shim/src/api/externs.rs", "Table"),
    ("runtime-shim/src/api/func.rs", "Func"),
    ("runtime-shim/src/api/func.rs", "TypedFunc"),
    ("runtime-shim/src/api/instance.rs", "Instance"),
    ("runtime-shim/src/api/store.rs", "AsStore"),
    ("runtime-shim/src/api/store.rs", "Store"),
    ("runtime-shim/src/api/suspend/mod.rs", "Suspend"),
    ("runtime-shim/src/api/suspend/future.rs", "Complete"),
    ("runtime-shim/embed/src/engine.rs", "Engine"),
];

/// The name of the public function that a line begins.
fn function(line: &str) -> Option<&str> {
    let mut rest = line.trim_start().strip_prefix("pub ")?;
    for word in ["const ", "async ", concat!("un", "safe ")] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest.strip_prefix("fn ")?.split(['<', '(']).next()
}

/// Whether the function whose signature begins with these lines returns a `Result`.
fn returns_a_result(lines: &[&str]) -> bool {
    let end = lines.iter().position(|line| line.trim_end().ends_with(['{', ';']));
    let signature = lines[..=end.unwrap_or(0)].join(" ");
    let result = signature.rsplit_once(") -> ").map(|(_, result)| result);
    result.is_some_and(|result| {
        let name = result.split(['<', ' ']).next().unwrap_or_default();
        name == "Result" || name.ends_with("::Result")
    })
}

/// The comment and attributes above a line.
fn documentation<'a>(lines: &[&'a str], line: usize) -> Vec<&'a str> {
    let above = lines[..line].iter().rev().map(|line| line.trim_start());
    above.take_while(|line| line.starts_with("//") || line.starts_with("#[")).collect()
}

/// The lines of a file, without its tests.
fn lines(text: &str) -> Vec<&str> {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text).lines().collect()
}

#[test]
fn functions_that_fail_say_when() {
    let (mut checked, mut missing) = (0, Vec::new());
    for (path, text) in crate::sources() {
        let is_library = LIBRARIES.iter().any(|library| path.starts_with(library));
        if !is_library || path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let lines = lines(&text);
        for (number, line) in lines.iter().enumerate() {
            let Some(name) = function(line).filter(|_| returns_a_result(&lines[number..])) else { continue };
            checked += 1;
            if !documentation(&lines, number).iter().any(|line| line.contains("# Errors")) {
                missing.push(format!("{}:{}: {name}", path.display(), number + 1));
            }
        }
    }
    assert!(checked > 100, "the functions are not found: {checked}");
    assert!(missing.is_empty(), "functions without `# Errors`:\n{}", missing.join("\n"));
}

#[test]
fn types_that_matter_have_an_example() {
    let sources = crate::sources();
    let has_example = |(file, name): &(&str, &str)| {
        let (_, text) = sources.iter().find(|(path, _)| path == Path::new(file)).expect("the file is there");
        let lines = lines(text);
        let is_definition = |line: &&str| {
            ["pub struct ", "pub enum ", "pub trait "].iter().any(|kind| {
                let rest = line.strip_prefix(kind).and_then(|rest| rest.strip_prefix(name));
                rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
            })
        };
        let line = lines.iter().position(is_definition).expect("the type is there");
        documentation(&lines, line).iter().any(|line| line.starts_with("/// ```"))
    };
    let missing: Vec<_> = EXAMPLES.iter().filter(|example| !has_example(example)).collect();
    assert!(missing.is_empty(), "types without an example: {missing:?}");
}
