//! The nesting of a function's code at a position: open frames, and the regions whose exceptions
//! are caught.

use super::tally::Tally;
use cranelift_codegen::ir::{Block, Value};
use std::rc::Rc;
use wasmaot_abi::exception::Clause;

/// An open `block`, `loop`, `if` or the function itself.
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    /// Where a branch to the label goes, except for loops.
    pub(super) end: Block,
    /// Height of the operand stack below the frame's parameters.
    pub(super) height: usize,
    pub(super) results: usize,
    /// Whether something branches to `end`.
    pub(super) end_is_used: bool,
    /// How the count stands there.
    pub(super) end_tally: Option<Tally>,
    /// Whether the frame's beginning can be reached.
    pub(super) entered: bool,
    /// Loops around its code, itself included.
    pub(super) loops: u32,
    /// Where exceptions go that are thrown in it.
    pub(super) region: Option<RegionId>,
    /// The exception that the current clause of a `try` has caught.
    pub(super) caught: Option<Value>,
}

pub(super) enum FrameKind {
    Block,
    Loop {
        header: Block,
        params: usize,
    },
    /// Waits for its `else`. `else_block` takes the parameters as block arguments.
    If {
        else_block: Block,
        params: Vec<Value>,
        tally: Tally,
    },
    Else,
    /// Catches branch to these labels, which count from the frame around it.
    TryTable {
        region: RegionId,
        labels: Vec<u32>,
    },
    /// The next clause is that of this number.
    Try {
        region: RegionId,
        next: usize,
    },
}

/// Index of a try region in the function's list of regions.
pub(super) type RegionId = usize;

/// The clauses of a region.
pub(super) struct Region {
    /// Where an exception goes that no clause catches.
    pub(super) outer: Option<RegionId>,
    pub(super) clauses: Vec<RegionClause>,
    /// The clauses that its calls name, by region and position in it: its own and those around it,
    /// without any that another one precedes of the same tag, or of all.
    pub(super) visible: Rc<[(RegionId, usize)]>,
}

/// A clause, with where its exceptions land.
#[derive(Clone, Copy)]
pub(super) struct RegionClause {
    pub(super) clause: Clause,
    /// Made for the first call that needs it.
    pub(super) landing: Option<Block>,
}
