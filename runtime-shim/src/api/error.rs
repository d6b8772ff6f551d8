//! Errors of linking, instantiating, calling and accessing memory. (Those of opening a module are in
//! [`crate::code::module`].)
//!
//! **Invariant: every error says what failed and where**; none is dropped on the way to the embedder.

use crate::api::exception::Exception;
use crate::api::suspend::Suspend;
use crate::api::trap::Trap;
use crate::api::val::ValueError;
use crate::code::policy::PolicyError;
use crate::os::trace::event;
use crate::run::end::Failure;
use crate::run::instantiate::MakeError;
use crate::run::interrupt::error::InterruptError;
use crate::run::meter::{MeterError, NotMetered};
use crate::run::store::Changes;
use crate::run::store_id::StoreId;
use crate::state::demand::Exceeded;
use crate::state::error::{MemoryError, ResourceError, WrongStore};
use crate::state::limits::LimitKind;
use std::error::Error;
use std::fmt;
use std::io;
use wasmaot_abi::trap::TrapCode;
use wasmaot_abi::types::{FuncType, ValType};

/// An error of the embedder's own.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A definition that cannot be added to a linker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The name is taken.
    #[error("{module:?} {name:?} is defined twice; allow shadowing on the linker if that is meant")]
    Duplicate {
        /// Module name of the definition.
        module: String,
        /// Item name of the definition.
        name: String,
    },
    /// The instance is of another store.
    #[error("the instance: {0}")]
    WrongStore(#[from] WrongStore),
}

/// An import that nothing is defined for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedImport {
    /// Module name of the import.
    pub module: String,
    /// Item name of the import.
    pub name: String,
    /// What it asks for.
    pub wanted: String,
}

impl fmt::Display for UnresolvedImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}: {}", self.module, self.name, self.wanted)
    }
}

struct List<'a>(&'a [UnresolvedImport]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|import| write!(f, "\n  {import}"))
    }
}

/// An instance that cannot be made.
///
/// ```
/// use wasmaot_runtime::{InstantiateError, Linker, Module, Store, TrapCode};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (func unreachable) (start 0))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let error = Linker::new().instantiate(&mut Store::new(()), &module).expect_err("it traps");
/// assert_eq!(error.trap().map(|trap| trap.code), Some(TrapCode::Unreachable));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
pub enum InstantiateError {
    /// Nothing is defined for these imports: all of them.
    #[error("{} unresolved import{}:{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, List(.0))]
    Unresolved(Vec<UnresolvedImport>),
    /// A definition has another type than the import.
    #[error("incompatible import type of {module:?} {name:?}: expected {expected}, found {found}")]
    Incompatible {
        /// Module name of the import.
        module: String,
        /// Item name of the import.
        name: String,
        /// What the module asks for.
        expected: String,
        /// Type of the definition.
        found: String,
    },
    /// A definition belongs to another store.
    #[error("the definition of {module:?} {name:?} belongs to another store")]
    WrongStore {
        /// Module name of the import.
        module: String,
        /// Item name of the import.
        name: String,
    },
    /// The module asks for more than a limit allows; see [`ModuleLimits`](crate::ModuleLimits),
    /// [`ResourceLimits`](crate::ResourceLimits) and [`PoolConfig`](crate::PoolConfig).
    #[error("limit exceeded: `{limit}` is {value}, and the module asks for {asked}")]
    Limit {
        /// The limit that is exceeded.
        limit: LimitKind,
        /// Value of the limit.
        value: u64,
        /// What the module asks for.
        asked: u64,
    },
    /// A table or memory is larger than this runtime makes them.
    #[error("a {what} of {size} {unit} is larger than the {limit} {unit} that this runtime allows")]
    TooLarge {
        /// What is too large: `table` or `memory`.
        what: &'static str,
        /// What the size counts.
        unit: &'static str,
        /// Initial size that the module declares.
        size: u64,
        /// Largest size that this runtime supports.
        limit: u64,
    },
    /// A limit of operators for code that does not count them.
    #[error(transparent)]
    NotMetered(#[from] NotMetered),
    /// The code of the store's instances counts the operators that it executes and this module's does not, or
    /// the other way round.
    #[error("the module {} the instructions that it executes, the store's other instances {}; all of them are to be compiled with a meter, or none",
        if *metered { "counts" } else { "does not count" }, if *metered { "do not" } else { "do" })]
    MixedMetering {
        /// Whether this module's code counts.
        metered: bool,
    },
    /// The store's policy does not allow the module.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The initial value of a global or table that the host makes does not fit.
    #[error("the initial value does not fit: {0}")]
    Value(ValueError),
    /// The kernel refused an address range or a mapping.
    #[error("cannot map {what}: {error}")]
    Map {
        /// What was to be mapped.
        what: &'static str,
        /// Error that the kernel returned.
        #[source]
        error: io::Error,
    },
    /// A segment did not fit, or the start function failed.
    #[error("instantiation failed: {0}")]
    Run(#[from] CallError),
}

