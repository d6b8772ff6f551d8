//! Faults as signals: the process-wide handler and each thread's alternate stack.
//!
//! **Invariants.** The handler allocates nothing, takes no lock and calls nothing that does. A fault that is not a guest's
//! goes to the handler that was there before. Compiled code only runs on threads with an alternate stack.

#[cfg(test)]
mod tests;

use crate::activation::Activation;
use crate::fault::{self, Decision, Fault, Signal};
use crate::sys::asm;
use crate::sys::map::{Access, Mapping};
use std::cell::{Cell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

const SIGNALS: [(c_int, Signal); 4] = [
    (libc::SIGSEGV, Signal::Segv),
    (libc::SIGBUS, Signal::Bus),
    (libc::SIGILL, Signal::Ill),
    (libc::SIGFPE, Signal::Fpe),
];

/// Bit of a page fault's error code: the access was a write.
const PAGE_FAULT_WRITE: usize = 1 << 1;

/// The handlers that were there before, in the order of [`SIGNALS`].
struct Previous([UnsafeCell<MaybeUninit<libc::sigaction>>; SIGNALS.len()]);

// SAFETY: an element is written before its signal's handler is installed, under the lock of `INSTALLED`, and only
// read from then on.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous([const { UnsafeCell::new(MaybeUninit::uninit()) }; SIGNALS.len()]);
static INSTALLED: OnceLock<()> = OnceLock::new();

/// Installs the handler, once per process.
pub(crate) fn install() {
    INSTALLED.get_or_init(|| {
        for (&(number, _), previous) in SIGNALS.iter().zip(&PREVIOUS.0) {
            // SAFETY: both structures are valid; the handler keeps to what handlers may do. The previous handler is
            // stored before the new one can run.
            let failed = unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = handler as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigemptyset(&mut action.sa_mask);
                libc::sigaction(number, std::ptr::null(), (*previous.get()).as_mut_ptr()) != 0
                    || libc::sigaction(number, &action, std::ptr::null_mut()) != 0
            };
            assert!(!failed, "sigaction({number}): {}", io::Error::last_os_error());
        }
    });
}

extern "C" fn handler(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid record and the interrupted thread's registers.
    let (info_ref, registers) =
        unsafe { (&*info, &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs) };
    let Some(index) = SIGNALS.iter().position(|&(known, _)| known == number) else { return };
    let from_kernel = info_ref.si_code > 0;
    let register = |which: c_int| registers[which as usize] as usize;
    let fault = Fault {
        signal: SIGNALS[index].1,
        // SAFETY: the field is set for these signals when they stem from a fault; otherwise it is not looked at.
        address: unsafe { info_ref.si_addr() } as usize,
        write: register(libc::REG_ERR) & PAGE_FAULT_WRITE != 0,
        memory_error: number == libc::SIGBUS && info_ref.si_code != libc::BUS_ADRERR,
        pc: register(libc::REG_RIP),
        rsp: register(libc::REG_RSP),
        rbp: register(libc::REG_RBP),
    };
    let decision = if from_kernel { fault::decide(&fault) } else { Decision::NotOurs };
    match decision {
        Decision::Resume(pc) => registers[libc::REG_RIP as usize] = pc as i64,
        Decision::Trap(code, activation) => {
            // SAFETY: `decide` found the activation in the cell of the slot whose stack the thread is on, so it is the
            // running one of this thread, and its Rust owner waits inside `enter`.
            let host_rsp = unsafe { Activation::note_fault(activation, code, &fault) };
            registers[libc::REG_RIP as usize] = asm::leave as *const () as i64;
            registers[libc::REG_RDI as usize] = activation as i64;
            registers[libc::REG_RSI as usize] = i64::from(asm::reason::FAULT);
            registers[libc::REG_RSP as usize] = host_rsp as i64;
        }
        Decision::NotOurs => {
            // SAFETY: it was stored before this handler was installed and is not written any more.
            let previous = unsafe { (*PREVIOUS.0[index].get()).assume_init_ref() };
            // SAFETY: the arguments are the kernel's.
            unsafe { chain(previous, number, info, context, from_kernel) };
        }
    }
}

/// Lets the previous handler have a signal.
///
/// # Safety
/// Called by the handler with the kernel's arguments.
unsafe fn chain(
    previous: &libc::sigaction,
    number: c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
    from_kernel: bool,
) {
    match previous.sa_sigaction {
        libc::SIG_IGN if !from_kernel => {}
        // The kernel does not let a fault be ignored: it recurs, and then kills.
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: restores the default action; `raise` may be called in handlers. A fault recurs on return.
            unsafe {
                let mut default: libc::sigaction = std::mem::zeroed();
                default.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(number, &default, std::ptr::null_mut());
                if !from_kernel {
                    libc::raise(number);
                }
            }
        }
        address if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: with this flag the address is of a function of this type.
            let call: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                unsafe { std::mem::transmute(address) };
            call(number, info, context);
        }
        address => {
            // SAFETY: without the flag the address is of a function of this type.
            let call: extern "C" fn(c_int) = unsafe { std::mem::transmute(address) };
            call(number);
        }
    }
}

/// Bytes of an alternate stack: the kernel's frame (some 12 KiB with the largest register files) and the handlers.
const ALTERNATE_STACK: usize = 64 << 10;

/// An alternate stack that this thread made.
struct AlternateStack(Mapping);

impl Drop for AlternateStack {
    fn drop(&mut self) {
        // SAFETY: asks for and, if it is still this one, switches off the thread's alternate stack, before it is unmapped.
        unsafe {
            let mut current: libc::stack_t = std::mem::zeroed();
            let asked = libc::sigaltstack(std::ptr::null(), &mut current) == 0;
            if asked && self.0.range().contains(&(current.ss_sp as usize)) {
                current.ss_flags = libc::SS_DISABLE;
                libc::sigaltstack(&current, std::ptr::null_mut());
            }
        }
    }
}

thread_local! {
    static READY: Cell<bool> = const { Cell::new(false) };
    static OWN: Cell<Option<AlternateStack>> = const { Cell::new(None) };
}

/// Makes sure that the calling thread has a large enough alternate stack.
pub(crate) fn ensure_thread() -> io::Result<()> {
    if READY.get() { Ok(()) } else { prepare_thread() }
}

#[cold]
fn prepare_thread() -> io::Result<()> {
    // SAFETY: asks for the current alternate stack.
    let current = unsafe {
        let mut current: libc::stack_t = std::mem::zeroed();
        if libc::sigaltstack(std::ptr::null(), &mut current) != 0 {
            return Err(io::Error::last_os_error());
        }
        current
    };
    if current.ss_flags & libc::SS_DISABLE != 0 || current.ss_size < ALTERNATE_STACK {
        let page = wasmaot_abi::slot::HOST_PAGE as usize;
        let mapping = Mapping::reserve(page + ALTERNATE_STACK, page)?;
        mapping.protect(page, ALTERNATE_STACK, Access::ReadWrite)?;
        let stack = libc::stack_t {
            ss_sp: (mapping.start() + page) as *mut c_void,
            ss_flags: 0,
            ss_size: ALTERNATE_STACK,
        };
        // SAFETY: the range is mapped and belongs to this thread until it ends.
        if unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        OWN.set(Some(AlternateStack(mapping)));
    }
    READY.set(true);
    Ok(())
}
