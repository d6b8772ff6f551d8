//! What the measurements of instances share, here and in the workspace `peers`: the guests, the turns that
//! the sides take, what is stated about their times and kept of them, and wasmaot's side.
//!
//! **Invariant: every side of a comparison runs the same guests in the same way**, so all of that is here and
//! only here.

pub mod density;
pub mod guests;
pub mod ours;
pub mod results;
pub mod stats;
pub mod turns;
