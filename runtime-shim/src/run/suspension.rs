//! Where a suspended guest goes on.
//!
//! **Invariant: what it points to is kept by the store with its number**: the stack by the slot of an instance, which does not
//! change as long as the guest is suspended. Only this layer makes one.

use crate::code::raw_value::RawValue;
use crate::run::store_id::StoreId;
use crate::space::slot::StackBounds;
use std::sync::Arc;
use wasmaot_abi::types::FuncType;

/// Where a suspended guest goes on.
pub(crate) struct Suspension {
    /// The store that it belongs to.
    pub(super) store: StoreId,
    /// The frame of the stub that called the host function.
    pub(super) guest_fp: u64,
    /// The stack that all of it is on.
    pub(super) stack: StackBounds,
    /// The vmctx of the instance that called the host function.
    pub(super) caller: u64,
    /// Where the host function's results go, on that stack.
    pub(super) values: *mut RawValue,
    /// How many cells there are.
    pub(super) cells: usize,
    /// The host function's type.
    pub(super) ty: Arc<FuncType>,
    /// Where the results of the whole call will be, on that stack, and how many cells.
    pub(super) results: (*mut RawValue, usize),
}

impl Suspension {
    /// The type of the host function that waits.
    pub(crate) fn ty(&self) -> &FuncType {
        &self.ty
    }
}
