//! Signals: faults, pokes from the watchdog, and each thread's alternate stack.
//!
//! **Invariants.** The handlers allocate nothing, take no lock and call nothing that does. A fault that is not a guest's
//! goes to the handler that was there before, and so does every signal that may have been somebody else's. Compiled code only runs on
//! threads with an alternate stack.

#[cfg(test)]
mod tests;

use crate::activation::Activation;
use crate::fault::{self, At, Decision, Fault, Signal};
use crate::sys::asm;
use crate::sys::map::{Access, Mapping};
use std::cell::{Cell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use wasmaot_abi::trap::TrapCode;

const SIGNALS: [(c_int, Signal); 4] = [
    (libc::SIGSEGV, Signal::Segv),
    (libc::SIGBUS, Signal::Bus),
    (libc::SIGILL, Signal::Ill),
    (libc::SIGFPE, Signal::Fpe),
];

/// What the watchdog sends. It means out-of-band data on a socket, is ignored unless somebody handles it, and whoever does has to
/// bear with one too many.
const POKE: c_int = libc::SIGURG;

/// Bit of a page fault's error code: the access was a write.
const PAGE_FAULT_WRITE: usize = 1 << 1;

/// The handler that was there before.
struct Previous(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: it is written before its signal's handler is installed, under the lock of `INSTALLED`, and only read from then on.
unsafe impl Sync for Previous {}

impl Previous {
    const fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// # Safety
    /// Called by the handler of its signal.
    unsafe fn get(&self) -> &libc::sigaction {
        // SAFETY: it was stored before the handler was installed and is not written any more.
        unsafe { (*self.0.get()).assume_init_ref() }
    }
}

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

static BEFORE_FAULT: [Previous; SIGNALS.len()] = [const { Previous::new() }; SIGNALS.len()];
static BEFORE_POKE: Previous = Previous::new();
static INSTALLED: OnceLock<()> = OnceLock::new();

/// Installs the handlers, once per process.
pub(crate) fn install() {
    INSTALLED.get_or_init(|| {
        for (&(number, _), previous) in SIGNALS.iter().zip(&BEFORE_FAULT) {
            install_one(number, fault_handler, previous);
        }
        install_one(POKE, poke_handler, &BEFORE_POKE);
    });
}

/// System calls that a poke interrupts are not restarted: that is how host functions that wait learn of it. During a fault's
/// handler there are no pokes.
fn install_one(number: c_int, handler: Handler, previous: &Previous) {
    // SAFETY: both structures are valid; the handler keeps to what handlers may do. The previous handler is stored before the new one
    // can run, by the one thread that installs.
    let failed = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaddset(&mut action.sa_mask, POKE);
        libc::sigaction(number, std::ptr::null(), (*previous.0.get()).as_mut_ptr()) != 0
            || libc::sigaction(number, &action, std::ptr::null_mut()) != 0
    };
    assert!(!failed, "sigaction({number}): {}", io::Error::last_os_error());
}

/// A thread of this process, as signals are addressed.
#[derive(Debug)]
pub(crate) struct ThreadId(AtomicI32);

impl ThreadId {
    /// The calling thread's.
    pub(crate) fn current() -> Self {
        let id = Self(AtomicI32::new(0));
        id.renew();
        id
    }

    /// Makes it the calling thread's.
    pub(crate) fn renew(&self) {
        self.0.store(rustix::thread::gettid().as_raw_nonzero().get(), Relaxed);
    }
}

/// Makes a thread look whether its run is due. Nothing happens if the thread has ended.
pub(crate) fn poke(thread: &ThreadId) {
    let process = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: sends a signal that has a handler to a thread of this process, or to none.
    unsafe { libc::syscall(libc::SYS_tgkill, process, thread.0.load(Relaxed), POKE) };
}

/// Leaves all signals of the process to its other threads.
pub(crate) fn block_all() {
    // SAFETY: the set is initialised before it is used.
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
    }
}

/// Ends the run that a poke finds in compiled code, if that is due. Anywhere else nothing happens: the next poke, or the return from
/// the host function, finds it.
extern "C" fn poke_handler(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes the interrupted thread's registers.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let at = At::of(registers);
    if let Some((code, activation)) = fault::due(at) {
        // SAFETY: `due` found the activation in the cell of the slot whose stack the thread is on.
        unsafe { leave(registers, activation, code, at) };
    }
    // SAFETY: this is its signal's handler, with the kernel's arguments.
    unsafe {
        let previous = BEFORE_POKE.get();
        if !matches!(previous.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN) {
            call(previous, number, info, context);
        }
    }
}

type Registers = [libc::greg_t; 23];

