//! The Wasm functions on a slot's stack.
//!
//! **Invariant: a backtrace reads only the accessible stack of the slot that trapped**, and ends
//! where the frame chain stops ascending.

use crate::code::frame::Frame;
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
            // Where the very first instruction faulted (of a function or a stub, with no room to
            // push rbp), the return address is still on top, and rbp is the caller's.
            let has_frame = add(&mut frames, instances, pc) == Some(Place::Inside);
            if let Some(caller) = (!has_frame && rbp != 0).then(|| stack.load(rsp)).flatten() {
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

/// Where in a function an instruction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Inside,
}

/// Adds the function that `pc` is in, if it is a Wasm function.
fn add(frames: &mut Frames, instances: &Instances, pc: u64) -> Option<Place> {
    if frames.named.len() == MAX_FRAMES {
        frames.omitted += 1;
        return None;
    }
    let found = instances.locate(pc as usize)?;
    frames.named.push(found.frame);
    Some(if found.at_entry { Place::First } else { Place::Inside })
}
