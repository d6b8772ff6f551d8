//! Hosts in C that do what a runtime inside of them must survive, each case in a process of its own.

use crate::library::{C99, Linked, folder, guests, installed, run, sources};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// A program in C whose cases are hosts.
struct Program {
    name: &'static str,
    linked: Linked,
    built: OnceLock<PathBuf>,
}

static STACKS: Program = Program::new("stacks", Linked::Dynamically);
static MASKS: Program = Program::new("masks", Linked::Dynamically);
static LEAVING: Program = Program::new("leaving", Linked::Dynamically);
static FIBERS: Program = Program::new("fibers", Linked::Dynamically);
static POKES: Program = Program::new("pokes", Linked::Dynamically);
static THREADS: Program = Program::new("threads", Linked::Dynamically);
static LOADING: Program = Program::new("loading", Linked::AtRunTime);

impl Program {
    const fn new(name: &'static str, linked: Linked) -> Self {
        Self { name, linked, built: OnceLock::new() }
    }

    fn case(&self, case: &str) -> Command {
        let source = sources().join(self.name).with_extension("c");
        let build = || C99.build(self.name, &[source], self.linked).expect("there is a C compiler");
        let mut command = Command::new(self.built.get_or_init(build));
        command.arg(guests()).arg(case);
        command
    }

    fn works(&self, case: &str) {
        assert_eq!(run(&mut self.case(case)), "all is well\n", "{case}");
    }
}

#[test]
fn handlers_on_the_stack_of_a_guest_run_to_their_end_or_never_start() {
    STACKS.works("small handler");
    STACKS.works("large handler");
}

#[test]
fn handlers_of_all_kinds_run_to_their_end_or_never_start() {
    STACKS.works("all kinds of handlers");
}

#[test]
fn nested_calls_end_before_the_stack_does() {
    STACKS.works("nested calls");
    STACKS.works("fibers");
    STACKS.works("limit of nested calls");
}

#[test]
fn guests_wait_on_fibers_in_any_order() {
    FIBERS.works("deadlines");
    FIBERS.works("kills");
    FIBERS.works("ends");
}

#[test]
fn guests_go_on_with_their_fiber_on_any_thread() {
    FIBERS.works("threads");
}

#[test]
fn a_host_function_that_returns_before_what_it_called_ends_the_process() {
    let output = FIBERS.case("returns too early").output().expect("it starts");
    let printed = String::from_utf8_lossy(&output.stderr);
    let abort = rustix::process::Signal::ABORT.as_raw();
    assert_eq!(output.status.signal(), Some(abort), "{}: {printed}", output.status);
    assert!(printed.contains("has returned while a guest runs that it has called"), "{printed}");
}

#[test]
fn neither_side_sees_the_floating_point_state_of_the_other() {
    STACKS.works("floats");
}

#[test]
fn signals_that_are_blocked_at_the_first_call_are_unblocked() {
    MASKS.works("threads that block");
    MASKS.works("inherited masks");
    MASKS.works("accessors");
}

#[test]
fn masks_and_stacks_that_change_later_are_prepared_or_checked() {
    MASKS.works("changed and prepared");
    MASKS.works("changed and checked");
}

#[test]
fn system_calls_of_others_are_not_interrupted() {
    MASKS.works("others are not interrupted");
    MASKS.works("others are not interrupted by default");
}

#[test]
fn waits_of_host_functions_end_at_the_deadline() {
    MASKS.works("waits end by SIGURG");
    MASKS.works("waits end by a real-time signal");
    MASKS.works("one poke is queued");
    MASKS.works("dropped pokes");
}

#[test]
fn guests_are_stopped_where_the_interrupt_signal_does_not_arrive() {
    POKES.works("no room for SIGURG");
    POKES.works("no room for a real-time signal");
    POKES.works("changes while a guest runs");
    POKES.works("changes while a host function waits");
}

#[test]
fn calls_that_a_thread_is_not_fit_for_are_refused() {
    THREADS.works("handlers");
    THREADS.works("small stacks");
    THREADS.works("destructors");
}

#[test]
fn a_thread_is_cancelled_when_its_call_has_returned() {
    THREADS.works("cancelled");
}

#[test]
fn the_watchdog_inherits_no_scheduling() {
    MASKS.works("watchdog");
}

#[test]
fn the_interrupt_signal_is_chosen_and_replaced() {
    MASKS.works("taken signals");
    MASKS.works("chosen signals");
}

#[test]
fn handlers_that_replace_the_runtimes_come_second_after_a_check() {
    let output = MASKS.case("replaced and checked").output().expect("it starts");
    assert_eq!(output.status.code(), Some(77), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_instance_that_a_jump_leaves_is_lost_and_nothing_else() {
    LEAVING.works("longjmp");
    LEAVING.works("longjmp again and again");
    LEAVING.works("longjmp within a host function");
}

/// What unwinds a thread's stack cannot pass the runtime.
#[test]
fn a_thread_that_exits_in_a_host_function_ends_the_process() {
    let output = LEAVING.case("pthread_exit").output().expect("it starts");
    let printed = String::from_utf8_lossy(&output.stderr);
    let abort = rustix::process::Signal::ABORT.as_raw();
    assert_eq!(output.status.signal(), Some(abort), "{}: {printed}", output.status);
}

fn library() -> PathBuf {
    installed().join("lib/libwasmaot.so")
}

#[test]
fn the_library_stays_loaded() {
    assert_eq!(run(LOADING.case("unloaded").arg(library())), "all is well\n");
}

#[test]
fn two_copies_of_the_library_work_in_one_process() {
    let other = folder("programs").join("libother.so");
    std::fs::copy(library(), &other).expect("copied");
    assert_eq!(run(LOADING.case("two copies").args([library(), other])), "all is well\n");
}

/// A host in Python, with the library's functions through `ctypes`.
fn python(case: &str) -> Option<Command> {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: no python3");
        return None;
    }
    let mut command = Command::new("python3");
    command
        .arg(sources().join("faulthandler_host.py"))
        .arg(library())
        .arg(guests().join("alone.so"))
        .arg(case);
    Some(command)
}

#[test]
fn the_fault_handler_of_python_comes_second() {
    for case in ["before", "after, prepared", "after, opened"] {
        let Some(mut host) = python(case) else { return };
        assert_eq!(run(&mut host), "all is well\n", "{case}");
    }
}

/// Until the next check, it takes a guest's trap for a crash. A crash is one at any time.
#[test]
fn the_fault_handler_of_python_reports_crashes() {
    for case in ["after", "crash, before", "crash, after"] {
        let Some(mut host) = python(case) else { return };
        let output = host.output().expect("it starts");
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.signal().is_some(), "{case}: {}: {printed}", output.status);
        assert!(printed.contains("Fatal Python error"), "{case}: {printed}");
    }
}
