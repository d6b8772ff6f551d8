//! Starting an instance of a component, calling it and finishing it: wasmaot against Wasmtime by each of its
//! settings, in one process.
//!
//! `hello_wasi_http.wasm` answers one request through host functions that do as little as they can, so that
//! what is measured is the component's own cost. `single` and `composed` are the same small handler in one
//! component and behind another one that passes it on, a string each way. The file is one of the sample
//! components of the WASI ecosystem; where it lies is an option.

use crate::theirs::SETTINGS;
use clap::Args;
use std::io;
use std::path::PathBuf;
use wasmaot_bench::stats::{Ratio, Times};
use wasmaot_bench::turns::{self, Side};

mod ours;
mod request;
mod wasmtime;

use request::Task;

#[derive(Args)]
pub(crate) struct Opts {
    /// The component that answers HTTP requests.
    #[arg(long, value_name = "hello_wasi_http.wasm")]
    http: Option<PathBuf>,
    /// Instances per side and component.
    #[arg(long, default_value_t = 20_000)]
    count: usize,
    /// Rounds in which the sides take turns.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
}

/// An allocator that never frees, and a function that returns a copy of its string.
const INNER: &str = r#"(component $inner
    (core module $m
        (memory (export "memory") 2)
        (global $top (mut i32) (i32.const 1024))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
            (global.set $top (i32.add (local.get $at) (local.get 3)))
            (local.get $at))
        (func (export "greet") (param i32 i32) (result i32)
            (i32.store (i32.const 16) (local.get 0))
            (i32.store (i32.const 20) (local.get 1))
            (i32.const 16)))
    (core instance $i (instantiate $m))
    (func (export "greet") (param "name" string) (result string)
        (canon lift (core func $i "greet") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))"#;

/// A component that has another one answer.
const OUTER: &str = r#"(component $outer
    (import "greet" (func $greet (param "name" string) (result string)))
    (core module $libc
        (memory (export "memory") 2)
        (global $top (mut i32) (i32.const 1024))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
            (global.set $top (i32.add (local.get $at) (local.get 3)))
            (local.get $at)))
    (core instance $libc (instantiate $libc))
    (core func $greet (canon lower (func $greet) (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
    (core module $m
        (import "" "greet" (func $greet (param i32 i32 i32)))
        (func (export "greet") (param i32 i32) (result i32)
            (call $greet (local.get 0) (local.get 1) (i32.const 16))
            (i32.const 16)))
    (core instance $i (instantiate $m (with "" (instance (export "greet" (func $greet))))))
    (func (export "greet") (param "name" string) (result string)
        (canon lift (core func $i "greet") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")))))"#;

/// The components: name, binary, task.
fn guests(opts: &Opts) -> io::Result<Vec<(&'static str, Vec<u8>, Task)>> {
    let text = |text: &str| wat::parse_str(text).map_err(io::Error::other);
    let composed = format!(
        r#"(component {INNER} {OUTER} (instance $inner (instantiate $inner))
            (instance $outer (instantiate $outer (with "greet" (func $inner "greet"))))
            (export "greet" (func $outer "greet")))"#
    );
    let single = format!(
        r#"(component {INNER} (instance $i (instantiate $inner)) (export "greet" (func $i "greet")))"#
    );
    let mut guests = Vec::new();
    if let Some(file) = &opts.http {
        guests.push(("hello_wasi_http", std::fs::read(file)?, Task::Http));
    }
    guests.push(("single", text(&single)?, Task::Greet));
    guests.push(("composed", text(&composed)?, Task::Greet));
    Ok(guests)
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!(
        "| start + call + finish of a component, µs | | minimum | p50 | p99 | times wasmaot's p50 (by round) |"
    );
    println!("|---|---|---|---|---|---|");
    for (name, wasm, task) in guests(opts)? {
        let mut sides: Vec<Box<dyn Side>> = vec![ours::side(&wasm, task)?];
        for setting in SETTINGS {
            sides.push(wasmtime::side(&wasm, task, setting)?);
        }
        let times = turns::instances(&sides, opts.rounds, opts.count)?;
        row(name, "wasmaot", &times[0], None);
        for (setting, theirs) in SETTINGS.iter().zip(&times[1..]) {
            row(name, &format!("Wasmtime, {}", setting.name), theirs, Some(theirs.ratio(&times[0])));
        }
    }
    Ok(())
}

fn row(name: &str, side: &str, times: &Times, ratio: Option<Ratio>) {
    let summary = times.summary();
    let [minimum, p50, p99] = [summary.minimum, summary.p50, summary.p99].map(|time| time / 1e3);
    let ratio = ratio.map_or(String::new(), |Ratio { of_medians, by_round: (least, greatest) }| {
        format!("{of_medians:.1} ({least:.1}–{greatest:.1})")
    });
    println!("| {name} | {side} | {minimum:.2} | {p50:.2} | {p99:.2} | {ratio} |");
}
