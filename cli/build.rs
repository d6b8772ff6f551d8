//! Builds the runner, which the command carries inside itself for standalone executables.
//!
//! It is a program of its own, with a profile of its own (`runner` in the workspace's `Cargo.toml`), so it takes a build of its own. That has
//! its own target folder, because the outer build holds the lock of the other one, and only crates that the command is built from too, so
//! nothing is downloaded for it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the runner is built from, from the root of the workspace.
const SOURCES: [&str; 9] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "cli/program",
    "cli/runner",
    "runtime-shim/Cargo.toml",
    "runtime-shim/abi",
    "runtime-shim/src",
    "runtime-shim/wasi",
];

/// The runner's target: the one that artifacts are for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Linked statically and at a fixed address, whatever the command is linked like.
const FLAGS: &str = "-Ctarget-feature=+crt-static\x1f-Crelocation-model=static";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in a workspace");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("runner");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo
        .args(["build", "--quiet", "--locked", "--offline", "--profile", "runner", "--target", TARGET])
        .args(["--package", "wasmaot-runner", "--bin", "wasmaot-runner"])
        .arg("--manifest-path")
        .arg(root.join("cli/runner/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS)
        // Clippy is for the sources, and has them anyway.
        .env_remove("RUSTC_WORKSPACE_WRAPPER");
    if env::var_os("PROFILE").is_some_and(|profile| profile == "debug") {
        // A test build is built often and started rarely.
        cargo.env("CARGO_PROFILE_RUNNER_LTO", "off").env("CARGO_PROFILE_RUNNER_CODEGEN_UNITS", "16");
    }
    let status = cargo.status().expect("cargo starts");
    assert!(status.success(), "building the runner failed: {status}");
    println!(
        "cargo::rustc-env=WASMAOT_RUNNER={}",
        target.join(TARGET).join("runner/wasmaot-runner").display()
    );
}
