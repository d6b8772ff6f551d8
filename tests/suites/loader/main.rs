//! Files that are not what they should be.
//!
//! **Invariant: whatever a file holds, opening it gives a module or a typed error**, and nothing from it
//! runs. A crash of this test is a failure of that.

mod exceptions;
mod image;
mod instantiate;
mod maps;
mod mutated;
mod part;
mod refused;
mod truncated;
