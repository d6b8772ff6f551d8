//! Where the runtime may be unsafe.
//!
//! **Invariant: a file is listed exactly if its code, apart from tests, has the word.** A file that needs it
//! anew is better off with a safe wrapper of a listed one.

use super::layers;

/// The files, and why each needs it.
const LISTED: [(&str, &str); 30] = [
    ("api/module.rs", "functions that load code which is not verified, as the embedder answers for it"),
    ("os/fork.rs", "registers what happens at a fork"),
    ("os/guarded.rs", "copies that may fault, in assembly"),
    ("os/map.rs", "the system calls that map, protect and unmap"),
    ("os/pagemap.rs", "the system call that says which pages were written"),
    ("os/schedule.rs", "system calls about the time and the processors of threads"),
    ("os/stack.rs", "asks the C library for a stack's bounds"),
    ("pool/mod.rs", "what a slot holds belongs to its owner, whom a list says"),
    ("run/activation.rs", "the record of a run, which stubs and handlers reach by its address"),
    ("run/asm/mod.rs", "enters and leaves compiled code"),
    ("run/asm/stubs.rs", "what compiled code calls"),
    ("run/call.rs", "one run of compiled code"),
    ("run/host.rs", "host functions, called by a stub"),
    ("run/instantiate.rs", "hands an instance what it imports"),
    ("run/interrupt/causes.rs", "the kill word, read by a handler"),
    ("run/interrupt/runs.rs", "records of runs on the stacks of a thread"),
    ("run/interrupt/thread.rs", "the record of a thread, found by its handlers"),
    ("run/invoke.rs", "calls by the host, after their checks"),
    ("run/signal/dispositions.rs", "system calls about handlers"),
    ("run/signal/faults.rs", "the handler of faults"),
    ("run/signal/poke.rs", "the handler of pokes"),
    ("run/signal/threads.rs", "system calls about masks and alternate stacks"),
    ("run/store.rs", "references to what a store keeps"),
    ("space/pages.rs", "guest memory, reached by guarded copies"),
    ("space/registry.rs", "words of slots, trackers and tables that handlers find there"),
    ("space/slot.rs", "words of a slot: its record, its stack, lengths"),
    ("space/snapshot.rs", "a value that readers see without a lock"),
    ("state/funcrefs.rs", "records of functions at an address"),
    ("state/instance.rs", "items of an instance's state, by their offsets"),
    ("state/table.rs", "elements, and the cell of a length"),
];

/// The most that there may be.
const MOST: usize = 30;

/// Whether a text has the word in its code, before the tests at its end.
fn is_unsafe(text: &str) -> bool {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let words = |line: &str| {
        let word = concat!("un", "safe");
        super::code(line).split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
    };
    code.lines().any(words)
}

#[test]
fn the_word_is_found_in_code_only() {
    let word = concat!("un", "safe");
    assert!(is_unsafe(&format!("let a = {word} {{ b() }};")));
    assert!(is_unsafe(&format!("{word} fn a() {{}}\n#[cfg(test)]\nmod tests {{\n}}")));
    assert!(!is_unsafe(&format!(
        "// {word}\nlet {word}_a = 1;\n#[cfg(test)]\nmod tests {{\n{word} fn a() {{}}\n}}"
    )));
}

#[test]
fn the_runtime_is_unsafe_in_listed_files_only() {
    let sources = layers::sources_of("runtime-shim/src");
    let found: Vec<&String> =
        sources.iter().filter(|(_, text)| is_unsafe(text)).map(|(file, _)| file).collect();
    let listed = |file: &str| LISTED.iter().any(|(listed, _)| *listed == file);
    let unlisted: Vec<_> = found.iter().filter(|file| !listed(file)).collect();
    assert!(unlisted.is_empty(), "these files are not listed: {unlisted:?}");
    let safe: Vec<_> = LISTED.iter().filter(|(file, _)| !found.iter().any(|found| found == file)).collect();
    assert!(safe.is_empty(), "these files need not be listed any more: {safe:?}");
    assert!(LISTED.len() <= MOST && LISTED.iter().all(|(_, why)| !why.is_empty()));
}
