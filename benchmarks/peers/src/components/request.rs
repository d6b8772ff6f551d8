//! What an instance of a component is asked, on both sides.

use std::any::Any;
use std::io;
use wasmaot_bench::turns::Side;

/// Slots of each pool.
pub(super) const SLOTS: u32 = 8;

/// What an instance is asked to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// `wasi:http/incoming-handler#handle`.
    Http,
    /// `greet`, with a string.
    Greet,
}

/// What the host functions of a request count.
#[derive(Default)]
pub(super) struct Request {
    /// Bytes of the body that were written.
    pub(super) written: usize,
    /// Whether the answer was given.
    pub(super) answered: bool,
}

impl Request {
    pub(super) fn check(&self) -> io::Result<()> {
        if self.answered && self.written > 0 {
            return Ok(());
        }
        Err(io::Error::other("the request has no answer"))
    }
}

/// What `greet` is called with.
pub(super) const NAME: &str = "a request of some length";

/// What it answers.
pub(super) fn check_greeting(answer: &str) -> io::Result<()> {
    if answer == NAME { Ok(()) } else { Err(io::Error::other(format!("a wrong answer: {answer}"))) }
}

/// A side whose instances only differ in how one is made, called and given up.
pub(super) struct Once<F>(pub(super) F);

impl<F: Fn() -> io::Result<()> + Sync> Side for Once<F> {
    fn instance(&self) -> io::Result<()> {
        (self.0)()
    }

    fn idle(&self) -> io::Result<Box<dyn Any>> {
        Err(io::Error::other("only whole instances are measured"))
    }
}
