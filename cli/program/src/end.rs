//! How a program ended, and the exit status of the process for it.

use crate::report;
use wasmaot_runtime::{CallError, Exception, Trap};

/// Exit status after a trap or an uncaught exception: the status that a shell reports for SIGABRT.
pub const TRAPPED: i32 = 134;

/// How a program ended.
#[derive(Debug)]
pub enum End {
    /// The program exited with this status.
    Exit(i32),
    /// The program ended with a trap.
    Trap(Trap),
    /// The program threw an exception that nothing caught.
    Exception(Box<Exception>),
    /// It broke a rule of an interface that is not WebAssembly's own, in these words.
    Broken(String),
}

impl End {
    /// Classifies the error of a call that did not return.
    ///
    /// # Errors
    /// Returns the error itself if it is not an end of the program but a failure to run it.
    pub fn of(error: CallError) -> Result<Self, CallError> {
        match error {
            CallError::Exit(status) => Ok(Self::Exit(status)),
            CallError::Trap(trap) => Ok(Self::Trap(trap)),
            CallError::Exception(exception) => Ok(Self::Exception(exception)),
            error => Err(error),
        }
    }

    /// Prints a trap or an exception to stderr. Prints nothing for an exit.
    pub fn print(&self) {
        match self {
            Self::Exit(_) => {}
            Self::Trap(trap) => report::note(&report::trap(trap)),
            Self::Exception(exception) => report::note(&report::exception(exception)),
            Self::Broken(rule) => report::note(&format!("error: trap: {}", report::Name(rule))),
        }
    }

    /// Returns the exit status of the process.
    pub fn status(&self) -> i32 {
        match self {
            Self::Exit(status) => *status,
            Self::Trap(_) | Self::Exception(_) | Self::Broken(_) => TRAPPED,
        }
    }
}
