//! The C API as programs in C and C++ meet it: built, installed, linked with, and run.
//!
//! **Invariant: one build of the libraries serves all tests**, and it is the one that `install.sh` makes for
//! users.

mod api;
mod compiler;
mod declarations;
mod examples;
mod header;
mod hosts;
mod languages;
mod library;
mod parsed;
mod signals;