impl InstantiateError {
    /// Returns the trap, if the error is one.
    pub fn trap(&self) -> Option<&Trap> {
        match self {
            InstantiateError::Run(CallError::Trap(trap)) => Some(trap),
            _ => None,
        }
    }
}

/// A call that did not return.
///
/// ```
/// use wasmaot_runtime::{CallError, Caller, HostError, Linker, Module, Store, Val};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (import "host" "exit" (func (param i32))) (export "exit" (func 0)))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let mut linker = Linker::new();
/// linker.func_wrap("host", "exit", |_: &mut Caller<'_, ()>, status: i32| -> Result<(), HostError> {
///     Err(HostError::Exit(status))
/// })?;
/// let mut store = Store::new(());
/// let instance = linker.instantiate(&mut store, &module)?;
/// match instance.call(&mut store, "exit", &[Val::I32(3)]) {
///     Err(CallError::Exit(status)) => assert_eq!(status, 3),
///     // It never returns; it could trap, throw, or fail in a host function.
///     other => panic!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The call ended with a trap.
    #[error("{0}")]
    Trap(#[from] Trap),
    /// A host function ended the program with this status.
    #[error("the program exited with status {0}")]
    Exit(i32),
    /// It threw an exception that nothing caught.
    #[error("{0}")]
    Exception(Box<Exception>),
    /// A host function failed.
    #[error("{0}")]
    Host(#[source] BoxError),
    /// There is no such export, or it is no function.
    #[error(transparent)]
    Export(ExportError),
    /// The number of arguments is wrong.
    #[error("expected {expected} argument(s), found {found}")]
    ArgumentCount {
        /// Parameters of the function.
        expected: usize,
        /// Number of arguments that were passed.
        found: usize,
    },
    /// The room for results is wrong.
    #[error("expected room for {expected} result(s), found {found}")]
    ResultCount {
        /// Results of the function.
        expected: usize,
        /// Results that there is room for.
        found: usize,
    },
    /// An argument, or a host function's result, cannot be passed.
    #[error("value {position}: {error}")]
    Value {
        /// Its position, from 0.
        position: usize,
        /// What is wrong with it.
        #[source]
        error: ValueError,
    },
    /// The function has another type than was asked for.
    #[error("the function has type {found}, not {expected}")]
    Signature {
        /// What was asked for.
        expected: FuncType,
        /// Type of the function.
        found: FuncType,
    },
    /// The function, or what the call is to work on, is of another store.
    #[error("the function: {0}")]
    WrongStore(#[from] WrongStore),
    /// The store has a call that waits to be resumed.
    #[error("a call is suspended; resume or abandon it first")]
    Suspended,
    /// A host function suspended a call that cannot be: one that was not made to be resumed, or is inside a
    /// host function's own.
    #[error("a host function suspended a call that cannot be resumed")]
    CannotSuspend,
    /// A host function suspended a call made as a future, but not with a future.
    #[error("a host function suspended the call with a value that is not a future")]
    NotAsync,
    /// The suspended call is over.
    #[error("the call is not suspended any more")]
    NotSuspended,
    /// The kernel refused an alternate signal stack for this thread.
    #[error("cannot prepare the thread: {0}")]
    Thread(#[source] io::Error),
    /// The deadline or the handle of the run could not take effect, and it was not begun.
    #[error(transparent)]
    Interrupt(#[from] InterruptError),
}

/// How a host function ends its caller instead of returning.
///
/// ```
/// use wasmaot_runtime::{Caller, HostError, TrapCode};
///
/// fn open(caller: &mut Caller<'_, Vec<String>>, number: u32) -> Result<u32, HostError> {
///     // The guest traps.
///     let name = caller.data().get(number as usize).ok_or(HostError::Trap(TrapCode::Unreachable))?;
///     // The call fails with the host's own error.
///     let size = std::fs::metadata(name).map_err(HostError::other)?.len();
///     u32::try_from(size).map_err(HostError::other)
/// }
/// ```
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// End the program with this status.
    #[error("exit with status {0}")]
    Exit(i32),
    /// End the call with a trap.
    #[error("trap: {0}")]
    Trap(TrapCode),
    /// Throw an exception, which the caller may catch.
    #[error("{0}")]
    Exception(Box<Exception>),
    /// Leave the caller as it is until it is resumed.
    #[error("suspended")]
    Suspend(Suspend),
    /// Fail with an error of the embedder's own.
    #[error("{0}")]
    Other(#[source] BoxError),
}

impl HostError {
    /// Fails with an error of the embedder's own.
    pub fn other(error: impl Into<BoxError>) -> Self {
        HostError::Other(error.into())
    }
}

impl From<Exceeded> for InstantiateError {
    fn from(Exceeded { limit, value, asked }: Exceeded) -> Self {
        event!(WARN, limit = %limit, value, asked, "limit hit");
        InstantiateError::Limit { limit, value, asked }
    }
}

impl From<ResourceError> for InstantiateError {
    fn from(error: ResourceError) -> Self {
        match error {
            ResourceError::Exceeded(exceeded) => exceeded.into(),
            ResourceError::TooLarge { what, unit, size, limit } => {
                InstantiateError::TooLarge { what, unit, size, limit }
            }
            ResourceError::Map { what, error } => InstantiateError::Map { what, error },
        }
    }
}

/// For a host that makes what an instance is to import.
impl From<CreateError> for InstantiateError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::TooLarge { what, unit, size, limit } => {
                InstantiateError::TooLarge { what, unit, size, limit }
            }
            CreateError::Map { what, error } => InstantiateError::Map { what, error },
            CreateError::Value(error) => InstantiateError::Value(error),
        }
    }
}

impl From<MakeError> for InstantiateError {
    fn from(error: MakeError) -> Self {
        match error {
            MakeError::Resource(error) => error.into(),
            MakeError::Meter(MeterError::NotMetered) => NotMetered.into(),
            MakeError::Meter(MeterError::Mixed { metered }) => InstantiateError::MixedMetering { metered },
            MakeError::Policy(error) => error.into(),
        }
    }
}

/// A wrong store is one whatever was looked for in it.
impl From<ExportError> for CallError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::WrongStore(error) => CallError::WrongStore(error),
            error => CallError::Export(error),
        }
    }
}

