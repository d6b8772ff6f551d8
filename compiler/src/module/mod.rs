//! What the compiler knows of a module before it translates a function.
//!
//! | file | duty |
//! |---|---|
//! | [`info`] | [`ModuleInfo`]: everything that sections declare |
//! | [`const_expr`] | constant expressions |
//! | [`types`] | types |
//! | [`debug`], [`demangle`] | source lines, names of functions in the source |
//! | [`parse`] | sections in, [`ModuleInfo`] out |
//! | [`survey`] | one look at all function bodies: validation, and what they do to tables |
//! | [`tables`] | which tables are constant |
//! | [`image`] | the initial contents of memories |

pub(crate) mod const_expr;
pub(crate) mod debug;
pub(crate) mod demangle;
pub(crate) mod image;
pub(crate) mod info;
pub(crate) mod parse;
pub(crate) mod survey;
pub(crate) mod tables;
mod types;

pub(crate) use info::ModuleInfo;
