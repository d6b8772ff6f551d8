//! Traps as the embedder sees them: the code, and where in the Wasm program.
//!
//! **Invariant: a backtrace reads only the accessible stack of the slot that trapped**, and ends where the frame
//! chain stops ascending.

use crate::instance::Instances;
use crate::slot::StackBounds;
use std::fmt;
use wasmaot_abi::trap::TrapCode;

/// Frames that a backtrace names at most.
pub const MAX_FRAMES: usize = 64;

/// A function that was running when a trap happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Wasm index of the function in its module.
    pub func_index: u32,
    /// Its name, if the artifact has one.
    pub name: Option<String>,
    /// Offset in the Wasm file of the operator that trapped or called.
    pub wasm_offset: Option<u32>,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}")?,
            None => write!(f, "function {}", self.func_index)?,
        }
        match self.wasm_offset {
            Some(offset) => write!(f, " (wasm offset {offset:#x})"),
            None => Ok(()),
        }
    }
}

/// A run that ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Trap {
    /// Why.
    pub code: TrapCode,
    /// Wasm functions that were running, innermost first; at most [`MAX_FRAMES`].
    pub backtrace: Vec<Frame>,
    /// Machine frames beyond those.
    pub omitted_frames: usize,
}

impl Trap {
    /// A trap outside any Wasm function.
    pub(crate) fn new(code: TrapCode) -> Self {
        Self { code, backtrace: Vec::new(), omitted_frames: 0 }
    }

    /// Offset in the Wasm file of the operator that trapped.
    pub fn wasm_offset(&self) -> Option<u32> {
        self.backtrace.first()?.wasm_offset
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wasm trap: {}", self.code)?;
        match self.backtrace.first() {
            Some(frame) => write!(f, " in {frame}"),
            None => Ok(()),
        }
    }
}

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

/// A trap with the Wasm functions on a slot's stack.
pub(crate) fn backtrace(code: TrapCode, instances: &Instances, stack: StackBounds, start: Start) -> Trap {
    let Frames { named, omitted } = frames(instances, stack, start);
    Trap { code, backtrace: named, omitted_frames: omitted }
}

/// Names the Wasm functions on a slot's stack.
pub(crate) fn frames(instances: &Instances, stack: StackBounds, start: Start) -> Frames {
    let mut frames = Frames::default();
    let mut fp = match start {
        Start::Fault { pc, rsp, rbp } => {
            // Where the very first instruction faulted (of a function or a stub, with no room to push rbp), the return address
            // is still on top, and rbp is the caller's.
            let has_frame = add(&mut frames, instances, pc) == Some(Place::Inside);
            if let Some(caller) = (!has_frame && rbp != 0).then(|| load(stack, rsp)).flatten() {
                add(&mut frames, instances, caller.wrapping_sub(1));
            }
            rbp
        }
        Start::Stub { fp } => fp,
    };
    while let (Some(next), Some(pc)) = (load(stack, fp), load(stack, fp.wrapping_add(8))) {
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

/// A word of a stack.
pub(crate) fn load(stack: StackBounds, address: u64) -> Option<u64> {
    let address = address as usize;
    if !address.is_multiple_of(8) || !stack.holds(address, 8) {
        return None;
    }
    // SAFETY: an aligned word in the accessible part of a live slot's stack, which nothing runs on now.
    Some(unsafe { (address as *const u64).read() })
}
