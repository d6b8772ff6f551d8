//! Values of `--emit`: what `compile` writes.

use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// Values of `--emit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Emit {
    /// The artifact, a shared object
    So,
    /// A relocatable object: code without the module's tables
    Obj,
    /// Cranelift's intermediate representation, before optimisation
    Clif,
    /// Machine code as an assembly listing
    Asm,
    /// The core module that would be compiled: after `--preinit`, or flattened from a component
    Wasm,
    /// A static executable without dependencies
    Exe,
}

impl Emit {
    /// Returns the extension of the output's name.
    fn extension(self) -> &'static str {
        match self {
            Emit::So => "so",
            Emit::Obj => "o",
            Emit::Clif => "clif",
            Emit::Asm => "s",
            Emit::Wasm => "core.wasm",
            Emit::Exe => "",
        }
    }

    /// Returns whether the output is an artifact, or has one in it.
    pub(super) fn is_loadable(self) -> bool {
        matches!(self, Emit::So | Emit::Exe)
    }

    /// Returns what the compiler has to produce.
    pub(super) fn for_compiler(self) -> wasmaot_compiler::Emit {
        match self {
            Emit::So | Emit::Exe => wasmaot_compiler::Emit::SharedObject,
            Emit::Obj => wasmaot_compiler::Emit::Object,
            Emit::Clif => wasmaot_compiler::Emit::Clif,
            Emit::Asm => wasmaot_compiler::Emit::Asm,
            Emit::Wasm => wasmaot_compiler::Emit::Wasm,
        }
    }

    /// Returns the name of a module with the extension of the output.
    pub(super) fn name_for(self, input: &Path) -> PathBuf {
        input.with_extension(self.extension())
    }
}
