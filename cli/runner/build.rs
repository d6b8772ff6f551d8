//! Tells the command's build script where this package is: it builds the runner with other options than the
//! command.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::metadata=directory={}", env!("CARGO_MANIFEST_DIR"));
}
