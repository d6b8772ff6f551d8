//! The handler of faults: guests trap, everything else goes to the handler that was there before.
//!
//! **Invariant: a layer chains to what it replaced**, which was installed before it. See
//! [`super::dispositions`].

use super::context::{Handler, Registers};
use super::dispositions::{action, calls, get, is_free, set};
use super::{poke, room};
use crate::run::activation::{Activation, At};
use crate::run::asm;
use crate::run::fault::{self, Decision, Fault, Signal};
use crate::run::protocol::reason;
use crate::run::registers::{self, General, LEGACY};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use wasmaot_abi::trap::TrapCode;

/// Handlers of the host's that the runtime's can be put in front of, for each signal, from the first one on.
const LAYERS: usize = 8;

/// Layers up to which the runtime's handler is put in front of one of another copy of this library, which
/// does the same. The rest are for handlers of the host's.
const FOR_COPIES: usize = LAYERS / 2;

/// Bit of a page fault's error code: the access was a write.
const PAGE_FAULT_WRITE: usize = 1 << 1;

/// `si_code` of a fault that no address is known for. (The crate `libc` does not have it.)
const SI_KERNEL: c_int = 0x80;

/// What `put_in_front` fails with.
const TOO_MANY: &str =
    "the host has put more handlers of faults in front of the runtime's than can be passed";

/// Whether two actions have the same effect.
fn is_same(one: &libc::sigaction, other: &libc::sigaction) -> bool {
    // The C library's, which the kernel reports.
    const SA_RESTORER: c_int = 0x0400_0000;
    // SAFETY: the sets of both actions are valid, as they were filled by the C library or by this file.
    let blocks = |action: &libc::sigaction, number| unsafe { libc::sigismember(&action.sa_mask, number) };
    one.sa_sigaction == other.sa_sigaction
        && one.sa_flags & !SA_RESTORER == other.sa_flags & !SA_RESTORER
        && (1..=libc::SIGRTMAX()).all(|number| blocks(one, number) == blocks(other, number))
}

