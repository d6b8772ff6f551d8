//! System calls that end with `EINTR` when a poke finds a due run in one.
//!
//! The handler of pokes is installed with `SA_RESTART`: when it starts, the kernel has already set the
//! interrupted thread back to the `syscall` instruction, with the number of the call in rax. So system calls
//! of others, and of runs that are not due, go on. To end one it is enough to step over the instruction, with
//! the error as its result.
//!
//! A thread that was just about to execute the instruction for the first time looks the same; its call then
//! ends before it began. **Invariant: only calls that may fail with `EINTR` anyway, and have done nothing
//! then, are ended.** (Calls that the kernel never restarts, such as `poll` and `nanosleep`, end whatever the
//! handler does.)

use super::context::Registers;
use std::ffi::c_long;

/// The machine code of `syscall`.
pub(super) const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// Calls that wait, and that the kernel restarts.
const WAITS: [c_long; 29] = [
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_sendfile,
    libc::SYS_splice,
    libc::SYS_copy_file_range,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_connect,
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_flock,
    libc::SYS_mq_timedreceive,
];

/// Whether a call with this number and second argument is one of those.
fn waits(number: c_long, second: c_long) -> bool {
    match number {
        libc::SYS_futex => {
            let operation = second as i32 & !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
            matches!(operation, libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET)
        }
        libc::SYS_fcntl => matches!(second as i32, libc::F_SETLKW | libc::F_OFD_SETLKW),
        number => WAITS.contains(&number),
    }
}

/// Ends the system call that the interrupted thread is about to restart, at whose instruction it is, if it is
/// one that waits.
pub(super) fn end(registers: &mut Registers) {
    if waits(registers[libc::REG_RAX as usize], registers[libc::REG_RSI as usize]) {
        registers[libc::REG_RAX as usize] = -i64::from(libc::EINTR);
        registers[libc::REG_RIP as usize] += SYSCALL.len() as i64;
    }
}
