//! Where a suspended guest goes on.
//!
//! **Invariant: what it points to is kept by the store**: the stack by the slot of an instance, the
//! type by a host function of one.

use crate::code::raw_value::RawValue;
use crate::space::slot::StackBounds;
use wasmaot_abi::types::FuncType;

/// Where a suspended guest goes on.
pub(crate) struct Suspension {
    /// The frame of the stub that called the host function.
    pub(crate) guest_fp: u64,
    /// The stack that all of it is on.
    pub(crate) stack: StackBounds,
    /// The vmctx of the instance that called the host function.
    pub(crate) caller: u64,
    /// Where the host function's results go, on that stack.
    pub(crate) values: *mut RawValue,
    /// How many cells there are.
    pub(crate) cells: usize,
    /// The host function's type, which the instance keeps.
    pub(crate) ty: *const FuncType,
    /// Where the results of the whole call will be, on that stack, and how many cells.
    pub(crate) results: (*mut RawValue, usize),
}

impl Suspension {
    /// Of a guest that waits for a host function of this type, with the cells that its results go
    /// to.
    pub(crate) fn new(
        stack: StackBounds,
        caller: u64,
        values: *mut RawValue,
        cells: usize,
        ty: *const FuncType,
    ) -> Self {
        Self { guest_fp: 0, stack, caller, values, cells, ty, results: (std::ptr::null_mut(), 0) }
    }
}
