//! The conformance programs that are about paths once more, in a process whose kernel has no `openat2`: paths are walked a
//! component at a time there.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::conformance::PART;

/// From now on this process is told by its kernel that there is no `openat2`.
fn forget_openat2() -> io::Result<()> {
    let statement = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut program = [
        // The number of the call is the first word.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, libc::SYS_openat2 as u32),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the arguments are what these calls take; the kernel copies the program.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) != 0
    };
    if failed {
        return Err(io::Error::last_os_error());
    }
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
