//! `wasmaot verify`: both forms, executables, folders, and what is not proven.

use crate::support::Place;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use wasmaot_abi::header::{Header, MAGIC};

const MODULE: &str = r#"(module (memory 1)
    (func (export "load") (param i32) (result i32) (i32.load offset=8 (local.get 0)))
    (func (export "_start")))"#;

/// The file offset of `mov esi, esi`, which extends the index of the load.
fn extension(bytes: &[u8]) -> usize {
    let load = [0xf6, 0x8b, 0x44, 0x37, 0x08];
    let load = bytes.windows(load.len()).position(|window| window == load);
    load.expect("the load is as it always was") - 1
}

/// Makes the checksum that of the contents again, after a change.
fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = bytes.windows(MAGIC.len()).position(|window| window == MAGIC).expect("a header");
    let mut header = Header::from_bytes(&bytes[at..]).expect("a header");
    header.checksum = 0;
    bytes[at..at + Header::SIZE].copy_from_slice(&header.to_bytes());
    header.checksum = crc32fast::hash(&bytes);
    bytes[at..at + Header::SIZE].copy_from_slice(&header.to_bytes());
    bytes
}

/// Takes the extension of an index away, with two bytes that do nothing: the index is any number of 64 bits
/// then.
fn without_extension(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = extension(&bytes);
    bytes[at..at + 2].copy_from_slice(&[0x66, 0x90]);
    with_checksum(bytes)
}

/// An artifact of [`MODULE`] that is not proven; its name.
fn rejected(place: &Place) -> String {
    let name = place.artifact("a", MODULE);
    let bytes = std::fs::read(place.path(&name)).expect("the artifact");
    place.file(&name, without_extension(bytes));
    name
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn what_the_compiler_makes_is_proven() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let text = place.run(&["verify", &name]).status(0).silent().stdout;
    assert!(text.starts_with("a.so: proven: 4 functions, "), "{text}");
    assert!(text.contains("not among them: "), "{text}");
    let report = parsed(&place.run(&["verify", &name, "--json", "--jobs", "1"]).status(0).silent().stdout);
    assert_eq!(report["proven"], true);
    assert_eq!(report["functions"], 4);
    assert!(report["not_proven"].as_array().is_some_and(|list| !list.is_empty()));
}

#[test]
fn a_rejection_names_what_does_not_hold_and_where() {
    let place = Place::new();
    let name = rejected(&place);
    let text = place.run(&["verify", &name]).status(1).silent().stdout;
    assert!(text.starts_with("a.so: not proven: 1 rejection\nmemory: "), "{text}");
    assert!(text.contains("in function 0") && text.contains("mov eax,[rdi+rsi+8]"), "{text}");
    let report = parsed(&place.run(&["verify", &name, "--json"]).status(1).silent().stdout);
    let rejection = &report["rejections"][0];
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
    let name = rejected(&place);
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

/// A proof is about a file that is loaded: what loading refuses, whatever the code is like, is not proven.
#[test]
fn what_would_not_be_loaded_is_not_proven() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let whole = std::fs::read(place.path(&name)).expect("the artifact");
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes
    };
    let name_at = whole.windows(5).position(|window| window == b"_star").expect("the export's name");
    let text_at = extension(&whole);
    for (what, bytes, reason) in [
        ("machine", with_checksum(changed(18, 183)), "the ELF header"),
        ("kind", with_checksum(changed(16, 2)), "the ELF header"),
        ("name", changed(name_at, b'x'), "checksum"),
        ("code", changed(text_at + 1, whole[text_at + 1] ^ 1), "checksum"),
        ("longer", [&whole[..], &[0; 8]].concat(), "bytes"),
    ] {
        place.file("bad.so", &bytes);
        let refused = place.run(&["run", "--invoke", "load", "bad.so", "0"]).status(1);
        let cause = refused.stderr.lines().find_map(|line| line.strip_prefix("  cause: "));
        let cause = cause.unwrap_or_else(|| panic!("no cause: {refused:#?}"));
        let text = place.run(&["verify", "bad.so"]).status(1).silent().stdout;
        assert_eq!(text, format!("bad.so: not proven: 1 rejection\nform: {cause}\n"), "{what}");
        assert!(cause.contains(reason), "{what}: {cause}");
        let line = parsed(&place.run(&["verify", "bad.so", "--json"]).status(1).silent().stdout);
        let rejection = json!([{ "property": "form", "problem": cause, "place": null }]);
        assert_eq!((&line["proven"], &line["rejections"]), (&json!(false), &rejection), "{what}");
    }
}

