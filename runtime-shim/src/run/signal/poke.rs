//! The poke signal, by which the watchdog makes a thread look whether its run is due.
//!
//! It is `SIGURG` if the host has no handler of it, since its default is to be ignored: a poke that comes too
//! late hurts nothing. Otherwise it is a real-time signal that the host does not handle, from the highest
//! number down, as programs count them upwards. An embedder may choose another one.
//!
//! **Invariants.** A signal that the host handles is never taken, so the runtime's choice does not change
//! what others' system calls do. A poke is sent only while the runtime's handler is installed for it; to a
//! thread that receives none, as a signal of faults. The handler restarts the system calls that it interrupts
//! (`SA_RESTART`), but for those of a run that is due (see [`super::waits`]).

use super::context::Registers;
use super::dispositions::{self, Lock, action, calls, get, is_free, lock, set};
use super::faults::{leave, yield_later};
use super::number;
use super::room;
use super::thread_id::ThreadId;
use super::waits::{self, SYSCALL};
use crate::run::activation::At;
use crate::run::fault;
use crate::run::interrupt::{Next, thread};
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasmaot_abi::trap::TrapCode;

/// How many pokes in a row a real-time signal is taken for queued. Then it is sent again, as the kernel drops
/// what is queued when the host ignores the signal for a while.
const BELIEVED: u32 = 250;

/// The signal that is sent to a thread that receives no pokes: it has blocked the signal, which was another
/// one when it began, or the kernel has no room to queue it. The first entry has unblocked this one, whose
/// handler is the runtime's, and it is never queued.
const INSISTENT: c_int = libc::SIGILL;

/// Pokes after which that is sent.
const PATIENCE: u32 = 20;

/// What the signal did before it was taken: nothing, by `SIG_DFL` or `SIG_IGN`.
static BEFORE: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);

/// Signals that can be taken: `SIGURG`, and real-time signals from the highest down.
fn candidates() -> impl Iterator<Item = c_int> {
    std::iter::once(libc::SIGURG).chain((libc::SIGRTMIN()..=libc::SIGRTMAX()).rev())
}

fn is_real_time(number: c_int) -> bool {
    number >= libc::SIGRTMIN()
}

/// Whether the runtime handles this signal.
pub(super) fn is_installed(number: c_int) -> bool {
    number != 0 && get(number).is_some_and(|action| calls(&action, handler))
}

/// Installs the handler for a signal that the host does not handle.
fn take(number: c_int) -> bool {
    if !get(number).is_some_and(|action| is_free(&action)) {
        return false;
    }
    // SAFETY: the handler keeps to what handlers may do.
    let before = unsafe { set(number, &action(handler, libc::SA_RESTART)) };
    match before {
        Ok(before) if !is_free(&before) && !calls(&before, handler) => {
            // Another thread has installed a handler in between: it stays.
            // SAFETY: the handler that is installed again is the host's own, which it was fit to run before.
            _ = unsafe { set(number, &before) };
            false
        }
        Ok(before) => {
            if is_free(&before) {
                BEFORE.store(before.sa_sigaction, Relaxed);
            }
            number::set(number);
            true
        }
        Err(_) => false,
    }
}

/// Makes sure that there is a signal with the runtime's handler, where one is free.
pub(super) fn repair(_: &Lock) {
    let current = number::get();
    if is_installed(current) || (current != 0 && take(current)) {
        return;
    }
    candidates().any(take);
}

/// Uses this signal from now on. `false` if the host handles it, it cannot be handled, or it reports faults.
pub(crate) fn choose(number: c_int) -> bool {
    let reports_faults = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE].contains(&number);
    let is_internal = (32..libc::SIGRTMIN()).contains(&number);
    let _lock = lock();
    let (before, action) = (number::get(), BEFORE.load(Relaxed));
    if number == before && is_installed(number) {
        return true;
    }
    if reports_faults || is_internal || !take(number) {
        return false;
    }
    if before == libc::SIGURG && is_installed(before) {
        // SAFETY: all-zero bytes are a valid action, and the one before calls no handler. This signal is
        // ignored by default, too.
        _ = unsafe { set(before, &libc::sigaction { sa_sigaction: action, ..std::mem::zeroed() }) };
    }
    true
}

/// Whether runs can be stopped: a signal is installed, or could be now.
pub(crate) fn is_usable() -> bool {
    is_installed(number::get()) || {
        repair(&lock());
        is_installed(number::get())
    }
}

