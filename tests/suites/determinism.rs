//! The output depends on nothing but input, options and version: the number of worker threads least of all.

use std::fmt::Write;
use wasmaot_compiler::{Emit, Options};
use wasmaot_tests::{Random, files, repository};

fn compile(wasm: &[u8], emit: Emit, jobs: usize) -> Vec<u8> {
    let options = Options { emit, jobs, ..Options::default() };
    wasmaot_compiler::compile(wasm, &options, &|_| {}).unwrap_or_else(|e| panic!("{e}")).bytes
}

fn check(name: &str, wasm: &[u8], emit: Emit) {
    let first = compile(wasm, emit, 1);
    for jobs in [1, 2, 8, 0] {
        assert!(first == compile(wasm, emit, jobs), "{name}: {emit:?} differs with {jobs} jobs");
    }
}

/// A module of `count` functions of very different sizes that call each other, with data and tables.
fn generated(seed: u64, count: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut wat = String::from("(module (memory 3) (global $g (mut i64) (i64.const 5))");
    for index in 0..count {
        write!(wat, "(func $f{index} (export \"f{index}\") (param i32 i64) (result i64) (local.get 1)")
            .expect("a string grows");
        for _ in 0..random.below(60) {
            let step = match random.below(5) {
                0 => format!("(i64.add (i64.load offset={} (local.get 0)))", random.below(1 << 20)),
                1 => format!("(i64.xor (i64.const {}))", random.number() as i64),
                2 => "(i64.rotl (global.get $g))".to_string(),
                3 => format!("(local.set 1) (local.get 0) (local.get 1) (call $f{})", random.below(count)),
                _ => "(local.tee 1) (i64.div_u (i64.or (local.get 1) (i64.const 1)))".to_string(),
            };
            wat += &step;
        }
        wat += ")";
    }
    write!(
        wat,
        "(table funcref (elem {}))",
        (0..count).map(|index| format!("$f{index} ")).collect::<String>()
    )
    .expect("a string grows");
    for index in 0..20 {
        let bytes: String = random.bytes(200).iter().map(|byte| format!("\\{byte:02x}")).collect();
        write!(wat, "(data (i32.const {}) \"{bytes}\")", index * 7_919).expect("a string grows");
    }
    wat::parse_str(wat + ")").unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn generated_modules() {
    for seed in 0..3 {
        check(&format!("module {seed}"), &generated(seed, 80), Emit::SharedObject);
    }
    let wasm = generated(3, 20);
    for emit in [Emit::Object, Emit::Clif, Emit::Asm] {
        check("module 3", &wasm, emit);
    }
}

#[test]
fn programs() {
    let programs = files(&repository().join("benchmarks/programs"), "wasm");
    assert!(programs.len() > 5);
    for path in &programs {
        let wasm = std::fs::read(path).expect("a readable file");
        check(&path.display().to_string(), &wasm, Emit::SharedObject);
    }
}