/// Another machine has to be able to run what is proven, not this one.
#[test]
fn a_proof_needs_no_cpu() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let mut bytes = std::fs::read(place.path(&name)).expect("the artifact");
    let at = bytes.windows(MAGIC.len()).position(|window| window == MAGIC).expect("a header");
    let mut header = Header::from_bytes(&bytes[at..]).expect("a header");
    header.cpu_features |= 1 << 63;
    bytes[at..at + Header::SIZE].copy_from_slice(&header.to_bytes());
    place.file(&name, with_checksum(bytes));
    place.run(&["run", &name]).status(1).stderr_has(&["CPU features that this machine lacks"]);
    place.run(&["verify", &name]).status(0).silent();
}

#[test]
fn a_file_that_cannot_be_examined_does_not_keep_others_from_being_verified() {
    let place = Place::new();
    for name in ["one", "three"] {
        place.artifact(name, MODULE);
    }
    place.file("four.so", "");
    place.file("two.so", "junk");
    std::fs::create_dir(place.path("empty")).expect("a writable folder");
    let run = place.run(&["verify", ".", "missing.so", "empty", "one.so"]).status(1);
    for (name, state) in [
        ("./four.so", "not proven"),
        ("./one.so", "proven: "),
        ("./three.so", "proven: "),
        ("./two.so", "not proven"),
        ("missing.so", "not proven"),
        ("empty", "not proven"),
    ] {
        assert!(run.stdout.contains(&format!("{name}: {state}")), "{name}: {run:#?}");
    }
    assert!(!run.stdout.contains("properties"), "{run:#?}");
    let run = run.stderr_has(&[
        "error: `./two.so` is not an artifact",
        "error: cannot read `missing.so`",
        "error: `empty` has no file",
        "error: 4 of 7 files not proven",
    ]);
    let lines = place.run(&["verify", ".", "missing.so", "empty", "one.so", "--json"]).status(1);
    let lines: Vec<Value> = lines.stdout.lines().map(parsed).collect();
    let proven: Vec<_> = lines.iter().map(|line| line["proven"].as_bool().expect("a truth value")).collect();
    assert_eq!(proven, [false, true, true, false, false, false, true], "{run:#?}");
    let keys = |line: &Value| line.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert!(lines.iter().all(|line| keys(line) == keys(&lines[0])), "{lines:#?}");
    for line in &lines {
        assert_eq!(line["error"].is_null(), line["proven"] == true, "{line}");
    }
}

#[test]
fn signatures_are_made_and_asked_for() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let plain = std::fs::read(place.path(&name)).expect("the artifact");
    for key in ["one", "two"] {
        let shown = place.run(&["keygen", key]).status(0).silent().stdout;
        assert!(shown.starts_with(&format!("{key}.pub: ")) && shown.len() == key.len() + 6 + 65, "{shown}");
    }
    let mode = std::fs::metadata(place.path("one")).expect("the key").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    place.run(&["keygen", "one"]).status(1).stderr_has(&["cannot write `one`", "exists"]);
    let verify = |key: &str| place.run(&["verify", "--public-key", key, &name]);
    let run = |key: &str| place.run(&["run", "--public-key", key, &name]);
    for not_signed in [verify("one.pub"), run("one.pub")] {
        not_signed.status(1).stderr_has(&["signed by the key"]);
    }
    // In the file, by both keys, in any order and again.
    for key in ["one", "two", "one"] {
        place.run(&["sign", "--key", key, &name]).status(0).stdout("").silent();
    }
    assert_eq!(std::fs::read(place.path(&name)).expect("the artifact").len(), plain.len() + 2 * 112);
    for key in ["one.pub", "two.pub"] {
        verify(key).status(0).silent();
        run(key).status(0).silent();
        place.run(&["run", "--allow-native", "--public-key", key, &name]).status(0).silent();
    }
    place.run(&["verify", &name]).status(0).silent();
    place.run(&["run", &name]).status(0).silent();
    let inspected = parsed(&place.run(&["inspect", "--json", &name]).status(0).stdout);
    assert_eq!(inspected["signatures"].as_array().map(Vec::len), Some(2));
    assert_eq!(inspected["problems"].as_array().map(Vec::len), Some(0));
    // Another key; a changed artifact with the checksum that it has to have.
    place.run(&["keygen", "three"]).status(0);
    verify("three.pub").status(1).stderr_has(&["is not signed by the key"]);
    run("three.pub").status(1).stderr_has(&["cannot load `a.so`", "not signed by the key: its 2 signatures"]);
    let both = ["run", "--public-key", "three.pub", "--public-key", "two.pub", &name];
    place.run(&both).status(0).silent();
    let signed = std::fs::read(place.path(&name)).expect("the artifact");
    place.file(&name, [&without_extension(plain.clone())[..], &signed[plain.len()..]].concat());
    for not_signed in [verify("one.pub"), run("one.pub")] {
        not_signed.status(1).stderr_has(&["signed by the key"]);
    }
    // In a file of its own.
    place.file(&name, &plain);
    place.run(&["sign", "--detached", "--key", "one", &name]).status(0).silent();
    assert_eq!(std::fs::read(place.path("a.so.sig")).expect("the signature").len(), 64);
    verify("one.pub").status(0).silent();
    run("one.pub").status(0).silent();
    verify("two.pub").status(1);
    run("two.pub").status(1).stderr_has(&["its signature is by another key"]);
    // What is no key, and what cannot be signed.
    run("a.so.sig").status(1).stderr_has(&["cannot read `a.so.sig`"]);
    run("one").status(1).stderr_has(&["`one` is not a key", "BEGIN PUBLIC KEY"]);
    place.run(&["sign", "--key", "one.pub", &name]).status(1).stderr_has(&["`one.pub` is not a key"]);
    place.run(&["sign", "--key", "one", "a.wat"]).status(1).stderr_has(&["not an artifact"]);
    place.run(&["run", "--public-key", "one.pub", "a.wat"]).status(1).stderr_has(&["`a.wat` is not signed"]);
}

