//! A test that a pool's steady state makes no system call: under a filter that kills the thread that makes
//! one.

use crate::pool::tests::{linked, pool};
use crate::{HostSignals, HotSets, Pool, PoolConfig, ResetWay};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

const CASE: &str = "WASMAOT_TEST_STEADY";

const STARTS: u64 = 10_000;

/// How a child ends that was not killed.
const DONE: i32 = 77;

/// From now on this thread is killed, with its process, when it makes any system call but to end the process,
/// and these two.
fn forbid_system_calls_but(allowed: [libc::c_long; 2]) {
    let statement = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut program = [
        // The number of the call is the first word.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 2, 0, libc::SYS_exit_group as u32),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, 0, allowed[0] as u32),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, allowed[1] as u32),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_KILL_PROCESS),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the arguments are what these calls take; the kernel copies the program.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) != 0
    };
    assert!(!failed, "{}", std::io::Error::last_os_error());
}

/// Runs an instance that writes to memory, also in the image, and to a global. It may have a deadline, and
/// another thread that could kill it.
fn run(pool: &Pool, address: i64, watched: bool, allowed: [libc::c_long; 2]) {
    let linked = linked();
    let store = linked.get_typed_func::<(i64, i32), ()>("store").unwrap();
    let global = i64::from(linked.module().layout().global(0));
    let instance = |address: i64| {
        let mut instance = pool.start(&linked, ()).unwrap();
        if watched {
            instance.set_deadline(Instant::now() + Duration::from_secs(100)).expect("a watchdog");
            drop(instance.interrupt_handle().expect("a watchdog"));
        }
        for to in [address, 2 * 4096 + 16, global] {
            store.call(&mut instance, (to, -1)).unwrap();
        }
        instance.finish().reset
    };
    for _ in 0..3 {
        instance(0);
    }
    forbid_system_calls_but(allowed);
    let steady = (0..STARTS).all(|_| instance(address) == Some(ResetWay::Copy));
    // SAFETY: takes a number, and ends the process without running anything of it.
    unsafe { libc::_exit(if steady { DONE } else { 1 }) };
}

/// Runs an instance that grows its memory: opens what is new, drops it, and closes it again.
fn grow(pool: &Pool) {
    let linked = linked();
    let store = linked.get_typed_func::<(i64, i32), ()>("store").unwrap();
    let instance = || {
        let mut instance = pool.start(&linked, ()).unwrap();
        let memory = instance.get_memory("memory").unwrap();
        let grown = memory.grow(&mut instance, 2);
        store.call(&mut instance, (100_000, 1)).unwrap();
        grown == Ok(1) && instance.finish().reset == Some(ResetWay::Copy)
    };
    instance();
    forbid_system_calls_but([libc::SYS_mprotect, libc::SYS_madvise]);
    let steady = (0..STARTS).all(|_| instance());
    // SAFETY: takes a number, and ends the process without running anything of it.
    unsafe { libc::_exit(if steady { DONE } else { 1 }) };
}

/// Does nothing unless it is run by [`ten_thousand_starts_make_no_system_call`].
#[test]
fn child() {
    let none = [libc::SYS_exit_group; 2];
    match std::env::var(CASE).as_deref() {
        Ok("steady") => run(&pool(1, ResetWay::Copy), 0, false, none),
        Ok("watched") => run(&pool(1, ResetWay::Copy), 0, true, none),
        // The two that the contract states.
        Ok("checked") => {
            let (host_signals, hot_sets) = (HostSignals::Checked, HotSets::Shared);
            let config = PoolConfig { slots: 1, host_signals, hot_sets, ..PoolConfig::default() };
            let two = [libc::SYS_rt_sigprocmask, libc::SYS_sigaltstack];
            run(&Pool::new(config).unwrap(), 0, false, two);
        }
        Ok("growing") => grow(&pool(1, ResetWay::Copy)),
        // The handler of the first write to a cold page makes one.
        Ok("cold page") => run(&pool(1, ResetWay::Copy), 40_000, false, none),
        Ok("drop") => run(&pool(1, ResetWay::Drop), 0, false, none),
        _ => {}
    }
}

#[test]
fn ten_thousand_starts_make_no_system_call() {
    let (done, killed) = ((None, Some(DONE)), (Some(libc::SIGSYS), None));
    for (case, expected) in [
        ("steady", done),
        ("watched", done),
        ("checked", done),
        ("growing", done),
        ("cold page", killed),
        ("drop", killed),
    ] {
        let run = || {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", "tests::steady::child", "--nocapture"]).env(CASE, case);
            let output = child.output().unwrap();
            let found = (output.status.signal(), output.status.code());
            (found, String::from_utf8_lossy(&output.stderr).into_owned())
        };
        // A thread that gets no time for as long as the watchdog has patience wakes it, by a system call.
        // That is not the steady state.
        let (mut tries, mut end) = (1, run());
        while end.0 != expected && tries < 5 {
            (tries, end) = (tries + 1, run());
        }
        assert_eq!(end.0, expected, "{case}: {}", end.1);
    }
}
