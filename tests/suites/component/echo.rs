//! Values of random types go through two components and come back.
//!
//! ```text
//!  host ──lower──▶ memory of A ──adapter──▶ memory of B ──adapter──▶ memory of A ──lift──▶ host
//! ```
//!
//! The adapters lay values out by a description of the canonical ABI of their own, so a value that comes back
//! was laid out by the host as they have it. Each component has one of the three encodings of strings.
//!
//! The same calls are made in Wasmtime where its package for Python is found: `WASMAOT_COMPONENT_PEER` names
//! the interpreter that has it, `python3` if it is not set. What both return, traps included, is compared.
//! `WASMAOT_COMPONENT_ECHOES` says how many types are tried.

use crate::component;
use crate::typed::{Type, Types, to_json};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use wasmaot_component::{Linker, Val};
use wasmaot_tests::{Random, report, variable};

/// Default number of random types.
const ECHOES: u64 = 90;

/// Calls of each.
const CALLS: usize = 4;

/// The encodings of strings.
const ENCODINGS: [&str; 3] = ["utf8", "utf16", "latin1+utf16"];

/// A function that is not typed by chance, but by what it is for.
fn echo_of(types: &Types, ty: &str, outer: &str, inner: &str) -> String {
    // The padding has parameters passed in memory, where the value comes first.
    let padding: String = (0..16).map(|index| format!("(param \"p{index}\" u64)")).collect();
    let func = format!("(param \"x\" (tuple {ty} u8)) {padding} (result (tuple {ty} u8))");
    // Types of exported functions have to be exported themselves.
    let shown_func = func.replace("$t", "$x");
    let exported = types.text(|number| format!("(export $t{number} \"t{number}\" (type $u{number}))\n"));
    let equal = types.text(|number| format!("(export \"t{number}\" (type $t{number} (eq $u{number})))\n"));
    let aliased: String = (0..types.count())
        .map(|number| format!("(alias export $b \"t{number}\" (type $t{number}))\n"))
        .collect();
    let shown = exported.replace("$t", "$x").replace("$u", "$v");
    let memory = r#"(memory (export "memory") 2)
        (global $next (mut i32) (i32.const 4096))
        (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
            (memory.copy (local.get $at) (local.get $old) (select (local.get $size) (local.get $new) (i32.lt_u (local.get $size) (local.get $new))))
            (global.set $next (i32.add (local.get $at) (local.get $new)))
            (local.get $at))"#;
    format!(
        r#"(component
            (component $B
                {exported}
                (core module $m {memory} (func (export "echo") (param i32) (result i32) (local.get 0)))
                (core instance $i (instantiate $m))
                (func (export "echo") {func}
                    (canon lift (core func $i "echo") (memory (core memory $i "memory")) (realloc (core func $i "realloc")) string-encoding={inner})))
            (component $A
                (import "b" (instance $b
                    {equal}
                    (export "echo" (func {func}))))
                {aliased}
                {shown}
                (core module $memory {memory})
                (core instance $memory (instantiate $memory))
                (core func $lowered (canon lower (func $b "echo") (memory (core memory $memory "memory")) (realloc (core func $memory "realloc")) string-encoding={outer}))
                (core module $m
                    (import "" "echo" (func $echo (param i32 i32)))
                    (global $posts (mut i32) (i32.const 0))
                    (func (export "echo") (param i32) (result i32) (call $echo (local.get 0) (i32.const 1024)) (i32.const 1024))
                    (func (export "post") (param i32) (global.set $posts (i32.add (global.get $posts) (local.get 0))))
                    (func (export "posts") (result i32) (global.get $posts)))
                (core instance $i (instantiate $m (with "" (instance (export "echo" (func $lowered))))))
                (func (export "echo") {shown_func}
                    (canon lift (core func $i "echo") (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))
                        (post-return (core func $i "post")) string-encoding={outer}))
                (func (export "posts") (result u32) (canon lift (core func $i "posts"))))
            (instance $b (instantiate $B))
            (instance $a (instantiate $A (with "b" (instance $b))))
            (export "api" (instance $a)))"#
    )
}

