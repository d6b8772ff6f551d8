//! Why a component cannot be opened, linked or called.
//!
//! **Invariant: a trap says what the specification's reference implementations say**, so that it can be
//! looked for.

use std::error::Error as StdError;
use wasmaot_abi::component::Violation;
use wasmaot_runtime::{CallError, ExportError, InstantiateError, LinkError, StartError};

/// An artifact that is no component's, or is not sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComponentError {
    /// It was compiled from a module.
    #[error("the artifact is a module's, not a component's")]
    Module,
    /// What it says of its component is not sound.
    #[error("the artifact's description of its component is malformed: expected {0}")]
    Malformed(&'static str),
}

/// A rule of the canonical ABI that a guest broke, or a limit that it reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trap {
    /// A rule that generated code checks, too.
    #[error("{}", .0.message())]
    Violation(Violation),
    /// A string or list of the guest's is not inside its memory.
    #[error("{0} pointer/length out of bounds of memory")]
    Bounds(&'static str),
    /// A string of the guest's is not in its encoding.
    #[error("invalid {encoding} string: {message}")]
    Encoding {
        /// Encoding that the string should have.
        encoding: &'static str,
        /// Description of the encoding error.
        message: String,
    },
    /// `realloc` returned a range that is not inside the memory.
    #[error("realloc return: beyond end of memory")]
    ReallocBounds,
    /// `realloc` returned a pointer that is not aligned as it was asked for.
    #[error("realloc return: result not aligned")]
    ReallocAlignment,
    /// There is no such handle.
    #[error("unknown handle index {0}")]
    UnknownHandle(u32),
    /// A handle is of another type.
    #[error(
        "handle index {0} used with the wrong type, expected guest-defined resource but found a different guest-defined resource"
    )]
    WrongHandle(u32),
    /// A handle was dropped or moved while it is lent.
    #[error("cannot remove owned resource while borrowed")]
    Lent,
    /// A borrowed handle was passed where an owning one is needed.
    #[error("cannot lift own resource from a borrow")]
    NotOwned(u32),
    /// A call returned with borrowed handles that it did not drop.
    #[error("borrow handles still remain at the end of the call")]
    BorrowsRemain,
    /// A value of the host's is not of the type that the component has.
    #[error("a value of type {expected} was expected")]
    Type {
        /// What was expected, in WIT.
        expected: String,
    },
    /// A handle of the host's was passed on or dropped before.
    #[error("the host's handle was passed on or dropped before")]
    StaleHandle,
    /// More than a limit allows.
    #[error("limit exceeded: {what}: at most {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// The guest called a function of the canonical ABI out of turn.
    #[error("a function of the canonical ABI was called out of turn")]
    OutOfTurn,
    /// A host function suspended its caller otherwise than by
    /// [`Context::suspend`](crate::Context::suspend) with a result of its own type.
    #[error("a host function suspended its caller with a result of another type than its own")]
    Suspension,
    /// The component called an import that the host does not define.
    #[error("`{0}` is not defined by the host")]
    Undefined(String),
}

impl Trap {
    pub(crate) const UNALIGNED: Self = Trap::Violation(Violation::Unaligned);
}

/// An import that nothing of the right type is defined for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The host defines nothing for the import.
    #[error("`{name}` is not defined: {wanted}")]
    Missing {
        /// Name of the import.
        name: String,
        /// What it asks for, in WIT.
        wanted: String,
    },
    /// What is defined has another type.
    #[error("`{name}` has another type: the component wants {wanted}; {problem}")]
    Mismatch {
        /// Name of the import.
        name: String,
        /// What it asks for, in WIT.
        wanted: String,
        /// Description of the mismatch.
        problem: String,
    },
}

struct List<'a>(&'a [ImportError]);

impl std::fmt::Display for List<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|import| write!(f, "\n  {import}"))
    }
}

/// Error of linking, instantiating or calling a component.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// All imports that lack a definition of the expected type.
    #[error("{} unresolved import{}:{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, List(.0))]
    Imports(Vec<ImportError>),
    /// There is no such export, or it is no function.
    #[error("the component exports no function `{0}`")]
    NoFunction(String),
    /// The function has another type.
    #[error("`{name}` has type {found}; {problem}")]
    Signature {
        /// Name of the function.
        name: String,
        /// Its type, in WIT.
        found: String,
        /// Description of the mismatch.
        problem: String,
    },
    /// The guest broke a rule.
    #[error("{0}")]
    Trap(Trap),
    /// The call of the core module ended otherwise than by returning.
    #[error(transparent)]
    Call(CallError),
    /// The instance cannot be made.
    #[error(transparent)]
    Instantiate(InstantiateError),
    /// The instance cannot be started.
    #[error(transparent)]
    Start(StartError),
    /// A definition is taken.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The artifact's core module is not as its description says.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// The trap in an error of the host's, as which the runtime passes it on.
fn trap_in<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Trap> {
    error.downcast_ref::<Trap>()
}

impl From<Trap> for Error {
    fn from(trap: Trap) -> Self {
        Error::Trap(trap)
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Host(host) => match trap_in(&*host) {
                Some(trap) => Error::Trap(trap.clone()),
                None => Error::Call(CallError::Host(host)),
            },
            // An exception never leaves a component.
            CallError::Exception(_) => Trap::Violation(Violation::UncaughtException).into(),
            other => Error::Call(other),
        }
    }
}

impl From<InstantiateError> for Error {
    fn from(error: InstantiateError) -> Self {
        match error {
            InstantiateError::Run(call) => call.into(),
            other => Error::Instantiate(other),
        }
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Instantiate(error) => error.into(),
            other => Error::Start(other),
        }
    }
}
