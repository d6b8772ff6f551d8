//! Where a suspended guest goes on.
//!
//! **Invariant: what it points to is kept by the store with its number**: the stack by the slot of an
//! instance, which does not change as long as the guest is suspended. Only this layer makes one.

use crate::code::raw_value::RawValue;
use crate::run::backtrace::Start;
use crate::run::store_id::StoreId;
use crate::space::slot::StackBounds;
use std::sync::Arc;
use wasmaot_abi::types::FuncType;

/// Where a suspended guest goes on.
pub(crate) struct Suspension {
    /// The store that it belongs to.
    pub(super) store: StoreId,
    /// The stack that all of it is on.
    pub(super) stack: StackBounds,
    /// Where the results of the whole call will be, on that stack, and how many cells.
    pub(super) results: (*mut RawValue, usize),
    /// What it waits for.
    pub(super) at: Place,
}

/// What a suspended guest waits for.
pub(super) enum Place {
    /// The results of a host function.
    Host(Called),
    /// Its next time slice, in which it goes on with the registers of its store. A backtrace starts here.
    Slice(Start),
}

/// The call of a host function that a guest waits for.
#[derive(Clone)]
pub(super) struct Called {
    /// The frame of the stub that called the host function.
    pub(super) guest_fp: u64,
    /// The vmctx of the instance that called the host function.
    pub(super) caller: u64,
    /// Where the host function's results go, on that stack.
    pub(super) values: *mut RawValue,
    /// How many cells there are.
    pub(super) cells: usize,
    /// The host function's type.
    pub(super) ty: Arc<FuncType>,
}

impl Suspension {
    /// The type of the host function that it waits for, if it does.
    pub(crate) fn ty(&self) -> Option<&FuncType> {
        match &self.at {
            Place::Host(called) => Some(&called.ty),
            Place::Slice(_) => None,
        }
    }

    /// The same guest, waiting for the same host function once more.
    pub(super) fn again(&self, called: &Called) -> Self {
        let at = Place::Host(called.clone());
        Self { store: self.store, stack: self.stack, results: self.results, at }
    }

    /// Where a backtrace of it starts.
    pub(crate) fn start(&self) -> Start {
        match &self.at {
            Place::Host(called) => Start::Stub { fp: called.guest_fp },
            Place::Slice(start) => *start,
        }
    }
}
