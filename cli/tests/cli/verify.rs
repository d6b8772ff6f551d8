//! `wasmaot verify`: both forms, executables, folders, and what is not proven.

use crate::support::Place;
use serde_json::Value;

const MODULE: &str = r#"(module (memory 1)
    (func (export "load") (param i32) (result i32) (i32.load offset=8 (local.get 0)))
    (func (export "_start")))"#;

/// The file offset of `mov esi, esi`, which extends the index of the load.
fn extension(bytes: &[u8]) -> usize {
    let load = [0xf6, 0x8b, 0x44, 0x37, 0x08];
    let load = bytes.windows(load.len()).position(|window| window == load);
    load.expect("the load is as it always was") - 1
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn what_the_compiler_makes_is_proven() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let text = place.run(&["verify", &name]).status(0).silent().stdout;
    assert!(text.starts_with("a.so: proven: 4 functions, "), "{text}");
    assert!(text.contains("not among them: "), "{text}");
    let report = json(&place.run(&["verify", &name, "--json", "--jobs", "1"]).status(0).silent().stdout);
    assert_eq!(report["proven"], true);
    assert_eq!(report["files"][0]["functions"], 4);
    assert!(report["not_proven"].as_array().is_some_and(|list| !list.is_empty()));
}

#[test]
fn a_rejection_names_what_does_not_hold_and_where() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let mut bytes = std::fs::read(place.path(&name)).expect("the artifact");
    let at = extension(&bytes);
    // Two bytes that do nothing: the index is any number of 64 bits then.
    bytes[at..at + 2].copy_from_slice(&[0x66, 0x90]);
    std::fs::write(place.path(&name), &bytes).expect("a writable folder");
    let text = place.run(&["verify", &name]).status(1).silent().stdout;
    assert!(text.starts_with("a.so: not proven: 1 rejection\nmemory: "), "{text}");
    assert!(text.contains("in function 0") && text.contains("mov eax,[rdi+rsi+8]"), "{text}");
    let report = json(&place.run(&["verify", &name, "--json"]).status(1).silent().stdout);
    let rejection = &report["files"][0]["rejections"][0];
    assert_eq!(rejection["property"], "memory");
    assert_eq!(rejection["place"]["kind"], "function");
    assert_eq!(rejection["place"]["offset"], 6);
    assert!(rejection["place"]["wasm_offset"].is_u64());
}

#[test]
fn folders_and_executables_are_taken() {
    let place = Place::new();
    place.artifact("one", MODULE);
    place.artifact("two", MODULE);
    let text = place.run(&["verify", "."]).status(0).silent().stdout;
    assert!(text.contains("one.so: proven") && text.contains("two.so: proven"), "{text}");
    std::fs::write(place.path("app.wat"), MODULE).expect("a writable folder");
    place.run(&["compile", "app.wat", "--emit", "exe"]).status(0);
    let text = place.run(&["verify", "app"]).status(0).silent().stdout;
    assert!(text.starts_with("app: proven"), "{text}");
    std::fs::create_dir(place.path("empty")).expect("a writable folder");
    place.run(&["verify", "empty"]).status(1).stderr_has(&["no file whose name ends in `.so`"]);
}

/// The checksum that the file has to have, so that loading it goes as far as the proof.
fn reseal(bytes: &mut [u8]) {
    let header = bytes.windows(8).position(|window| window == b"wasmaot\0").expect("the header");
    let at = header + 32;
    bytes[at..at + 4].fill(0);
    let checksum = crc32fast::hash(bytes);
    bytes[at..at + 4].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn run_proves_artifacts_once() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    std::fs::rename(place.path(&name), place.path("any name")).expect("a writable folder");
    let proofs = || {
        let files = std::fs::read_dir(place.path("cache/wasmaot/proofs")).into_iter().flatten();
        files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".proof"))
            .count()
    };
    assert_eq!(proofs(), 0);
    for _ in 0..2 {
        place.run(&["run", "any name"]).status(0).stdout("").silent();
        assert_eq!(proofs(), 1);
    }
    place.run(&["cache", "clear"]).status(0);
    assert_eq!(proofs(), 0);
    place.run(&["run", "any name"]).status(0).silent();
    assert_eq!(proofs(), 1);
}

#[test]
fn run_refuses_what_is_not_proven_unless_it_is_trusted() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let mut bytes = std::fs::read(place.path(&name)).expect("the artifact");
    let at = extension(&bytes);
    bytes[at..at + 2].copy_from_slice(&[0x66, 0x90]);
    reseal(&mut bytes);
    std::fs::write(place.path(&name), &bytes).expect("a writable folder");
    for _ in 0..2 {
        place.run(&["run", &name]).status(1).stdout("").stderr_has(&[
            "cannot load `a.so`",
            "the machine code is not proven: memory: ",
            "in function 0",
            "hint: ",
            "--allow-native",
        ]);
    }
    place.run(&["run", "--allow-native", &name]).status(0).silent();
}
