//! The error of deadlines and handles that cannot take effect.

use std::io;

/// Runs cannot be stopped, neither by a deadline nor by a handle. The next attempt to set one up tries again.
#[derive(Debug, thiserror::Error)]
pub enum InterruptError {
    /// The kernel refused the thread that enforces deadlines.
    #[error("cannot start the thread that enforces deadlines: {0}")]
    Watchdog(#[source] io::Error),
    /// The process is a copy of another one that was not made by `fork`, but by `_Fork` or `clone`.
    #[error(
        "the process was made by _Fork or clone, which leave out the thread that enforces deadlines; use fork"
    )]
    Copied,
    /// The host has handlers of `SIGURG` and of all real-time signals.
    #[error("no signal is free to stop runs by: the host handles SIGURG and all real-time signals")]
    NoSignal,
    /// The signal cannot be used to stop runs.
    #[error("signal {0} cannot be used to stop runs: it has a handler, cannot have one, or reports faults")]
    SignalTaken(i32),
}
