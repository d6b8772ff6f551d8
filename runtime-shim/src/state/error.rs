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

/// A range of guest memory that cannot be accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// It is not inside the memory.
    #[error("{length} byte(s) at {address:#x} are outside the memory of {size:#x} bytes")]
    OutOfBounds {
        /// Where the range starts.
        address: u64,
        /// Its bytes.
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
