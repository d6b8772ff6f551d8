//! Everything that speaks to the kernel or the CPU directly: mappings, signals, stack switching.
//!
//! **Invariant: assembly and raw system calls live here and nowhere else in the crate.**

pub(crate) mod asm;
pub(crate) mod clock;
pub(crate) mod cpu;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod guarded;
pub(crate) mod inject;
pub(crate) mod map;
pub(crate) mod pagemap;
pub(crate) mod signal;
pub(crate) mod stack;

#[cfg(test)]
mod steady;
#[cfg(test)]
pub(crate) mod testing;
