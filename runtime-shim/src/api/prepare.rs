//! What a host calls to keep its part of the contract about signals, see [`HostSignals`](crate::HostSignals).

use crate::run::interrupt::error::InterruptError;
use crate::run::interrupt::thread;
use crate::run::signal::{self, number, poke};
use std::io;

/// Prepares the calling thread for running guests, and checks the handlers of the process, see
/// [`HostSignals`](crate::HostSignals). Threads prepare themselves when they first call a guest. A host calls
/// this after it has changed the thread's signal mask or alternate stack, or has installed handlers of
/// signals.
///
/// # Errors
/// The kernel refuses an alternate stack, the thread runs a signal handler on it or is ending, or its stack
/// has less than 64 KiB. Or the host has put more than eight different handlers of one kind of fault in front
/// of the runtime's.
pub fn prepare_thread() -> io::Result<()> {
    let handlers = signal::install();
    thread::prepared()?.check()?;
    handlers
}

/// Uses this signal to stop runs, in place of the one that the runtime has chosen. Best called before the
/// first module is opened.
///
/// # Errors
/// The host has a handler of the signal, or it is no signal that can be handled, or one by which guests trap.
pub fn set_interrupt_signal(number: i32) -> Result<(), InterruptError> {
    if !poke::choose(number) {
        return Err(InterruptError::SignalTaken(number));
    }
    // Handlers of faults that are in front are reported where guests are prepared to run.
    _ = signal::install();
    Ok(())
}

/// The signal by which runs are stopped; `None` before the first module is opened, or if none is free.
pub fn interrupt_signal() -> Option<i32> {
    Some(number::get()).filter(|&number| number != 0)
}
