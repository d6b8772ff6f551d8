//! Prepares what the command is compiled with: its version text, and the runner for standalone executables.

mod runner;
mod version;

fn main() {
    let version = version::text();
    println!("cargo::rustc-env=WASMAOT_VERSION={version}");
    let runner = runner::build();
    println!("cargo::rustc-env=WASMAOT_RUNNER={}", runner.program.display());
    println!("cargo::rustc-env=WASMAOT_RUNNER_CRATES={}", runner.crates.display());
}
