//! What the documentation of public items has.
//!
//! **Invariants.** A public function that returns a `Result` says under `# Errors` when it fails. Libraries
//! name no option of the command, and the form of an artifact is no part of the runtime's API.

use std::path::{Path, PathBuf};

/// The libraries of the workspace that embedders see, and those that they are made of.
const LIBRARIES: [&str; 11] = [
    "compiler/src",
    "compiler/capi/src",
    "cli/image/src",
    "cli/program/src",
    "runtime-shim/abi/src",
    "runtime-shim/capi/src",
    "runtime-shim/embed/src",
    "runtime-shim/src",
    "runtime-shim/signature/src",
    "runtime-shim/verifier/src",
    "runtime-shim/wasi/src",
];

/// Types that a host meets, with the files that define them: each has an example.
const EXAMPLES: [(&str, &str); 37] = [
    ("runtime-shim/embed/src/engine.rs", "Engine"),
    ("runtime-shim/src/api/caller.rs", "Caller"),
    ("runtime-shim/src/api/error.rs", "CallError"),
    ("runtime-shim/src/api/error.rs", "HostError"),
    ("runtime-shim/src/api/error.rs", "InstantiateError"),
    ("runtime-shim/src/api/exception.rs", "Exception"),
    ("runtime-shim/src/api/exception.rs", "Tag"),
    ("runtime-shim/src/api/extern_type.rs", "ExternType"),
    ("runtime-shim/src/api/externs.rs", "Extern"),
    ("runtime-shim/src/api/externs.rs", "Global"),
    ("runtime-shim/src/api/externs.rs", "Memory"),
    ("runtime-shim/src/api/externs.rs", "Table"),
    ("runtime-shim/src/api/func.rs", "Func"),
    ("runtime-shim/src/api/func.rs", "TypedFunc"),
    ("runtime-shim/src/api/instance.rs", "Instance"),
    ("runtime-shim/src/api/linker.rs", "Linker"),
    ("runtime-shim/src/api/memory_data.rs", "MemoryData"),
    ("runtime-shim/src/api/store.rs", "AsStore"),
    ("runtime-shim/src/api/store.rs", "Store"),
    ("runtime-shim/src/api/suspend/future.rs", "Complete"),
    ("runtime-shim/src/api/suspend/mod.rs", "Outcome"),
    ("runtime-shim/src/api/suspend/mod.rs", "Suspend"),
    ("runtime-shim/src/api/suspend/mod.rs", "Suspended"),
    ("runtime-shim/src/api/trap.rs", "Trap"),
    ("runtime-shim/src/api/val.rs", "Val"),
    ("runtime-shim/src/code/module/mod.rs", "Module"),
    ("runtime-shim/src/pool/config.rs", "PoolConfig"),
    ("runtime-shim/src/pool/instance.rs", "PooledInstance"),
    ("runtime-shim/src/pool/instance.rs", "Usage"),
    ("runtime-shim/src/pool/linked.rs", "InstancePre"),
    ("runtime-shim/src/pool/mod.rs", "Pool"),
    ("runtime-shim/src/pool/mod.rs", "PoolStats"),
    ("runtime-shim/src/run/interrupt/mod.rs", "InterruptHandle"),
    ("runtime-shim/src/state/demand.rs", "ModuleLimits"),
    ("runtime-shim/src/state/limits.rs", "ResourceLimits"),
    ("runtime-shim/src/state/shared.rs", "SharedMemory"),
    ("runtime-shim/wasi/src/builder.rs", "WasiCtxBuilder"),
];

/// Types that only crates meet which know the form of an artifact.
const OF_ARTIFACTS: [&str; 5] = ["Descriptor", "Header", "FileRange", "&[Import]", "&[Export]"];

/// The name of the public function that a line begins.
fn function(line: &str) -> Option<&str> {
    let mut rest = line.trim_start().strip_prefix("pub ")?;
    for word in ["const ", "async ", concat!("un", "safe ")] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest.strip_prefix("fn ")?.split(['<', '(']).next()
}

/// The signature of the function that begins with these lines.
fn signature(lines: &[&str]) -> String {
    let end = lines.iter().position(|line| line.trim_end().ends_with(['{', ';']));
    lines[..=end.unwrap_or(0)].join(" ")
}

/// Whether the function whose signature begins with these lines returns a `Result`.
fn returns_a_result(lines: &[&str]) -> bool {
    let signature = signature(lines);
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

/// The sources of some libraries, tests left out.
fn libraries(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let is_wanted = |path: &Path| {
        let is_test = path.components().any(|part| part.as_os_str().to_string_lossy().contains("test"));
        folders.iter().any(|folder| path.starts_with(folder)) && !is_test
    };
    crate::sources().into_iter().filter(|(path, _)| is_wanted(path)).collect()
}

#[test]
fn functions_that_fail_say_when() {
    let (mut checked, mut missing) = (0, Vec::new());
    for (path, text) in libraries(&LIBRARIES) {
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

/// Whether a line of code has text that names an option, as a command line has it.
fn names_an_option(line: &str) -> bool {
    let texts = crate::code(line).split('"').skip(1).step_by(2);
    texts.flat_map(|text| text.split([' ', '`', '('])).any(|word| {
        let option = word.strip_prefix("--").unwrap_or_default();
        option.len() > 1 && option.starts_with(|c: char| c.is_ascii_lowercase())
    })
}

#[test]
fn libraries_name_no_options_of_the_command() {
    assert!(names_an_option(r#"#[error("compile without `--disable {feature}`")]"#));
    assert!(!names_an_option(r#"assert_eq!(permissions, "---p") // --all"#));
    let mut found = Vec::new();
    let is_library = |folder: &&&str| !folder.starts_with("cli/");
    let folders: Vec<&str> = LIBRARIES.iter().filter(is_library).copied().collect();
    for (path, text) in libraries(&folders) {
        let offends = lines(&text).into_iter().enumerate().filter(|(_, line)| names_an_option(line));
        found.extend(offends.map(|(number, line)| format!("{}:{}: {line}", path.display(), number + 1)));
    }
    assert!(found.is_empty(), "libraries name options:\n{}", found.join("\n"));
}

#[test]
fn the_form_of_artifacts_is_no_part_of_the_api() {
    let (mut hidden, mut shown) = (0, Vec::new());
    for (path, text) in libraries(&["runtime-shim/src", "runtime-shim/wasi/src", "runtime-shim/embed/src"]) {
        let lines = lines(&text);
        for (number, line) in lines.iter().enumerate() {
            let names = |signature: String| OF_ARTIFACTS.iter().any(|ty| signature.contains(ty));
            let Some(name) = function(line).filter(|_| names(signature(&lines[number..]))) else { continue };
            if documentation(&lines, number).contains(&"#[doc(hidden)]") {
                hidden += 1;
            } else {
                shown.push(format!("{}:{}: {name}", path.display(), number + 1));
            }
        }
    }
    assert!(hidden >= 3, "the functions for crates that know the format are not found: {hidden}");
    assert!(shown.is_empty(), "functions with types of the artifact's form:\n{}", shown.join("\n"));
    let root = std::fs::read_to_string(wasmaot_tests::repository().join("runtime-shim/src/lib.rs"));
    assert!(!root.expect("a root").contains("pub use wasmaot_abi as"));
}
