//! What compiled code must not get past: the edges of its memories, and the end of its stack.
//!
//! **Invariant: an expectation is computed, not written down**: an access traps exactly if its last byte
//! lies beyond the size that the memory has at that moment.

mod bulk;
mod host;
mod kinds;
mod memory;
mod stack;
mod trap;