impl CallError {
    /// How a run in this store failed.
    #[cold]
    pub(crate) fn of(failure: Failure, core: &mut Changes<'_>) -> Self {
        tell(&failure, core.id());
        match failure {
            Failure::Trapped(code, frames) => CallError::Trap(Trap::with_frames(code, frames)),
            Failure::Exit(status) => CallError::Exit(status),
            Failure::Thrown(thrown) => CallError::Exception(Box::new(Exception::of(thrown, core))),
            // The error of a nested call goes on as it is.
            Failure::Error(error) => error.downcast().map_or_else(CallError::Host, |error| *error),
            Failure::CannotSuspend => CallError::CannotSuspend,
            Failure::WrongStore => WrongStore::Other.into(),
            Failure::Suspended => CallError::Suspended,
            Failure::Thread(error) => CallError::Thread(error),
            Failure::Interrupt(error) => CallError::Interrupt(error),
        }
    }
}

/// Tells how a run ended that did not return.
#[cfg(feature = "tracing")]
fn tell(failure: &Failure, store: StoreId) {
    let store = store.number();
    match failure {
        Failure::Trapped(code, frames) => {
            let function = frames.named.first().map(tracing::field::display);
            if is_limit(*code) {
                event!(WARN, store, limit = %code, function, "limit hit");
            } else {
                event!(DEBUG, store, code = %code, function, "trap");
            }
        }
        Failure::Exit(status) => event!(DEBUG, store, status, "exit"),
        Failure::Thrown(_) => event!(DEBUG, store, "exception that nothing caught"),
        Failure::Error(error) => event!(DEBUG, store, error = %error, "host function failed"),
        Failure::Thread(error) => event!(ERROR, store, error = %error, "thread not prepared"),
        Failure::Interrupt(error) => event!(ERROR, store, error = %error, "run cannot be stopped"),
        Failure::CannotSuspend | Failure::WrongStore | Failure::Suspended => {}
    }
}

