//! Signals: faults, pokes from the watchdog, and what a thread needs to receive them.
//!
//! | file | holds |
//! |---|---|
//! | `dispositions.rs` | the handlers of the process: installing, checking and repairing them |
//! | `faults.rs` | the handler of faults, and chaining to the one that was there before |
//! | `number.rs`, `poke.rs` | the signal that stops runs: its choice, its handler, sending it |
//! | `room.rs` | the end of a guest's stack, opened for a handler of the host's until it returns |
//! | `context.rs` | what the kernel passes to a handler |
//! | `waits.rs` | which interrupted system calls end when a run is due |
//! | `thread_id.rs` | how signals are addressed to a thread |
//! | `threads.rs` | a thread's signal mask and alternate stack |
//!
//! **Invariants.** The handlers allocate nothing, take no lock, use no thread-local storage (see
//! [`interrupt`](super::interrupt)), and call nothing that does. A fault that is not a guest's goes to the
//! handler that was there before. Compiled code only runs on threads with an alternate stack.

mod context;
mod dispositions;
mod faults;
pub(crate) mod number;
pub(crate) mod poke;
mod room;
pub(crate) mod thread_id;
pub(crate) mod threads;
mod waits;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod watchdog_tests;

pub(crate) use dispositions::{check, install};
pub(crate) use threads::{BlockAll, on_alternate_stack};
