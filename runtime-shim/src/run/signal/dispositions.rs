//! Dispositions of signals: the handlers of the process, which any part of the host may change at any time.
//!
//! [`check`] is called off the hot path, whenever a module is opened, a pool is made or a thread is prepared,
//! and now and then by the watchdog. It repairs what the host has changed:
//!
//! * A fault signal that was set to its default or ignored gets the runtime's handler again. A handler of the
//!   host's that replaced the runtime's gets another one in front of it. For each handler that is another
//!   function (a *layer*), which knows what it replaced: so handlers that chain to each other in the order of
//!   their installation never form a cycle. A handler that comes again gets the same layer again, which calls
//!   what another one would call. There are eight; after that, [`check`] fails.
//! * The poke signal is installed again, or replaced by another signal (see [`super::poke`]).
//!
//! Handlers of other signals are left as they are. In particular they do not get `SA_ONSTACK`: that would
//! move them to the alternate stacks of threads that run no guests, which are as small as 8 KiB on threads of
//! Rust's.
//!
//! **Invariant: the record of what a layer replaced is written before the layer is installed, and never
//! again**, so handlers read it without a lock.

use super::context::Handler;
use super::faults::FAULTS;
use super::poke;
use crate::os::fork::{self, List};
use std::ffi::c_int;
use std::io;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

static CHANGES: Mutex<()> = Mutex::new(());

/// Guard required to change signal dispositions.
pub(super) type Lock = MutexGuard<'static, ()>;

pub(super) fn lock() -> Lock {
    CHANGES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps dispositions as they are during a fork.
fn lock_for_fork() -> Box<dyn FnOnce()> {
    let lock = lock();
    Box::new(move || drop(lock))
}

/// Installs the handlers once per process, and checks them from then on.
///
/// # Errors
/// As for [`check`].
pub(crate) fn install() -> io::Result<()> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        stay_loaded();
        fork::attend(List::Signals, lock_for_fork);
    });
    check()
}

/// Repairs what the host has changed since the last check, or installs the handlers.
///
/// # Errors
/// The runtime's handler of a fault cannot be put in front of the host's. All others are.
pub(crate) fn check() -> io::Result<()> {
    let lock = lock();
    let mut done = Ok(());
    for fault in &FAULTS {
        done = done.and(fault.put_in_front());
    }
    poke::repair(&lock);
    done
}

/// Whether the runtime's handler of a fault is the first one called.
pub(super) fn is_fault_in_front(number: c_int) -> bool {
    FAULTS.iter().any(|fault| fault.is_in_front(number))
}

/// The action of a signal.
pub(super) fn get(number: c_int) -> Option<libc::sigaction> {
    // SAFETY: asks for the action; the structure is valid.
    unsafe {
        let mut action = std::mem::zeroed();
        (libc::sigaction(number, std::ptr::null(), &raw mut action) == 0).then_some(action)
    }
}

/// Sets the action of a signal, and returns the one before.
///
/// # Safety
/// The action's handler, if it has one, may run at any time.
pub(super) unsafe fn set(number: c_int, action: &libc::sigaction) -> io::Result<libc::sigaction> {
    // SAFETY: both structures are valid, and the caller says that the handler may run at any time.
    unsafe {
        let mut before = std::mem::zeroed();
        match libc::sigaction(number, action, &raw mut before) {
            0 => Ok(before),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// The action that calls a handler of the runtime's on the alternate stack.
pub(super) fn action(handler: Handler, flags: c_int) -> libc::sigaction {
    // SAFETY: all-zero bytes are a valid action with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
    action
}

/// Whether an action calls no handler.
pub(super) fn is_free(action: &libc::sigaction) -> bool {
    matches!(action.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN)
}

/// Keeps the library that this code is in loaded until the process ends, as the handlers' addresses stay
/// known to the kernel.
#[cfg(not(target_feature = "crt-static"))]
fn stay_loaded() {
    // SAFETY: `dladdr` fills the structure for an address of this library; opening what is loaded only adds a
    // reference to it.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        let here = stay_loaded as *const ();
        if libc::dladdr(here.cast(), &raw mut info) != 0 && !info.dli_fname.is_null() {
            let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
            libc::dlopen(info.dli_fname, flags);
        }
    }
}

/// A static program is never unloaded.
#[cfg(target_feature = "crt-static")]
fn stay_loaded() {}

/// Whether an action calls this handler.
pub(super) fn calls(action: &libc::sigaction, handler: Handler) -> bool {
    action.sa_sigaction == handler as *const () as usize
}
