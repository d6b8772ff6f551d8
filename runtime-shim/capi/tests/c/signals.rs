//! Hosts in C that have signal handlers of their own, before and after the runtime's. Each case is a process.

use crate::library::{C99, Linked, guests, run, sources};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

fn host(case: &str) -> Command {
    static PROGRAM: OnceLock<Box<Path>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let built = C99.build("signals", &[sources().join("signals.c")], Linked::Dynamically);
        built.expect("there is a C compiler").into()
    });
    let mut command = Command::new(&**program);
    command.arg(guests()).arg(case);
    command
}

fn works(case: &str) {
    assert_eq!(run(&mut host(case)), "all is well\n", "{case}");
}

fn dies(case: &str) {
    let output = host(case).output().expect("it starts");
    let printed = String::from_utf8_lossy(&output.stderr);
    let segv = rustix::process::Signal::SEGV.as_raw();
    assert_eq!(output.status.signal(), Some(segv), "{case}: {}: {printed}", output.status);
}

#[test]
fn a_handler_installed_later_that_chains_leaves_ours_working() {
    works("chain after");
    works("chain after, nodefer");
}

#[test]
fn handlers_installed_before_may_leave_by_a_jump() {
    works("handlers before jump");
}

#[test]
fn a_crash_kills_whoever_chains() {
    dies("crash with a chain after");
    dies("crash in a host function");
    dies("sent with a chain after");
}