/// Whether a run ended by a limit of the embedder's.
#[cfg(feature = "tracing")]
fn is_limit(code: TrapCode) -> bool {
    use TrapCode::*;
    matches!(code, MemoryLimit | TableLimit | ExceptionLimit | OutOfFuel | DeadlineExceeded | CpuTimeExceeded)
}

#[cfg(not(feature = "tracing"))]
fn tell(_: &Failure, _: StoreId) {}

/// The failure of a nested call goes on to the outer caller as it is.
impl From<CallError> for HostError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Exit(status) => HostError::Exit(status),
            CallError::Exception(exception) => HostError::Exception(exception),
            CallError::Host(error) => HostError::Other(error),
            error => HostError::Other(Box::new(error)),
        }
    }
}

/// What a guest's own access would have trapped with, and an error where no guest could have made it.
impl From<MemoryError> for HostError {
    fn from(error: MemoryError) -> Self {
        error.trap_code().map_or_else(|| HostError::other(error), HostError::Trap)
    }
}

/// Errors that a host function can return with `?`.
macro_rules! fails_with {
    ($($error:ident)*) => {$(
        impl From<$error> for HostError {
            fn from(error: $error) -> Self {
                HostError::other(error)
            }
        }
    )*};
}

fails_with! { ExportError TableError GlobalError WrongStore }

/// An export that is not there, or not as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// There is none of this name.
    #[error("no export is called {name:?}")]
    NotFound {
        /// Name that was looked up.
        name: String,
    },
    /// It is something else.
    #[error("the export {name:?} is not a {expected}")]
    Kind {
        /// Name of the export.
        name: String,
        /// What was asked for.
        expected: &'static str,
    },
    /// It is a function of another type.
    #[error("the function {name:?} has type {found}, not {expected}")]
    Type {
        /// Name of the function.
        name: String,
        /// What was asked for.
        expected: FuncType,
        /// Type of the function.
        found: FuncType,
    },
    /// The instance is of another store.
    #[error("the instance: {0}")]
    WrongStore(#[from] WrongStore),
}

/// A table that cannot be accessed as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It is of another store.
    #[error("the table: {0}")]
    WrongStore(#[from] WrongStore),
    /// The value cannot be an element.
    #[error("{0}")]
    Value(#[from] ValueError),
    /// The element is outside the table.
    #[error("element {index} is outside the table of {length}")]
    OutOfBounds {
        /// Index of the element.
        index: u64,
        /// Elements of the table.
        length: u64,
    },
    /// It cannot grow: its type, a limit, or the kernel does not allow it.
    #[error("the table cannot grow by {elements} element(s)")]
    Grow {
        /// The elements that were to be added.
        elements: u64,
    },
}

/// A global that cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GlobalError {
    /// It is of another store.
    #[error("the global: {0}")]
    WrongStore(#[from] WrongStore),
    /// The value does not fit.
    #[error("{0}")]
    Value(#[from] ValueError),
    /// It cannot be set at all.
    #[error("the global of type {0} is immutable")]
    Immutable(ValType),
}

/// A memory, table or global that the host cannot make.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// It is larger than this runtime makes them.
    #[error("a {what} of {size} {unit} is larger than the {limit} {unit} that this runtime allows")]
    TooLarge {
        /// What is too large: `table` or `memory`.
        what: &'static str,
        /// What the size counts.
        unit: &'static str,
        /// Initial size that was requested.
        size: u64,
        /// Largest size that this runtime supports.
        limit: u64,
    },
    /// The initial value does not fit.
    #[error("the initial value does not fit: {0}")]
    Value(#[from] ValueError),
    /// The kernel refused an address range or a mapping, or there are no pages of this size.
    #[error("cannot map {what}: {error}")]
    Map {
        /// What was to be mapped.
        what: &'static str,
        /// Error that the kernel returned.
        #[source]
        error: io::Error,
    },
}

impl From<ResourceError> for CreateError {
    fn from(error: ResourceError) -> Self {
        match error {
            ResourceError::Exceeded(Exceeded { limit, value, asked }) => {
                CreateError::TooLarge { what: limit.name(), unit: "units", size: asked, limit: value }
            }
            ResourceError::TooLarge { what, unit, size, limit } => {
                CreateError::TooLarge { what, unit, size, limit }
            }
            ResourceError::Map { what, error } => CreateError::Map { what, error },
        }
    }
}
