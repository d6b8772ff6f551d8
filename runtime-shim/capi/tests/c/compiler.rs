//! The library of the compiler, as a program in C meets it that also runs what it compiles.

use crate::library::{C99, Linked, cargo_build, repository, run, sources};
use std::process::Command;

#[test]
fn compiles_in_c() {
    let archive = cargo_build("static_library").join("libstatic_library.a");
    let mut include = repository();
    include.push("compiler/capi/include");
    let program =
        C99.build_with("compiler", &[sources().join("compiler.c")], Linked::Dynamically, |compiler| {
            // As the workspace's flags make the archive.
            compiler.arg("-no-pie").arg("-I").arg(include).arg(archive)
        });
    assert_eq!(run(&mut Command::new(program.expect("there is a C compiler"))), "all is well\n");
}
