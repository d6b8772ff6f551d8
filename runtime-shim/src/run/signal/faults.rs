//! The handler of faults: guests trap, everything else goes to the handler that was there before.
//!
//! **Invariant: a layer chains to what it replaced**, which was installed before it. See [`super::dispositions`].

use super::context::{Handler, Registers};
use super::dispositions::{action, calls, get, is_free, set};
use super::leave;
use crate::run::activation::At;
use crate::run::fault::{self, Decision, Fault, Signal};
use crate::space::reserve;
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Handlers of the host's that the runtime's can be put in front of, for each signal, from the first one on.
const LAYERS: usize = 8;

/// Bit of a page fault's error code: the access was a write.
const PAGE_FAULT_WRITE: usize = 1 << 1;

/// `si_code` of a fault that no address is known for. (The crate `libc` does not have it.)
const SI_KERNEL: c_int = 0x80;

/// The action that a layer replaced.
struct Replaced(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: it is written before its layer is installed, by the one thread that may change dispositions, and only read from then on.
unsafe impl Sync for Replaced {}

/// A signal that reports faults.
pub(super) struct FaultSignal {
    number: c_int,
    signal: Signal,
    replaced: [Replaced; LAYERS],
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
        Self { number, signal, replaced, used: AtomicUsize::new(0) }
    }

    /// # Safety
    /// The layer was installed.
    unsafe fn replaced(&self, layer: usize) -> &libc::sigaction {
        // SAFETY: it was stored before the layer was installed and is not written any more.
        unsafe { (*self.replaced[layer].0.get()).assume_init_ref() }
    }

    /// Makes sure that the runtime's handler is the first one called. The caller holds the lock of dispositions.
    pub(super) fn put_in_front(&self) {
        let Some(current) = get(self.number) else { return };
        if HANDLERS.iter().any(|&handler| calls(&current, handler)) {
            return;
        }
        let used = self.used.load(Relaxed);
        // What calls no handler is in no cycle, so a layer that replaced the same can be installed again.
        // SAFETY: those layers were installed.
        let same = |layer: &usize| unsafe { self.replaced(*layer) }.sa_sigaction == current.sa_sigaction;
        let layer = match (0..used).find(same).filter(|_| is_free(&current)) {
            Some(layer) => layer,
            None if used == LAYERS => return,
            None => {
                // SAFETY: the layer was never installed, and this is the only thread that installs.
                unsafe { (*self.replaced[used].0.get()).write(current) };
                self.used.store(used + 1, Relaxed);
                used
            }
        };
        // SAFETY: the handler keeps to what handlers may do, and the record of its layer is written.
        _ = unsafe { set(self.number, &action(HANDLERS[layer], 0)) };
    }
}

extern "C" fn layer<const LAYER: usize>(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid record and the interrupted thread's registers.
    let (info_ref, registers): (_, &mut Registers) =
        unsafe { (&*info, &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs) };
    let Some(this) = FAULTS.iter().find(|this| this.number == number) else { return };
    let from_kernel = info_ref.si_code > 0;
    let at = At::of(registers);
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
        Decision::Trap(code, activation) => unsafe { leave(registers, activation, code, at) },
        // A handler of the host's has run into the end of the guest's stack, and is to run to its own end.
        Decision::Reserve(stack) if reserve::open(stack) => {}
        // SAFETY: this is the handler of the signal, in a layer that was installed; the arguments are the kernel's.
        Decision::Reserve(_) | Decision::NotOurs => unsafe {
            chain(this.replaced(LAYER), number, info, context, from_kernel);
        },
    }
}

/// Chains to the handler that was there before.
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
                _ = set(number, &default);
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