/// The action that a layer replaced.
struct Replaced(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: it is written before its layer is installed, by the one thread that may change dispositions, and
// only read from then on.
unsafe impl Sync for Replaced {}

/// A signal that reports faults.
pub(super) struct FaultSignal {
    number: c_int,
    signal: Signal,
    replaced: [Replaced; LAYERS],
    /// For each layer: the handler that it replaced was to be called once (`SA_RESETHAND`), and was.
    spent: [AtomicBool; LAYERS],
    /// Layers that were installed.
    used: AtomicUsize,
}

pub(super) static FAULTS: [FaultSignal; 4] = [
    FaultSignal::new(libc::SIGSEGV, Signal::Segv),
    FaultSignal::new(libc::SIGBUS, Signal::Bus),
    FaultSignal::new(libc::SIGILL, Signal::Ill),
    FaultSignal::new(libc::SIGFPE, Signal::Fpe),
];

/// The handlers, which are as many functions so that each knows its layer.
static HANDLERS: [Handler; LAYERS] =
    [layer::<0>, layer::<1>, layer::<2>, layer::<3>, layer::<4>, layer::<5>, layer::<6>, layer::<7>];

impl FaultSignal {
    const fn new(number: c_int, signal: Signal) -> Self {
        let replaced = [const { Replaced(UnsafeCell::new(MaybeUninit::uninit())) }; LAYERS];
        let spent = [const { AtomicBool::new(false) }; LAYERS];
        Self { number, signal, replaced, spent, used: AtomicUsize::new(0) }
    }

    /// # Safety
    /// The layer was installed.
    unsafe fn replaced(&self, layer: usize) -> &libc::sigaction {
        // SAFETY: it was stored before the layer was installed and is not written any more.
        unsafe { (*self.replaced[layer].0.get()).assume_init_ref() }
    }

    /// Whether it is this signal, and the runtime's handler is the first one called.
    pub(super) fn is_in_front(&self, number: c_int) -> bool {
        let is_ours = |current| HANDLERS.iter().any(|&handler| calls(current, handler));
        self.number == number && get(number).as_ref().is_some_and(is_ours)
    }

    /// Makes sure that the runtime's handler is the first one called. The caller holds the lock of
    /// dispositions.
    ///
    /// # Errors
    /// All layers are used, and a handler that none of them replaced is in front.
    pub(super) fn put_in_front(&self) -> io::Result<()> {
        let Some(current) = get(self.number) else { return Ok(()) };
        if HANDLERS.iter().any(|&handler| calls(&current, handler)) {
            return Ok(());
        }
        let used = self.used.load(Relaxed);
        // Another layer that replaces the same would do the same, so the first one is installed again.
        // SAFETY: `used` counts layers whose record was written before, and `layer` is below that.
        let same = |layer: &usize| is_same(unsafe { self.replaced(*layer) }, &current);
        let layer = match (0..used).find(same) {
            Some(layer) => layer,
            // It has come in front of this copy's, and passes on what is not its own.
            None if used >= FOR_COPIES && self.is_of_a_copy(&current) => return Ok(()),
            None if used == LAYERS => return Err(io::Error::other(TOO_MANY)),
            None => {
                // SAFETY: the layer was never installed, and this is the only thread that installs.
                unsafe { (*self.replaced[used].0.get()).write(current) };
                self.used.store(used + 1, Relaxed);
                used
            }
        };
        self.spent[layer].store(false, Relaxed);
        let mut ours = action(HANDLERS[layer], 0);
        // Blocked in its handler anyway: the mark of a layer. SAFETY: the set is initialised. The handler
        // keeps to what handlers may do, and the record of its layer is written.
        unsafe {
            libc::sigaddset(&raw mut ours.sa_mask, self.number);
            set(self.number, &ours).map(drop)
        }
    }

    /// Whether this is the action of a layer of another copy of this library in the process.
    fn is_of_a_copy(&self, current: &libc::sigaction) -> bool {
        let mut ours = *current;
        // SAFETY: the set is initialised before it is used.
        unsafe {
            libc::sigemptyset(&raw mut ours.sa_mask);
            libc::sigaddset(&raw mut ours.sa_mask, self.number);
        }
        ours.sa_flags = action(layer::<0>, 0).sa_flags;
        !is_free(current) && is_same(&ours, current)
    }
}

extern "C" fn layer<const LAYER: usize>(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid record and the interrupted thread's registers.
    let (info_ref, state) = unsafe { (&*info, &mut *context.cast::<libc::ucontext_t>()) };
    let registers: &mut Registers = &mut state.uc_mcontext.gregs;
    let Some(this) = FAULTS.iter().find(|this| this.number == number) else { return };
    let from_kernel = info_ref.si_code > 0;
    if !from_kernel && poke::was_insisted(number) {
        // SAFETY: the state is the kernel's, for this handler, which uses it no further.
        unsafe { poke::look(state) };
        return;
    }
    // SAFETY: the registers are those of the calling thread, which handles the signal. The value goes no
    // further than `note_fault`.
    let at = unsafe { At::of(registers) };
    // SAFETY: the field is set for these signals when they stem from a fault; otherwise it is not looked at.
    let address = unsafe { info_ref.si_addr() } as usize;
    let fault = Fault {
        signal: this.signal,
        address,
        write: registers[libc::REG_ERR as usize] as usize & PAGE_FAULT_WRITE != 0,
        memory_error: number == libc::SIGBUS && info_ref.si_code != libc::BUS_ADRERR,
        no_address: info_ref.si_code == SI_KERNEL && address == 0,
        at,
    };
    let decision = if from_kernel { fault::decide(&fault) } else { Decision::NotOurs };
    match decision {
        Decision::Resume(pc) => registers[libc::REG_RIP as usize] = pc as i64,
        // SAFETY: `decide` found the activation in the cell of the slot whose stack the thread is on.
        Decision::Trap(code, activation) => unsafe {
            room::close((*activation).guest_stack());
            leave(registers, activation, code, at);
        },
        // A handler of the host's has run into the end of the guest's stack, and is to run to its own end.
        // SAFETY: `decide` found that this thread is on that stack: its slot is in use until the thread
        // leaves it, which it cannot before the handlers here and of the host's have returned. The guest
        // waits for them.
        Decision::Reserve(stack) if room::open(unsafe { stack.in_use() }, state) => {}
        // SAFETY: this is the handler of the signal, in a layer that was installed; the arguments are the
        // kernel's.
        Decision::Reserve(_) | Decision::NotOurs => unsafe {
            chain(this.replaced(LAYER), &this.spent[LAYER], number, info, context, from_kernel);
        },
    }
}

/// Chains to the handler that was there before.
///
/// # Safety
/// Called by the handler with the kernel's arguments.
unsafe fn chain(
    previous: &libc::sigaction,
    spent: &AtomicBool,
    number: c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
    from_kernel: bool,
) {
    let is_once = previous.sa_flags & libc::SA_RESETHAND != 0 && !is_free(previous);
    // The kernel, too, resets it before the call.
    let previous_handler =
        if is_once && spent.swap(true, Relaxed) { libc::SIG_DFL } else { previous.sa_sigaction };
    match previous_handler {
        libc::SIG_IGN if !from_kernel => {}
        // The kernel does not let a fault be ignored: it recurs, and then kills.
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: restores the default action; `raise` may be called in handlers. A fault recurs on
            // return.
            unsafe {
                let mut default: libc::sigaction = std::mem::zeroed();
                default.sa_sigaction = libc::SIG_DFL;
                _ = set(number, &default);
                if !from_kernel {
                    libc::raise(number);
                }
            }
        }
        // SAFETY: it is no special value, so it is a function, and the arguments are those that the kernel
        // has passed to the handler, as the caller says.
        _ => unsafe { call(previous, number, info, context) },
    }
}

