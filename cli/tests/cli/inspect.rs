//! `wasmaot inspect`: both forms, and artifacts that cannot be loaded here.

use crate::support::Place;
use serde_json::{Value, json};

const MODULE: &str = include_str!("../guests/shape.wat");

#[test]
fn json_has_it_all() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let run = place.run(&["inspect", &name, "--json"]).status(0).silent();
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(report["problems"], json!([]));
    assert_eq!(report["size"], std::fs::metadata(place.path(&name)).expect("the artifact").len());
    assert_eq!(report["cpu"]["level"], "x86-64-v2");
    assert_eq!(report["abi"]["major"], wasmaot_abi::version::ABI_MAJOR);
    assert_eq!(report["checksum"]["stated"], report["checksum"]["actual"]);
    assert!(report["producer"].as_str().is_some_and(|producer| producer.starts_with("wasmaot ")));
    assert_eq!(
        report["imports"],
        json!([
            { "module": "wasi_snapshot_preview1", "name": "fd_write", "kind": "func",
              "type": { "params": ["i32", "i32", "i32", "i32"], "results": ["i32"] } },
            { "module": "env", "name": "\u{1b}[2J", "kind": "global",
              "type": { "value": "i64", "mutable": false } },
        ])
    );
    assert_eq!(
        report["exports"],
        json!([
            { "name": "memory", "kind": "memory", "type": { "min_pages": 2, "max_pages": 9, "page_size": 65536, "index": "i32", "shared": false } },
            { "name": "g", "kind": "global", "type": { "value": "i32", "mutable": true } },
            { "name": "_start", "kind": "func", "type": { "params": [], "results": [] } },
            { "name": "pair", "kind": "func", "type": { "params": ["i32", "f64"], "results": ["i64", "f32"] } },
        ])
    );
    assert_eq!(report["memories"][0]["image_bytes"], 4096);
    assert_eq!(report["tables"][0]["constant"], true);
    assert_eq!(report["globals"], 1);
    assert_eq!(report["metered"], false);
    let sections = report["sections"].as_array().expect("a list");
    for wanted in [".text", ".wasmaot.module", ".dynsym"] {
        assert!(sections.iter().any(|section| section["name"] == wanted && section["size"] != 0), "{wanted}");
    }
}

#[test]
fn text_has_it_all_and_no_control_characters() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let run = place.run(&["inspect", &name]).status(0).silent();
    for wanted in [
        "cpu            x86-64-v2 (",
        "\"wasi_snapshot_preview1\" \"fd_write\": func (i32, i32, i32, i32) -> (i32)",
        "\"env\" \"\\u{1b}[2J\": global i64",
        "\"memory\": memory 2 to 9 pages",
        "\"pair\": func (i32, f64) -> (i64, f32)",
        "0: 3 to 3 of funcref, constant",
        ".text ",
    ] {
        assert!(run.stdout.contains(wanted), "no {wanted:?} in {run:#?}");
    }
    assert!(!run.stdout.contains('\u{1b}'));
    assert!(!run.stdout.contains("problem"));
}

/// WASI's pointers have 32 bits: that such a module is no program is told before it is run.
#[test]
fn wasi_with_wide_addresses_is_a_problem() {
    let place = Place::new();
    let text = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (memory (export "memory") i64 1) (func (export "_start")))"#;
    let name = place.artifact("wide", text);
    let run = place.run(&["inspect", &name, "--json"]).status(0).silent();
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let problems = report["problems"].as_array().expect("a list");
    assert!(
        problems.len() == 1 && problems[0].as_str().is_some_and(|text| text.contains("64-bit")),
        "{report}"
    );
    place.file("wide.wat", text.as_bytes());
    for line in [&["run", "wide.so"][..], &["compile", "--emit", "exe", "wide.wat"]] {
        place
            .run(line)
            .status(1)
            .stderr_has(&["uses WASI with a memory of 64-bit addresses", "build for wasm32"]);
    }
    assert!(!place.path("wide").exists(), "what cannot run is not made");
    // A memory of 64-bit addresses alone is none.
    let name = place.artifact("plain", r#"(module (memory i64 1) (func (export "_start")))"#);
    assert!(!place.run(&["inspect", &name]).status(0).stdout.contains("problem"));
}

#[test]
fn an_artifact_of_another_abi_version_is_shown() {
    use wasmaot_abi::header::{Header, MAGIC};
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let mut bytes = std::fs::read(place.path(&name)).expect("the artifact");
    let at = bytes.windows(MAGIC.len()).position(|window| window == MAGIC).expect("a header");
    let mut header = Header::from_bytes(&bytes[at..]).expect("a header");
    (header.major, header.minor, header.cpu_features) = (99, 7, 1 << 63);
    bytes[at..at + Header::SIZE].copy_from_slice(&header.to_bytes());
    place.file("other.so", &bytes);
    let text = place.run(&["inspect", "other.so"]).status(0).silent().stdout;
    for wanted in
        ["abi            99.7", "its ABI version is 99.7", "CPU lacks unknown", "wrong checksum", ".text"]
    {
        assert!(text.contains(wanted), "no {wanted:?} in {text}");
    }
    let run = place.run(&["inspect", "other.so", "--json"]).status(0);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(report["abi"]["major"], 99);
    assert_eq!(report["cpu"]["level"], Value::Null);
    assert_eq!(report["problems"].as_array().map(Vec::len), Some(3));
    place.run(&["run", "other.so"]).status(1).stderr_has(&["cannot load `other.so`"]);
}

#[test]
fn elf_files_of_other_machines_and_parts_of_files_are_told() {
    let place = Place::new();
    let name = place.artifact("a", MODULE);
    let whole = std::fs::read(place.path(&name)).expect("the artifact");
    let changed = |changes: &[(usize, u8)]| {
        let mut bytes = whole.clone();
        for &(at, byte) in changes {
            bytes[at] = byte;
        }
        bytes
    };
    for (bytes, cause) in [
        (changed(&[(18, 183)]), "it is an ELF file for AArch64 (64-bit ARM), and artifacts are for x86-64"),
        (changed(&[(4, 1), (18, 3)]), "it is an ELF file for 32-bit x86,"),
        (changed(&[(5, 2), (18, 0), (19, 22)]), "it is an ELF file for S/390 (big-endian),"),
        (changed(&[(18, 255)]), "it is an ELF file for machine number 255,"),
        (whole[..20].to_vec(), "it is an ELF file that is cut off: 20 bytes"),
        (whole[..whole.len() - 1].to_vec(), "it is an ELF file that is cut off"),
    ] {
        place.file("other.so", bytes);
        let run = place.run(&["inspect", "other.so"]).status(1).stdout("");
        run.stderr_has(&["error: `other.so` is not an artifact", cause]);
    }
}