impl At {
    fn of(registers: &Registers) -> Self {
        let register = |which: c_int| registers[which as usize] as usize;
        Self {
            pc: register(libc::REG_RIP),
            rsp: register(libc::REG_RSP),
            rbp: register(libc::REG_RBP),
            r15: register(libc::REG_R15),
        }
    }
}

/// Makes the interrupted thread leave compiled code.
///
/// # Safety
/// The registers are those of a thread on the stack of a slot whose cell holds this activation: it is the running one of this thread,
/// and its Rust owner waits inside `enter`.
unsafe fn leave(registers: &mut Registers, activation: *mut Activation, code: TrapCode, at: At) {
    // SAFETY: as the caller states.
    let host_rsp = unsafe { Activation::note_fault(activation, code, at) };
    registers[libc::REG_RIP as usize] = asm::leave as *const () as i64;
    registers[libc::REG_RDI as usize] = activation as i64;
    registers[libc::REG_RSI as usize] = i64::from(asm::reason::FAULT);
    registers[libc::REG_RSP as usize] = host_rsp as i64;
}

extern "C" fn fault_handler(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid record and the interrupted thread's registers.
    let (info_ref, registers) =
        unsafe { (&*info, &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs) };
    let Some(index) = SIGNALS.iter().position(|&(known, _)| known == number) else { return };
    let from_kernel = info_ref.si_code > 0;
    let at = At::of(registers);
    let fault = Fault {
        signal: SIGNALS[index].1,
        // SAFETY: the field is set for these signals when they stem from a fault; otherwise it is not looked at.
        address: unsafe { info_ref.si_addr() } as usize,
        write: registers[libc::REG_ERR as usize] as usize & PAGE_FAULT_WRITE != 0,
        memory_error: number == libc::SIGBUS && info_ref.si_code != libc::BUS_ADRERR,
        at,
    };
    let decision = if from_kernel { fault::decide(&fault) } else { Decision::NotOurs };
    match decision {
        Decision::Resume(pc) => registers[libc::REG_RIP as usize] = pc as i64,
        // SAFETY: `decide` found the activation in the cell of the slot whose stack the thread is on.
        Decision::Trap(code, activation) => unsafe { leave(registers, activation, code, at) },
        // SAFETY: this is the handler of the signal; the arguments are the kernel's.
        Decision::NotOurs => unsafe {
            chain(BEFORE_FAULT[index].get(), number, info, context, from_kernel);
        },
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
        // SAFETY: as the caller states.
        _ => unsafe { call(previous, number, info, context) },
    }
}

/// Calls the previous handler with the signals blocked that the kernel would have blocked for it. It may leave by a jump that does
/// not restore the mask, and must then find the interrupted code's own, not that of the handlers here.
///
/// # Safety
/// As for [`chain`]; it is a function.
unsafe fn call(previous: &libc::sigaction, number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes the interrupted thread's mask, and restores it when the handler returns.
    unsafe {
        let mut mask = (*context.cast::<libc::ucontext_t>()).uc_sigmask;
        for other in (1..=libc::SIGRTMAX()).filter(|&other| libc::sigismember(&previous.sa_mask, other) == 1)
        {
            libc::sigaddset(&mut mask, other);
        }
        if previous.sa_flags & libc::SA_NODEFER == 0 {
            libc::sigaddset(&mut mask, number);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &mask, std::ptr::null_mut());
    }
    if previous.sa_flags & libc::SA_SIGINFO != 0 {
        // SAFETY: with this flag the address is of a function of this type.
        let call: Handler = unsafe { std::mem::transmute(previous.sa_sigaction) };
        call(number, info, context);
    } else {
        // SAFETY: without the flag the address is of a function of this type.
        let call: extern "C" fn(c_int) = unsafe { std::mem::transmute(previous.sa_sigaction) };
        call(number);
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
    static OWN: Cell<Option<AlternateStack>> = const { Cell::new(None) };
}

/// Makes sure that the calling thread has a large enough alternate stack and lets pokes through. Once per thread.
pub(crate) fn prepare_thread() -> io::Result<()> {
    // SAFETY: both structures are initialised before they are used; this asks for the current alternate stack.
    let current = unsafe {
        let mut poke = std::mem::zeroed();
        libc::sigemptyset(&mut poke);
        libc::sigaddset(&mut poke, POKE);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &poke, std::ptr::null_mut());
        let mut current: libc::stack_t = std::mem::zeroed();
        if libc::sigaltstack(std::ptr::null(), &mut current) != 0 {
            return Err(io::Error::last_os_error());
        }
        current
    };
    if current.ss_flags & libc::SS_DISABLE == 0 && current.ss_size >= ALTERNATE_STACK {
        return Ok(());
    }
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
    Ok(())
}
