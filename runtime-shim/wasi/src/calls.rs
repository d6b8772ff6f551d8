//! The functions of WASI preview 1, by family. Each takes the context, the guest's memory and the guest's
//! arguments in the order of the specification.
//!
//! **Invariant.** A call that fails for its arguments has changed nothing: rights, pointers for results
//! and ranges are checked before the host acts.

pub(crate) mod args;
pub(crate) mod clock;
pub(crate) mod fd;
pub(crate) mod fdstat;
pub(crate) mod path;
pub(crate) mod poll;
pub(crate) mod proc;
pub(crate) mod random;
pub(crate) mod readdir;
pub(crate) mod sock;
mod waits;

#[cfg(test)]
mod effects;
#[cfg(test)]
mod random_calls;
#[cfg(test)]
mod tests;