/// Makes a thread look whether its run is due. Nothing happens if the thread has ended.
pub(crate) fn send(thread: &ThreadId) {
    // The default action of a real-time signal ends the process.
    if !is_usable() {
        return;
    }
    let number = number::get();
    let earlier = thread.attempt();
    // Unlike others, real-time signals are queued each time that they are sent.
    let is_new = !is_real_time(number) || earlier.is_multiple_of(BELIEVED);
    let is_lost = is_new && !send_to(thread, number);
    let is_needed = is_lost || earlier % PATIENCE == PATIENCE - 1;
    if is_needed && dispositions::is_fault_in_front(INSISTENT) && thread.insist() {
        send_to(thread, INSISTENT);
    }
}

/// Sends a signal that has a handler to a thread of this process, or to none.
fn send_to(thread: &ThreadId, number: c_int) -> bool {
    let process = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: the signal has a handler, and the call takes numbers only.
    unsafe { libc::syscall(libc::SYS_tgkill, process, thread.kernel.load(Relaxed), number) == 0 }
}

/// For the handler of the insistent signal: whether it was sent as a poke to the calling thread.
pub(super) fn was_insisted(number: c_int) -> bool {
    number == INSISTENT && thread::was_insisted()
}

/// Sends the calling thread a poke that arrives when the interrupted handler returns.
pub(super) fn poke_later(context: &mut libc::ucontext_t) {
    let number = number::get();
    if !is_installed(number) {
        return;
    }
    thread::masks_pokes();
    // SAFETY: both sets are valid, the current one until the kernel restores that of the context; the signal
    // has a handler.
    unsafe {
        libc::sigaddset(&raw mut context.uc_sigmask, number);
        let mut one = std::mem::zeroed();
        libc::sigemptyset(&raw mut one);
        libc::sigaddset(&raw mut one, number);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const one, std::ptr::null_mut());
        let (process, thread) = (libc::getpid(), libc::syscall(libc::SYS_gettid));
        libc::syscall(libc::SYS_tgkill, process, thread, number);
    }
}

/// Ends the run that a poke finds in compiled code, if that is due, or its time slice, if that is over, or
/// the system call in which a host function of a due run waits. Anywhere else nothing happens: the next poke,
/// or the return from the host function, finds it.
extern "C" fn handler(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    thread::received();
    // SAFETY: the kernel passes the state of the thread that it has interrupted, which nothing else refers
    // to.
    unsafe { look(&mut *context.cast::<libc::ucontext_t>()) };
}

/// What the handler of pokes does.
///
/// # Safety
/// The kernel has passed this to a handler that the calling thread is in.
pub(super) unsafe fn look(context: &mut libc::ucontext_t) {
    // SAFETY: the context is that of the calling thread, which handles the signal; the value is not kept.
    let at = unsafe { At::of(&context.uc_mcontext.gregs) };
    let overflow = room::settle(context, at);
    let registers: &mut Registers = &mut context.uc_mcontext.gregs;
    if let Some(activation) = overflow {
        // SAFETY: `settle` found the activation in the cell of the slot whose stack the thread is on.
        unsafe { leave(registers, activation, TrapCode::StackOverflow, at) };
    } else if let Some((next, activation)) = fault::after_poke(at) {
        match next {
            // SAFETY: `after_poke` found the activation in the cell of the slot whose stack the thread is on.
            Next::Stop(code) => unsafe { leave(registers, activation, code, at) },
            // SAFETY: `after_poke` found the activation in the cell of the slot whose stack the thread is on,
            // and the state is all that the kernel has saved of that.
            Next::Yield => unsafe { yield_later(&mut context.uc_mcontext, activation) },
            Next::GoOn => {}
        }
    }
    if thread::is_due_at(at.rsp) {
        let registers: &mut Registers = &mut context.uc_mcontext.gregs;
        let pc = registers[libc::REG_RIP as usize] as usize as *const u8;
        // SAFETY: the thread executes the instruction at that address next, so its first byte is readable,
        // and the byte behind it is read only if the first is that of an instruction of at least two.
        let is_syscall = unsafe { pc.read() == SYSCALL[0] && pc.wrapping_add(1).read() == SYSCALL[1] };
        if is_syscall {
            waits::end(registers);
        }
    }
}
