//! What a process does at its very beginning and end, for the kernel's sake.
#![expect(unsafe_code, reason = "there is no safe way to any of it")]

use std::cell::UnsafeCell;
use std::ffi::{CStr, OsStr, c_int};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use wasmaot_runtime::LEAST_ALTERNATE_STACK;

#[repr(align(16))]
struct AlternateStack(UnsafeCell<MaybeUninit<[u8; LEAST_ALTERNATE_STACK]>>);

// SAFETY: only the kernel writes to it, for the thread that it was given to.
unsafe impl Sync for AlternateStack {}

/// Makes the process ready in place of Rust's own preparations, which a `main` that the C library calls does
/// without: the standard streams are open, so that no file takes the place of one that the caller had closed;
/// writing to a pipe without readers is an error and not the end; and there is a stack for signal handlers.
pub fn begin() {
    open_standard_streams();
    // SAFETY: the signal is ignored from now on, so no handler is installed that would have to be fit to run.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    use_static_alternate_stack();
}

fn open_standard_streams() {
    let mut streams = [0, 1, 2].map(|fd| libc::pollfd { fd, events: 0, revents: 0 });
    // SAFETY: the array is as long as it says.
    let ready = unsafe { libc::poll(streams.as_mut_ptr(), streams.len() as libc::nfds_t, 0) };
    let closed = streams.iter().filter(|stream| ready > 0 && stream.revents & libc::POLLNVAL != 0);
    for _ in closed {
        // SAFETY: the path ends with a zero. The lowest number that is free is the one that is to be opened;
        // if it cannot be, it stays closed, as the caller wanted.
        unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
    }
}

/// Gives the calling thread, the only one, an alternate signal stack, so that the runtime need not map one:
/// that would take three more system calls. It has no guard, but then no handlers but the runtime's run on
/// it.
fn use_static_alternate_stack() {
    static STACK: AlternateStack = AlternateStack(UnsafeCell::new(MaybeUninit::uninit()));
    let stack = libc::stack_t { ss_sp: STACK.0.get().cast(), ss_flags: 0, ss_size: LEAST_ALTERNATE_STACK };
    // SAFETY: the memory is there as long as the process, and nothing else uses it. If it fails, the runtime
    // makes one.
    unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) };
}

/// Has the signals that ask a program to end do so where this process is the first of a container. Such a
/// process has no default actions: without a handler these signals are ignored, and an engine waits until it
/// may kill.
pub fn end_on_signals_as_init() {
    if std::process::id() != 1 {
        return;
    }
    // SAFETY: all bits may be zero; what matters is set below.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = end_as_signalled as extern "C" fn(c_int) as usize;
    // Guests run on stacks of their own, which are not the host's to use.
    action.sa_flags = libc::SA_ONSTACK;
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        // SAFETY: the handler makes one system call, which is allowed in handlers.
        unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) };
    }
}

/// Ends the process with the status that shells report for its end by a signal.
extern "C" fn end_as_signalled(signal: c_int) {
    leave(128 + signal);
}

/// Ends the process, with nothing done on the way: no destructor, no handler of the C library, no buffer
/// written out. What a program wrote has gone to the kernel, and the kernel takes everything back faster than
/// its parts could be given back.
pub fn leave(status: i32) -> ! {
    // SAFETY: it may be called at any time.
    unsafe { libc::_exit(status) }
}

/// Opens the file that this process was started from.
///
/// Where `/proc` is not mounted, that is the path that the kernel was given to execute, which is right as
/// long as neither the working directory nor the file's name has changed.
///
/// # Errors
/// The file cannot be opened for reading.
pub fn own_file() -> io::Result<File> {
    match File::open("/proc/self/exe") {
        Err(error) if error.kind() == ErrorKind::NotFound => File::open(executed_path().ok_or(error)?),
        opened => opened,
    }
}

/// Returns the path that the kernel was given to execute.
fn executed_path() -> Option<&'static OsStr> {
    // SAFETY: it may be called at any time.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) } as *const std::ffi::c_char;
    // SAFETY: unless it is null, it is a string with a zero at its end that the kernel has put above the
    // stack for the life of the process.
    (!path.is_null()).then(|| OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()))
}
