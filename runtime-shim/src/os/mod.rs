//! What knows nothing of guests. Most of it speaks to the kernel directly: mappings, clocks, threads that
//! wait and how they are scheduled, forks, and copies that may fault. What is told to `tracing` passes here,
//! too.
//!
//! **Invariant: raw system calls live here**, but for those about signals, in [`crate::run::signal`].

pub(crate) mod clock;
pub(crate) mod cpu;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod guarded;
pub(crate) mod inject;
pub(crate) mod map;
pub(crate) mod pagemap;
pub(crate) mod schedule;
pub(crate) mod stack;
pub(crate) mod sync;
pub(crate) mod trace;
