//! Running compiled code: how it is entered and left, what interrupts it, and what it calls.
//!
//! **Invariant: nothing here knows how the embedder sees a run's end.**

pub(crate) mod activation;
pub(crate) mod asm;
mod atomic;
pub(crate) mod backtrace;
pub(crate) mod builtins;
mod bulk;
pub(crate) mod call;
pub(crate) mod collect;
pub(crate) mod end;
pub(crate) mod fault;
mod fuel;
pub(crate) mod host;
pub(crate) mod imports;
pub(crate) mod instantiate;
pub(crate) mod interrupt;
pub(crate) mod invoke;
pub(crate) mod meter;
pub(crate) mod park;
pub(crate) mod protocol;
mod registers;
mod segments;
pub(crate) mod signal;
mod slices;
pub(crate) mod store;
pub(crate) mod store_id;
pub(crate) mod suspension;
pub(crate) mod unwind;
