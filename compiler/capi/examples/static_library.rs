//! The library as an archive with the flags of this workspace, which the tests link programs in C with.

pub use wasmaot_compiler_c::*;
