//! The Wasm functions on a slot's stack.
//!
//! **Invariant: a backtrace reads only the accessible stack of the slot that trapped**, and ends
//! where the frame chain stops ascending.

use crate::code::frame::Frame;
use crate::os::guarded;
use crate::space::slot::GuestStack;
use crate::state::instances::Instances;

/// Frames that a backtrace names at most.
pub const MAX_FRAMES: usize = 64;

/// Where a backtrace starts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// At an instruction that faulted.
    Fault {
        /// The instruction.
        pc: u64,
        /// Its stack pointer.
        rsp: u64,
        /// Its frame pointer.
        rbp: u64,
    },
    /// At a stub that the guest called, which has pushed the guest's frame pointer here.
    Stub {
        /// The stub's frame pointer.
        fp: u64,
    },
}

/// Wasm functions on a stack.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Innermost first; at most [`MAX_FRAMES`].
    pub(crate) named: Vec<Frame>,
    /// Machine frames beyond those.
    pub(crate) omitted: usize,
}

/// Names the Wasm functions on a slot's stack.
pub(crate) fn frames(instances: &Instances, stack: GuestStack<'_>, start: Start) -> Frames {
    let mut frames = Frames::default();
    let mut fp = match start {
        Start::Fault { pc, rsp, rbp } => {
            // A function's caller is found by its frame, unless there is none yet or any more. Then rbp is
            // the caller's own.
            let place = add(&mut frames, instances, pc).map(|from_entry| Place::of(pc, from_entry));
            let return_address = match place {
                Some(Place::Framed) => None,
                // A stub without room for its frame begins like a function.
                Some(Place::Bare) | None => Some(rsp),
                Some(Place::Begun) => Some(rsp.wrapping_add(8)),
            };
            let caller = return_address.filter(|_| rbp != 0).and_then(|address| stack.load(address));
            if let Some(caller) = caller {
                add(&mut frames, instances, caller.wrapping_sub(1));
            }
            rbp
        }
        Start::Stub { fp } => fp,
    };
    while let (Some(next), Some(pc)) = (stack.load(fp), stack.load(fp.wrapping_add(8))) {
        add(&mut frames, instances, pc.wrapping_sub(1));
        if next <= fp {
            break;
        }
        fp = next;
    }
    frames
}

/// What is on top of a function's stack where it was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Its return address: no frame is there yet, or any more.
    Bare,
    /// Its caller's rbp, and behind that its return address: rbp does not point there yet.
    Begun,
    /// Anything: rbp points to its frame.
    Framed,
}

impl Place {
    /// That of an instruction of a Wasm function, at this distance in bytes from its first one. Functions
    /// begin by `push rbp`, of one byte, and end by `pop rbp` and a return.
    fn of(pc: u64, from_entry: u32) -> Self {
        const RETURNS: [u8; 2] = [0xc3, 0xc2];
        let returns = || guarded::peek(pc as usize).is_some_and(|word| RETURNS.contains(&(word as u8)));
        match from_entry {
            0 => Place::Bare,
            1 => Place::Begun,
            _ if returns() => Place::Bare,
            _ => Place::Framed,
        }
    }
}

/// Adds the function that `pc` is in, if it is a Wasm function, and says how many bytes from its first
/// instruction that is.
fn add(frames: &mut Frames, instances: &Instances, pc: u64) -> Option<u32> {
    if frames.named.len() == MAX_FRAMES {
        frames.omitted += 1;
        return None;
    }
    let found = instances.locate(pc as usize)?;
    frames.named.push(found.frame);
    Some(found.from_entry)
}
