//! Where a local lies: it is a value of the function, or a cell of its frame. See [`super::local`].

use cranelift_codegen::ir::{StackSlot, Type};
use cranelift_frontend::Variable;

/// Where a local is.
#[derive(Clone, Copy)]
pub(super) enum Local {
    /// A value, which may be another one in each block.
    Variable(Variable),
    /// A cell of the frame, this many bytes from the start of [`Cells::slot`].
    Cell { offset: i32, ty: Type },
}

/// The cells of locals that lie in the frame.
#[derive(Clone, Copy)]
pub(super) struct Cells {
    pub(super) slot: StackSlot,
    /// Bytes of it that are taken.
    pub(super) size: u32,
}
