//! What speaks to the kernel directly, and knows nothing of guests: mappings, clocks, threads that wait
//! and how they are scheduled, forks, and copies that may fault.
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