#[test]
fn artifacts_are_made_again_and_compared() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let rebuild = |module: &str, name: &str| place.run(&["verify", "--rebuild", module, name]);
    rebuild("a.wat", &name).status(0).silent();
    let line = ["compile", "a.wat", "-O2", "--meter", "--disable", "threads", "--target-cpu", "x86-64-v3"];
    place.run(&[&line[..], &["-o", "b.so", "--quiet"]].concat()).status(0);
    rebuild("a.wat", "b.so").status(0).silent();
    let record = &parsed(&place.run(&["inspect", "--json", "b.so"]).status(0).stdout)["build"];
    assert_eq!(
        (&record["optimisation"], &record["refused_features"][0]),
        (&parsed("2"), &parsed("\"threads\""))
    );
    assert_eq!(record["input_sha256"].as_str().map(str::len), Some(64));
    // Signed artifacts are what they were.
    place.run(&["keygen", "key"]).status(0);
    place.run(&["sign", "--key", "key", &name]).status(0);
    rebuild("a.wat", &name).status(0).silent();
    // Another module, and an artifact that says what is not so.
    place.file("c.wat", "(module)");
    rebuild("c.wat", &name).status(1).stderr_has(&["`a.so` cannot be made again", "of another module"]);
    let mut bytes = std::fs::read(place.path("b.so")).expect("the artifact");
    let text = bytes.windows(2).rposition(|window| window == b"\xc3\0").expect("a return, and padding");
    bytes[text + 1] = 0x90;
    place.file("b.so", with_checksum(bytes));
    rebuild("a.wat", "b.so")
        .status(1)
        .stderr_has(&["`b.so` is not what `a.wat` compiles to", "from byte 0x"]);
}

#[test]
fn provenance_names_input_output_and_options() {
    let place = Place::new();
    place.file("a.wat", MODULE);
    let compile = || {
        place
            .run(&[
                "compile",
                "a.wat",
                "--quiet",
                "-O2",
                "--no-debug",
                "--without-pass",
                "merge",
                "--provenance",
                "a.json",
            ])
            .status(0)
            .silent();
        std::fs::read_to_string(place.path("a.json")).expect("the statement")
    };
    let text = compile();
    assert_eq!(compile(), text, "it is the same each time");
    let statement = parsed(&text);
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    assert_eq!(statement["subject"][0]["name"], "a.so");
    let build = &statement["predicate"]["buildDefinition"];
    assert_eq!(build["externalParameters"]["source"]["name"], "a.wat");
    assert_eq!(build["externalParameters"]["optimisation"], 2);
    assert_eq!(build["externalParameters"]["noDebug"], true);
    assert_eq!(build["externalParameters"]["passesLeftOut"], json!(["merge"]));
    let recorded = parsed(&place.run(&["inspect", "--json", "a.so"]).stdout);
    assert_eq!(build["resolvedDependencies"][0]["digest"]["sha256"], recorded["build"]["input_sha256"]);
    assert_eq!(recorded["build"]["left_out_passes"], json!(["merge"]));
    let sha256sum = std::process::Command::new("sha256sum").arg(place.path("a.so")).output();
    if let Ok(output) = sha256sum {
        let digest = String::from_utf8_lossy(&output.stdout)[..64].to_string();
        assert_eq!(statement["subject"][0]["digest"]["sha256"], digest);
    }
    place.file("b.wat", "(module)");
    let several = ["compile", "a.wat", "b.wat", "--provenance", "a.json"];
    place.run(&several).status(1).stderr_has(&["`--provenance` is for one output"]);
}
