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

#[test]
fn a_handler_that_is_to_be_called_once_is() {
    dies("crash with a handler once");
}

#[test]
fn handlers_that_replace_ours_again_and_again_are_passed() {
    works("same handlers again");
}

#[test]
fn handlers_that_cannot_be_passed_are_reported() {
    works("too many handlers");
}

#[test]
fn handlers_are_checked_while_a_long_timeout_runs() {
    works("checked during long runs");
}

#[test]
fn a_guest_does_not_grow_into_what_was_opened_for_a_handler() {
    works("handlers on guests' stacks");
}
