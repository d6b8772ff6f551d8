//! Why a module does not compile. Offsets count from the start of the Wasm file.

use std::time::Duration;

/// A module that does not compile.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The module is malformed or does not validate.
    #[error("invalid WebAssembly at offset {offset:#x}: {message}")]
    Invalid {
        /// Offset in the Wasm file.
        offset: usize,
        /// Message of the Wasm validator.
        message: String,
    },

    /// The component is valid but needs what this version does not support.
    #[error("unsupported component: {message}")]
    Component {
        /// What the component needs.
        message: String,
    },

    /// The module is valid but uses something that this version does not translate.
    #[error(
        "unsupported WebAssembly feature at offset {offset:#x}: {feature} ({message}); no option of wasmaot {} takes \
         it: {help}",
        env!("CARGO_PKG_VERSION")
    )]
    Unsupported {
        /// Name of the proposal.
        feature: &'static str,
        /// Offset in the Wasm file of its first use.
        offset: usize,
        /// Message of the Wasm validator.
        message: String,
        /// What to do about it.
        help: &'static str,
    },

    /// The module uses a feature that the options exclude.
    #[error(
        "disabled WebAssembly feature at offset {offset:#x}: {feature} ({message}); compile with {feature} enabled, or {help}"
    )]
    Disabled {
        /// Name of the proposal.
        feature: &'static str,
        /// Offset in the Wasm file of its first use.
        offset: usize,
        /// Message of the Wasm validator.
        message: String,
        /// What to do about it.
        help: &'static str,
    },

    /// The module is valid but exceeds a limit of the implementation.
    #[error("limit exceeded: {what}: {actual}, at most {limit}")]
    Limit {
        /// What there is too much of, with its unit.
        what: &'static str,
        /// How much there is, or the least that would be too much where counting stopped there.
        actual: u64,
        /// How much there may be.
        limit: u64,
    },

    /// A function is larger than the options allow.
    #[error(
        "limit exceeded: values, operands and branch targets of the intermediate code of {function}: {actual}, at most {limit}"
    )]
    FunctionSize {
        /// Name or index of the function.
        function: String,
        /// How much there is, or the least that would be too much where counting stopped there.
        actual: u64,
        /// How much there may be.
        limit: u64,
    },

    /// The compilation takes more memory than the options allow.
    #[error("limit exceeded: bytes of memory for the compilation: {actual}, at most {limit}")]
    Memory {
        /// How many it takes, or the least that would be too many where counting stopped there.
        actual: u64,
        /// How many it may take.
        limit: u64,
    },

    /// The compilation takes longer than the options allow.
    #[error("limit exceeded: the compilation takes longer than {}", time(limit))]
    Timeout {
        /// The time that it may take.
        limit: Duration,
    },

    /// The code generator refused a function.
    #[error("cannot generate code for {function}: {message}")]
    Codegen {
        /// Name or index of the function.
        function: String,
        /// The code generator's message.
        message: String,
    },

    /// This machine cannot be compiled for.
    #[error("cannot target this CPU: {0}")]
    Target(String),

    /// The worker threads could not be started.
    #[error("cannot start worker threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),

    /// Writing the object file failed.
    #[error("cannot write the object: {0}")]
    Object(String),

    /// The artifact could not be made.
    #[error("cannot make the artifact: {0}")]
    Emit(#[from] EmitError),
}

impl CompileError {
    /// Returns the offset in the Wasm file that the error is about.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        match self {
            Self::Invalid { offset, .. }
            | Self::Unsupported { offset, .. }
            | Self::Disabled { offset, .. } => Some(*offset),
            _ => None,
        }
    }
}

/// A time as a person writes it. `Debug` does too, but for none at all.
fn time(limit: &Duration) -> String {
    if limit.is_zero() { "0s".into() } else { format!("{limit:?}") }
}

/// Why no artifact can be made.
///
/// Apart from [`EmitError::TooLarge`] each is a defect of code generation, not of the Wasm module.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// Artifacts import nothing: each helper must be compiled into them.
    #[error("undefined symbol {symbol}, which {site} refers to; an artifact can import nothing")]
    Undefined {
        /// Name of the undefined symbol.
        symbol: String,
        /// The place that refers to it.
        site: String,
    },
    /// A reference that is neither `X86PCRel4` nor `X86CallPCRel4`. Cranelift writes these for
    /// colocated symbols, unless `is_pic` is set: then it loads addresses from a global offset
    /// table, which artifacts do not have.
    #[error("unexpected relocation {kind} at {site}; an artifact can only have X86PCRel4 and X86CallPCRel4")]
    Relocation {
        /// Name of the relocation type.
        kind: String,
        /// The place that it applies to.
        site: String,
    },
    /// A reference that is not inside its function.
    #[error("relocation at {site}, beyond the end of the function")]
    OutsideFunction {
        /// The place that it applies to.
        site: String,
    },
    /// A distance that does not fit 32 bits.
    #[error("symbol {symbol} is out of reach of {site}")]
    OutOfRange {
        /// Name of the target symbol.
        symbol: String,
        /// The place that refers to it.
        site: String,
    },
    /// More than an artifact can hold.
    #[error("{what} would take {bytes} bytes; the module is too large for an artifact, split it")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Size in bytes that would be needed.
        bytes: u64,
    },
    /// Unwind information could not be encoded.
    #[error("unwind information cannot be encoded: {0}")]
    Unwind(#[from] gimli::write::Error),
}

impl From<wasmparser::BinaryReaderError> for CompileError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        CompileError::Invalid { offset: error.offset(), message: error.message().to_string() }
    }
}
