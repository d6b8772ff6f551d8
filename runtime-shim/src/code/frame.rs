//! The place in a Wasm program that an instruction stems from.
//!
//! **Invariant: it names a Wasm function**, never a thunk or an entry.

use std::fmt;

/// A function that was running when a trap happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Wasm index of the function in its module.
    pub func_index: u32,
    /// Its name, if the artifact has one.
    pub name: Option<String>,
    /// Offset in the Wasm file of the operator that trapped or called.
    pub wasm_offset: Option<u32>,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}")?,
            None => write!(f, "function {}", self.func_index)?,
        }
        match self.wasm_offset {
            Some(offset) => write!(f, " (wasm offset {offset:#x})"),
            None => Ok(()),
        }
    }
}
