//! A process that may make no threads: deadlines and handles are errors, and are tried again.

use crate::{InterruptError, Store};
use std::process::Command;
use std::time::{Duration, Instant};

const CASE: &str = "WASMAOT_TEST_WATCHDOG";

/// Sets how many threads and processes the user may have. It does not bind the superuser.
fn limit_threads(count: libc::rlim_t) {
    // SAFETY: the structure is a local, which the first call fills and the second reads.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::getrlimit(libc::RLIMIT_NPROC, &raw mut limit), 0);
        limit.rlim_cur = count.min(limit.rlim_max);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NPROC, &raw const limit), 0);
    }
}

/// Does nothing unless it is run by [`a_watchdog_that_cannot_be_made_is_an_error`].
#[test]
fn child() {
    if std::env::var(CASE).is_err() {
        return;
    }
    // SAFETY: gives the process to a user that is no superuser.
    unsafe { assert!(libc::getuid() != 0 || libc::setuid(65534) == 0) };
    let mut store = Store::new(());
    limit_threads(0);
    for _ in 0..2 {
        let later = Instant::now() + Duration::from_secs(100);
        assert!(matches!(store.set_deadline(later), Err(InterruptError::Watchdog(_))));
        assert!(matches!(store.interrupt_handle(), Err(InterruptError::Watchdog(_))));
        store.set_deadline(None).unwrap();
    }
    limit_threads(libc::RLIM_INFINITY);
    store.set_deadline(Instant::now() + Duration::from_secs(100)).unwrap();
    store.interrupt_handle().unwrap();
}

#[test]
fn a_watchdog_that_cannot_be_made_is_an_error() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "run::signal::watchdog_tests::child"]).env(CASE, "1");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
