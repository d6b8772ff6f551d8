//! Running a program from the command line: what `wasmaot run` and standalone executables have in common.
//!
//! | module | says |
//! |---|---|
//! | [`given`] | what a program is given: directories, environment, sockets |
//! | [`attached`] | how artifact and settings lie behind the runner in an executable |
//! | [`program`] | where a program starts, and how its end becomes an exit status |
//! | [`report`] | how errors, traps and bugs are told on stderr |
//! | [`sys`] | how a process begins and ends in no time |
//! | [`threads`] | programs of several threads |
//! | [`used`] | what a program used |
//!
//! **Invariant: a program behaves alike in both**, but for where its artifact and settings come from: the command line, or
//! the executable itself.
#![deny(unsafe_code)]

pub mod attached;
pub mod given;
pub mod program;
pub mod report;
pub mod sys;
pub mod threads;
pub mod used;