/// A component that sends what it gets, of a type without names, through two inner ones.
pub(crate) fn echo(ty: &str, outer: &str, inner: &str) -> String {
    echo_of(&Types::default(), ty, outer, inner)
}

/// Wasmtime, in a process of its own.
struct Peer {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    /// The peer, if it is here.
    fn start() -> Option<Self> {
        let python = std::env::var_os("WASMAOT_COMPONENT_PEER").unwrap_or_else(|| "python3".into());
        let found = Command::new(&python).args(["-c", "import wasmtime.component"]).output();
        if !found.is_ok_and(|found| found.status.success()) {
            report(format_args!("component: no comparison, {} has no package wasmtime", python.display()));
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/suites/component/peer.py");
        let mut command = Command::new(python);
        let mut process =
            command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let (to, from) = (process.stdin.take().expect("a pipe"), process.stdout.take().expect("a pipe"));
        Some(Self { process, to, from: BufReader::new(from) })
    }

    /// What calls of a component return there.
    fn call(&mut self, wasm: &[u8], calls: &[Value]) -> Vec<Value> {
        let given = json!({ "wasm": base64(wasm), "calls": calls });
        writeln!(self.to, "{given}").expect("the peer reads");
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the peer answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("the peer says {line:?}: {error}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It reads until its input ends, which it does when the process is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Bytes as Base64, without padding beyond what the last group needs.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits =
            group.iter().chain([0, 0].iter()).take(3).fold(0, |bits, &byte| bits << 8 | usize::from(byte));
        [18, 12, 6, 0]
            .map(|shift| char::from(DIGITS[bits >> shift & 63]))
            .into_iter()
            .take(group.len() + 1)
            .chain(std::iter::repeat_n('=', 3 - group.len()))
            .collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// Makes the calls of a type, and returns what they were and what they returned.
fn calls(seed: u64, text: &str, types: &Types, ty: &Type, random: &mut Random) -> (Vec<Value>, Vec<Value>) {
    let linked = Linker::new().instantiate_pre(&component(text));
    let linked = linked.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
    let mut instance = linked.instantiate(()).expect("an instance");
    let (mut made, mut returned) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        let value = Val::Tuple(vec![types.value(ty, random), Val::U8(7)]);
        let mut arguments = vec![value.clone()];
        arguments.extend((0..16).map(Val::U64));
        let result = instance.call("api#echo", &arguments);
        let result = result.unwrap_or_else(|error| panic!("seed {seed}, {value:?}: {error}\n{text}"));
        assert_eq!(result.as_ref(), Some(&value), "seed {seed}\n{text}");
        made.push([json!("echo")].into_iter().chain(arguments.iter().map(to_json)).collect());
        returned.push(to_json(&value));
    }
    let posts = instance.call("api#posts", &[]).expect("a number");
    made.push(json!(["posts"]));
    returned.push(posts.as_ref().map_or(Value::Null, to_json));
    assert_eq!(
        posts,
        Some(Val::U32(1024 * CALLS as u32)),
        "each call is followed by its post-return function"
    );
    (made, returned)
}

#[test]
fn values_of_random_types_come_back_as_they_do_from_the_peer() {
    let mut peer = Peer::start();
    let mut compared = 0;
    for seed in 0..variable("WASMAOT_COMPONENT_ECHOES", ECHOES) {
        let mut random = Random::new(seed + 1);
        let mut types = Types::default();
        let ty = types.random(&mut random, 1 + (seed % 3) as u32);
        let (outer, inner) = (ENCODINGS[(seed % 3) as usize], ENCODINGS[(seed / 3 % 3) as usize]);
        let text = echo_of(&types, &ty.text(), outer, inner);
        let (made, returned) = calls(seed, &text, &types, &ty, &mut random);
        if let Some(peer) = &mut peer {
            let wasm = wat::parse_str(&text).expect("it was compiled");
            assert_eq!(peer.call(&wasm, &made), returned, "seed {seed} in the peer and here\n{text}");
            compared += 1;
        }
    }
    report(format_args!("component: values of random types, {compared} compared with the peer"));
}
