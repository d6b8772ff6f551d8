//! Why a memory or a table cannot be made, or accessed.
//!
//! **Invariant: an error says what failed and where.**

use crate::state::demand::Exceeded;
use std::io;
use wasmaot_abi::trap::TrapCode;

/// A part of an instance that cannot be made.
#[derive(Debug)]
pub(crate) enum ResourceError {
    /// A limit of the embedder's.
    Exceeded(Exceeded),
    /// A table or memory is larger than this runtime makes them.
    TooLarge {
        /// Table or memory.
        what: &'static str,
        /// What the size counts.
        unit: &'static str,
        /// The initial size.
        size: u64,
        /// The largest size.
        limit: u64,
    },
    /// The kernel refused an address range or a mapping.
    Map {
        /// What was to be mapped.
        what: &'static str,
        /// The kernel's reason.
        error: io::Error,
    },
}

impl From<Exceeded> for ResourceError {
    fn from(exceeded: Exceeded) -> Self {
        ResourceError::Exceeded(exceeded)
    }
}

/// A handle or a value that is of no use in the store that it was passed with, see [the
/// rule](crate#one-store).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongStore {
    /// It belongs to another store, or is a function of a module that this store has no instance of.
    #[error("it belongs to another store")]
    Other,
    /// It is a function of a module that the store has several instances of; see `Func::in_instance`.
    #[error("the store has several instances of the function's module")]
    Ambiguous,
}

/// A memory that cannot be accessed as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// It is another store's.
    #[error("the memory: {0}")]
    WrongStore(#[from] WrongStore),
    /// It cannot grow: its type, a limit, or the kernel does not allow it.
    #[error("the memory cannot grow by {pages} page(s)")]
    Grow {
        /// The pages that were to be added.
        pages: u64,
    },
    /// It is not inside the memory.
    #[error("{length} byte(s) at {address:#x} are outside the memory of {size:#x} bytes")]
    OutOfBounds {
        /// Where the range starts.
        address: u64,
        /// Length of the range in bytes.
        length: u64,
        /// Bytes of the memory, 0 if there is none.
        size: u64,
    },
    /// The artifact's file was truncated while its image was mapped.
    #[error("{}", TrapCode::ArtifactChanged)]
    ArtifactChanged,
    /// The kernel refused to make a page of the range writable. Part of the range may have been
    /// written.
    #[error("{}", TrapCode::OutOfMemory)]
    OutOfMemory,
}

impl MemoryError {
    /// Returns what a guest traps with whose access fails in this way; `None` for errors that no guest can
    /// make.
    pub fn trap_code(&self) -> Option<TrapCode> {
        match self {
            MemoryError::OutOfBounds { .. } => Some(TrapCode::MemoryOutOfBounds),
            MemoryError::ArtifactChanged => Some(TrapCode::ArtifactChanged),
            MemoryError::OutOfMemory => Some(TrapCode::OutOfMemory),
            MemoryError::WrongStore(_) | MemoryError::Grow { .. } => None,
        }
    }
}
