//! Each example prints what it is to.

mod built;

use std::path::Path;
use std::process::Command;

const EXAMPLES: [&str; 8] =
    ["hello", "host_functions", "hot_reload", "limits", "pool", "requests", "tenants", "wasi"];

/// What the example with this name prints.
fn printed(name: &str) -> String {
    let output =
        Command::new(built::examples().join(name)).output().unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(output.status.success(), "{name}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Here, or in the test of its name.
#[test]
fn each_example_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let has_own = |name: &String| folder.join(name).join("main.rs").exists();
    let (own, here): (Vec<_>, Vec<_>) = built::names().into_iter().partition(has_own);
    assert_eq!(here, EXAMPLES);
    assert_eq!(own, ["serve"]);
}

#[test]
fn hello() {
    assert_eq!(printed("hello"), "gcd(48, 36) = 12\n");
}

#[test]
fn wasi() {
    assert_eq!(printed("wasi"), "status 3\nprinted \"program\\0hello\\0\"\n");
}

#[test]
fn host_functions() {
    let expected =
        "run(21) = 42\nrun(-1): a negative number\nlogged [\"from the guest\", \"from the guest\"]\n";
    assert_eq!(printed("host_functions"), expected);
}

#[test]
fn pool() {
    assert_eq!(printed("pool"), "100 requests, 1 instance made\n");
}

#[test]
fn limits() {
    assert_eq!(printed("limits"), "deadline exceeded\nout of fuel\n");
}

#[test]
fn hot_reload() {
    let expected = "running: 1, started: 2\nmixed up: the function: it belongs to another store\n";
    assert_eq!(printed("hot_reload"), expected);
}

#[test]
fn tenants() {
    let expected = "tenant 1: most resets are copies: true\ntenant 2: most resets are copies: true\n";
    assert_eq!(printed("tenants"), expected);
}

#[test]
fn requests() {
    let lines = printed("requests");
    let (first, second) = lines.split_once('\n').expect("two lines");
    assert_eq!(first, "\"olleh\", log [\"hello\"]");
    assert!(second.starts_with("wasm trap: deadline exceeded"), "{second}");
}

/// The Wasmtime guide quotes the example's host verbatim.
#[test]
fn the_guide_quotes_the_host() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path| std::fs::read_to_string(folder.join(path)).expect("UTF-8");
    let (guide, example) = (read("../../docs/from-wasmtime.md"), read("examples/requests.rs"));
    let host =
        example.split("\nfn main()").next().and_then(|text| text.split_once("\n\n")).expect("a host").1;
    assert!(guide.contains(host.trim_end()), "docs/from-wasmtime.md does not show this:\n{host}");
    // The same host against Wasmtime is compiled with the benchmark of both.
    let theirs = read("../../benchmarks/peers/src/requests.rs");
    let theirs = theirs.split("\n/// Serves the two").next().and_then(|text| text.split_once("\n\n"));
    let theirs = theirs.expect("a host").1.trim_end();
    assert!(guide.contains(theirs), "docs/from-wasmtime.md does not show this:\n{theirs}");
    // Not longer than the same host against Wasmtime.
    let blocks: Vec<&str> = guide.split("```").skip(1).step_by(2).collect();
    let lengths: Vec<usize> = blocks.iter().map(|block| block.lines().count()).collect();
    assert!(matches!(lengths[..], [theirs, ours] if ours <= theirs), "{lengths:?}");
}
