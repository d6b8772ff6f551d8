//! System calls that the kernel refuses a process.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A system call that is to be refused, if one of its arguments has a certain value under a mask.
pub struct Refused {
    /// Number of the call.
    pub call: libc::c_long,
    /// Position of the argument, whose low half is compared.
    pub argument: u32,
    /// Bits of the argument that are compared. With none, the call is always refused.
    pub mask: u32,
    /// What they are where the call is refused.
    pub value: u32,
    /// The error number that the caller gets.
    pub error: libc::c_int,
}

impl Refused {
    /// Has the kernel refuse the call to this thread, and to threads and processes that it makes, from now
    /// on. Makes system calls only, so it may be called between `fork` and `exec`.
    ///
    /// # Errors
    ///
    /// That of the kernel, where it does not filter system calls.
    pub fn refuse(&self) -> io::Result<()> {
        let statement = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
        let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
        let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        let mut program = [
            // The number of the call is the first word, the arguments begin behind the fourth.
            statement(load, 0, 0, 0),
            statement(equal, 0, 4, self.call as u32),
            statement(load, 0, 0, 16 + 8 * self.argument),
            statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, self.mask),
            statement(equal, 0, 1, self.value),
            statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | self.error as u32),
            statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: the arguments are what these calls take; the kernel copies the program.
        let failed = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) != 0
        };
        if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Has a process start on a kernel that says that it has no `openat2`, as those before 5.6.
pub fn without_openat2(command: &mut Command) -> &mut Command {
    // SAFETY: what runs between fork and exec makes system calls only.
    unsafe { command.pre_exec(forget_openat2) }
}

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
