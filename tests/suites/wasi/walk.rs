//! The conformance programs that are about paths once more, in a process whose kernel has no `openat2`: paths
//! are walked a component at a time there.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::conformance::PART;
use wasmaot_tests::Refused;

/// From now on this process is told by its kernel that there is no `openat2`.
fn forget_openat2() -> io::Result<()> {
    let missing = Refused { call: libc::SYS_openat2, argument: 0, mask: 0, value: 0, error: libc::ENOSYS };
    missing.refuse()?;
    // SAFETY: the kernel does not look at the arguments of a call that it does not have.
    let refused = unsafe { libc::syscall(libc::SYS_openat2, 0, 0, 0, 0) == -1 };
    if refused && io::Error::last_os_error().raw_os_error() == Some(libc::ENOSYS) {
        return Ok(());
    }
    Err(io::Error::other("openat2 is still there"))
}

#[test]
fn conformance_programs_pass_without_openat2() {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "conformance::conformance_programs_pass", "--nocapture"]).env(PART, "path");
    // SAFETY: what runs between fork and exec makes system calls only.
    unsafe { child.pre_exec(forget_openat2) };
    let status = child.status().expect("it starts");
    assert!(status.success(), "{status}");
}
