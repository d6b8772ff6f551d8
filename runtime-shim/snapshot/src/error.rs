//! Why an instance cannot be frozen, or an initialisation fails.

use crate::host::Denied;
use std::fmt;
use wasmaot_runtime::{
    CallError, InstantiateError, LinkError, MemoryError, PoolError, StartError, StateError, Trap,
};
use wasmaot_wasi::WasiError;

/// Location of a value, by indices of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A global, by its index.
    Global(u32),
    /// An element of a table.
    Element {
        /// Index of the table.
        table: u32,
        /// Index of the element.
        index: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Global(index) => write!(f, "global {index}"),
            Place::Element { table, index } => write!(f, "element {index} of table {table}"),
        }
    }
}

/// An instance that cannot be frozen, or a frozen module that cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A call is running or suspended, whose native frames cannot be written down; or the instance is of
    /// another store.
    #[error("{0}: only an instance between two calls can be frozen")]
    State(#[from] StateError),
    /// A memory, table or global that is imported belongs to something else, too.
    #[error(
        "its {kind} {module:?} {name:?} is imported: only a state that is the module's own can be frozen"
    )]
    Imported {
        /// Memory, table or global.
        kind: &'static str,
        /// Module name of the import.
        module: String,
        /// Item name of the import.
        name: String,
    },
    /// A memory is shared, so other threads may be running.
    #[error(
        "memory {memory} is shared: threads cannot be frozen, so the module has to be built without them"
    )]
    Shared {
        /// Index of the memory.
        memory: u32,
    },
    /// A reference to something of the host's.
    #[error(
        "{place} holds an external reference, which only the host can resolve: set it to null before the end of the initialisation"
    )]
    Extern {
        /// Location of the reference.
        place: Place,
    },
    /// A reference to an exception.
    #[error(
        "{place} holds an exception, which cannot be written down: set it to null before the end of the initialisation"
    )]
    Exception {
        /// Location of the reference.
        place: Place,
    },
    /// A reference to a function of another instance.
    #[error(
        "{place} holds a function of another instance: only functions of the module itself can be written down"
    )]
    Foreign {
        /// Location of the reference.
        place: Place,
    },
    /// The bytes are not the module that the instance was made of.
    #[error("the instance was not made of this module: {what} differ")]
    OtherModule {
        /// Which parts of the modules differ.
        what: &'static str,
    },
    /// An export that is to be renamed does not exist.
    #[error("it exports no function {name:?} that could be renamed to {new:?}")]
    NoExport {
        /// Name of the missing export.
        name: String,
        /// The name that it was to get.
        new: String,
    },
    /// The module is malformed.
    #[error("malformed module: {0}")]
    Malformed(#[from] wasmparser::BinaryReaderError),
    /// A part of the module cannot be written.
    #[error("cannot rewrite the module: {0}")]
    Rewrite(String),
    /// A memory cannot be read.
    #[error("cannot read memory {memory}: {error}")]
    Memory {
        /// Index of the memory.
        memory: u32,
        /// Cause of the failed read.
        #[source]
        error: MemoryError,
    },
}

impl From<wasm_encoder::reencode::Error> for SnapshotError {
    fn from(error: wasm_encoder::reencode::Error) -> Self {
        SnapshotError::Rewrite(error.to_string())
    }
}

/// An initialisation that fails, or whose result cannot be frozen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreinitError {
    /// There is nothing to call.
    #[error("it exports no function that initialises it: neither `wizer.initialize` nor `wizer-initialize`")]
    NoInitialiser,
    /// It is a component.
    #[error("it is a component: only a core module can be initialised before it is compiled")]
    Component,
    /// There is no such export.
    #[error("it exports no function {name:?}")]
    NoFunction {
        /// Name of the missing export.
        name: String,
        /// The functions that it exports.
        functions: Vec<String>,
    },
    /// An initialiser takes parameters.
    #[error(
        "{name:?} initialises the module, but has the type {ty}: it must have neither parameters nor results"
    )]
    Type {
        /// Name of the initialiser.
        name: String,
        /// Type of the initialiser.
        ty: String,
    },
    /// It imports a memory that threads share.
    #[error(
        "it imports a shared memory: threads cannot be frozen, so the module has to be built without them"
    )]
    Threads,
    /// A call of the host was denied.
    #[error("{call} called {denied}{}", .trap.frames())]
    Denied {
        /// The export that was running.
        call: String,
        /// The call that was denied.
        denied: Denied,
        /// Trap that ended the call, with its backtrace.
        trap: Trap,
    },
    /// The initialisation ended with a trap.
    #[error("{call} trapped: {}{}", .trap.code, .trap.frames())]
    Trap {
        /// The export that was running.
        call: String,
        /// Trap code and backtrace.
        trap: Trap,
    },
    /// It ended the program.
    #[error("{call} ended the program with status {status} instead of returning")]
    Exit {
        /// The export that was running.
        call: String,
        /// Exit status of the program.
        status: i32,
    },
    /// The call ended in another way.
    #[error("{call} failed: {error}")]
    Call {
        /// The export that was running.
        call: String,
        /// Error that ended the call.
        #[source]
        error: Box<CallError>,
    },
    /// Descriptors are not as they were given.
    #[error(
        "descriptor {descriptor} was opened, closed or renumbered, and a new instance has only those that it is given: the initialisation has to close what it opens"
    )]
    Descriptor {
        /// Number of the changed descriptor.
        descriptor: u32,
    },
    /// Instantiating the module failed.
    #[error("cannot instantiate the module: {0}")]
    Instantiate(#[source] Box<InstantiateError>),
    /// The imports cannot be defined.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A directory could not be granted.
    #[error(transparent)]
    Grant(#[from] WasiError),
    /// The initialised instance cannot be frozen.
    #[error("the initialised instance cannot be frozen: {0}")]
    Snapshot(#[from] SnapshotError),
    /// There is no pool to find out which pages calls write.
    #[error("cannot record the pages that calls write: {0}")]
    Pool(#[from] PoolError),
}

impl From<InstantiateError> for PreinitError {
    fn from(error: InstantiateError) -> Self {
        PreinitError::Instantiate(Box::new(error))
    }
}

impl From<StartError> for PreinitError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Instantiate(error) => error.into(),
            StartError::Exhausted { slots } => {
                unreachable!("a pool of {slots} slots that runs one instance at a time has one left")
            }
        }
    }
}
