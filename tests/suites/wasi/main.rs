//! WASI as programs meet it.

mod conformance;
mod own;
