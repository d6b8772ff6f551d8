//! How runs of compiled code end: what host functions leave behind that do not return, and what is
//! left of a run that failed.
//!
//! **Invariant: values are cells here.** The embedder's view of them is made by the maker of the
//! call.

use crate::code::raw_value::RawValue;
use crate::run::backtrace::{Frames, MAX_FRAMES};
use crate::run::interrupt::error::InterruptError;
use crate::run::suspension::Suspension;
use crate::state::tag::TagRecord;
use std::any::Any;
use std::error::Error;
use std::io;
use std::rc::Rc;
use wasmaot_abi::trap::TrapCode;

/// Why a host function does not return to its caller.
pub(crate) enum Pending {
    /// It ends the program with this status.
    Exit(i32),
    /// It traps.
    Trap(TrapCode),
    /// It throws an exception.
    Throw(Thrown),
    /// It waits. The value is for the caller of the guest.
    Suspend(Box<dyn Any + Send>, Suspension),
    /// It would wait, but the call cannot be suspended.
    CannotSuspend,
    /// The kernel refuses what the thread needs to go on with the guest.
    Thread(io::Error),
    /// It failed.
    Error(Box<dyn Error + Send + Sync>),
    /// It panicked.
    Panic(Box<dyn Any + Send>),
}

/// How a run ended that did not fail.
pub(crate) enum Ended {
    /// It is over.
    Returned,
    /// A host function waits, and the guest's stack is as it was. The store has what it takes to go on, and
    /// the value is for the caller of the guest.
    Suspended(Box<dyn Any + Send>),
    /// Its time slice is over. The store has what it takes to go on.
    Yielded,
}

/// How a run failed, or why it did not begin.
pub(crate) enum Failure {
    /// It trapped, in these functions.
    Trapped(TrapCode, Frames),
    /// A host function ended the program with this status.
    Exit(i32),
    /// It threw an exception that nothing caught.
    Thrown(Thrown),
    /// A host function failed.
    Error(Box<dyn Error + Send + Sync>),
    /// A host function suspended a call that cannot be.
    CannotSuspend,
    /// The function belongs to another store.
    WrongStore,
    /// The store has a call that waits to be resumed.
    Suspended,
    /// The kernel refused what the thread needs.
    Thread(io::Error),
    /// It could not be stopped.
    Interrupt(InterruptError),
}

/// A failure as calls return it: in a box, so that a call that succeeds returns a word, and leaves nothing to
/// be dropped.
pub(crate) type Failed = Box<Failure>;

impl Failure {
    /// A trap outside any Wasm function.
    pub(crate) fn trap(code: TrapCode) -> Self {
        Failure::Trapped(code, Frames::default())
    }
}

/// An exception outside of the guest: what a host function throws, or nothing has caught.
pub(crate) struct Thrown {
    tag: Rc<TagRecord>,
    values: Box<[RawValue]>,
    frames: Frames,
}

impl Thrown {
    /// An exception with the frames that it has left unhandled.
    pub(crate) fn new(tag: Rc<TagRecord>, values: Box<[RawValue]>, frames: Frames) -> Self {
        Self { tag, values, frames }
    }

    /// Its tag.
    pub(crate) fn tag(&self) -> &Rc<TagRecord> {
        &self.tag
    }

    /// What it carries.
    pub(crate) fn values(&self) -> &[RawValue] {
        &self.values
    }

    /// The frames that it has left unhandled.
    pub(crate) fn into_frames(self) -> Frames {
        self.frames
    }

    /// Adds frames that it has left unhandled.
    pub(crate) fn passed(&mut self, frames: Frames) {
        let room = MAX_FRAMES.saturating_sub(self.frames.named.len());
        self.frames.omitted += frames.omitted + frames.named.len().saturating_sub(room);
        self.frames.named.extend(frames.named.into_iter().take(room));
    }
}
