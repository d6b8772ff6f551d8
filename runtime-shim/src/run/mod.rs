//! Running compiled code: how it is entered and left, what interrupts it, and what it calls.
//!
//! **Invariant: nothing here knows how the embedder sees a run's end.**

pub(crate) mod activation;
pub(crate) mod backtrace;
pub(crate) mod call;
pub(crate) mod collect;
pub(crate) mod end;
pub(crate) mod instantiate;
pub(crate) mod protocol;
pub(crate) mod store;
pub(crate) mod store_id;
pub(crate) mod stubs;
pub(crate) mod suspension;
