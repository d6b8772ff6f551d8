//! Faults that are not the guest's go to the handler that was there before. Each is in a process of its own.

use crate::tests::{importing, instantiate, trap_of};
use crate::{Caller, Linker, Val};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

const CASE: &str = "WASMAOT_TEST_CHAINING";

fn fault() {
    // SAFETY: none; the access is meant to be fatal.
    unsafe { std::ptr::null_mut::<u32>().wrapping_add(4).write_volatile(1) };
}

extern "C" fn exit_77(_: libc::c_int) {
    // SAFETY: may be called in handlers.
    unsafe { libc::_exit(77) };
}

/// Does nothing unless it is run by [`other_faults_go_to_the_handler_before`].
#[test]
fn child() {
    let Ok(case) = std::env::var(CASE) else { return };
    let before = match &*case {
        "handler" => exit_77 as *const () as libc::sighandler_t,
        _ => libc::SIG_DFL,
    };
    // SAFETY: the handler does nothing but end the process, which a handler may.
    unsafe { libc::signal(libc::SIGSEGV, before) };
    let (artifact, import) = importing();
    let mut linker = Linker::new();
    let in_host = case == "host function";
    linker
        .func_wrap("host", "f", move |_: &mut Caller<'_, ()>, a: i32, _: i32| {
            if in_host {
                fault();
            }
            a
        })
        .unwrap();
    let (mut store, instance) = instantiate(artifact, &linker, ());
    trap_of(instance.call(&mut store, "null", &[]));
    instance.call(&mut store, "import", &[import, Val::I32(0), Val::I32(0)]).unwrap();
    match &*case {
        // SAFETY: none; the signal is meant to be fatal.
        "sent" => _ = unsafe { libc::raise(libc::SIGSEGV) },
        _ => fault(),
    }
}

#[test]
fn other_faults_go_to_the_handler_before() {
    for (case, signal, code) in [
        ("default", Some(libc::SIGSEGV), None),
        ("sent", Some(libc::SIGSEGV), None),
        ("host function", Some(libc::SIGSEGV), None),
        ("handler", None, Some(77)),
    ] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "run::signal::tests::child"]).env(CASE, case);
        let output = child.output().unwrap();
        let found = (output.status.signal(), output.status.code());
        assert_eq!(found, (signal, code), "{case}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
