//! Runs WebAssembly modules as programs from the command line: shared by `wasmaot run` and the runner of
//! standalone executables.
//!
//! | module | duty |
//! |---|---|
//! | [`attached`] | file format of executables: artifact and settings behind the runner |
//! | [`check`] | whether a module can be started as a program |
//! | [`entry`] | which exports start a program, and the linker for WASI |
//! | [`end`] | how a program ended, and the exit status for it |
//! | [`grants`] | access granted to a program: directories, environment, sockets |
//! | [`headers`] | the runner's program headers, where a file that is cut off lacks them |
//! | [`limits`] | what a program may take unless the command line says otherwise |
//! | [`report`] | error messages, traps and internal errors on stderr |
//! | [`sys`] | start and end of the process |
//! | [`threads`] | programs with several threads |
//! | [`units`] | sizes and times as people write them |
//! | [`used`] | resources used by a program |
//!
//! **Invariant: a program behaves the same under `run` and as an executable.** Only the source of artifact
//! and settings differs: the command line, or the executable itself.
#![deny(unsafe_code)]

pub mod attached;
pub mod check;
pub mod end;
pub mod entry;
pub mod grants;
pub mod headers;
pub mod limits;
pub mod report;
pub mod sys;
pub mod threads;
pub mod units;
pub mod used;
