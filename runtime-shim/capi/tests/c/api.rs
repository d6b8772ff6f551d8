//! The program that tests every function of the API, in C and C++, with both libraries.

use crate::library::{C99, CPP11, Language, Linked, folder, guests, repository, run, sources};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

const SOURCES: [&str; 18] = [
    "main.c",
    "host.c",
    "calls.c",
    "errors.c",
    "exports.c",
    "linking.c",
    "loaders.c",
    "memories.c",
    "metering.c",
    "misuse.c",
    "modules.c",
    "pools.c",
    "shared.c",
    "stopping.c",
    "stores.c",
    "streams.c",
    "suspended.c",
    "wasi.c",
];

fn works(language: Language, linked: Linked) {
    let files: Vec<PathBuf> = SOURCES.iter().map(|name| sources().join(name)).collect();
    let Some(program) = language.build("api", &files, linked) else { return };
    assert_eq!(run(Command::new(program).arg(guests())), "all is well\n");
}

#[test]
fn in_c_with_the_static_library() {
    works(C99, Linked::Statically);
}

#[test]
fn in_c_with_the_shared_library() {
    works(C99, Linked::Dynamically);
}

#[test]
fn in_cpp() {
    works(CPP11, Linked::Dynamically);
}

/// Nothing catches it: the process ends before it reaches a guest's frames.
#[test]
fn an_exception_in_a_host_function_ends_the_process() {
    let Some(program) = CPP11.build("throws", &[sources().join("throws.cc")], Linked::Dynamically) else {
        return;
    };
    let output = Command::new(program).arg(guests()).output().expect("it starts");
    assert_eq!(output.status.signal(), Some(rustix::process::Signal::ABORT.as_raw()), "{}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "throwing\n");
}

/// `pkg-config` finds what was installed, and what it says is enough.
#[test]
fn pkg_config_knows_the_libraries() {
    let prefix = crate::library::installed();
    let ask = |what: &[&str]| {
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(what).arg("wasmaot");
        let output = command.output().ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let Some(flags) = ask(&["--cflags", "--libs"]) else {
        println!("skipped: no pkg-config");
        return;
    };
    assert!(ask(&["--modversion"]).is_some_and(|version| version.trim() == env!("CARGO_PKG_VERSION")));
    assert!(ask(&["--static", "--libs"]).is_some_and(|flags| flags.contains("-lpthread")));
    let program = folder("programs").join("pkg-config");
    let mut compiler = Command::new("cc");
    compiler.arg(repository().join("runtime-shim/examples/orders.c")).args(flags.split_whitespace());
    run(compiler.arg("-o").arg(&program));
    let output =
        Command::new(program).env("LD_LIBRARY_PATH", prefix.join("lib")).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1), "it asks for an artifact");
}
