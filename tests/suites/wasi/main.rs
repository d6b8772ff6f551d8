//! WASI as programs meet it.

mod blocking;
mod conformance;
mod own;
mod real;
mod shared;
mod transfers;
mod waiting;
mod walk;