/// Calls the previous handler with the signals blocked that the kernel would have blocked for it. It may
/// leave by a jump that does not restore the mask, and must then find the interrupted code's own, not that of
/// the handlers here.
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

/// Makes the interrupted thread leave compiled code.
///
/// # Safety
/// The registers are those of a thread on the stack of a slot whose cell holds this activation: it is the
/// running one of this thread, and its Rust owner waits inside `enter`.
pub(super) unsafe fn leave(registers: &mut Registers, activation: *mut Activation, code: TrapCode, at: At) {
    // SAFETY: it is the running activation of this thread, and its owner waits inside `enter`, as the caller
    // says.
    let host_rsp = unsafe { Activation::note_fault(activation, code, at) };
    to_host(registers, activation, host_rsp, reason::FAULT);
}

/// Makes the interrupted thread leave compiled code, to go on there in its next time slice. If its registers
/// cannot be kept, it goes on now.
///
/// # Safety
/// As for [`leave`], with all that the kernel has saved of the thread.
pub(super) unsafe fn yield_later(state: &mut libc::mcontext_t, activation: *mut Activation) {
    let general = general(&state.gregs);
    let frame: *const u8 = state.fpregs.cast();
    // SAFETY: unless it is null, the kernel has put 512 bytes there for this handler.
    let Some(legacy) = (unsafe { frame.cast::<[u8; LEGACY]>().as_ref() }) else { return };
    // SAFETY: the kernel has put as many bytes there as the first 512 say.
    let vectors = unsafe { std::slice::from_raw_parts(frame, registers::frame_size(legacy)) };
    // SAFETY: it is the running activation of this thread, and the state is this handler's, as the caller
    // says.
    if let Some(host_rsp) = unsafe { Activation::interrupt(activation, general, vectors) } {
        to_host(&mut state.gregs, activation, host_rsp, reason::INTERRUPTED);
    }
}

/// Has the thread go on in [`asm::leave`].
fn to_host(registers: &mut Registers, activation: *mut Activation, host_rsp: u64, reason: u32) {
    registers[libc::REG_RIP as usize] = asm::leave as *const () as i64;
    registers[libc::REG_RDI as usize] = activation as i64;
    registers[libc::REG_RSI as usize] = i64::from(reason);
    registers[libc::REG_RSP as usize] = host_rsp as i64;
}

/// The registers of an interrupted thread.
fn general(registers: &Registers) -> General {
    let register = |which: c_int| registers[which as usize] as u64;
    General {
        rax: register(libc::REG_RAX),
        rbx: register(libc::REG_RBX),
        rcx: register(libc::REG_RCX),
        rdx: register(libc::REG_RDX),
        rsi: register(libc::REG_RSI),
        rdi: register(libc::REG_RDI),
        rbp: register(libc::REG_RBP),
        rsp: register(libc::REG_RSP),
        r8: register(libc::REG_R8),
        r9: register(libc::REG_R9),
        r10: register(libc::REG_R10),
        r11: register(libc::REG_R11),
        r12: register(libc::REG_R12),
        r13: register(libc::REG_R13),
        r14: register(libc::REG_R14),
        r15: register(libc::REG_R15),
        rip: register(libc::REG_RIP),
        flags: register(libc::REG_EFL),
    }
}

impl At {
    /// Where a thread was interrupted that had these registers.
    ///
    /// # Safety
    /// As for [`At::new`].
    pub(super) unsafe fn of(registers: &Registers) -> Self {
        let numbers = [libc::REG_RIP, libc::REG_RSP, libc::REG_RBP, libc::REG_R15];
        // SAFETY: the calling thread was interrupted with these registers and handles the signal, as the
        // caller says.
        unsafe { Self::new(numbers.map(|number| registers[number as usize] as usize)) }
    }
}
